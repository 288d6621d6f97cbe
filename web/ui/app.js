import { CallList } from './list.js';
import { CallView } from './call.js';
import { SearchView } from './search.js';
import { badge, me, signIn } from './session.js';
import { h, fill } from './dom.js';

const main = document.getElementById('main');
const field = document.getElementById('q');
const link = document.getElementById('link');

let list;
let view; // what main shows: {key, close(), go(params)}

function show(key, make, params) {
  if (view?.key !== key) {
    view?.close();
    view = make();
    view.key = key;
    document.body.dataset.view = key.split(':')[0];
    main.scrollTop = 0;
  }
  view.go(params);
}

function route() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  const params = new URLSearchParams(query);
  const call = /^\/calls\/([^/]+)$/.exec(path);
  list.select(call ? decodeURIComponent(call[1]) : '');
  if (call) {
    const id = decodeURIComponent(call[1]);
    show(`call:${id}`, () => new CallView(main, id), params);
  } else if (path === '/search') {
    field.value = params.get('q') ?? '';
    show('search', () => new SearchView(main), params);
  } else {
    show('home', () => home(), params);
  }
}

function home() {
  document.title = 'Earshot';
  fill(main, h('div', { class: 'empty' },
    h('img', { src: 'mark.svg', alt: '', width: 48, height: 48 }),
    h('h1', {}, 'Pick a call'),
    h('p', {}, 'Live calls are transcribed as they happen. Press / to search everything said.')));
  return { close() {}, go() {} };
}

document.getElementById('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const q = field.value.trim();
  if (!q) return;
  const params = new URLSearchParams({ q });
  if (location.hash === `#/search?${params}`) route();
  location.hash = `#/search?${params}`;
});

document.addEventListener('keydown', (event) => {
  const typing = event.target.closest?.('input, textarea, select');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    field.focus();
    field.select();
  }
});

// The skip link must not be taken for a route.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

function linked(state) {
  link.dataset.state = state;
  fill(link, state === 'live' ? 'Connected' : 'Reconnecting');
  if (state !== 'live') checkSession();
}

// A stream of events can't say why it was refused: perhaps the session is over.
async function checkSession() {
  const now = await me().catch(() => null);
  if (now && !now.account) location.reload();
}

async function begin() {
  let now = await me().catch(() => null);
  if (now && !now.account) {
    await signIn(main);
    now = await me();
  }
  if (now?.sign_in) link.after(badge(now.account));
  list = new CallList(document.getElementById('calls'), linked);
  window.addEventListener('hashchange', route);
  route();
}

begin();
