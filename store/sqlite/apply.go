package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"earshot"
	"earshot/store"
)

// Apply makes a commit true, all of it or nothing, and returns when it is on
// the disk, with the events it appended and their Seq. An event whose ID the
// store has already is left out. Times are kept by the microsecond.
//
// A commit that no store takes is an [earshot.PermanentError]; other errors
// are worth another try. Once the writer has begun, ctx no longer matters.
func (s *Store) Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error) {
	if err := store.Check(c); err != nil {
		return nil, earshot.Permanent(err)
	}
	b := batch{follows: c.Follows}
	if err := b.encode(c); err != nil {
		return nil, earshot.Permanent(err)
	}
	events, err := s.write(ctx, func(t *tx) ([]earshot.Event, error) { return b.run(t, c.Events) })
	if err != nil {
		return nil, fmt.Errorf("apply commit: %w", err)
	}
	return events, nil
}

// batch is the statements of a commit, made before the writer's turn.
type batch struct {
	follows []earshot.SummaryRevision
	rows    []row
}

type row struct {
	query string
	args  []any
}

func (b *batch) add(query string, args ...any) { b.rows = append(b.rows, row{query, args}) }

func (b *batch) run(t *tx, events []earshot.Event) ([]earshot.Event, error) {
	for _, v := range b.follows {
		if err := t.follow(v); err != nil {
			return nil, err
		}
	}
	for _, r := range b.rows {
		if _, err := t.exec(r.query, r.args...); err != nil {
			return nil, err
		}
	}
	return t.append(events)
}

// follow is ErrChanged unless the newest summary of a call is that revision.
func (t *tx) follow(v earshot.SummaryRevision) error {
	var newest int
	err := t.conn.QueryRowContext(context.Background(),
		`SELECT coalesce(max(revision), 0) FROM summaries WHERE call_id = ?`, string(v.CallID)).Scan(&newest)
	if err == nil && newest != v.Revision {
		err = fmt.Errorf("summary of call %s at revision %d: %w", v.CallID, newest, earshot.ErrChanged)
	}
	return err
}

// append appends the events that are new.
func (t *tx) append(events []earshot.Event) ([]earshot.Event, error) {
	var out []earshot.Event
	for _, e := range events {
		e.At = fromMicro(e.At.UnixMicro())
		if len(e.Data) == 0 {
			e.Data = json.RawMessage("null")
		}
		res, err := t.exec(`INSERT INTO events (id, type, call_id, at, data) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (id) DO NOTHING`, e.ID, string(e.Type), string(e.CallID), e.At.UnixMicro(), string(e.Data))
		if err != nil {
			return nil, fmt.Errorf("append event: %w", err)
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			continue
		}
		if e.Seq, err = res.LastInsertId(); err != nil {
			return nil, fmt.Errorf("append event: %w", err)
		}
		out = append(out, e)
	}
	return out, nil
}

func (b *batch) encode(c earshot.Commit) error {
	for _, v := range c.Calls {
		if err := b.call(v); err != nil {
			return err
		}
	}
	if err := b.metadata(c.Metadata); err != nil {
		return err
	}
	if err := b.transcript(c); err != nil {
		return err
	}
	if err := b.derived(c); err != nil {
		return err
	}
	now := time.Now()
	for _, j := range c.Jobs {
		b.job(j, now)
	}
	for _, id := range c.Done {
		b.add(`UPDATE jobs SET state = 'done', attempts = attempts + 1, last_error = '', done_at = ?
			WHERE id = ? AND state <> 'done'`, now.UnixMicro(), id)
	}
	for _, d := range c.Dialogs {
		b.add(`INSERT INTO dialogs (id, call_id, segment_id, state) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET call_id = excluded.call_id, segment_id = excluded.segment_id,
			state = excluded.state`, d.ID, string(d.CallID), string(d.SegmentID), d.State)
	}
	for _, id := range c.EndedDialogs {
		b.add(`DELETE FROM dialogs WHERE id = ?`, id)
	}
	return b.ladder(c.SIPMessages)
}

func (b *batch) call(c earshot.Call) error {
	c.Summary, c.Matches = nil, nil
	doc, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode call: %w", err)
	}
	b.add(`INSERT INTO calls (id, state, started_at, ended_at, transcript_complete, doc) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET state = excluded.state, started_at = excluded.started_at,
		ended_at = excluded.ended_at, transcript_complete = excluded.transcript_complete, doc = excluded.doc`,
		string(c.ID), string(c.State), c.StartedAt.UnixMicro(), microOrNil(c.EndedAt), c.TranscriptComplete, string(doc))
	for _, s := range c.Streams {
		b.add(`INSERT INTO streams (id, call_id) VALUES (?, ?)
			ON CONFLICT (id) DO UPDATE SET call_id = excluded.call_id WHERE call_id <> excluded.call_id`,
			string(s.ID), string(c.ID))
	}
	b.agents(c)
	for _, tag := range c.Tags {
		b.add(`INSERT INTO call_tags (tag, call_id) VALUES (?, ?) ON CONFLICT DO NOTHING`, tag, string(c.ID))
	}
	b.add(`UPDATE calls SET facets = (SELECT f.facets FROM call_facets f WHERE f.id = calls.id) WHERE id = ?`, string(c.ID))
	return nil
}

