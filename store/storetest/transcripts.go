package storetest

import (
	"errors"
	"testing"

	"earshot"
	"earshot/store"
)

func testUtterances(t *testing.T, s Store) {
	c, other := NewCall(1, earshot.CallLive), NewCall(2, earshot.CallLive)
	late, early := NewUtterance(c, 0, 5, "second"), NewUtterance(c, 1, 2, "first")
	late.Late = true
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{late, early, NewUtterance(other, 0, 1, "elsewhere")}})
	equal(t, "utterances", must(s.Utterances(t.Context(), c.ID))(t), []earshot.Utterance{early, late})
}

func testUtteranceRevisions(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	first := NewUtterance(c, 0, 0, "hallo")
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{first}})
	third := first
	third.Revision, third.Text, third.ParticipantID, third.Role = 3, "hello", "p2", earshot.RoleCustomer
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{third}})
	for _, old := range []int{0, 1, 3} {
		u := third
		u.Revision, u.Text = old, "must not be kept"
		apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{u}})
	}
	equal(t, "utterances", must(s.Utterances(t.Context(), c.ID))(t), []earshot.Utterance{third})
	fourth := third
	fourth.Revision, fourth.Text = 4, "hello!"
	apply(t, s, earshot.Commit{Utterances: []earshot.Utterance{fourth}})
	equal(t, "utterances", must(s.Utterances(t.Context(), c.ID))(t), []earshot.Utterance{fourth})
	equal(t, "history", must(s.History(t.Context(), first.ID))(t), []earshot.Utterance{first, third})
}

// testTranscriptReplaced makes a transcript anew twice: search and reading find
// the newest, and the others whole.
func testTranscriptReplaced(t *testing.T, s Store) {
	c, other := NewCall(1, earshot.CallSettled), NewCall(2, earshot.CallSettled)
	stays, goes, elsewhere := NewUtterance(c, 0, 1, "hallo there"), NewUtterance(c, 0, 5, "noise"), NewUtterance(other, 0, 1, "noise")
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c, other}, Utterances: []earshot.Utterance{stays, goes, elsewhere}})
	better := stays
	better.Revision, better.Text, better.Raw = 1, "hello there", ""
	found := NewUtterance(c, 0, 3, "whisper")
	found.Revision = 1
	again := func(revision int, us ...earshot.Utterance) {
		c.TranscriptRevision = revision
		apply(t, s, earshot.Commit{
			Calls: []earshot.Call{c}, Utterances: us, Transcripts: []earshot.TranscriptRevision{{CallID: c.ID, Revision: revision}},
		})
	}
	again(1, better, found)
	again(1, better, found) // as after a crash
	ctx := t.Context()
	equal(t, "utterances", must(s.Utterances(ctx, c.ID))(t), []earshot.Utterance{better, found})
	equal(t, "first transcript", must(s.EarlierTranscript(ctx, c.ID, 0))(t), []earshot.Utterance{stays, goes})
	equal(t, "other call", must(s.Utterances(ctx, other.ID))(t), []earshot.Utterance{elsewhere})
	for words, want := range map[string]int{"hallo": 0, "hello": 1, "whisper": 1, "noise": 1} {
		if hits, _, err := s.Search(ctx, store.SearchQuery{Text: words, Limit: 10}); err != nil || len(hits) != want {
			t.Errorf("%d hits for %q, want %d: %v", len(hits), words, want, err)
		}
	}
	again(2)
	equal(t, "utterances", must(s.Utterances(ctx, c.ID))(t), []earshot.Utterance{})
	equal(t, "second transcript", must(s.EarlierTranscript(ctx, c.ID, 1))(t), []earshot.Utterance{better, found})
	equal(t, "first transcript", must(s.EarlierTranscript(ctx, c.ID, 0))(t), []earshot.Utterance{stays, goes})
}

func testLastJob(t *testing.T, s Store) {
	for _, key := range []string{"a:1", "ab:1", "a:2", "b:1"} {
		apply(t, s, earshot.Commit{Jobs: []earshot.Job{earshot.NewJob(earshot.JobAgain, "a", key, nil), earshot.NewJob(earshot.JobNote, "a", key, nil)}})
	}
	job := must(s.LastJob(t.Context(), earshot.JobAgain, "a:"))(t)
	if job.Key != "a:2" || job.Kind != earshot.JobAgain {
		t.Errorf("%+v", job)
	}
	if _, err := s.LastJob(t.Context(), earshot.JobAgain, "c:"); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("no such job: %v", err)
	}
}

