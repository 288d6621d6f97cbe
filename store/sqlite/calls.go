package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"earshot"
	"earshot/store"
)

// selectCalls reads calls with their newest summary and their matches.
const selectCalls = `SELECT c.doc, s.doc, (SELECT json_group_array(json(doc)) FROM matches WHERE call_id = c.id)
	FROM calls c LEFT JOIN summaries s ON s.call_id = c.id AND s.revision = (SELECT max(revision) FROM summaries WHERE call_id = c.id) `

func scanCall(row scanner) (earshot.Call, error) {
	var c earshot.Call
	var doc, summary, matches []byte
	if err := row.Scan(&doc, &summary, &matches); err != nil {
		return c, err
	}
	if err := json.Unmarshal(doc, &c); err != nil {
		return c, err
	}
	if summary != nil {
		if err := json.Unmarshal(summary, &c.Summary); err != nil {
			return c, err
		}
	}
	if err := json.Unmarshal(matches, &c.Matches); err != nil {
		return c, err
	}
	if len(c.Matches) == 0 {
		c.Matches = nil
	}
	store.FillCall(&c)
	return c, nil
}

// Call returns the call with its newest summary, or earshot.ErrNotFound.
func (s *Store) Call(ctx context.Context, id earshot.CallID) (earshot.Call, error) {
	c, err := scanCall(s.reader.QueryRowContext(ctx, selectCalls+`WHERE c.id = ?`, string(id)))
	if err != nil {
		return c, readError("call", err)
	}
	return c, nil
}

// Calls returns calls, the one that started last first, and the cursor of the
// next page, "" after the last.
func (s *Store) Calls(ctx context.Context, q CallQuery) (list []earshot.Call, next string, err error) {
	where, args := `WHERE true`, []any{}
	switch q.State {
	case "":
	case "live":
		where = `WHERE c.state = 'live'`
	case "ended":
		where = `WHERE c.state <> 'live'`
	default:
		return nil, "", fmt.Errorf("read calls: no state %q", q.State)
	}
	if q.Tag != "" {
		where += ` AND c.id IN (SELECT call_id FROM call_tags WHERE tag = ?)`
		args = append(args, q.Tag)
	}
	seen, who := audience(q.Audience, "c.id")
	where, args = where+seen, append(args, who...)
	if q.Before != "" {
		cur, err := parseCursor[callCursor](q.Before)
		if err != nil {
			return nil, "", fmt.Errorf("read calls: %w", err)
		}
		where += ` AND (c.started_at, c.id) < (?, ?)`
		args = append(args, cur.StartedAt, cur.ID)
	}
	limit := store.Limit(q.Limit)
	list, err = collect(ctx, s.reader, scanCall,
		selectCalls+where+` ORDER BY c.started_at DESC, c.id DESC LIMIT ?`, append(args, limit+1)...)
	if err != nil {
		return nil, "", readError("calls", err)
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		next = cursor(callCursor{last.StartedAt.UnixMicro(), string(last.ID)})
	}
	return list, next, nil
}

// LiveCalls returns the calls in state live, oldest first.
func (s *Store) LiveCalls(ctx context.Context) ([]earshot.Call, error) {
	return s.calls(ctx, `WHERE c.state = 'live' ORDER BY c.started_at, c.id`)
}

// OpenTranscripts returns the calls in any state whose transcript is not
// complete, oldest first.
func (s *Store) OpenTranscripts(ctx context.Context) ([]earshot.Call, error) {
	return s.calls(ctx, `WHERE c.transcript_complete = 0 ORDER BY c.started_at, c.id`)
}

// EndedSince returns the calls that ended at t or later, in that order.
func (s *Store) EndedSince(ctx context.Context, t time.Time) ([]earshot.Call, error) {
	return s.calls(ctx, `WHERE c.ended_at >= ? ORDER BY c.ended_at, c.id`, t.UnixMicro())
}

func (s *Store) calls(ctx context.Context, where string, args ...any) ([]earshot.Call, error) {
	list, err := collect(ctx, s.reader, scanCall, selectCalls+where, args...)
	return list, readError("calls", err)
}

// Dialogs returns the dialogs of the recording sessions that were up.
func (s *Store) Dialogs(ctx context.Context) ([]earshot.Dialog, error) {
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.Dialog, error) {
		var d earshot.Dialog
		err := row.Scan(&d.ID, &d.CallID, &d.SegmentID, &d.State)
		return d, err
	}, `SELECT id, call_id, segment_id, state FROM dialogs ORDER BY id`)
	return list, readError("dialogs", err)
}

// readError says what could not be read; no row is earshot.ErrNotFound.
func readError(what string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		err = earshot.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// Metadata returns the recording metadata of a call's sessions, the first
// session's first.
func (s *Store) Metadata(ctx context.Context, id earshot.CallID) ([]earshot.SegmentMetadata, error) {
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.SegmentMetadata, error) {
		m := earshot.SegmentMetadata{CallID: id}
		var doc []byte
		if err := row.Scan(&m.SegmentID, &doc); err != nil {
			return m, err
		}
		return m, json.Unmarshal(doc, &m.Metadata)
	}, `SELECT segment_id, doc FROM metadata WHERE call_id = ? ORDER BY segment_id`, string(id))
	return list, readError("metadata", err)
}
