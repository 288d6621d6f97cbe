package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/store"
)

func texts(t *testing.T, s Store, q store.SearchQuery) []string {
	t.Helper()
	hits, _, err := s.Search(t.Context(), q)
	if err != nil {
		t.Fatalf("search %q: %v", q.Text, err)
	}
	return pick(hits, func(h store.SearchHit) string { return h.Utterance.Text })
}

func testSearchWords(t *testing.T, s Store) {
	const (
		one   = "My invoice number is 4711."
		two   = "The number of your invoice, please?"
		three = "I don't like the café in Zürich AND Bern"
	)
	c := NewCall(1, earshot.CallLive)
	us := speak(t, s, c, one, two, three)
	for text, want := range map[string][]string{
		`invoice`:                  {two, one},
		`INVOICE number`:           {two, one},
		`number invoice 4711`:      {one},
		`"invoice number"`:         {one},
		`"invoice number`:          {one},
		`inv*`:                     {two, one},
		`"your inv"*`:              {two},
		`inv`:                      {},
		`don't`:                    {three},
		`cafe zurich`:              {three},
		`and`:                      {three},
		`invoice OR cafe`:          {},
		`invoice -- !! *`:          {two, one},
		`text:invoice`:             {},
		``:                         {},
		`  `:                       {},
		`"" * ( - `:                {},
		"invoice\x00number":        {two, one},
		`invoice` + "\u2003number": {two, one},
	} {
		equal(t, "search "+text, texts(t, s, store.SearchQuery{Text: text}), want)
	}
	hits, next, err := s.Search(t.Context(), store.SearchQuery{Text: "4711"})
	if err != nil || next != "" || len(hits) != 1 {
		t.Fatalf("hits %+v, next %q, error %v", hits, next, err)
	}
	h := hits[0]
	equal(t, "utterance", h.Utterance, us[0])
	equal(t, "speaker", h.Speaker, "Ada Agent")
	equal(t, "call's start", h.CallStartedAt, c.StartedAt)
}

func testSearchAsSaid(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	u := NewUtterance(c, 0, 0, "That is $25.10 for AB123, please.")
	u.Raw = "that is twenty five dollars and ten cents for A B one two three please"
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}, Utterances: []earshot.Utterance{u}})
	for _, text := range []string{`25.10`, `AB123`, `"twenty five dollars"`, `one two three`, `25.10 twenty`, `please`} {
		equal(t, "search "+text, texts(t, s, store.SearchQuery{Text: text}), []string{u.Text})
		equal(t, "best "+text, texts(t, s, store.SearchQuery{Text: text, Rank: true}), []string{u.Text})
	}
	hits, _, err := s.Search(t.Context(), store.SearchQuery{Text: "twenty"})
	if err != nil || len(hits) != 1 || !strings.Contains(hits[0].Snippet, store.MarkStart+"twenty"+store.MarkEnd) {
		t.Errorf("hits %+v, %v", hits, err)
	}
	u.Text, u.Raw, u.Revision = "That is 30 euros.", "", 1
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{u}})
	equal(t, "what was revised", texts(t, s, store.SearchQuery{Text: "twenty"}), []string{})
}

