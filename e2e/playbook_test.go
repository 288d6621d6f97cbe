package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"earshot"
	"earshot/media/wav"
)

const waitingPlaybook = `
version: 1
rules:
  - id: greeted
    when: {speaker: agent, missing: 8s, phrases: [technical support]}
    alert: {title: No greeting}
  - id: no-notice
    when: {speaker: agent, missing: 9s, phrases: [call is recorded]}
    alert: {title: Recording was not announced}
  - id: dead-air
    when: {silence: 4s}
    card: {title: Nobody speaks, text: Say what you are doing.}
  - id: long-hold
    when: {hold: 2s}
    alert: {title: On hold for long}
  - id: slow
    when: {phrases: [very slow, internet connection]}
    field: {name: reason, value: slow internet}
`

// TestRulesThatWait lets the moments of a real call come: what was said by
// then, and what was not, a hold, and a silence.
func TestRulesThatWait(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	book := filepath.Join(dir, "playbook.yaml")
	if err := os.WriteFile(book, []byte(waitingPlaybook), 0o600); err != nil {
		t.Fatal(err)
	}
	hook := newReceiver(t)
	s := newServer(t, append(hook.env(), "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_ASSIST_PLAYBOOK="+book)...)
	if out, err := s.earshot(t, "doctor"); err != nil || !strings.Contains(out, "playbook.yaml with 5 rules") {
		t.Errorf("%v\n%s", err, out)
	}
	args := []string{"call", "--to", "sip:" + s.sip, "--hold", "14s:3s", "--name", "Ellen Marsh", "--name", "Victor Lind"}
	for i, audio := range excerpt(t, 12) {
		file := filepath.Join(dir, []string{"agent.wav", "customer.wav"}[i])
		quiet := slices.Concat(linear(t, audio), make([]int16, 14*8000))
		if err := wav.WriteFile(file, 8000, quiet); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--audio", file)
	}
	out, err := s.earshot(t, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	call := s.awaitNote(t, s.callOf(t, out).ID)
	var shown struct{ Items []earshot.Suggestion }
	s.get(t, "/api/v1/calls/"+string(call.ID)+"/suggestions", &shown)
	at := map[string]int64{}
	for _, sug := range shown.Items {
		if _, twice := at[sug.Rule]; twice {
			t.Errorf("%s fires twice", sug.Rule)
		}
		at[sug.Rule] = sug.AtMS
	}
	t.Logf("fired: %v", at)
	for rule, window := range map[string][2]int64{"no-notice": {9000, 9000}, "long-hold": {15_500, 17_500}, "dead-air": {20_000, 23_000}, "slow": {5000, 13_000}} {
		if ms, fired := at[rule]; !fired || ms < window[0] || ms > window[1] {
			t.Errorf("%s: %d ms, %v; want %v", rule, ms, fired, window)
		}
	}
	if _, fired := at["greeted"]; fired {
		t.Error("the greeting was said")
	}
	if got := hook.callNotes(call.ID); len(got) == 0 || got[len(got)-1].Fields["reason"] != "slow internet" {
		t.Errorf("notes %+v", got)
	}
}
