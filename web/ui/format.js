// How things are written for people.

const two = (n) => String(n).padStart(2, '0');

/** clock writes milliseconds as 1:02 or 1:02:03. */
export function clock(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor(s / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`;
}

// A list has room for the time of today's calls and the day of others.
const sameDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const otherDay = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function when(iso) {
  const t = new Date(iso);
  return (t.toDateString() === new Date().toDateString() ? sameDay : otherDay).format(t);
}

export const fullTime = (iso) => full.format(new Date(iso));

export function lengthOf(call) {
  return clock((call.ended_at ? new Date(call.ended_at) : new Date()) - new Date(call.started_at));
}

const roles = { agent: 'Agent', customer: 'Customer' };
const states = { live: 'Live', wrapping: 'Wrapping up', settled: 'Ended', interrupted: 'Interrupted' };

export const roleName = (role) => roles[role] ?? 'Speaker';
export const stateName = (state) => states[state] ?? state;

/** nameOf names a participant: by name, else the user part of its address, else its role. */
export function nameOf(p) {
  if (p.name) return p.name;
  const user = /^(?:sips?:|tel:)?([^@;>]+)/i.exec(p.aor ?? '');
  return user ? user[1] : roleName(p.role);
}

export function speaker(call, utterance) {
  const p = call.participants.find((p) => p.id === utterance.participant_id);
  return p ? nameOf(p) : roleName(utterance.role);
}

/** title is who the call is with: the customer first. */
export function title(call) {
  const customers = call.participants.filter((p) => p.role === 'customer');
  const named = customers.length ? customers : call.participants;
  return named.map(nameOf).join(', ') || 'Unknown caller';
}

export function agents(call) {
  return call.participants.filter((p) => p.role === 'agent').map(nameOf).join(', ');
}

export function callLink(id, ms) {
  return `#/calls/${encodeURIComponent(id)}${ms == null ? '' : `?t=${(Math.max(0, ms) / 1000).toFixed(1)}`}`;
}

export const capital = (s) => s.charAt(0).toUpperCase() + s.slice(1);
