package storetest

import (
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/store"
)

// testSearchFacetsLater has what calls are found by come after what is said in
// them, and change.
func testSearchFacetsLater(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	said := []earshot.Utterance{NewUtterance(c, 0, 0, "hello first")}
	apply(t, s, earshot.Commit{Utterances: said})
	tagged := store.SearchQuery{Text: "hello", Tag: "billing"}
	equal(t, "before there is a call", texts(t, s, tagged), []string{})
	equal(t, "of the call before it is there", texts(t, s, store.SearchQuery{Text: "hello", CallID: c.ID}), []string{"hello first"})

	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}, Utterances: []earshot.Utterance{NewUtterance(c, 1, 1, "hello second")}})
	both := []string{"hello second", "hello first"}
	equal(t, "once there is a call", texts(t, s, tagged), both)

	end := c.StartedAt.Add(25 * time.Minute)
	c.State, c.EndedAt, c.Direction, c.Tags = earshot.CallSettled, &end, earshot.DirectionOutbound, []string{"Über alles: 100 %"}
	c.Participants[0].AgentID, c.Participants[0].Team = "ada", "team one"
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	for what, q := range map[string]store.SearchQuery{
		"a new tag":               {Tag: c.Tags[0]},
		"a tag that it had":       {Tag: "billing"}, // tags stay
		"a new direction":         {Direction: c.Direction},
		"a new agent":             {AgentID: "ada"},
		"the agent's calls":       {Audience: earshot.Audience{AgentID: "ada"}},
		"the team's calls":        {Audience: earshot.Audience{Team: "team one"}},
		"a length":                {Longer: 25 * time.Minute},
		"the call":                {CallID: c.ID},
		"the call and all facets": {CallID: c.ID, Tag: "billing", Direction: c.Direction, AgentID: "ada", Longer: time.Minute},
	} {
		q.Text = "hello"
		equal(t, what, texts(t, s, q), both)
		q.Rank = true
		got := texts(t, s, q)
		slices.Sort(got)
		equal(t, what+", best first", got, []string{"hello first", "hello second"})
	}
	for what, q := range map[string]store.SearchQuery{
		"the old direction":    {Direction: earshot.DirectionInbound},
		"a longer call":        {Longer: 25*time.Minute + time.Second},
		"a tag in other case":  {Tag: "BILLING"},
		"a part of a tag":      {Tag: "alles"},
		"another agent":        {AgentID: "ad"},
		"another team's calls": {Audience: earshot.Audience{Team: "team"}},
	} {
		q.Text = "hello"
		equal(t, what, texts(t, s, q), []string{})
	}

	said[0].Text, said[0].Role, said[0].Revision = "hello again", earshot.RoleCustomer, 1
	apply(t, s, earshot.Commit{Utterances: said})
	equal(t, "a new role", texts(t, s, store.SearchQuery{Text: "hello", Tag: "billing", Role: earshot.RoleCustomer}),
		[]string{"hello second", "hello again"})
	equal(t, "the old role", texts(t, s, store.SearchQuery{Text: "hello", Role: earshot.RoleAgent}), []string{})
}

// testSearchDays looks for calls at the ends of days, months and years.
func testSearchDays(t *testing.T, s Store) {
	zone := time.FixedZone("behind", -8*3600)
	starts := []time.Time{
		time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2025, 2, 28, 20, 0, 0, 0, zone), // on 1 March in UTC
		time.Date(2025, 3, 31, 12, 0, 0, 0, time.UTC),
	}
	for i, at := range starts {
		c := NewCall(i, earshot.CallLive)
		c.StartedAt = at
		speak(t, s, c, "hello "+at.UTC().Format(time.DateOnly))
	}
	bounds := []time.Time{{}, starts[0].AddDate(-1, 0, 0), time.Date(2025, 3, 1, 4, 0, 0, 1000, time.UTC), starts[4].AddDate(1, 0, 0)}
	bounds = append(bounds, starts...)
	for _, from := range bounds {
		for _, to := range append(bounds, starts[3].In(time.UTC)) {
			want := []string{}
			for _, at := range slices.Backward(starts) {
				if !at.Before(from) && (to.IsZero() || at.Before(to)) {
					want = append(want, "hello "+at.UTC().Format(time.DateOnly))
				}
			}
			q := store.SearchQuery{Text: "hello", From: from, To: to}
			equal(t, "from "+from.String()+" to "+to.String(), texts(t, s, q), want)
		}
	}
	equal(t, "in a year far away", texts(t, s, store.SearchQuery{Text: "hello", To: time.Date(1, 1, 2, 0, 0, 0, 0, time.UTC)}), []string{})
}

// testSearchFacetsAreNoText makes sure that only what was said is searched as
// text, and only that is shown.
func testSearchFacetsAreNoText(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallSettled)
	speak(t, s, c, "we are billing you for the agent")
	for _, text := range []string{"inbound", "dinbound", "2026", "m202603", "y2026", "tbilling", "\ue000*", "\ue000\ue000\ue000y2026", "\ue000\ue000*"} {
		equal(t, "search "+text, texts(t, s, store.SearchQuery{Text: text}), []string{})
	}
	q := store.SearchQuery{
		Text: "billing", Tag: "billing", Role: earshot.RoleAgent, Direction: c.Direction, CallID: c.ID,
		From: c.StartedAt.AddDate(0, -1, 0), To: c.StartedAt.AddDate(0, 1, 0),
	}
	for _, q.Rank = range []bool{false, true} {
		hits, _, err := s.Search(t.Context(), q)
		if err != nil || len(hits) != 1 {
			t.Fatalf("hits %+v, error %v", hits, err)
		}
		equal(t, "snippet", hits[0].Snippet, "we are "+store.MarkStart+"billing"+store.MarkEnd+" you for the agent")
	}
}
