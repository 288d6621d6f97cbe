package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"earshot/store"
)

// snippetWords is how many words of an utterance a snippet shows.
const snippetWords = 32

// Search returns the final utterances that match, and the cursor of the next
// page, "" after the last.
func (s *Store) Search(ctx context.Context, q SearchQuery) (hits []SearchHit, next string, err error) {
	match := matchAll(q.Text)
	if match == "" {
		return []SearchHit{}, "", nil
	}
	at := hitCursor{N: math.MaxInt64}
	if q.Before != "" {
		if at, err = parseCursor[hitCursor](q.Before); err != nil {
			return nil, "", fmt.Errorf("search: %w", err)
		}
	}
	q.Limit = store.Limit(q.Limit)
	if match, err = s.indexed(ctx, match, q); err != nil {
		return nil, "", fmt.Errorf("search: %w", err)
	}
	if q.Rank {
		hits, next, err = s.searchBest(ctx, match, q, at)
	} else {
		hits, next, err = s.searchNewest(ctx, match, q, at)
	}
	if err != nil {
		return nil, "", fmt.Errorf("search: %w", err)
	}
	return hits, next, nil
}

// filter is the condition on f, the search index, and u, the utterances, for
// matches not newer than a row. It is exact, also where the match is not.
func filter(match string, q SearchQuery, newest int64) (where string, args []any) {
	where, args = `utterances_fts MATCH ? AND f.rowid <= ?`, []any{match, newest}
	if q.CallID != "" {
		where, args = where+` AND u.call_id = ?`, append(args, string(q.CallID))
	}
	if q.Role != "" {
		where += ` AND u.role = ?`
		args = append(args, string(q.Role))
	}
	of, which := facets(q)
	seen, who := audience(q.Audience, "u.call_id")
	return where + of + seen, slices.Concat(args, which, who)
}

// facets is the condition on the call of an utterance.
func facets(q SearchQuery) (where string, args []any) {
	var of string
	add := func(condition string, value any) { of, args = of+" AND "+condition, append(args, value) }
	if !q.From.IsZero() {
		add(`k.started_at >= ?`, q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add(`k.started_at < ?`, q.To.UnixMicro())
	}
	if q.Longer > 0 {
		add(`k.ended_at - k.started_at >= ?`, q.Longer.Microseconds())
	}
	if q.Direction != "" {
		add(`k.doc ->> 'direction' = ?`, string(q.Direction))
	}
	if q.Tag != "" {
		add(`EXISTS (SELECT 1 FROM call_tags t WHERE t.tag = ? AND t.call_id = k.id)`, q.Tag)
	}
	if q.AgentID != "" {
		add(`EXISTS (SELECT 1 FROM call_agents a WHERE a.agent_id = ? AND a.call_id = k.id)`, q.AgentID)
	}
	if of == "" {
		return "", nil
	}
	return ` AND EXISTS (SELECT 1 FROM calls k WHERE k.id = u.call_id` + of + `)`, args
}

// from has the search index as the outer loop, always: it yields its rows by
// number, so that the newest matches come without sorting all of them.
const from = ` FROM utterances_fts f CROSS JOIN utterances u ON u.n = f.rowid `

const selectHits = `SELECT u.id, u.call_id, u.stream_id, u.participant_id, u.role, u.start_ms, u.end_ms, u.text,
	u.confidence, u.late, u.revision, u.pos_from, u.pos_to, u.raw, u.words, u.language, u.continues, u.engine, u.n,
	snippet(utterances_fts, 0, ?1, ?2, '…', ?3), snippet(utterances_fts, 1, ?1, ?2, '…', ?3), c.started_at,
	(SELECT p.value ->> 'name' FROM json_each(c.doc, '$.participants') p WHERE p.value ->> 'id' = u.participant_id)` +
	from + `LEFT JOIN calls c ON c.id = u.call_id WHERE `

// hit is a hit with its row.
type hit struct {
	SearchHit
	n int64
}

func (s *Store) hits(ctx context.Context, where string, args ...any) ([]hit, error) {
	args = append([]any{store.MarkStart, store.MarkEnd, snippetWords}, args...)
	return collect(ctx, s.reader, func(row scanner) (hit, error) {
		var h hit
		var raw string
		var started sql.NullInt64
		var speaker sql.NullString
		var err error
		h.Utterance, err = scanUtterance(row, &h.n, &h.Snippet, &raw, &started, &speaker)
		if !strings.Contains(h.Snippet, store.MarkStart) && raw != "" {
			h.Snippet = raw // found by what was said, not by what was made of it
		}
		if started.Valid {
			h.CallStartedAt = fromMicro(started.Int64)
		}
		h.Speaker = speaker.String
		return h, err
	}, selectHits+where, args...)
}

func (s *Store) searchNewest(ctx context.Context, match string, q SearchQuery, at hitCursor) ([]SearchHit, string, error) {
	where, args := filter(match, q, at.N)
	list, err := s.hits(ctx, where+` ORDER BY f.rowid DESC LIMIT ?`, append(args, q.Limit+1)...)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(list) > q.Limit {
		list = list[:q.Limit]
		next = cursor(hitCursor{N: list[q.Limit-1].n - 1})
	}
	return plain(list), next, nil
}

// searchBest ranks the newest matches. Its pages share the window of the first
// one, so that they don't overlap when more is said meanwhile.
func (s *Store) searchBest(ctx context.Context, match string, q SearchQuery, at hitCursor) ([]SearchHit, string, error) {
	if q.Before == "" {
		err := s.reader.QueryRowContext(ctx, `SELECT coalesce(max(n), 0) FROM utterances`).Scan(&at.N)
		if err != nil {
			return nil, "", err
		}
	}
	where, args := filter(match, q, at.N)
	rows, err := collect(ctx, s.reader, scanInt,
		`SELECT n FROM (SELECT f.rowid AS n, bm25(utterances_fts, 1, 1, 0) AS score`+from+`WHERE `+where+`
			ORDER BY f.rowid DESC LIMIT ?) ORDER BY score, n DESC LIMIT ? OFFSET ?`,
		append(args, store.RankWindow, q.Limit+1, at.Skip)...)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(rows) > q.Limit {
		rows = rows[:q.Limit]
		next = cursor(hitCursor{N: at.N, Skip: at.Skip + q.Limit})
	}
	if len(rows) == 0 {
		return []SearchHit{}, "", nil
	}
	// The plus keeps the rows from being looked up one by one, each of which
	// would begin the whole search anew.
	list, err := s.hits(ctx, `utterances_fts MATCH ? AND f.rowid BETWEEN ? AND ? AND +f.rowid IN (SELECT value FROM json_each(?))`,
		match, slices.Min(rows), slices.Max(rows), jsonList(rows))
	if err != nil {
		return nil, "", err
	}
	slices.SortFunc(list, func(a, b hit) int { return slices.Index(rows, a.n) - slices.Index(rows, b.n) })
	return plain(list), next, nil
}

func plain(list []hit) []SearchHit {
	out := make([]SearchHit, len(list))
	for i, h := range list {
		out[i] = h.SearchHit
	}
	return out
}
