import { Live } from './live';
import { linked, page } from './page.svelte';
import { wholeCall } from './whole';
import type { Call, Event } from './types';

/** MyCalls are the live calls of one agent of the directory, the newest last. */
export class MyCalls {
  live = $state.raw<Call[]>([]);
  shown = $state(''); // ID of the call on the screen
  ready = $state(false);
  readonly others = $derived(this.live.filter((c) => c.id !== this.shown));

  #live: Live;

  constructor(private readonly agent: string) {
    this.#live = new Live('events?partials=false', (e) => this.#on(e), linked);
  }

  close() {
    this.#live.close();
  }

  /** follow goes to the agent's live call, unless there is one on the screen or something is being written. */
  follow() {
    const stays = page.editing || this.live.some((c) => c.id === this.shown);
    if (!stays && this.live.length) this.shown = this.live.at(-1)!.id;
  }

  #on(e: Event) {
    switch (e.type) {
      case 'snapshot':
        this.live = (e.data as { calls: Call[] }).calls.map(wholeCall).filter((c) => this.#mine(c)).sort((a, b) => Date.parse(a.started_at) - Date.parse(b.started_at));
        this.ready = true;
        return;
      case 'call.started':
      case 'call.updated':
      case 'call.ended':
      case 'call.settled':
        return this.#take(wholeCall(e.data as Call));
    }
  }

  #take(call: Call) {
    const have = this.live.findIndex((c) => c.id === call.id);
    if (!this.#mine(call)) this.live = this.live.filter((c) => c.id !== call.id);
    else if (have < 0) this.live = [...this.live, call];
    else this.live = this.live.with(have, call);
  }

  // A call that was handed over is no longer the agent's.
  #mine(c: Call) {
    return c.state === 'live' && c.participants.some((p) => p.agent_id === this.agent && !p.left_at);
  }
}
