package app

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"earshot"
	"earshot/measure"
	"earshot/store/sqlite"
	"earshot/summarize"
)

// What an agent writes stays when the transcript changes; what it would have
// said is kept, and named.
func TestEditsStay(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "earshot.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	summarizer, err := summarize.New(summarize.Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d := &derived{store: store, summarizer: summarizer, meter: measure.NewMeter()}
	w := wrapUp{store: store, wake: func() {}}
	began := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	ended := began.Add(time.Minute)
	call := earshot.Call{ID: "c", State: earshot.CallSettled, StartedAt: began, EndedAt: &ended, TranscriptComplete: true, Streams: []earshot.Stream{{ID: "s1"}}}
	say := func(revision int, text string) {
		t.Helper()
		u := earshot.Utterance{ID: "u1", CallID: "c", StreamID: "s1", Role: earshot.RoleCustomer, EndMS: 900, Text: text, Revision: revision, Final: true}
		if _, err := store.Apply(t.Context(), earshot.Commit{Calls: []earshot.Call{call}, Utterances: []earshot.Utterance{u}}); err != nil {
			t.Fatal(err)
		}
	}
	run := func() earshot.Commit {
		t.Helper()
		c, err := d.summarize(t.Context(), earshot.NewJob(earshot.JobSummarize, "c", "k", summaryPayload{Expect: []earshot.Watermark{{StreamID: "s1", Finals: 1}}}))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	apply := func(c earshot.Commit) {
		t.Helper()
		if _, err := store.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	say(0, "I am calling about my parcel number 4711.")
	if _, err := w.EditSummary(t.Context(), "c", 0, earshot.SummaryEdit{}, "dana"); !errors.Is(err, earshot.ErrNotEnded) {
		t.Errorf("before there is a summary: %v", err)
	}
	apply(run())
	edit := earshot.SummaryEdit{Reason: "A parcel", Text: "The parcel is lost.", Disposition: "escalated"}
	if _, err := w.EditSummary(t.Context(), "c", 7, edit, "dana"); !errors.Is(err, earshot.ErrChanged) {
		t.Errorf("of another revision: %v", err)
	}
	late := run() // sees nothing new
	if len(late.Summaries) != 0 {
		t.Errorf("%+v", late.Summaries)
	}
	say(1, "I am calling about my invoice number 4712.")
	racing := run()
	if s, err := w.EditSummary(t.Context(), "c", 1, edit, "dana"); err != nil || s.Revision != 2 || s.EditedBy != "dana" {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := store.Apply(t.Context(), racing); !errors.Is(err, earshot.ErrChanged) {
		t.Errorf("a summary that was made meanwhile: %v", err)
	}
	apply(run())
	s, err := w.SummaryRevision(t.Context(), "c", 0)
	if err != nil || s.Revision != 4 || s.Automatic != 3 || s.Text != edit.Text || s.EditedBy != "dana" || len(s.Facts) != 1 || s.Facts[0].Value != "4712" {
		t.Errorf("%+v, %v", s, err)
	}
	found, err := w.SummaryRevision(t.Context(), "c", 3)
	if err != nil || found.EditedBy != "" || found.Text == edit.Text {
		t.Errorf("%+v, %v", found, err)
	}
	if again := run(); len(again.Summaries) != 0 {
		t.Errorf("said again: %+v", again.Summaries)
	}
}
