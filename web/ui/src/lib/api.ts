// Requests to the API. Paths are relative to the page, so that a proxy may
// serve it under any prefix.

type Params = Record<string, string | number | boolean | null | undefined>;

export function url(path: string, params: Params = {}): string {
  const u = new URL(`api/v1/${path}`, document.baseURI);
  u.hash = '';
  for (const [name, value] of Object.entries(params)) {
    if (value !== '' && value != null && value !== false) u.searchParams.set(name, String(value));
  }
  return u.href;
}

export const callPath = (id: string, rest = '') => `calls/${encodeURIComponent(id)}${rest}`;

/** Problem is what a problem document says (RFC 9457). */
export class Problem extends Error {
  constructor(readonly status: number, detail: string) {
    super(detail);
  }
}

/** get returns the JSON of an answer, or throws a Problem. */
export const get = <T>(path: string, params?: Params, signal?: AbortSignal) => ask<T>(url(path, params), { signal });

/** send does the same with JSON to send. */
export const send = <T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, headers: Record<string, string> = {}) =>
  ask<T>(url(path), {
    method,
    headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  });

async function ask<T>(target: string, request: RequestInit): Promise<T> {
  const answer = await fetch(target, { ...request, headers: { Accept: 'application/json', ...request.headers } })
    .catch((cause: Error) => {
      if (cause.name === 'AbortError') throw cause;
      throw new Problem(0, 'The server can’t be reached. Try again in a moment.');
    });
  if (answer.ok) return (answer.status === 204 ? null : await answer.json()) as T;
  const problem = await answer.json().catch(() => ({}));
  throw new Problem(answer.status, said(problem) || `The server answered ${answer.status}.`);
}

interface Document {
  detail?: string;
  errors?: { message?: string; location?: string }[];
}

function said(problem: Document): string {
  const parts = [problem.detail, ...(problem.errors ?? []).map((e) => [e.location, e.message].filter(Boolean).join(': '))];
  const text = parts.filter(Boolean).join('; ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** words says what went wrong in words for whoever looks at the page. */
export const words = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
