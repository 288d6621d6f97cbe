package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestScriptedCalls keeps what is found in calls as they are written from
// getting worse. The goals of it are in docs/summaries.md.
func TestScriptedCalls(t *testing.T) {
	b, err := newBench(t.Context(), t.TempDir(), filepath.FromSlash("../examples/playbook.yaml"), filepath.FromSlash("../examples/knowledge"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	for _, set := range sets {
		list, err := readScripts(calls, "calls/"+set)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) < 5 {
			t.Errorf("%s: %d calls", set, len(list))
		}
		s, err := b.runAll(t.Context(), list, readAloud)
		if err != nil {
			t.Fatal(err)
		}
		for what, is := range map[string]struct{ got, least float64 }{
			"fact recall": {s.facts.recall(), 0.9}, "fact precision": {s.facts.precision(), 0.9},
			"action recall": {s.actions.recall(), 0.75}, "action precision": {s.actions.precision(), 0.75},
			"suggestion precision": {s.suggestions.precision(), 0.8},
		} {
			if is.got < is.least {
				t.Errorf("%s: %s is %.3f, not %v\n%s", set, what, is.got, is.least, strings.Join(s.missed, "\n"))
			}
		}
		if s.falseAlarms > s.calls {
			t.Errorf("%s: %d false alarms in %d calls", set, s.falseAlarms, s.calls)
		}
	}
}

// TestScriptsThatAreNone refuses what cannot be judged.
func TestScriptsThatAreNone(t *testing.T) {
	for text, want := range map[string]string{
		"Hello":                          "cut short",
		"X: Hello there":                 "of nobody",
		"A: Hello\n! card":               "not a kind",
		"A: Hello\n---\naction agent":    "no words",
		"A: Hello\n---\nopinion is good": "of no kind",
	} {
		if _, err := readScript(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}

// TestModelPath runs the model's path against the strict endpoint.
func TestModelPath(t *testing.T) {
	b, err := newBench(t.Context(), t.TempDir(), filepath.FromSlash("../examples/playbook.yaml"), filepath.FromSlash("../examples/knowledge"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	var out strings.Builder
	if err := b.tryModel(t.Context(), &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}
