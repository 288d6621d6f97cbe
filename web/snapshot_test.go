package web

import (
	"context"
	"slices"
	"testing"
	"time"

	"earshot"
)

// TestSnapshotTakesInWhatComesMeanwhile commits one event of each type after
// the state was read, and asserts that the snapshot has it, at its Seq.
func TestSnapshotTakesInWhatComesMeanwhile(t *testing.T) {
	f := newFixture(t)
	f.store.commit(finalEvent("live1", 500))
	ended := testCall("live1", earshot.CallWrapping)
	sum := earshot.Summary{CallID: "live1", Revision: 1, Reason: "why"}
	revised := final("live1", 500)
	revised.Revision, revised.Text = 1, "revised"
	note := earshot.Delivery{NoteID: "n", CallID: "live1", Revision: 1, State: earshot.DeliveryPending, UpdatedAt: time.Unix(1, 0)}
	sent := note
	sent.State, sent.UpdatedAt = earshot.DeliveryConfirmed, time.Unix(2, 0)
	f.store.pause = func(what string) {
		if what != "deliveries" {
			return
		}
		f.store.pause = func(string) {}
		for _, e := range []earshot.Event{
			earshot.NewEvent(earshot.EventUtteranceFinal, "live1", revised),
			finalEvent("live1", 100),
			earshot.NewEvent(earshot.EventSuggestionCreated, "live1", earshot.Suggestion{ID: "g"}),
			earshot.NewEvent(earshot.EventSuggestionRated, "live1", earshot.Feedback{SuggestionID: "g", Verdict: earshot.VerdictUsed}),
			earshot.NewEvent(earshot.EventSummaryCreated, "live1", sum),
			earshot.NewEvent(earshot.EventCallEnded, "live1", ended),
			earshot.NewEvent(earshot.EventCallMarked, "live1", earshot.Mark{ID: "m", EndMS: 100}),
			earshot.NewEvent(earshot.EventCallMarked, "live1", earshot.Mark{ID: "m", EndMS: 200}),
			matched("live1", earshot.MatchFailed, 1),
			matched("live1", earshot.MatchNone, 2),
			earshot.NewEvent(earshot.EventTranscriptCompleted, "live1", earshot.TranscriptCompleted{}),
			earshot.NewEvent(earshot.EventNoteUpdated, "live1", note),
			earshot.NewEvent(earshot.EventNoteUpdated, "live1", sent),
			finalEvent("done1", 1),
		} {
			f.store.commit(e)
		}
	}
	st, seq, err := f.snapshot(t.Context(), "live1")
	if err != nil {
		t.Fatal(err)
	}
	s := st.(*callSnapshot)
	if seq != 16 { // the last event of this call
		t.Errorf("snapshot at %d", seq)
	}
	texts := []string{}
	for _, u := range s.Utterances {
		texts = append(texts, u.Text)
	}
	if !slices.Equal(texts, []string{"word", "revised"}) {
		t.Errorf("utterances %q", texts)
	}
	c := s.Call
	if c.State != earshot.CallWrapping || c.Summary == nil || c.Summary.Reason != "why" || !c.TranscriptComplete || c.Tags == nil {
		t.Errorf("call %+v", c)
	}
	if len(c.Marks) != 1 || c.Marks[0].EndMS != 200 {
		t.Errorf("marks %+v", c.Marks)
	}
	if len(c.Matches) != 1 || c.Matches[0].State != earshot.MatchNone {
		t.Errorf("matches %+v", c.Matches)
	}
	if len(s.Suggestions) != 1 || s.Suggestions[0].Feedback == nil || s.Suggestions[0].Feedback.Verdict != earshot.VerdictUsed {
		t.Errorf("suggestions %+v", s.Suggestions)
	}
	if len(s.Suggestions) != 1 || len(s.Notes) != 1 || s.Notes[0].State != earshot.DeliveryConfirmed {
		t.Errorf("suggestions %v, notes %v", s.Suggestions, s.Notes)
	}
}

func matched(call earshot.CallID, state earshot.MatchState, at int64) earshot.Event {
	return earshot.NewEvent(earshot.EventCallMatched, call, earshot.CallMatch{
		CallID: call, Match: earshot.Match{Connector: "crm", State: state, At: time.Unix(at, 0)},
	})
}

func TestSnapshotOfLiveCalls(t *testing.T) {
	f := newFixture(t)
	f.store.pause = func(what string) {
		if what != "calls" {
			return
		}
		f.store.pause = func(string) {}
		f.store.commit(earshot.NewEvent(earshot.EventCallStarted, "live2", testCall("live2", earshot.CallLive)))
		f.store.commit(earshot.NewEvent(earshot.EventCallEnded, "live1", testCall("live1", earshot.CallWrapping)))
		f.store.commit(earshot.NewEvent(earshot.EventCallSettled, "done1", testCall("done1", earshot.CallSettled)))
	}
	st, seq, err := f.snapshot(asLocal(t), "")
	if err != nil {
		t.Fatal(err)
	}
	calls := st.(*callsSnapshot).Calls
	if seq != 5 || len(calls) != 1 || calls[0].ID != "live2" {
		t.Errorf("at %d: %+v", seq, calls)
	}
}

func TestSnapshotReadsEveryPage(t *testing.T) {
	f := newFixture(t)
	f.store.list = func(q CallQuery) ([]earshot.Call, string, error) {
		if q.Before == "" {
			return []earshot.Call{testCall("a", earshot.CallLive)}, "2", nil
		}
		return []earshot.Call{testCall("b", earshot.CallLive)}, "", nil
	}
	st, _, err := f.snapshot(asLocal(t), "")
	if err != nil || len(st.(*callsSnapshot).Calls) != 2 {
		t.Errorf("snapshot %+v, %v", st, err)
	}
}

// asLocal is the context of a request to a server without accounts.
func asLocal(t *testing.T) context.Context {
	return context.WithValue(t.Context(), principalKey{}, &principal{account: local})
}
