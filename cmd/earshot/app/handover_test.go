package app

import (
	"encoding/json"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/store/sqlite"
	"earshot/summarize"
)

// transferred is a call that a second agent has come to.
func transferred() earshot.Call {
	start := time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)
	later := start.Add(40 * time.Second)
	return earshot.Call{
		ID: "c", State: earshot.CallLive, StartedAt: start, Participants: []earshot.Participant{
			{ID: "a1", Role: earshot.RoleAgent, RoleConfidence: 1, JoinedAt: &start, LeftAt: &later},
			{ID: "c1", Role: earshot.RoleCustomer, RoleConfidence: 1, JoinedAt: &start},
			{ID: "a2", Role: earshot.RoleAgent, RoleConfidence: 1, JoinedAt: &later},
		},
		Streams: []earshot.Stream{{ID: "s1"}, {ID: "s2"}},
	}
}

func TestWhoTakesOver(t *testing.T) {
	early := transferred()
	early.Participants[2].JoinedAt = early.Participants[0].JoinedAt
	gone := transferred()
	gone.Participants[2].LeftAt = gone.Participants[2].JoinedAt
	unsure := transferred()
	unsure.Participants[2].RoleConfidence = 0.2
	over := transferred()
	over.State = earshot.CallWrapping
	for name, c := range map[string]struct {
		call earshot.Call
		want int
	}{"transfer": {transferred(), 1}, "both from the start": {early, 0}, "gone": {gone, 0}, "unsure": {unsure, 0}, "over": {over, 0}} {
		jobs, err := (&derived{}).onCallUpdated(t.Context(), earshot.NewEvent(earshot.EventCallUpdated, "c", c.call))
		if err != nil || len(jobs) != c.want {
			t.Errorf("%s: %d jobs, %v", name, len(jobs), err)
		}
	}
}

// TestHandOverNote is of what was said up to the transfer, and no summary of the
// call: connectors get none.
func TestHandOverNote(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "earshot.db"), log)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	call := transferred()
	said := []earshot.Utterance{{
		ID: "u1", CallID: "c", StreamID: "s2", ParticipantID: "c1", EndMS: 4000, Final: true,
		Text: "I want to return my kettle, the order number is 4 4 1 2 7.",
	}}
	if _, err := store.Apply(t.Context(), earshot.Commit{Calls: []earshot.Call{call}, Utterances: said}); err != nil {
		t.Fatal(err)
	}
	s, err := summarize.New(summarize.Config{}, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	d := &derived{store: store, summarizer: s}
	jobs, err := d.onCallUpdated(t.Context(), earshot.NewEvent(earshot.EventCallUpdated, "c", call))
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v", len(jobs), err)
	}
	commit, err := d.summarize(t.Context(), jobs[0])
	if err != nil || len(commit.Events) != 1 || len(commit.Summaries) != 0 {
		t.Fatalf("%+v, %v", commit, err)
	}
	var note earshot.HandOver
	if err := json.Unmarshal(commit.Events[0].Data, &note); err != nil {
		t.Fatal(err)
	}
	if note.ParticipantID != "a2" || !note.Summary.Incomplete || !strings.Contains(note.Summary.Reason, "kettle") || len(note.Summary.Facts) != 1 {
		t.Errorf("%+v", note)
	}
}
