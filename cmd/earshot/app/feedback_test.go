package app

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/store/sqlite"
)

// TestFeedback rates a suggestion over and over: each change is told once.
func TestFeedback(t *testing.T) {
	ctx := t.Context()
	store, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "earshot.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := earshot.Suggestion{ID: "s", CallID: "c", Kind: "card", Rule: "angry"}
	if _, err := store.Apply(ctx, earshot.Commit{Suggestions: []earshot.Suggestion{s}}); err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewRegistry()
	f := newFeedback(&App{store: store, metrics: registry})
	for _, v := range []earshot.Verdict{earshot.VerdictUsed, earshot.VerdictUsed, earshot.VerdictWrong} {
		if got, err := f.Rate(ctx, "c", "s", v, "dana"); err != nil || got.Verdict != v || got.Rule != "angry" || got.By != "dana" {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for call, id := range map[earshot.CallID]earshot.SuggestionID{"c": "t", "other": "s"} {
		if _, err := f.Rate(ctx, call, id, earshot.VerdictUsed, "dana"); !errors.Is(err, earshot.ErrNotFound) {
			t.Errorf("%s of %s: %v", id, call, err)
		}
	}
	events, err := store.EventsAfter(ctx, 0, "c", 10)
	if err != nil || len(events) != 2 || events[1].Type != earshot.EventSuggestionRated {
		t.Errorf("%d events, %v", len(events), err)
	}
	counts, err := f.FeedbackCounts(ctx)
	if err != nil || len(counts) != 1 || counts[0] != (earshot.FeedbackCount{Rule: "angry", Wrong: 1}) {
		t.Errorf("%+v, %v", counts, err)
	}
	families, err := registry.Gather()
	if err != nil || len(families) != 1 || len(families[0].GetMetric()) != 2 {
		t.Fatalf("%v, %v", families, err)
	}
	for _, m := range families[0].GetMetric() {
		if m.GetCounter().GetValue() != 1 {
			t.Errorf("counted %v", m)
		}
	}
}
