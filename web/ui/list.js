import { get } from './api.js';
import { h, fill } from './dom.js';
import { Live } from './live.js';
import { agents, callLink, lengthOf, stateName, title, when } from './format.js';

/** CallList is the column of calls: the live ones, then the past, newest first. */
export class CallList {
  #calls = new Map();
  #rows = new Map();
  #selected = '';
  #next = '';
  #live = h('ul', { class: 'rows' });
  #ended = h('ul', { class: 'rows' });
  #count = h('span', { class: 'count' });
  #more = h('button', { class: 'more', type: 'button', onclick: () => this.#page() }, 'Older calls');
  #error = h('p', { class: 'problem', role: 'alert', hidden: true });

  constructor(root, onState) {
    fill(root,
      h('h2', {}, 'Live', this.#count), this.#live,
      h('h2', {}, 'Past'), this.#ended, this.#more, this.#error);
    this.#page();
    new Live('events', { partials: 'false' }, (e) => this.#on(e), onState);
    setInterval(() => this.#tick(), 1000);
  }

  select(id) {
    this.#selected = id;
    for (const [key, row] of this.#rows) this.#mark(key, row);
  }

  async #page() {
    try {
      const page = await get('calls', { state: 'ended', limit: 30, cursor: this.#next });
      for (const c of page.items) if (!this.#calls.has(c.id)) this.#calls.set(c.id, c);
      this.#next = page.next;
      this.#error.hidden = true;
    } catch (err) {
      fill(this.#error, err.message);
      this.#error.hidden = false;
    }
    this.#render();
  }

  #on(event) {
    if (event.type === 'snapshot') {
      for (const [id, c] of this.#calls) if (c.state === 'live') this.#calls.delete(id);
      for (const c of event.data.calls) this.#calls.set(c.id, c);
    } else if (event.type === 'call.marked') {
      return; // an event about the call's timeline, which the list does not show
    } else if (event.type.startsWith('call.') || event.type === 'recording.ready') {
      this.#calls.set(event.data.id, { ...event.data, summary: event.data.summary ?? this.#calls.get(event.data.id)?.summary });
    } else if (event.type === 'summary.created') {
      const c = this.#calls.get(event.call_id);
      if (c) c.summary = event.data;
    } else {
      return;
    }
    this.#render();
  }

  #render() {
    const all = [...this.#calls.values()].sort((a, b) => new Date(b.started_at) - new Date(a.started_at));
    const live = all.filter((c) => c.state === 'live');
    const ended = all.filter((c) => c.state !== 'live');
    this.#rows.clear();
    fill(this.#live, live.length ? live.map((c) => this.#row(c)) : h('li', { class: 'none' }, 'No call right now'));
    fill(this.#ended, ended.length ? ended.map((c) => this.#row(c)) : h('li', { class: 'none' }, 'Calls appear here when they end'));
    fill(this.#count, live.length ? String(live.length) : '');
    this.#more.hidden = !this.#next;
  }

  #row(call) {
    const agent = agents(call);
    const reason = call.summary?.reason;
    const link = h('a', { href: callLink(call.id), class: 'row' },
      h('span', { class: 'who' }, title(call)),
      h('span', { class: 'time' }, call.state === 'live' ? lengthOf(call) : when(call.started_at)),
      h('span', { class: 'sub' }, call.state === 'live' || !reason ? (agent ? `with ${agent}` : stateName(call.state)) : reason),
      call.state !== 'live' && h('span', { class: 'len' }, lengthOf(call)));
    this.#rows.set(call.id, link);
    this.#mark(call.id, link);
    return h('li', { class: call.state }, link);
  }

  #mark(id, link) {
    if (id === this.#selected) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }

  #tick() {
    for (const [id, link] of this.#rows) {
      const call = this.#calls.get(id);
      if (call?.state === 'live') link.querySelector('.time').textContent = lengthOf(call);
    }
  }
}
