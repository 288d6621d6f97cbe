import { callPath, get, post, url } from './api.js';
import { h, fill } from './dom.js';
import { Live } from './live.js';
import { Transcript } from './transcript.js';
import { details, notes, panel, suggestion, summary, timeline } from './panels.js';
import { agents, callLink, capital, clock, fullTime, lengthOf, stateName, title } from './format.js';

const statistics = 5_000; // how often the counters of a live call are read

/** CallView is one call, live or past: transcript, suggestions, summary, audio. */
export class CallView {
  #id; #main; #call; #live; #timers = [];
  #suggestions = new Map();
  #notes = new Map();
  #target; // the second asked for, until there is a transcript to show it in
  #transcript = new Transcript((ms) => this.#seek(ms));
  #head = h('header', { class: 'callhead' });
  #title = h('h1', { tabindex: -1 });
  #length = h('span', { class: 'num' });
  #player = h('div', { class: 'player' });
  #side = h('aside', { class: 'side', 'aria-label': 'About this call' });
  #cards = h('ul', { class: 'cards', 'aria-live': 'polite' });
  #audio;

  constructor(main, id) {
    this.#main = main;
    this.#id = id;
    fill(main, h('p', { class: 'empty', role: 'status' }, 'Loading…'));
    this.#start();
  }

  async #start() {
    try {
      await get(callPath(this.#id)); // an EventSource can't say why it was refused
    } catch (err) {
      fill(this.#main, h('div', { class: 'empty' }, h('h1', {}, 'This call can’t be shown'),
        h('p', {}, capital(err.message)), h('a', { href: '#/' }, 'All calls')));
      return;
    }
    if (this.#timers === undefined) return; // closed meanwhile
    this.#listen();
    this.#timers.push(setInterval(() => this.#tick(), 1000), setInterval(() => this.#statistics(), statistics));
  }

  #listen() {
    this.#live?.close();
    this.#live = new Live(callPath(this.#id, '/events'), {}, (e) => this.#on(e));
  }