// testSearchFacets looks among three calls, a minute apart, for those of a kind.
func testSearchFacets(t *testing.T, s Store) {
	c := NewCall(7, earshot.CallSettled)
	c.Direction, c.Tags, c.Participants[0].AgentID = earshot.DirectionOutbound, []string{"refund"}, "ada"
	speak(t, s, c, "hello from far", "hello from near")
	of, both := []string{"hello from near", "hello from far"}, []string{"hello from customer 1", "hello from agent 1"}
	length := c.EndedAt.Sub(c.StartedAt)
	for _, tc := range []struct {
		what string
		q    store.SearchQuery
		want []string
	}{
		{"from a day", store.SearchQuery{From: c.StartedAt}, of},
		{"in a minute", store.SearchQuery{From: epoch.Add(time.Minute), To: epoch.Add(2 * time.Minute)}, both},
		{"of a direction", store.SearchQuery{Direction: earshot.DirectionOutbound}, of},
		{"of a tag", store.SearchQuery{Tag: "refund"}, of},
		{"of an agent", store.SearchQuery{AgentID: "ada"}, of},
		{"of a length", store.SearchQuery{Longer: length}, of},
		{"of a greater length", store.SearchQuery{Longer: length + time.Second}, []string{}},
		{"of all that", store.SearchQuery{From: c.StartedAt, Direction: c.Direction, Tag: "refund", AgentID: "ada", Longer: length}, of},
		{"of one thing not", store.SearchQuery{Direction: c.Direction, Tag: "billing"}, []string{}},
	} {
		tc.q.Text = "hello"
		equal(t, tc.what, texts(t, s, tc.q), tc.want)
		tc.q.Rank = true
		equal(t, tc.what+", best first", len(texts(t, s, tc.q)), len(tc.want))
	}
}

func testSearchFilters(t *testing.T, s Store) {
	for i := range 3 {
		speak(t, s, NewCall(i, earshot.CallLive), fmt.Sprintf("hello from agent %d", i), fmt.Sprintf("hello from customer %d", i))
	}
	equal(t, "of a call", texts(t, s, store.SearchQuery{Text: "hello", CallID: "call0001"}),
		[]string{"hello from customer 1", "hello from agent 1"})
	equal(t, "of a role", texts(t, s, store.SearchQuery{Text: "hello", Role: earshot.RoleAgent}),
		[]string{"hello from agent 2", "hello from agent 1", "hello from agent 0"})
	for _, rank := range []bool{false, true} {
		equal(t, "of both", texts(t, s, store.SearchQuery{Text: "hello", CallID: "call0000", Role: earshot.RoleCustomer, Rank: rank}),
			[]string{"hello from customer 0"})
		equal(t, "of an unknown call", texts(t, s, store.SearchQuery{Text: "hello", CallID: "nobody", Rank: rank}), []string{})
	}
	testSearchFacets(t, s)
	// An utterance may be there before its call, or without a known speaker.
	u := NewUtterance(NewCall(9, earshot.CallLive), 0, 0, "hello orphan")
	u.ParticipantID = ""
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{u}})
	hits, _, err := s.Search(t.Context(), store.SearchQuery{Text: "orphan"})
	if err != nil || len(hits) != 1 || hits[0].Speaker != "" || !hits[0].CallStartedAt.IsZero() {
		t.Errorf("orphan: %+v, %v", hits, err)
	}
}

// walk returns all pages of a search, each of two hits at the most.
func walk(t *testing.T, s Store, q store.SearchQuery, between func(page int)) []string {
	t.Helper()
	var got []string
	q.Limit = 2
	for page := 0; ; page++ {
		hits, next, err := s.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(hits) > 2 || page > 10 {
			t.Fatalf("page %d has %d hits", page, len(hits))
		}
		for _, h := range hits {
			got = append(got, h.Utterance.Text)
		}
		if next == "" {
			return got
		}
		q.Before = next
		between(page)
	}
}

func testSearchPages(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	var want []string
	for i := range 6 {
		want = append(want, fmt.Sprintf("hello %d", i))
	}
	speak(t, s, c, want...)
	slices.Reverse(want)
	for _, rank := range []bool{false, true} {
		// What is said between two pages shifts nothing.
		got := walk(t, s, store.SearchQuery{Text: "hello", Rank: rank, CallID: c.ID}, func(page int) {
			u := NewUtterance(c, 0, 100+page, "hello meanwhile")
			u.CallID = earshot.CallID(fmt.Sprintf("other-%v", rank))
			apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{u}})
		})
		equal(t, fmt.Sprintf("pages, ranked %v", rank), got, want)
	}
	all := walk(t, s, store.SearchQuery{Text: "hello", Rank: true}, func(page int) {
		u := NewUtterance(c, 1, 200+page, "hello hello hello")
		u.ID += "-more"
		apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{u}})
	})
	if len(all) != 6+2 || slices.Contains(all, "hello hello hello") {
		t.Errorf("ranked pages overlap or miss: %q", all)
	}
}

