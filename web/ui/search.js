import { get } from './api.js';
import { h, fill } from './dom.js';
import { callLink, capital, clock, roleName, when } from './format.js';

/** SearchView lists what was said with all the words, each a link to its second. */
export class SearchView {
  #words = '';
  #next = '';
  #asked;
  #head = h('h1', { tabindex: -1 });
  #role = h('select', { id: 'role', onchange: () => this.#ask() },
    h('option', { value: '' }, 'Anyone'), h('option', { value: 'customer' }, 'Customers'), h('option', { value: 'agent' }, 'Agents'));
  #order = h('select', { id: 'order', onchange: () => this.#ask() },
    h('option', { value: '' }, 'Newest first'), h('option', { value: 'true' }, 'Best match first'));
  #hits = h('ol', { class: 'hits' });
  #status = h('p', { class: 'status', role: 'status' });
  #more = h('button', { class: 'more', type: 'button', hidden: true, onclick: () => this.#page() }, 'More');

  constructor(main) {
    fill(main, h('section', { class: 'results' },
      h('a', { class: 'back', href: '#/' }, '‹ Calls'),
      h('header', {}, this.#head,
        h('div', { class: 'filters' },
          h('label', { for: 'role' }, 'Said by'), this.#role,
          h('label', { for: 'order' }, 'Order'), this.#order)),
      this.#status, this.#hits, this.#more));
  }

  go(params) {
    this.#words = params.get('q') ?? '';
    document.title = `${this.#words} · Earshot`;
    fill(this.#head, `“${this.#words}”`);
    this.#ask();
  }

  close() {
    this.#asked?.abort();
  }

  #ask() {
    this.#next = '';
    fill(this.#hits);
    this.#page();
  }

  async #page() {
    this.#asked?.abort();
    const asked = this.#asked = new AbortController();
    fill(this.#status, 'Searching…');
    this.#more.hidden = true;
    try {
      const page = await get('search',
        { q: this.#words, role: this.#role.value, rank: this.#order.value, limit: 30, cursor: this.#next }, asked.signal);
      this.#hits.append(...page.items.map(hit));
      this.#next = page.next;
      this.#more.hidden = !page.next;
      const n = this.#hits.childElementCount;
      fill(this.#status, n ? `${n}${page.next ? '+' : ''} ${n === 1 ? 'place' : 'places'}` : 'Nobody said that. All the words must be in one turn; a word’s beginning works with a star: deliver*');
    } catch (err) {
      if (err.name !== 'AbortError') fill(this.#status, `The search did not work: ${err.message}`);
    }
  }
}

function hit(x) {
  return h('li', {}, h('a', { href: callLink(x.call_id, x.start_ms), class: 'hit' },
    h('p', { class: 'said' }, x.parts.map((p) => (p.match ? h('mark', {}, p.text) : p.text))),
    h('p', { class: 'meta' },
      h('span', { class: `name ${x.role}` }, x.speaker || capital(roleName(x.role))),
      h('span', {}, when(x.call_started_at)), h('span', { class: 'at' }, `at ${clock(x.start_ms)}`))));
}