// agents keeps which agents and teams took part: whoever once did stays.
func (b *batch) agents(c earshot.Call) {
	for _, p := range c.Participants {
		if p.AgentID != "" || p.Team != "" {
			b.add(`INSERT INTO call_agents (call_id, agent_id, team) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
				string(c.ID), p.AgentID, p.Team)
		}
	}
}

// metadata replaces the recording metadata of sessions.
func (b *batch) metadata(list []earshot.SegmentMetadata) error {
	for _, m := range list {
		doc, err := json.Marshal(m.Metadata)
		if err != nil {
			return fmt.Errorf("encode metadata: %w", err)
		}
		b.add(`INSERT INTO metadata (segment_id, call_id, doc) VALUES (?, ?, ?)
			ON CONFLICT (segment_id) DO UPDATE SET doc = excluded.doc`, string(m.SegmentID), string(m.CallID), string(doc))
	}
	return nil
}

// transcript writes utterances and watermarks. Triggers keep the revisions
// that are replaced.
func (b *batch) transcript(c earshot.Commit) error {
	for _, u := range c.Utterances {
		words, err := json.Marshal(u.Words)
		if err != nil {
			return fmt.Errorf("encode words: %w", err)
		}
		b.add(`INSERT INTO utterances (`+utteranceColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET call_id = excluded.call_id, stream_id = excluded.stream_id,
			participant_id = excluded.participant_id, role = excluded.role, start_ms = excluded.start_ms,
			end_ms = excluded.end_ms, text = excluded.text, confidence = excluded.confidence, late = excluded.late,
			revision = excluded.revision, pos_from = excluded.pos_from, pos_to = excluded.pos_to,
			raw = excluded.raw, words = excluded.words, language = excluded.language, continues = excluded.continues,
			engine = excluded.engine
			WHERE excluded.revision > revision`,
			string(u.ID), string(u.CallID), string(u.StreamID), string(u.ParticipantID), string(u.Role), u.StartMS, u.EndMS,
			u.Text, u.Confidence, u.Late, u.Revision, int64(u.From), int64(u.To),
			u.Raw, string(words), u.Language, u.Continues, u.Engine)
	}
	for _, r := range c.Transcripts {
		b.add(`DELETE FROM utterances WHERE call_id = ? AND revision < ?`, string(r.CallID), r.Revision)
	}
	for _, w := range c.Watermarks {
		b.add(`INSERT INTO watermarks (stream_id, position, finals, completed) VALUES (?, ?, ?, ?)
			ON CONFLICT (stream_id) DO UPDATE SET position = excluded.position,
			finals = max(finals, excluded.finals), completed = max(completed, excluded.completed)
			WHERE excluded.position >= position`,
			string(w.StreamID), int64(w.Position), w.Finals, w.Completed)
	}
	return nil
}

// derived writes what is derived from a transcript.
func (b *batch) derived(c earshot.Commit) error {
	for _, v := range c.Suggestions {
		v.Feedback = nil
		doc, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode suggestion: %w", err)
		}
		b.add(`INSERT INTO suggestions (id, call_id, at_ms, doc) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
			string(v.ID), string(v.CallID), v.AtMS, string(doc))
	}
	if err := b.feedback(c.Feedback); err != nil {
		return err
	}
	for _, v := range c.Summaries {
		doc, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode summary: %w", err)
		}
		b.add(`INSERT INTO summaries (call_id, revision, doc) VALUES (?, ?, ?) ON CONFLICT (call_id, revision) DO NOTHING`,
			string(v.CallID), v.Revision, string(doc))
	}
	for _, v := range c.Matches {
		doc, err := json.Marshal(v.Match)
		if err != nil {
			return fmt.Errorf("encode match: %w", err)
		}
		b.add(`INSERT INTO matches (call_id, connector, doc) VALUES (?, ?, ?)
			ON CONFLICT (call_id, connector) DO UPDATE SET doc = excluded.doc`, string(v.CallID), v.Connector, string(doc))
	}
	for _, v := range c.Deliveries {
		doc, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("encode delivery: %w", err)
		}
		b.add(`INSERT INTO deliveries (note_id, revision, call_id, state, doc) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT (note_id, revision) DO UPDATE SET call_id = excluded.call_id, state = excluded.state,
			doc = excluded.doc`, string(v.NoteID), v.Revision, string(v.CallID), string(v.State), string(doc))
	}
	return nil
}

func (b *batch) job(j earshot.Job, now time.Time) {
	if j.State == "" {
		j.State = earshot.JobPending
	}
	if j.CreatedAt.IsZero() {
		j.CreatedAt = now
	}
	var done any
	if j.State == earshot.JobDone {
		done = now.UnixMicro()
	}
	b.add(`INSERT INTO jobs (kind, key, call_id, lane, payload, state, attempts, run_at, last_error, created_at, done_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, key) DO NOTHING`,
		string(j.Kind), j.Key, string(j.CallID), j.Lane, textOrNil(j.Payload), string(j.State), j.Attempts,
		j.RunAt.UnixMicro(), j.LastError, j.CreatedAt.UnixMicro(), done)
}
