// What the API answers, as far as the page reads it. A test of package web
// compares each field with /openapi.json.

export type CallState = 'live' | 'wrapping' | 'settled' | 'interrupted';
export type Role = 'agent' | 'customer' | 'unknown';

export interface Page<T> {
  items: T[];
  next: string;
}

export interface Call {
  id: string;
  state: CallState;
  direction: string;
  started_at: string;
  ended_at: string | null;
  participants: Participant[];
  streams: Stream[];
  summary: Summary | null;
  tags: string[];
  problems?: string[];
  matches?: Match[];
  marks: Mark[];
  paused: boolean;
  transcript_complete: boolean;
  transcript_revision?: number;
  recording_ready: boolean;
}

export interface Match {
  connector: string;
  state: 'matched' | 'made' | 'none' | 'several' | 'anonymous' | 'failed';
  number?: string;
  contact?: Contact;
  candidates?: number;
}

export interface Contact {
  id: string;
  name?: string;
  url?: string;
}

export interface Participant {
  id: string;
  name: string;
  aor: string;
  role: Role;
  agent_id?: string;
  left_at?: string;
}

export interface Stream {
  id: string;
  label: string;
  participant_ids: string[];
  codec: string;
  packets_received: number;
  packets_lost: number;
  jitter_ms: number;
  quality?: Quality;
}

export interface Quality {
  model: string;
  mos: number;
  mos_worst: number;
}

export interface Mark {
  id: string;
  kind: string;
  participant_id?: string;
  at_ms: number;
  end_ms: number;
  digit?: string;
  masked?: boolean;
  packets?: number;
  by?: string;
  reason?: string;
}

export interface Utterance {
  id: string;
  call_id: string;
  stream_id: string;
  participant_id: string;
  role: Role;
  start_ms: number;
  end_ms: number;
  text: string;
  words?: Word[];
  confidence: number;
  final: boolean;
  revision: number;
}

export interface Word {
  text: string;
  start_ms: number;
  end_ms: number;
}

export interface Suggestion {
  id: string;
  call_id: string;
  kind: string;
  title: string;
  text: string;
  source?: Citation;
  at_ms: number;
  speaker_unsure?: boolean;
  reply?: string;
  fallback?: string;
  feedback?: Feedback;
}

export interface ChecklistItem {
  item: string;
  rules: string[];
  done: boolean;
  at_ms?: number;
  speaker_unsure?: boolean;
}

export type Verdict = 'used' | 'dismissed' | 'wrong';

export interface Feedback {
  suggestion_id: string;
  verdict: Verdict;
  by: string;
}

export interface Citation {
  article: string;
  heading: string;
  passage: string;
}

export interface Summary {
  revision: number;
  reason: string;
  text: string;
  facts: Fact[];
  actions: Action[];
  disposition: string;
  open_questions: OpenQuestion[];
  sentiment: Sentiment;
  incomplete: boolean;
  by: string;
  edited_by?: string;
  edited_at?: string;
  automatic?: number;
}

export interface OpenQuestion {
  text: string;
  at_ms: number;
}

export interface Sentiment {
  mood: string;
  trend: string;
}

export interface Measures {
  overtalk_ms: number;
  silence_ms: number;
  longest_silence_ms: number;
  parties: PartyMeasure[];
}

export interface PartyMeasure {
  participant_id: string;
  stream_id: string;
  role: Role;
  talk_share: number;
  words_per_minute: number;
  interruptions: number;
}

export interface Fact {
  kind: string;
  value: string;
  said: string;
  at_ms: number;
}

export interface Action {
  text: string;
  owner: Role;
  due?: string;
  utterance_id: string;
  at_ms: number;
}

export interface Replayed {
  replayed: number;
}

export interface DispositionList {
  items: string[];
}

export interface Delivery {
  note_id: string;
  connector: string;
  revision: number;
  state: string;
  attempts: number;
  error?: string;
}

export interface Hit {
  id: string;
  call_id: string;
  role: Role;
  start_ms: number;
  speaker: string;
  call_started_at: string;
  parts: Part[];
}

export interface Part {
  text: string;
  match: boolean;
}

export interface Waveform {
  channels: number;
  sample_rate: number;
  samples_per_pixel: number;
  length: number;
  data: number[];
}

export interface Analytics {
  tz: string;
  days: DayFigures[];
  total: Figures;
  tags: NamedCount[];
  outcomes: NamedCount[];
}

export interface Figures {
  calls: number;
  inbound: number;
  outbound: number;
  ended: number;
  handled_ms: number;
  negative: number;
  neutral: number;
  positive: number;
  suggested: number;
  used: number;
  dismissed: number;
  wrong: number;
  notes: number;
  notes_failed: number;
  finals: number;
  late: number;
  latency_p50_ms: number;
  latency_p95_ms: number;
}

export interface DayFigures extends Figures {
  day: string;
}

export interface NamedCount {
  name: string;
  calls: number;
}

export interface Retranscription {
  revision: number;
  state: 'waiting' | 'running' | 'done' | 'failed';
  done: number;
  error?: string;
}

export interface Agent {
  id: string;
  name: string;
  extensions: string[];
  team: string;
}

export interface Account {
  id: string;
  login: string;
  name: string;
  role: string;
  agent_id?: string;
  team?: string;
  disabled: boolean;
  external: boolean;
}

export interface Me {
  account: Account | null;
  agent?: Agent;
  sign_in: boolean;
  provider?: string;
}

export interface Token {
  id: string;
  name: string;
  scopes: string[];
  created_at: string;
}

export interface NewToken {
  secret: string;
}

export interface Job {
  id: number;
  kind: string;
  call_id: string;
  state: string;
  attempts: number;
  last_error?: string;
  created_at: string;
}

export interface AuditEntry {
  at: string;
  login: string;
  action: string;
  call_id?: string;
  remote: string;
}

/** Event is one message of a stream of events. */
export interface Event {
  type: string;
  call_id: string;
  data: unknown;
}