// testSpanRedone applies the same commit twice, as a recogniser does that did
// not learn of its success before a crash.
func testSpanRedone(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	u := NewUtterance(c, 0, 0, "hello")
	commit := earshot.Commit{
		Calls: []earshot.Call{c}, Utterances: []earshot.Utterance{u},
		Watermarks: []earshot.Watermark{{StreamID: u.StreamID, Position: u.To, Finals: 1}},
		Jobs:       []earshot.Job{earshot.NewJob(earshot.JobAssist, c.ID, "k", nil)},
		Events:     []earshot.Event{NewEvent(string(u.ID)+".0", c.ID, earshot.EventUtteranceFinal)},
	}
	if got := apply(t, s, commit); len(got) != 1 || got[0].Seq != 1 {
		t.Errorf("the first time: events %+v", got)
	}
	if got := apply(t, s, commit); len(got) != 0 {
		t.Errorf("the second time: events %+v", got)
	}
	ctx := t.Context()
	equal(t, "utterances", must(s.Utterances(ctx, c.ID))(t), []earshot.Utterance{u})
	equal(t, "watermarks", must(s.Watermarks(ctx, c.ID))(t), commit.Watermarks)
	equal(t, "jobs", len(must(s.Jobs(ctx, "", 10))(t)), 1)
	equal(t, "events", len(must(s.EventsAfter(ctx, 0, "", 10))(t)), 1)
	if h := must(s.History(ctx, u.ID))(t); len(h) != 0 {
		t.Errorf("history %+v", h)
	}
}

func testWatermarks(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	stream := c.Streams[0].ID
	apply(t, s, earshot.Commit{
		Calls:      []earshot.Call{c, NewCall(2, earshot.CallLive)},
		Watermarks: []earshot.Watermark{{StreamID: "call0002-s0", Position: 5}},
	})
	for _, step := range []struct{ set, want earshot.Watermark }{
		{earshot.Watermark{Position: 100, Finals: 1}, earshot.Watermark{Position: 100, Finals: 1}},
		{earshot.Watermark{Position: 90, Finals: 9, Completed: true}, earshot.Watermark{Position: 100, Finals: 1}},
		{earshot.Watermark{Position: 200, Finals: 2}, earshot.Watermark{Position: 200, Finals: 2}},
		{earshot.Watermark{Position: 200, Finals: 2, Completed: true}, earshot.Watermark{Position: 200, Finals: 2, Completed: true}},
		{earshot.Watermark{Position: 200, Finals: 1}, earshot.Watermark{Position: 200, Finals: 2, Completed: true}},
	} {
		step.set.StreamID, step.want.StreamID = stream, stream
		apply(t, s, earshot.Commit{Watermarks: []earshot.Watermark{step.set}})
		equal(t, "watermarks", must(s.Watermarks(t.Context(), c.ID))(t), []earshot.Watermark{step.want})
	}
}

func testSuggestions(t *testing.T, s Store) {
	a := earshot.Suggestion{
		ID: "a", CallID: "c", Kind: "answer", Title: "Refunds", AtMS: 2000, CreatedAt: epoch, By: "rules",
		Source: &earshot.Citation{Article: "refunds.md", Heading: "When", Passage: "p1"},
	}
	b := earshot.Suggestion{ID: "b", CallID: "c", Kind: "card", AtMS: 1000, CreatedAt: epoch}
	again := a
	again.Title = "must not be kept"
	apply(t, s, earshot.Commit{Suggestions: []earshot.Suggestion{a, b, again, {ID: "x", CallID: "other"}}})
	equal(t, "suggestions", must(s.Suggestions(t.Context(), "c"))(t), []earshot.Suggestion{b, a})
}

func testFeedback(t *testing.T, s Store) {
	ctx := t.Context()
	answer := earshot.Suggestion{ID: "a", CallID: "c", AtMS: 1, CreatedAt: epoch, Source: &earshot.Citation{Article: "refunds.md"}}
	card := earshot.Suggestion{ID: "b", CallID: "c", AtMS: 2, CreatedAt: epoch, Rule: "angry"}
	other := earshot.Suggestion{ID: "o", CallID: "other", AtMS: 2, CreatedAt: epoch, Rule: "angry"}
	apply(t, s, earshot.Commit{Suggestions: []earshot.Suggestion{answer, card, other}})
	used := earshot.FeedbackOf(answer, earshot.VerdictUsed, "dana", epoch)
	wrong := earshot.FeedbackOf(card, earshot.VerdictWrong, "dana", epoch)
	apply(t, s, earshot.Commit{Feedback: []earshot.Feedback{used, wrong, earshot.FeedbackOf(other, earshot.VerdictWrong, "lee", epoch)}})
	dismissed := earshot.FeedbackOf(card, earshot.VerdictDismissed, "lee", epoch.Add(1e9))
	apply(t, s, earshot.Commit{Feedback: []earshot.Feedback{dismissed}})
	answer.Feedback, card.Feedback = &used, &dismissed
	equal(t, "suggestions", must(s.Suggestions(ctx, "c"))(t), []earshot.Suggestion{answer, card})
	// Feedback that comes along with a suggestion is not stored with it.
	apply(t, s, earshot.Commit{Suggestions: []earshot.Suggestion{{ID: "d", CallID: "third", CreatedAt: epoch, Feedback: &used}}})
	if list := must(s.Suggestions(ctx, "third"))(t); len(list) != 1 || list[0].Feedback != nil {
		t.Errorf("suggestions %+v", list)
	}
	equal(t, "counts", must(s.FeedbackCounts(ctx))(t), []earshot.FeedbackCount{
		{Rule: "angry", Dismissed: 1, Wrong: 1}, {Article: "refunds.md", Used: 1},
	})
}

