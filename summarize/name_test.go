package summarize

import (
	"log/slog"
	"strings"
	"testing"

	"earshot"
)

func TestNamesOfPartiesAreWrittenAsKnown(t *testing.T) {
	s, err := New(Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	call := earshot.Call{Participants: []earshot.Participant{{Name: "Ines Holm"}, {Name: "Karl Bauer"}}}
	us := []earshot.Utterance{
		{ID: "1", Role: earshot.RoleAgent, Text: "Good morning, my name is Ines Home. How can I help?", EndMS: 3000},
		{ID: "2", Role: earshot.RoleCustomer, Text: "My name is Karla Meyer and my lamp is broken.", EndMS: 6000},
	}
	got, err := s.Summarize(t.Context(), call, us, false)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range got.Facts {
		if f.Kind == earshot.FactName {
			names = append(names, f.Value)
		}
	}
	if want := "Ines Holm, Karla Meyer"; strings.Join(names, ", ") != want || !strings.Contains(got.Text, "Ines Holm") {
		t.Errorf("names %q, want %q; text %q", names, want, got.Text)
	}
}
