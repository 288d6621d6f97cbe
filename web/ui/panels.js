import { h } from './dom.js';
import { capital, clock, fullTime, nameOf, roleName } from './format.js';

// The cards beside a transcript. `at` makes the button that goes to a moment.

const kinds = { card: 'Playbook', answer: 'Answer', checklist: 'Done', alert: 'Alert' };
const deliveries = { pending: 'On its way', confirmed: 'Delivered', failed: 'Failed', unknown: 'Not known' };
const facts = { number: 'Number', amount: 'Amount', date: 'Date', time: 'Time', phone: 'Phone', email: 'E-mail', name: 'Name' };

export function panel(name, ...children) {
  const id = `panel-${name.toLowerCase()}`;
  return h('section', { class: 'panel', 'aria-labelledby': id }, h('h2', { id }, name), ...children);
}

export function suggestion(s, at) {
  return h('li', { class: `card ${s.kind}` },
    h('p', { class: 'meta' }, h('span', { class: 'kind' }, kinds[s.kind] ?? capital(s.kind)), at(s.at_ms)),
    h('h3', {}, s.title),
    s.text && s.text !== s.title && h('p', {}, s.text),
    s.source && source(s.source));
}

function source(c) {
  const where = [c.article, c.heading].filter(Boolean).join(' › ');
  if (!c.passage) return h('p', { class: 'source' }, where);
  return h('details', { class: 'source' }, h('summary', {}, where), h('blockquote', {}, c.passage));
}

export function summary(s, at) {
  return panel('Summary',
    s.reason && h('p', { class: 'reason' }, s.reason),
    s.text && s.text !== s.reason && h('p', {}, s.text),
    s.actions.length > 0 && [h('h3', {}, 'Promised'),
      h('ul', { class: 'list' }, s.actions.map((a) => h('li', {},
        h('span', {}, h('strong', {}, `${roleName(a.owner)}: `), a.text, a.due && h('em', {}, ` ${a.due}`)), at(a.at_ms))))],
    s.facts.length > 0 && [h('h3', {}, 'Facts'),
      h('ul', { class: 'list' }, s.facts.map((f) => h('li', {},
        h('span', {}, h('span', { class: 'fact' }, facts[f.kind] ?? capital(f.kind)), ' ', h('strong', {}, f.value)), at(f.at_ms))))],
    h('p', { class: 'by' }, s.incomplete && 'The transcript was not complete yet. ',
      s.by === 'extractive' ? 'Taken from the transcript' : `Written by ${s.by}`, s.revision > 1 && `, revision ${s.revision}`));
}

export function notes(list) {
  return panel('Notes', h('ul', { class: 'list' }, list.map((d) => h('li', {},
    h('span', {}, h('strong', {}, capital(d.connector)), d.revision > 1 && ` revision ${d.revision}`,
      d.error && h('span', { class: 'why' }, d.error)),
    h('span', { class: `state ${d.state}` }, deliveries[d.state] ?? d.state)))));
}

const marks = { dtmf: 'Key', tone: 'Keys, as tones', pause: 'Recording paused', resume: 'Recording resumed', hold: 'On hold', unhold: 'Off hold', dropped: 'Not recorded', missed: 'Not transcribed' };

/** timeline is what else happened: keys pressed, pauses, holds. */
export function timeline(call, at) {
  const who = (m) => call.participants.find((p) => p.id === m.participant_id);
  return panel('Timeline', h('ul', { class: 'list marks' }, call.marks.map((m) => h('li', {},
    h('span', {}, h('strong', {}, marks[m.kind] ?? capital(m.kind)), m.digit && ` ${m.digit}`, m.masked && ' (not kept)',
      m.packets > 0 && ` ${m.packets} packets, the disk was too slow`,
      who(m) && `, ${nameOf(who(m))}`, m.by && ` by ${m.by}`, m.reason && h('span', { class: 'why' }, m.reason)),
    at(m.at_ms)))));
}

export function details(call) {
  const loss = (s) => {
    const all = s.packets_received + s.packets_lost;
    return all ? `${((100 * s.packets_lost) / all).toFixed(1)} % lost` : 'no packets yet';
  };
  const mos = (s) => (s.quality?.mos ? `, MOS ${s.quality.mos.toFixed(1)}` : '');
  const how = (s) => (s.quality?.mos ? `Estimated by ITU-T ${s.quality.model} for the path from the recording client; worst 10 s: ${s.quality.mos_worst.toFixed(1)}` : null);
  const who = (s) => s.participant_ids.map((id) => call.participants.find((p) => p.id === id)).filter(Boolean).map(nameOf).join(', ');
  return panel('Media',
    h('ul', { class: 'list streams' }, call.streams.map((s) => h('li', {},
      h('span', {}, h('strong', {}, who(s) || `Stream ${s.label}`), ` ${s.codec}`),
      h('span', { class: 'num', title: how(s) }, `${loss(s)}, jitter ${s.jitter_ms.toFixed(1)} ms${mos(s)}`)))),
    call.problems?.length > 0 && h('ul', { class: 'problems' }, call.problems.map((p) => h('li', {}, capital(p)))),
    h('p', { class: 'by' }, `Call ${call.id}, began ${fullTime(call.started_at)}`));
}