func testSummaries(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallWrapping)
	sum := func(revision int, text string) earshot.Summary {
		return earshot.Summary{
			CallID: c.ID, Revision: revision, Text: text, CreatedAt: epoch,
			Facts: []earshot.Fact{{Kind: earshot.FactAmount, Value: "$5"}}, Actions: []earshot.Action{}, OpenQuestions: []earshot.OpenQuestion{},
		}
	}
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	if got := must(s.Call(t.Context(), c.ID))(t).Summary; got != nil {
		t.Errorf("summary %+v before there was one", got)
	}
	apply(t, s, earshot.Commit{Summaries: []earshot.Summary{sum(2, "two"), sum(10, "ten")}})
	apply(t, s, earshot.Commit{Summaries: []earshot.Summary{sum(3, "three"), sum(10, "must not be kept")}})
	want := sum(10, "ten")
	equal(t, "summary", must(s.Summary(t.Context(), c.ID))(t), &want)
	equal(t, "call's summary", must(s.Call(t.Context(), c.ID))(t).Summary, &want)
	equal(t, "earlier summary", must(s.SummaryRevision(t.Context(), c.ID, 3))(t), sum(3, "three"))
	if _, err := s.SummaryRevision(t.Context(), c.ID, 4); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("a revision that never was: %v", err)
	}
}

// Of two that follow the same summary only one is written.
func testSummaryFollows(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallWrapping)
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	next := func(after int, text string) earshot.Commit {
		sum := earshot.Summary{CallID: c.ID, Revision: after + 1, Text: text, CreatedAt: epoch}
		return earshot.Commit{
			Follows: []earshot.SummaryRevision{{CallID: c.ID, Revision: after}}, Summaries: []earshot.Summary{sum},
			Events: []earshot.Event{earshot.NewEvent(earshot.EventSummaryCreated, c.ID, sum)},
		}
	}
	apply(t, s, next(0, "first"))
	apply(t, s, next(1, "second"))
	seq := must(s.LastSeq(t.Context()))(t)
	for _, after := range []int{0, 1, 3} {
		if _, err := s.Apply(t.Context(), next(after, "late")); !errors.Is(err, earshot.ErrChanged) {
			t.Errorf("after %d: %v", after, err)
		}
	}
	if got := must(s.Summary(t.Context(), c.ID))(t); got.Text != "second" || must(s.LastSeq(t.Context()))(t) != seq {
		t.Errorf("summary %+v", got)
	}
}

func testMatches(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	match := func(connector string, state earshot.MatchState) earshot.Match {
		return earshot.Match{Connector: connector, State: state, Number: "+49301234567", At: epoch}
	}
	found := match("b", earshot.MatchMatched)
	found.Contact = &earshot.Contact{ID: "7", Name: "Ann", URL: "https://crm.example/7"}
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}, Matches: []earshot.CallMatch{
		{CallID: c.ID, Match: match("b", earshot.MatchFailed)}, {CallID: c.ID, Match: match("a", earshot.MatchNone)},
	}})
	// Matches that come along are not the call's to store.
	c.Matches = []earshot.Match{match("c", earshot.MatchNone)}
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}, Matches: []earshot.CallMatch{{CallID: c.ID, Match: found}}})
	equal(t, "matches", must(s.Call(t.Context(), c.ID))(t).Matches, []earshot.Match{match("a", earshot.MatchNone), found})
	if list := must(s.LiveCalls(t.Context()))(t); len(list) != 1 || len(list[0].Matches) != 2 {
		t.Errorf("live calls %+v", list)
	}
}

func testDeliveries(t *testing.T, s Store) {
	d := func(note earshot.NoteID, revision int, state earshot.DeliveryState) earshot.Delivery {
		return earshot.Delivery{
			NoteID: note, CallID: "c", Connector: "webhook", Revision: revision, Key: "k", State: state,
			UpdatedAt: epoch, Note: earshot.Note{
				ID: note, CallID: "c", Participants: []earshot.Participant{}, Tags: []string{},
				Summary: earshot.Summary{Facts: []earshot.Fact{}, Actions: []earshot.Action{}, OpenQuestions: []earshot.OpenQuestion{}},
			},
		}
	}
	apply(t, s, earshot.Commit{Deliveries: []earshot.Delivery{
		d("n2", 1, earshot.DeliveryPending), d("n1", 2, earshot.DeliveryPending), d("n1", 1, earshot.DeliveryPending),
	}})
	confirmed := d("n1", 2, earshot.DeliveryConfirmed)
	confirmed.RemoteID, confirmed.Attempts = "remote", 3
	apply(t, s, earshot.Commit{Deliveries: []earshot.Delivery{confirmed}})
	equal(t, "deliveries", must(s.Deliveries(t.Context(), "c"))(t), []earshot.Delivery{
		d("n1", 1, earshot.DeliveryPending), confirmed, d("n2", 1, earshot.DeliveryPending),
	})
	equal(t, "delivery", must(s.Delivery(t.Context(), "n1", 2))(t), confirmed)
}
