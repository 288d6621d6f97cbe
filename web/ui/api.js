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
export async function get(path, params, signal) {
  const answer = await fetch(url(path, params), { headers: { Accept: 'application/json' }, signal });
  if (answer.ok) return answer.json();
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || `The server answered ${answer.status}.`);
}
