package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"earshot"
)

// fromMicro returns the time a column holds.
func fromMicro(us int64) time.Time { return time.UnixMicro(us).UTC() }

func microOrNil(t *time.Time) any {
	if t == nil {
		return nil
	}
	return t.UnixMicro()
}

func textOrNil(raw []byte) any {
	if raw == nil {
		return nil
	}
	return string(raw)
}

// jsonList makes a list one argument, for json_each.
func jsonList[T any](list []T) string {
	raw, err := json.Marshal(list)
	if err != nil || list == nil {
		return "[]"
	}
	return string(raw)
}

// scanner is one row, of a query for one or for many.
type scanner interface{ Scan(dest ...any) error }

// collect runs a query and returns its rows, never nil.
func collect[T any](ctx context.Context, db *sql.DB, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// docScanner returns a scan of a row that is one JSON document.
func docScanner[T any](fill func(*T)) func(scanner) (T, error) {
	return func(row scanner) (T, error) {
		var v T
		var doc []byte
		if err := row.Scan(&doc); err != nil {
			return v, err
		}
		err := json.Unmarshal(doc, &v)
		if fill != nil {
			fill(&v)
		}
		return v, err
	}
}

func scanInt(row scanner) (int64, error) {
	var n int64
	err := row.Scan(&n)
	return n, err
}

const utteranceColumns = `id, call_id, stream_id, participant_id, role, start_ms, end_ms, text, confidence, late,
	revision, pos_from, pos_to, raw, words, language, continues, engine`

// scanUtterance reads utteranceColumns and what the query has after them.
func scanUtterance(row scanner, more ...any) (earshot.Utterance, error) {
	u := earshot.Utterance{Final: true}
	var words []byte
	err := row.Scan(append([]any{
		&u.ID, &u.CallID, &u.StreamID, &u.ParticipantID, &u.Role, &u.StartMS, &u.EndMS,
		&u.Text, &u.Confidence, &u.Late, &u.Revision, &u.From, &u.To,
		&u.Raw, &words, &u.Language, &u.Continues, &u.Engine,
	}, more...)...)
	if err != nil {
		return u, err
	}
	return u, json.Unmarshal(words, &u.Words)
}

const eventColumns = `seq, id, type, call_id, at, data`

func scanEvent(row scanner) (earshot.Event, error) {
	var e earshot.Event
	var at int64
	err := row.Scan(&e.Seq, &e.ID, &e.Type, &e.CallID, &at, (*[]byte)(&e.Data))
	e.At = fromMicro(at)
	return e, err
}

const jobColumns = `id, kind, key, call_id, lane, payload, state, attempts, run_at, last_error, created_at`

func scanJob(row scanner) (earshot.Job, error) {
	var j earshot.Job
	var runAt, createdAt int64
	err := row.Scan(&j.ID, &j.Kind, &j.Key, &j.CallID, &j.Lane, (*[]byte)(&j.Payload), &j.State, &j.Attempts, &runAt,
		&j.LastError, &createdAt)
	j.RunAt, j.CreatedAt = fromMicro(runAt), fromMicro(createdAt)
	return j, err
}
