import { url } from './api';
import type { Event } from './types';

const types = [
  'snapshot', 'call.started', 'call.updated', 'call.ended', 'call.settled', 'call.marked', 'call.matched', 'recording.ready',
  'utterance.partial', 'utterance.final', 'transcript.completed',
  'suggestion.created', 'suggestion.rated', 'summary.created', 'handover.created', 'note.updated',
];

const hiddenFor = 15_000; // a hidden tab gives its connection back after so long
const retryAfter = 3_000;

export type LinkState = 'live' | 'lost';

/**
 * Live reads a stream of events and goes on after the last one it saw: after
 * an error, and when its tab is looked at again.
 */
export class Live {
  #source: EventSource | undefined;
  #last = '';
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(
    private readonly path: string,
    private readonly onEvent: (e: Event) => void,
    private readonly onState: (s: LinkState) => void,
  ) {
    document.addEventListener('visibilitychange', this.#looked);
    this.#open();
  }

  close() {
    this.#closed = true;
    document.removeEventListener('visibilitychange', this.#looked);
    this.#stop();
  }

  #open() {
    this.#stop();
    const source = new EventSource(url(this.path, { last_event_id: this.#last }));
    this.#source = source;
    source.onopen = () => this.onState('live');
    source.onerror = () => {
      this.onState('lost');
      // The browser tries again by itself unless the server refused.
      if (source.readyState === EventSource.CLOSED) this.#timer = setTimeout(() => this.#open(), retryAfter);
    };
    for (const type of types) {
      source.addEventListener(type, (message: MessageEvent<string>) => {
        if (message.lastEventId) this.#last = message.lastEventId;
        this.onEvent(JSON.parse(message.data) as Event);
      });
    }
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #looked = () => {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#stop(), hiddenFor);
    else if (this.#source?.readyState !== EventSource.OPEN) this.#open();
  };
}
