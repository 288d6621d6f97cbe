import type { Utterance, Word } from './types';

/**
 * wordsOf returns the words of an utterance with their times. Where the engine
 * gives none, they are spread over the utterance by their length.
 */
export function wordsOf(u: Utterance): Word[] {
  if (u.words?.length) return u.words;
  const list = u.text.split(/\s+/).filter(Boolean);
  const each = (u.end_ms - u.start_ms) / Math.max(1, list.join(' ').length);
  let at = u.start_ms;
  return list.map((text) => {
    const start = at;
    at += each * (text.length + 1);
    return { text, start_ms: start, end_ms: Math.min(at, u.end_ms) };
  });
}

/** indexAt returns the last of the items that began by ms, -1 before the first. */
export function indexAt(items: readonly { start_ms: number }[], ms: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle]!.start_ms <= ms) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