  go(params) {
    const t = Number.parseFloat(params.get('t'));
    if (Number.isNaN(t)) return;
    this.#target = t * 1000;
    if (this.#call) this.#toTarget();
  }

  close() {
    this.#live?.close();
    this.#timers.forEach(clearInterval);
    this.#timers = undefined;
    this.#audio?.pause();
  }

  #on({ type, data }) {
    switch (type) {
      case 'snapshot': return this.#snapshot(data);
      case 'utterance.partial': return this.#transcript.partial(data);
      case 'utterance.final': return this.#transcript.final(data);
      case 'suggestion.created': return this.#suggest(data);
      case 'summary.created': this.#call.summary = data; return this.#render();
      case 'transcript.completed': this.#call.transcript_complete = true; return this.#render();
      case 'note.updated': this.#notes.set(`${data.note_id}.${data.revision}`, data); return this.#render();
      case 'call.marked': return this.#mark(data);
      default:
        if ((data.transcript_revision ?? 0) !== (this.#call.transcript_revision ?? 0)) return this.#listen(); // all of it is new
        this.#call = { ...data, summary: data.summary ?? this.#call.summary };
        this.#transcript.update(this.#call);
        return this.#render();
    }
  }

  #snapshot(data) {
    const first = !this.#call;
    this.#call = data.call;
    this.#notes = new Map(data.notes.map((d) => [`${d.note_id}.${d.revision}`, d]));
    this.#suggestions.clear();
    fill(this.#cards);
    data.suggestions.forEach((s) => this.#suggest(s));
    if (first) {
      fill(this.#main, h('article', { class: 'call' }, this.#head, this.#player,
        h('div', { class: 'columns' }, this.#transcript.element, this.#side)));
    }
    this.#transcript.reset(this.#call, data.utterances);
    this.#render();
    if (first) this.#title.focus({ preventScroll: true });
    this.#toTarget();
  }

  #mark(m) {
    const others = this.#call.marks.filter((have) => have.id !== m.id);
    this.#call.marks = [...others, m].sort((a, b) => a.at_ms - b.at_ms);
    this.#render();
  }

  #suggest(s) {
    const card = suggestion(s, (ms) => this.#at(ms));
    const have = this.#suggestions.get(s.id);
    if (have) have.replaceWith(card);
    else this.#cards.prepend(card); // the newest is the one to read
    this.#suggestions.set(s.id, card);
  }

  #render() {
    const c = this.#call;
    const agent = agents(c);
    document.title = `${title(c)} · Earshot`;
    fill(this.#title, title(c));
    fill(this.#head,
      h('a', { class: 'back', href: '#/' }, '‹ Calls'),
      h('div', { class: 'heading' }, this.#title, h('span', { class: `badge ${c.state}` }, stateName(c.state))),
      h('p', { class: 'meta' },
        agent && h('span', {}, `with ${agent}`), c.direction !== 'unknown' && h('span', {}, capital(c.direction)),
        h('span', {}, fullTime(c.started_at)), this.#length,
        c.tags.map((t) => h('span', { class: 'tag' }, t))),
      h('div', { class: 'exports' }, 'Transcript as ',
        ['text', 'srt', 'vtt', 'json'].map((f) => h('a', { href: url(callPath(c.id, '/transcript'), { format: f }), target: '_blank', rel: 'noopener' }, f))));
    this.#tick();
    this.#renderPlayer();
    this.#renderSide();
  }

  #renderPlayer() {
    const c = this.#call;
    if (c.recording_ready) {
      if (this.#audio) return;
      this.#audio = h('audio', { controls: true, preload: 'metadata', src: url(callPath(c.id, '/audio')), 'aria-label': 'Recording' });
      this.#audio.addEventListener('timeupdate', () => {
        if (!this.#audio.paused || this.#audio.currentTime > 0) this.#transcript.at(this.#audio.currentTime * 1000, false);
      });
      fill(this.#player, this.#audio);
    } else if (c.state === 'live') {
      const label = c.paused ? 'Resume recording' : 'Pause recording';
      fill(this.#player, h('p', { class: c.paused ? 'waiting' : 'recording', role: 'status' }, c.paused ? 'Recording is paused' : 'Recording'),
        h('button', { type: 'button', class: 'pause', onclick: () => this.#pause(!c.paused) }, label));
    } else {
      fill(this.#player, h('p', { class: 'waiting' }, 'The recording is being prepared'));
    }
  }

  async #pause(paused) {
    try {
      await post(callPath(this.#id, paused ? '/pause' : '/resume'), { by: 'page' });
    } catch (err) {
      this.#player.append(h('p', { class: 'waiting', role: 'alert' }, capital(err.message)));
    }
  }

  #renderSide() {
    const c = this.#call;
    const at = (ms) => this.#at(ms);
    const said = panel('Suggestions', this.#suggestions.size ? this.#cards
      : h('p', { class: 'none' }, c.state === 'live' ? 'They appear as the customer speaks' : 'None in this call'));
    const sum = c.summary ? summary(c.summary, at)
      : c.state !== 'live' && panel('Summary', h('p', { class: 'none' }, 'Being written'));
    fill(this.#side, c.state === 'live' ? said : sum, c.state === 'live' ? sum : said,
      this.#notes.size > 0 && notes([...this.#notes.values()]), c.marks.length > 0 && timeline(c, at), details(c));
  }

  #at(ms) {
    return h('a', { class: 'at', href: callLink(this.#id, ms), 'aria-label': `Go to ${clock(ms)}`, onclick: () => this.#seek(ms) }, clock(ms));
  }

  #seek(ms) {
    this.#target = ms;
    this.#toTarget();
    this.#audio?.play().catch(() => {}); // a browser may forbid it until a click
  }

  #toTarget() {
    if (this.#target === undefined) return;
    const ms = this.#target;
    this.#target = undefined;
    if (this.#audio) this.#audio.currentTime = ms / 1000;
    this.#transcript.at(ms, true);
  }

  #tick() {
    if (this.#call) this.#length.textContent = lengthOf(this.#call);
  }

  // The counters of the streams change without events.
  async #statistics() {
    if (this.#call?.state !== 'live' || document.hidden) return;
    const fresh = await get(callPath(this.#id)).catch(() => undefined);
    if (!fresh || this.#call.state !== 'live') return;
    this.#call.streams = fresh.streams;
    const old = this.#side.lastElementChild;
    old?.replaceWith(details(this.#call));
  }
}
