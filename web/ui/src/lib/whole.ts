import type { Call, Summary } from './types';

// In events, lists that are empty may be null.

export function wholeSummary(s: Summary): Summary {
  return { ...s, facts: s.facts ?? [], actions: s.actions ?? [], open_questions: s.open_questions ?? [] };
}

export function wholeCall(c: Call): Call {
  return {
    ...c,
    participants: c.participants ?? [],
    streams: (c.streams ?? []).map((s) => ({ ...s, participant_ids: s.participant_ids ?? [] })),
    tags: c.tags ?? [],
    marks: c.marks ?? [],
    summary: c.summary ? wholeSummary(c.summary) : null,
  };
}
