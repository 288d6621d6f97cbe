package app

import (
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"earshot"
	"earshot/store/sqlite"
)

// Suggestions and summaries are made of roles that are sure.
func TestDerivedTranscriptHasSureRoles(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "earshot.db"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Now().UTC()
	call := earshot.Call{
		ID: "c", State: earshot.CallLive, StartedAt: now,
		Participants: []earshot.Participant{
			{ID: "p1", Role: earshot.RoleAgent, RoleConfidence: 0.9, RoleSource: earshot.RoleFromPattern},
			{ID: "p2", Role: earshot.RoleCustomer, RoleConfidence: 0.2, RoleSource: earshot.RoleFromOrder},
		},
		Streams: []earshot.Stream{{ID: "s1"}, {ID: "s2"}},
	}
	said := []earshot.Utterance{
		{ID: "u1", CallID: "c", StreamID: "s1", ParticipantID: "p1", Role: earshot.RoleUnknown, EndMS: 500, Text: "Hello.", Final: true},
		{ID: "u2", CallID: "c", StreamID: "s2", ParticipantID: "p2", Role: earshot.RoleCustomer, StartMS: 600, EndMS: 900, Text: "Hi.", Final: true},
	}
	if _, err := store.Apply(t.Context(), earshot.Commit{Calls: []earshot.Call{call}, Utterances: said}); err != nil {
		t.Fatal(err)
	}
	_, us, err := (&derived{store: store}).transcript(t.Context(), "c")
	if err != nil || len(us) != 2 || us[0].Role != earshot.RoleAgent || us[1].Role != earshot.RoleUnknown {
		t.Errorf("%+v, %v", us, err)
	}
}
