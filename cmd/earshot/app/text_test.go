package app

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"earshot"
	"earshot/summarize"
	"earshot/transcribe/normal"
)

// dialogue returns a scripted call of the summaries' tests, each text as write
// writes it.
func dialogue(t *testing.T, file string, write func(string) string) []earshot.Utterance {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	said, _, _ := strings.Cut(string(raw), "\n---")
	roles := map[string]earshot.Role{"A": earshot.RoleAgent, "C": earshot.RoleCustomer}
	var out []earshot.Utterance
	for i, l := range strings.Split(strings.TrimSpace(said), "\n") {
		who, text, _ := strings.Cut(l, ": ")
		out = append(out, earshot.Utterance{
			ID: earshot.UtteranceID(fmt.Sprint(i)), StreamID: earshot.StreamID(who), Role: roles[who], Text: write(text),
			StartMS: int64(i) * 5000, EndMS: int64(i)*5000 + 4000, Final: true,
		})
	}
	return out
}

func factsOf(t *testing.T, us []earshot.Utterance) []string {
	t.Helper()
	s, err := summarize.New(summarize.Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	summary, err := s.Summarize(t.Context(), earshot.Call{}, us, false)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, f := range summary.Facts {
		out = append(out, string(f.Kind)+" "+f.Value)
	}
	slices.Sort(out)
	return out
}

// What is written for reading has the same facts as what was said.
func TestReadableTextHasTheSameFacts(t *testing.T) {
	files, err := filepath.Glob("../../../summarize/testdata/dialogues/*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d dialogues, %v", len(files), err)
	}
	changed := 0
	for _, file := range files {
		said := dialogue(t, file, func(s string) string { return s })
		read := dialogue(t, file, normal.Text)
		for i := range said {
			if said[i].Text != read[i].Text {
				changed++
				t.Logf("%s\n  %s", said[i].Text, read[i].Text)
			}
		}
		if got, want := factsOf(t, read), factsOf(t, said); !slices.Equal(got, want) {
			t.Errorf("%s:\n got %q\nwant %q", filepath.Base(file), got, want)
		}
	}
	if changed < 20 {
		t.Errorf("only %d utterances are written in another way", changed)
	}
}
