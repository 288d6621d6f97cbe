package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"earshot"
	"earshot/store"
)

// testBadCommitLeavesNothing gives each kind of row once in a shape that can't
// be stored, behind rows that can.
func testBadCommitLeavesNothing(t *testing.T, s Store) {
	good := NewCall(1, earshot.CallLive)
	partial := NewUtterance(good, 0, 1, "not yet")
	partial.Final = false
	brokenJob := earshot.NewJob(earshot.JobAssist, good.ID, "k", nil)
	brokenJob.Payload = []byte("{")
	broken := NewEvent("e2", good.ID, earshot.EventCallStarted)
	broken.Data = []byte("{")
	for name, bad := range map[string]earshot.Commit{
		"call":       {Calls: []earshot.Call{{State: earshot.CallLive}}},
		"partial":    {Utterances: []earshot.Utterance{partial}},
		"watermark":  {Watermarks: []earshot.Watermark{{Position: 1}}},
		"feedback":   {Feedback: []earshot.Feedback{{SuggestionID: "s", CallID: "c"}}},
		"suggestion": {Suggestions: []earshot.Suggestion{{ID: "s"}}},
		"summary":    {Summaries: []earshot.Summary{{Revision: 1}}},
		"follows":    {Follows: []earshot.SummaryRevision{{Revision: 1}}},
		"match":      {Matches: []earshot.CallMatch{{CallID: good.ID}}},
		"delivery":   {Deliveries: []earshot.Delivery{{NoteID: "n"}}},
		"job":        {Jobs: []earshot.Job{brokenJob}},
		"dialog":     {Dialogs: []earshot.Dialog{{CallID: good.ID}}},
		"event":      {Events: []earshot.Event{broken}},
		"broadcast":  {Events: []earshot.Event{NewEvent("e3", good.ID, earshot.EventUtterancePartial)}},
	} {
		bad.Calls = append([]earshot.Call{good}, bad.Calls...)
		bad.Events = append([]earshot.Event{NewEvent("e1", good.ID, earshot.EventCallStarted)}, bad.Events...)
		_, err := s.Apply(t.Context(), bad)
		if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
			t.Errorf("%s: %v, want a permanent error", name, err)
		}
	}
	if _, err := s.Call(t.Context(), good.ID); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("the call of a refused commit: %v, want ErrNotFound", err)
	}
	equal(t, "last event", must(s.LastSeq(t.Context()))(t), 0)
}

func testCanceled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := NewCall(1, earshot.CallLive)
	_, err := s.Apply(ctx, earshot.Commit{Calls: []earshot.Call{c}})
	_, read := s.Call(t.Context(), c.ID)
	if stored := read == nil; stored != (err == nil) {
		t.Errorf("Apply said %v, but stored is %v", err, stored)
	}
}

// testManyAtOnce has many writers and readers on the store. Each writer counts
// its own stream up; no reader may see a watermark without its utterance.
func testManyAtOnce(t *testing.T, s Store) {
	const writers, commits = 50, 8
	var seqs []int64
	s.OnCommit(func(events []earshot.Event) {
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
	})
	var writing, reading sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			if err := writeCall(t.Context(), s, NewCall(w, earshot.CallLive), commits); err != nil {
				t.Error(err)
			}
		})
	}
	for r := range 4 {
		reading.Go(func() {
			for w := r; ; w++ {
				select {
				case <-done:
					return
				default:
				}
				if err := readCall(t.Context(), s, NewCall(w%writers, earshot.CallLive).ID); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	writing.Wait()
	close(done)
	reading.Wait()
	equal(t, "last event", must(s.LastSeq(t.Context()))(t), int64(writers*commits))
	if err := s.Close(); err != nil { // so that the last hook has run
		t.Fatal(err)
	}
	for i, seq := range seqs {
		if seq != int64(i+1) {
			t.Fatalf("hook call %d brought event %d", i, seq)
		}
	}
	equal(t, "events seen by the hook", len(seqs), writers*commits)
}

func writeCall(ctx context.Context, s Store, c earshot.Call, commits int) error {
	for i := range commits {
		u := NewUtterance(c, 0, i, fmt.Sprintf("hello number %d", i))
		_, err := s.Apply(ctx, earshot.Commit{
			Calls: []earshot.Call{c}, Utterances: []earshot.Utterance{u},
			Watermarks: []earshot.Watermark{{StreamID: u.StreamID, Position: u.To, Finals: i + 1}},
			Jobs:       []earshot.Job{earshot.NewJob(earshot.JobAssist, c.ID, string(u.ID), nil)},
			Events:     []earshot.Event{NewEvent(string(u.ID), c.ID, earshot.EventUtteranceFinal)},
		})
		if err != nil {
			return fmt.Errorf("apply %d of %s: %w", i, c.ID, err)
		}
	}
	return nil
}

func readCall(ctx context.Context, s Store, id earshot.CallID) error {
	marks, err := s.Watermarks(ctx, id)
	if err != nil {
		return err
	}
	us, err := s.Utterances(ctx, id)
	if err != nil {
		return err
	}
	if len(marks) > 0 && marks[0].Finals > len(us) {
		return fmt.Errorf("call %s: watermark of %d finals, %d are there", id, marks[0].Finals, len(us))
	}
	if _, _, err := s.Search(ctx, store.SearchQuery{Text: "hello", CallID: id}); err != nil {
		return err
	}
	_, err = s.Unpublished(ctx, 0, 10)
	return err
}
