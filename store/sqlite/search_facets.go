package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// facetMark begins the words that stand for facets in the search index, as the
// view call_facets writes them.
const facetMark = "\ue000\ue000\ue000"

// never is a facet that no utterance has.
const never = "none"

// longerThan are the lengths of calls in minutes that are facets.
var longerThan = []int{120, 60, 30, 20, 10, 5}

// indexed is the query for the index: what matches the text, and the facets as
// far as the index has them. It finds all that the exact conditions let pass,
// and sometimes more: the index knows days and no hours, and not every length.
func (s *Store) indexed(ctx context.Context, match string, q SearchQuery) (string, error) {
	var all []string
	add := func(kind string, value string) {
		if value != "" {
			all = append(all, facet(kind+hex.EncodeToString([]byte(value))))
		}
	}
	add("c", string(q.CallID))
	add("r", string(q.Role))
	add("d", string(q.Direction))
	add("t", q.Tag)
	add("a", q.AgentID)
	add("a", q.Audience.AgentID)
	if q.Audience.AgentID == "" {
		add("g", q.Audience.Team)
	}
	for _, minutes := range longerThan {
		if q.Longer >= time.Duration(minutes)*time.Minute {
			all = append(all, facet(fmt.Sprintf("l%d", minutes)))
			break
		}
	}
	if !q.From.IsZero() || !q.To.IsZero() {
		span, err := s.span(ctx, q.From, q.To)
		if err != nil {
			return "", err
		}
		all = append(all, "("+strings.Join(span, " OR ")+")")
	}
	words := inText(match)
	if len(all) == 0 {
		return words, nil
	}
	return words + ` AND facets : (` + strings.Join(all, " AND ") + `)`, nil
}

// inText lets a query look at what was said only.
func inText(match string) string { return `{text raw} : (` + match + `)` }

// facet is a word of the index as an FTS5 string.
func facet(word string) string { return `"` + facetMark + word + `"` }

// span returns the facets of the days from one time to another, as far as there
// are calls.
func (s *Store) span(ctx context.Context, from, to time.Time) ([]string, error) {
	var first, last sql.NullInt64
	err := s.reader.QueryRowContext(ctx, `SELECT (SELECT min(started_at) FROM calls), (SELECT max(started_at) FROM calls)`).
		Scan(&first, &last)
	if err != nil {
		return nil, err
	}
	if t := fromMicro(first.Int64); from.Before(t) {
		from = t
	}
	if t := fromMicro(last.Int64); to.IsZero() || to.After(t) {
		to = t
	}
	var out []string
	for _, word := range daysFrom(from.UTC(), to.UTC()) {
		out = append(out, facet(word))
	}
	if len(out) == 0 {
		return []string{facet(never)}, nil
	}
	return out, nil
}

// daysFrom returns the days from one time to another, both with it, as words of
// the index: years and months where all of one is meant.
func daysFrom(from, to time.Time) []string {
	var out []string
	end := day(to).AddDate(0, 0, 1)
	for t := day(from); t.Before(end); {
		year, month := t.AddDate(1, 0, 0), t.AddDate(0, 1, 0)
		switch {
		case t.YearDay() == 1 && !year.After(end):
			out, t = append(out, t.Format("y2006")), year
		case t.Day() == 1 && !month.After(end):
			out, t = append(out, t.Format("m200601")), month
		default:
			out, t = append(out, t.Format("k20060102")), t.AddDate(0, 0, 1)
		}
	}
	return out
}

// day returns the beginning of the day of t.
func day(t time.Time) time.Time {
	year, month, d := t.Date()
	return time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
}
