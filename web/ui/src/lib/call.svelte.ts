import { SvelteMap } from 'svelte/reactivity';
import { callPath, get, words } from './api';
import { speaker } from './format';
import { Live } from './live';
import { announce, linked } from './page.svelte';
import { wholeCall, wholeSummary } from './whole';
import type { Call, Delivery, Event, Feedback, Mark, Match, Suggestion, Summary, Utterance } from './types';

const countersEvery = 5_000; // the counters of the streams change without events

interface Snapshot {
  call: Call;
  utterances: Utterance[];
  suggestions: Suggestion[];
  notes: Delivery[];
}

/** OneCall is a call with all that is known of it, kept up to date while it goes on. */
export class OneCall {
  call = $state<Call>();
  problem = $state('');
  suggestions = new SvelteMap<string, Suggestion>();
  notes = new SvelteMap<string, Delivery>();
  partials = new SvelteMap<string, Utterance>(); // by stream
  turns = $state.raw<Utterance[]>([]); // the finals, by their start

  #live: Live | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  constructor(readonly id: string) {
    void this.#start();
  }

  close() {
    this.#closed = true;
    this.#live?.close();
    clearInterval(this.#timer);
  }

  async #start() {
    try {
      await get(callPath(this.id)); // a stream of events can't say why it was refused
    } catch (cause) {
      this.problem = words(cause);
      return;
    }
    if (this.#closed) return;
    this.#listen();
    this.#timer = setInterval(() => this.#counters(), countersEvery);
  }

  #listen() {
    this.#live?.close();
    this.#live = new Live(callPath(this.id, '/events'), (e) => this.#on(e), linked);
  }

  #on(e: Event) {
    if (e.type === 'snapshot') return this.#snapshot(e.data as Snapshot);
    if (!this.call) return;
    switch (e.type) {
      case 'utterance.final':
        return this.#final(e.data as Utterance);
      case 'utterance.partial':
        return this.#partial(e.data as Utterance);
      case 'suggestion.created':
        return this.#suggest(e.data as Suggestion);
      case 'note.updated':
        return this.#note(e.data as Delivery);
      case 'call.marked':
        return this.#mark(e.data as Mark);
      case 'call.matched':
        return this.#match(e.data as Match);
      case 'suggestion.rated':
        return this.#rated(e.data as Feedback);
      case 'summary.created':
        this.call = { ...this.call, summary: wholeSummary(e.data as Summary) };
        return;
      case 'transcript.completed':
        this.call = { ...this.call, transcript_complete: true };
        return;
      case 'call.started':
      case 'call.updated':
      case 'call.ended':
      case 'call.settled':
      case 'recording.ready':
        return this.#take(e.data as Call);
    }
  }

  #snapshot(data: Snapshot) {
    this.call = wholeCall(data.call);
    this.turns = data.utterances;
    this.partials.clear();
    this.suggestions.clear();
    this.notes.clear();
    data.suggestions.forEach((s) => this.#suggest(s));
    data.notes.forEach((d) => this.#note(d));
  }

  #take(call: Call) {
    const had = this.call!;
    if ((call.transcript_revision ?? 0) !== (had.transcript_revision ?? 0)) return this.#listen(); // all of it is new
    this.call = {
      ...wholeCall(call), matches: call.matches ?? had.matches,
      summary: call.summary ? wholeSummary(call.summary) : had.summary,
    };
    if (call.state !== 'live') this.partials.clear();
  }

  #final(u: Utterance) {
    const have = this.turns.find((t) => t.id === u.id);
    if (have && have.revision >= u.revision) return;
    this.turns = [...this.turns.filter((t) => t.id !== u.id), u].sort((a, b) => a.start_ms - b.start_ms);
    if (this.partials.get(u.stream_id)?.id === u.id) this.partials.delete(u.stream_id);
    if (this.call!.state === 'live') announce(`${speaker(this.call!, u)}: ${u.text}`);
  }

  #partial(u: Utterance) {
    if (this.call!.state !== 'live' || this.turns.some((t) => t.id === u.id)) return;
    this.partials.set(u.stream_id, u);
  }

  #suggest(s: Suggestion) {
    if (s.kind !== 'tag') this.suggestions.set(s.id, s);
  }

  #match(m: Match) {
    const others = (this.call!.matches ?? []).filter((have) => have.connector !== m.connector);
    this.call = { ...this.call!, matches: [...others, m] };
    if (m.contact && this.call.state === 'live') announce(`The caller is ${m.contact.name || m.contact.id}`);
  }

  #rated(f: Feedback) {
    const s = this.suggestions.get(f.suggestion_id);
    if (s) this.suggestions.set(s.id, { ...s, feedback: f });
  }

  #note(d: Delivery) {
    this.notes.set(`${d.note_id}.${d.revision}`, d);
  }

  #mark(m: Mark) {
    const others = this.call!.marks.filter((have) => have.id !== m.id);
    this.call = { ...this.call!, marks: [...others, m].sort((a, b) => a.at_ms - b.at_ms) };
  }

  async #counters() {
    if (this.call?.state !== 'live' || document.hidden) return;
    const fresh = await get<Call>(callPath(this.id)).catch(() => undefined);
    if (fresh && this.call.state === 'live') this.call = { ...this.call, streams: wholeCall(fresh).streams };
  }
}