func testSearchRanked(t *testing.T, s Store) {
	long := "refund " + strings.Repeat("and many other words ", 8)
	speak(t, s, NewCall(1, earshot.CallLive), "refund refund refund", "unrelated", "something else", "more of it", "and more", long)
	equal(t, "newest first", texts(t, s, store.SearchQuery{Text: "refund"}), []string{long, "refund refund refund"})
	equal(t, "best first", texts(t, s, store.SearchQuery{Text: "refund", Rank: true}), []string{"refund refund refund", long})
}

func testSearchRevision(t *testing.T, s Store) {
	u := speak(t, s, NewCall(1, earshot.CallLive), "the colour is blew")[0]
	u.Text, u.Raw, u.Revision = "the colour is blue", "", 1
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{u}})
	equal(t, "the old word", texts(t, s, store.SearchQuery{Text: "blew"}), []string{})
	equal(t, "the new word", texts(t, s, store.SearchQuery{Text: "blue"}), []string{u.Text})
	equal(t, "a word in both", texts(t, s, store.SearchQuery{Text: "colour"}), []string{u.Text})
}

func testSearchSnippet(t *testing.T, s Store) {
	filler := strings.Repeat("word ", 60)
	speak(t, s, NewCall(1, earshot.CallLive), filler+"<b>Order</b> 4711 & more "+filler)
	hits, _, err := s.Search(t.Context(), store.SearchQuery{Text: "order 47*"})
	if err != nil || len(hits) != 1 {
		t.Fatalf("hits %+v, error %v", hits, err)
	}
	got := hits[0].Snippet
	want := "<b>" + store.MarkStart + "Order" + store.MarkEnd + "</b> " + store.MarkStart + "4711" + store.MarkEnd + " & more"
	if !strings.Contains(got, want) || !strings.HasPrefix(got, "…") || !strings.HasSuffix(got, "…") || len(got) > 300 {
		t.Errorf("snippet %q has no %q in the middle", got, want)
	}
}

// Hostile are texts that mean something to query languages.
func Hostile() []string {
	return []string{
		`"`, `""`, `"""`, `'`, `'; DROP TABLE utterances; --`, `*`, `"*`, `a*b`, `^a`, `a^`, `a:b`, `{a b}:c`, `-a`, `+a`, `(`, `)`,
		`a AND`, `OR`, `NOT a`, `NEAR(a b, 5)`, `a NEAR b`, "a\x00b", "\xff\xfe", "a\"b\"c", `\`, `%`, `_`, "\u202e", "é", "e\u0301",
		"日本語", "\U0001F600", "\u00ad", "\u0301", strings.Repeat("a ", 3000), strings.Repeat(`"a `, 500), strings.Repeat("x", 9999),
		"١٢٣", "\ue000", "ﬁ", "ǅ", "\u0345", "𞤀",
	}
}

func testSearchTakesAnyText(t *testing.T, s Store) {
	speak(t, s, NewCall(1, earshot.CallLive), "a b c", "é 日本語")
	if err := s.ReplacePassages(t.Context(), "x", []earshot.Passage{{ID: "1", Heading: "a", Text: "b é"}}); err != nil {
		t.Fatal(err)
	}
	for _, text := range Hostile() {
		for _, rank := range []bool{false, true} {
			if _, _, err := s.Search(t.Context(), store.SearchQuery{Text: text, Rank: rank}); err != nil {
				t.Errorf("search %q: %v", text, err)
			}
		}
		if _, err := s.SearchPassages(t.Context(), text, 3); err != nil {
			t.Errorf("search passages %q: %v", text, err)
		}
	}
	equal(t, "a", len(texts(t, s, store.SearchQuery{Text: "a"})), 1)
}
