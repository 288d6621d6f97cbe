package sqlite

import (
	"context"
	"encoding/json"

	"earshot"
)

// mostNames is how many tags and outcomes are counted.
const mostNames = 12

// sums are the figures of a day in the order of [sumsTo]. As one JSON array they
// are a subquery of each day, which walks along the index of call_figures and
// sorts nothing.
const sums = `json_array(count(*), sum(direction = 'inbound'), sum(direction = 'outbound'), count(handled_ms), sum(handled_ms),
	sum(mood = -1), sum(mood = 0), sum(mood = 1), sum(suggested), sum(used), sum(dismissed), sum(wrong), sum(notes), sum(notes_failed),
	sum(late), sum(in_250), sum(in_500), sum(in_750), sum(in_1000), sum(in_1500), sum(in_2500), sum(in_5000), sum(slower))`

func sumsTo(f *earshot.Figures) []*int64 {
	l := &f.Latencies
	return []*int64{
		&f.Calls, &f.Inbound, &f.Outbound, &f.Ended, &f.HandledMS,
		&f.Negative, &f.Neutral, &f.Positive, &f.Suggested, &f.Used, &f.Dismissed, &f.Wrong, &f.Notes, &f.NotesFailed, &f.Late,
		&l[0], &l[1], &l[2], &l[3], &l[4], &l[5], &l[6], &l[7],
	}
}

// Figures returns what the calls of days add up to.
func (s *Store) Figures(ctx context.Context, q earshot.FiguresQuery) (earshot.DaysFigures, error) {
	out := earshot.DaysFigures{Days: []earshot.Figures{}, Tags: []earshot.NamedCount{}, Outcomes: []earshot.NamedCount{}}
	if len(q.Days) < 2 {
		return out, nil
	}
	starts := make([]int64, len(q.Days))
	for i, t := range q.Days {
		starts[i] = t.UnixMicro()
	}
	// A + keeps the days' index in use, and whose calls count is found out once.
	whose, who := audience(q.Audience, "+f.call_id")
	if q.AgentID != "" {
		whose += ` AND +f.call_id IN (SELECT call_id FROM call_agents WHERE agent_id = ?)`
		who = append(who, q.AgentID)
	}
	var err error
	out.Days, err = collect(ctx, s.reader, scanFigures, `SELECT (SELECT `+sums+` FROM call_figures f
		WHERE f.started_at >= d.value ->> 0 AND f.started_at < d.value ->> 1`+whose+`) FROM json_each(?) d ORDER BY d.key`,
		append(who, jsonList(spans(starts)))...)
	if err != nil {
		return out, readError("figures", err)
	}
	all := append([]any{starts[0], starts[len(starts)-1]}, who...)
	within := ` WHERE f.started_at >= ? AND f.started_at < ?` + whose
	const most = ` GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT `
	out.Tags, err = collect(ctx, s.reader, scanCount,
		`SELECT t.tag, count(*) FROM call_figures f CROSS JOIN call_tags t ON t.call_id = f.call_id`+within+most+`?`, append(all, mostNames)...)
	if err != nil {
		return out, readError("figures", err)
	}
	out.Outcomes, err = collect(ctx, s.reader, scanCount,
		`SELECT f.outcome, count(*) FROM call_figures f`+within+` AND f.outcome <> ''`+most+`?`, append(all, mostNames)...)
	return out, readError("figures", err)
}

// spans are the beginning and the end of each day.
func spans(starts []int64) [][2]int64 {
	out := make([][2]int64, len(starts)-1)
	for i := range out {
		out[i] = [2]int64{starts[i], starts[i+1]}
	}
	return out
}

func scanFigures(row scanner) (earshot.Figures, error) {
	var f earshot.Figures
	var doc []byte
	if err := row.Scan(&doc); err != nil {
		return f, err
	}
	to := sumsTo(&f)
	err := json.Unmarshal(doc, &to) // the sum of no call is null, which leaves 0
	f.Summarize()
	return f, err
}

func scanCount(row scanner) (earshot.NamedCount, error) {
	var n earshot.NamedCount
	err := row.Scan(&n.Name, &n.Calls)
	return n, err
}
