import { h, fill } from './dom.js';
import { clock, speaker } from './format.js';

/**
 * Transcript shows the turns of a call in the order they began, and below
 * them what is being said right now. It stays at the end while the reader is
 * there, and offers to go back when not.
 */
export class Transcript {
  #call; #onSeek;
  #finals = new Map();
  #partials = new Map(); // by stream
  #following = true;
  #marked;
  #turns = h('ol', { class: 'turns' });
  #now = h('ol', { class: 'turns now', 'aria-hidden': 'true' });
  #none = h('p', { class: 'none' });
  #jump = h('button', { type: 'button', class: 'jump', hidden: true, onclick: () => this.#toEnd() }, '↓ Follow live');
  #scroller = h('div', { class: 'scroller', tabindex: 0, role: 'log', 'aria-live': 'polite', 'aria-label': 'Transcript' },
    this.#none, this.#turns, this.#now);
  element = h('div', { class: 'transcript' }, this.#scroller, this.#jump);

  constructor(onSeek) {
    this.#onSeek = onSeek;
    this.#scroller.addEventListener('scroll', () => {
      const s = this.#scroller;
      this.#following = s.scrollHeight - s.scrollTop - s.clientHeight < 60;
      this.#offer();
    }, { passive: true });
    new ResizeObserver(() => this.#following && this.#toEnd()).observe(this.#scroller);
  }

  /** reset shows a call with all its finals. */
  reset(call, utterances) {
    this.#finals = new Map(utterances.map((u) => [u.id, { u, el: undefined }]));
    this.#partials.clear();
    this.update(call);
  }

  /** update takes over the names and the state of the call. */
  update(call) {
    this.#call = call;
    if (call.state !== 'live') this.#partials.clear();
    if (call.state !== 'live') this.#following = false;
    this.#render();
  }

  final(u) {
    const have = this.#finals.get(u.id);
    if (have && have.u.revision >= u.revision) return;
    this.#finals.set(u.id, { u, el: undefined });
    if (this.#partials.get(u.stream_id)?.id === u.id) this.#partials.delete(u.stream_id);
    this.#render();
  }

  partial(u) {
    if (this.#finals.has(u.id) || this.#call?.state !== 'live') return;
    this.#partials.set(u.stream_id, u);
    this.#renderNow();
  }

  /** at marks the turn being said at ms and returns it; show scrolls to it. */
  at(ms, show) {
    let found;
    for (const { u, el } of this.#ordered()) {
      if (u.start_ms > ms + 50) break;
      found = el;
    }
    if (found !== this.#marked) {
      this.#marked?.classList.remove('playing');
      found?.classList.add('playing');
      this.#marked = found;
      if (found && !show && !this.#visible(found)) this.#center(found, true);
    }
    if (show && found) {
      this.#following = false;
      this.#center(found, false);
    }
    this.#offer();
  }

  #ordered() {
    return [...this.#finals.values()].sort((a, b) => a.u.start_ms - b.u.start_ms);
  }

  // Turns that did not change keep their element, so that a screen reader
  // announces new ones only.
  #render() {
    const turns = this.#ordered();
    let before;
    turns.forEach((turn, i) => {
      const { u } = turn;
      const key = `${speaker(this.#call, u)}|${u.role}|${before?.participant_id === u.participant_id && before?.stream_id === u.stream_id}`;
      if (!turn.el || turn.el.dataset.key !== key) {
        const el = this.#turn(u, key);
        if (turn.el && turn.el === this.#marked) {
          el.classList.add('playing');
          this.#marked = el;
        }
        turn.el?.remove();
        turn.el = el;
      }
      if (this.#turns.children[i] !== turn.el) this.#turns.insertBefore(turn.el, this.#turns.children[i] ?? null);
      before = u;
    });
    while (this.#turns.childElementCount > turns.length) this.#turns.lastElementChild.remove();
    this.#renderNow();
  }

  #renderNow() {
    const list = [...this.#partials.values()].filter((u) => u.text).sort((a, b) => a.start_ms - b.start_ms);
    fill(this.#now, list.map((u) => this.#turn(u, '|false')));
    const empty = !list.length && !this.#finals.size;
    this.#none.hidden = !empty;
    fill(this.#none, this.#call?.state === 'live' ? 'Listening…' : 'Nothing was said in this call, or it is still being transcribed.');
    if (this.#following) this.#toEnd();
  }

  #turn(u, key) {
    const name = speaker(this.#call, u);
    const follows = key.endsWith('true');
    return h('li', { class: `turn ${u.role}${follows ? ' follows' : ''}`, 'data-key': key },
      h('button', { type: 'button', class: 'at', 'aria-label': `Play from ${clock(u.start_ms)}`, onclick: () => this.#onSeek(u.start_ms) }, clock(u.start_ms)),
      h('div', { class: 'words' },
        h('span', { class: `name ${u.role}${follows ? ' hidden' : ''}` }, name),
        h('p', {}, u.text)));
  }

  #toEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#following = true;
    this.#offer();
  }

  #offer() {
    this.#jump.hidden = this.#following || this.#call?.state !== 'live';
  }

  #visible(el) {
    const a = el.getBoundingClientRect();
    const b = this.#scroller.getBoundingClientRect();
    return a.top >= b.top && a.bottom <= b.bottom;
  }

  // Only the transcript moves, not the page around it.
  #center(el, smooth) {
    const s = this.#scroller;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const top = el.getBoundingClientRect().top - s.getBoundingClientRect().top + s.scrollTop;
    s.scrollTo({ top: top - (s.clientHeight - el.offsetHeight) / 2, behavior: smooth && !calm ? 'smooth' : 'auto' });
  }
}
