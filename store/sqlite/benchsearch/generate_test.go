package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestRun fills a small store and measures it, so that the command works when
// somebody needs it.
func TestRun(t *testing.T) {
	var out strings.Builder
	set := settings{file: filepath.Join(t.TempDir(), "store.db"), utterances: 2000, perSecond: 1000, repeat: 4}
	if err := run(t.Context(), set, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"2000 utterances; the file has", "| `the` | ", "| common word | 4 |", "utterances came in"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report has no %q:\n%s", want, out.String())
		}
	}
}

func TestTalkIsTheSameForItsSeed(t *testing.T) {
	a, b := newTalk(5), newTalk(5)
	for range 100 {
		if x, y := a.say(), b.say(); x != y {
			t.Fatalf("%q, then %q", x, y)
		}
	}
}
