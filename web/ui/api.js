// Requests to the API. Paths are relative to the page, so that a proxy may
// serve it under any prefix.

export function url(path, params = {}) {
  const u = new URL(`api/v1/${path}`, document.baseURI);
  u.hash = '';
  for (const [name, value] of Object.entries(params)) {
    if (value !== '' && value != null && value !== false) u.searchParams.set(name, value);
  }
  return u.href;
}

export function callPath(id, rest = '') {
  return `calls/${encodeURIComponent(id)}${rest}`;
}

/** get returns the JSON of an answer, or throws what its problem document says. */
export function get(path, params, signal) {
  return ask(url(path, params), { headers: { Accept: 'application/json' }, signal });
}

/** post does the same with JSON to send. */
export function post(path, body) {
  return ask(url(path), { method: 'POST', headers: { Accept: 'application/json', 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
}

/** remove takes something away. */
export function remove(path) {
  return ask(url(path), { method: 'DELETE', headers: { Accept: 'application/json' } });
}

async function ask(target, request) {
  const answer = await fetch(target, request);
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || `The server answered ${answer.status}.`);
}
