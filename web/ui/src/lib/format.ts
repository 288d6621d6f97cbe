// How things are written for people.

import type { Call, Participant, Role, Utterance } from './types';

const two = (n: number) => String(n).padStart(2, '0');

/** clock writes milliseconds as 1:02 or 1:02:03. */
export function clock(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

// A list has room for the time of today's calls and the day of others.
const sameDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const otherDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function when(iso: string): string {
  const t = new Date(iso);
  return (t.toDateString() === new Date().toDateString() ? sameDay : otherDay).format(t);
}

export const fullTime = (iso: string) => full.format(new Date(iso));

/** lengthOf is how long a call took in milliseconds, up to now if it goes on. */
export function lengthOf(call: Call, now = Date.now()): number {
  return (call.ended_at ? Date.parse(call.ended_at) : now) - Date.parse(call.started_at);
}

const roles: Record<string, string> = { agent: 'Agent', customer: 'Customer' };
const states: Record<string, string> = { live: 'Live', wrapping: 'Wrapping up', settled: 'Ended', interrupted: 'Interrupted' };

export const roleName = (role: Role) => roles[role] ?? 'Speaker';
export const stateName = (state: string) => states[state] ?? state;
export const capital = (s: string) => s.charAt(0).toUpperCase() + s.slice(1);

/** nameOf names a participant: by name, else the user part of its address, else its role. */
export function nameOf(p: Participant): string {
  if (p.name) return p.name;
  return /^(?:sips?:|tel:)?([^@;>]+)/i.exec(p.aor ?? '')?.[1] ?? roleName(p.role);
}

export function speaker(call: Call, u: Utterance): string {
  const p = call.participants.find((p) => p.id === u.participant_id);
  return p ? nameOf(p) : roleName(u.role);
}

/** title is who the call is with: the customer first. */
export function title(call: Call): string {
  const customers = call.participants.filter((p) => p.role === 'customer');
  return (customers.length ? customers : call.participants).map(nameOf).join(', ') || 'Unknown caller';
}

export function agents(call: Call): string {
  return call.participants.filter((p) => p.role === 'agent').map(nameOf).join(', ');
}

export function callLink(id: string, ms?: number): string {
  return `#/calls/${encodeURIComponent(id)}${ms == null ? '' : `?t=${(Math.max(0, ms) / 1000).toFixed(1)}`}`;
}
