import { SvelteMap } from 'svelte/reactivity';
import { callPath, get, words } from './api';
import { Live } from './live';
import { linked } from './page.svelte';
import { wholeCall, wholeSummary } from './whole';
import type { Call, Event, Page, Suggestion, Summary, Utterance } from './types';

/** Last is what was said last in a call, and when in milliseconds since 1970. */
export interface Last {
  utterance: Utterance;
  at: number;
}

const drawEvery = 250; // in milliseconds; hundreds of calls make hundreds of partials a second
const caughtUp = 50; // so many calls are asked at first for what was said before

/** Board is every live call as it stands, and the past ones, newest first. */
export class Board {
  calls = new SvelteMap<string, Call>();
  last = new SvelteMap<string, Last>();
  alerts = new SvelteMap<string, Suggestion[]>();
  problem = $state('');
  next = $state('');
  ready = $state(false);

  #live: Live;
  #heard = new Map<string, Last>();
  #timer: ReturnType<typeof setInterval>;

  constructor() {
    this.#live = new Live('events', (e) => this.#on(e), linked);
    this.#timer = setInterval(() => this.#draw(), drawEvery);
    void this.older();
  }

  close() {
    this.#live.close();
    clearInterval(this.#timer);
  }

  /** older reads the next page of past calls. */
  async older() {
    try {
      const page = await get<Page<Call>>('calls', { state: 'ended', limit: 30, cursor: this.next });
      for (const c of page.items) if (!this.calls.has(c.id)) this.calls.set(c.id, wholeCall(c));
      this.next = page.next;
      this.problem = '';
    } catch (cause) {
      this.problem = words(cause);
    }
  }

  #on(e: Event) {
    switch (e.type) {
      case 'snapshot':
        return this.#snapshot((e.data as { calls: Call[] }).calls);
      case 'call.started':
      case 'call.updated':
      case 'call.ended':
      case 'call.settled':
      case 'recording.ready':
        return this.#take(e.data as Call);
      case 'summary.created':
        return this.#summary(e.call_id, e.data as Summary);
      case 'suggestion.created':
        return this.#suggestion(e.data as Suggestion);
      case 'utterance.partial':
      case 'utterance.final':
        return this.#said(e.data as Utterance);
    }
  }

  #snapshot(calls: Call[]) {
    for (const [id, c] of this.calls) if (c.state === 'live') this.calls.delete(id);
    for (const c of calls) this.calls.set(c.id, wholeCall(c));
    this.ready = true;
    void this.#catchUp(calls.slice(0, caughtUp));
  }

  async #catchUp(calls: Call[]) {
    for (const c of calls) {
      const [said, suggested] = await Promise.all([
        get<Page<Utterance>>(callPath(c.id, '/transcript')), get<Page<Suggestion>>(callPath(c.id, '/suggestions')),
      ]).catch(() => [undefined, undefined]); // the call may be gone; what is said next comes as an event
      const u = said?.items.at(-1);
      if (u) this.#said(u);
      suggested?.items.forEach((s) => this.#suggestion(s));
    }
  }

  #take(call: Call) {
    this.calls.set(call.id, { ...wholeCall(call), summary: call.summary ?? this.calls.get(call.id)?.summary ?? null });
  }

  #summary(id: string, summary: Summary) {
    const c = this.calls.get(id);
    if (c) this.calls.set(id, { ...c, summary: wholeSummary(summary) });
  }

  #suggestion(s: Suggestion) {
    if (s.kind !== 'alert') return;
    const have = this.alerts.get(s.call_id) ?? [];
    this.alerts.set(s.call_id, [...have.filter((h) => h.id !== s.id), s]);
  }

  #said(u: Utterance) {
    const call = this.calls.get(u.call_id);
    if (!call || !u.text) return;
    const at = Date.parse(call.started_at) + u.end_ms;
    const have = this.#heard.get(u.call_id) ?? this.last.get(u.call_id);
    if (!have || have.at <= at || have.utterance.id === u.id) this.#heard.set(u.call_id, { utterance: u, at });
  }

  #draw() {
    for (const [id, last] of this.#heard) this.last.set(id, last);
    this.#heard.clear();
  }
}
