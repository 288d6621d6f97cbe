package storetest

import (
	"testing"
	"time"

	"earshot"
)

// said is a final that came so many milliseconds after it was said.
func said(c earshot.Call, i int, after int64, change ...func(*earshot.Utterance)) earshot.Event {
	u := NewUtterance(c, 0, i, "hello")
	for _, f := range change {
		f(&u)
	}
	e := earshot.NewEvent(earshot.EventUtteranceFinal, c.ID, u)
	e.At = c.StartedAt.Add(time.Duration(u.EndMS+after) * time.Millisecond)
	return e
}

func rated(mood earshot.Mood, rated int) earshot.Sentiment {
	return earshot.Sentiment{Mood: mood, Rated: rated}
}

// testFigures counts calls of three days, the last of which has none, whichever
// of their parts comes first.
func testFigures(t *testing.T, s Store) {
	begin := epoch.Truncate(24 * time.Hour)
	days := []time.Time{begin, begin.Add(24 * time.Hour), begin.Add(48 * time.Hour), begin.Add(72 * time.Hour)}
	one, two, next := NewCall(1, earshot.CallSettled), NewCall(2, earshot.CallLive), NewCall(3, earshot.CallSettled)
	one.Participants[0].AgentID, one.Participants[0].Team = "ada", "red"
	next.Participants[0].AgentID, next.Participants[0].Team = "bob", "red"
	next.StartedAt, next.Direction, next.Tags = days[1], earshot.DirectionOutbound, []string{"refund", "billing"}
	end := next.StartedAt.Add(90 * time.Second)
	next.EndedAt = &end
	card := earshot.Suggestion{ID: "g1", CallID: one.ID, Kind: "card"}
	apply(t, s, earshot.Commit{
		Suggestions: []earshot.Suggestion{card, {ID: "g2", CallID: one.ID, Kind: "answer"}, {ID: "g3", CallID: one.ID, Kind: "tag"}},
		Feedback:    []earshot.Feedback{earshot.FeedbackOf(card, earshot.VerdictWrong, "ada", epoch)},
		Deliveries:  []earshot.Delivery{{NoteID: "n1", CallID: one.ID, Revision: 1, State: earshot.DeliveryFailed}},
		Summaries:   []earshot.Summary{{CallID: one.ID, Revision: 1, Disposition: "none", Sentiment: rated(earshot.MoodPositive, 3)}},
	})
	apply(t, s, earshot.Commit{
		Calls:      []earshot.Call{one, two, next},
		Feedback:   []earshot.Feedback{earshot.FeedbackOf(card, earshot.VerdictUsed, "ada", epoch)},
		Deliveries: []earshot.Delivery{{NoteID: "n1", CallID: one.ID, Revision: 1, State: earshot.DeliveryConfirmed}, {NoteID: "n1", CallID: one.ID, Revision: 2, State: earshot.DeliveryFailed}},
		Summaries: []earshot.Summary{
			{CallID: one.ID, Revision: 2, Disposition: "resolved", Sentiment: rated(earshot.MoodNegative, 2)},
			{CallID: next.ID, Revision: 1, Disposition: "resolved", Sentiment: rated(earshot.MoodNeutral, 0)},
		},
	})
	late := func(u *earshot.Utterance) { u.Late = true }
	again := func(u *earshot.Utterance) { u.Revision = 1 }
	events := []earshot.Event{said(one, 0, 250), said(one, 1, 600), said(one, 2, 9000), said(one, 3, 60_000, late), said(one, 4, 60_000, again)}
	apply(t, s, earshot.Commit{Events: events})
	apply(t, s, earshot.Commit{Calls: []earshot.Call{one}, Suggestions: []earshot.Suggestion{card}, Events: events}) // once more

	first := earshot.Figures{
		Calls: 2, Inbound: 2, Ended: 1, HandledMS: 30_000, Negative: 1, Suggested: 2, Used: 1, Notes: 2, NotesFailed: 1,
		Late: 1, Latencies: earshot.Latencies{0: 1, 2: 1, 7: 1},
	}
	first.Summarize()
	second := earshot.Figures{Calls: 1, Outbound: 1, Ended: 1, HandledMS: 90_000}
	for what, c := range map[string]struct {
		q    earshot.FiguresQuery
		want earshot.DaysFigures
	}{
		"all": {want: earshot.DaysFigures{
			Days:     []earshot.Figures{first, second, {}},
			Tags:     []earshot.NamedCount{{Name: "billing", Calls: 3}, {Name: "refund", Calls: 1}},
			Outcomes: []earshot.NamedCount{{Name: "resolved", Calls: 2}},
		}},
		"an agent's": {q: earshot.FiguresQuery{Audience: earshot.Audience{AgentID: "bob"}}, want: earshot.DaysFigures{
			Days:     []earshot.Figures{{}, second, {}},
			Tags:     []earshot.NamedCount{{Name: "billing", Calls: 1}, {Name: "refund", Calls: 1}},
			Outcomes: []earshot.NamedCount{{Name: "resolved", Calls: 1}},
		}},
		"one agent's of a team": {q: earshot.FiguresQuery{AgentID: "bob", Audience: earshot.Audience{Team: "red"}}, want: earshot.DaysFigures{
			Days:     []earshot.Figures{{}, second, {}},
			Tags:     []earshot.NamedCount{{Name: "billing", Calls: 1}, {Name: "refund", Calls: 1}},
			Outcomes: []earshot.NamedCount{{Name: "resolved", Calls: 1}},
		}},
		"one agent's of another team": {q: earshot.FiguresQuery{AgentID: "bob", Audience: earshot.Audience{Team: "blue"}}, want: noFigures()},
		"nobody's":                    {q: earshot.FiguresQuery{Audience: earshot.Audience{Nobody: true}}, want: noFigures()},
	} {
		c.q.Days = days
		equal(t, what, must(s.Figures(t.Context(), c.q))(t), c.want)
	}
	equal(t, "no day", must(s.Figures(t.Context(), earshot.FiguresQuery{}))(t), earshot.DaysFigures{
		Days: []earshot.Figures{}, Tags: []earshot.NamedCount{}, Outcomes: []earshot.NamedCount{},
	})
}

func noFigures() earshot.DaysFigures {
	return earshot.DaysFigures{Days: []earshot.Figures{{}, {}, {}}, Tags: []earshot.NamedCount{}, Outcomes: []earshot.NamedCount{}}
}
