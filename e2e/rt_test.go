package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/crm/crmtest"
	"earshot/media/wav"
)

// trackerMapping is how notes are written in the test.
const trackerMapping = `
request_tracker:
  unmatched: queue
  queue: Unassigned
`

// TestNotesInRequestTracker places calls of all kinds of callers and reads what
// came of them in a real Request Tracker.
func TestNotesInRequestTracker(t *testing.T) {
	t.Parallel()
	rt := &crmtest.Tracker{T: t, URL: crmtest.StartServer(t, "rt")}
	rt.Queue("Unassigned")
	for name, number := range map[string]string{
		"ann": "+493012345678", "bob": "+49 30 7654-3210", "eve": "+442079460018", "eves": "0044 20 7946 0018",
	} {
		rt.User(name, map[string]any{"EmailAddress": name + "@example.com", "CustomFields": map[string]string{"PhoneE164": number}})
	}
	dir := t.TempDir()
	mapping := filepath.Join(dir, "crm.yaml")
	if err := os.WriteFile(mapping, []byte(trackerMapping), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CRM_MAPPING="+mapping, "EARSHOT_CRM_REGION=DE",
		"EARSHOT_REQUEST_TRACKER_URL="+rt.URL, "EARSHOT_REQUEST_TRACKER_USER=earshot", "EARSHOT_REQUEST_TRACKER_PASSWORD="+crmtest.Password)
	if out, err := s.earshot(t, "crm", "test", "request_tracker"); err != nil || strings.Count(out, "ok ") != 4 {
		t.Errorf("%v\n%s", err, out)
	}
	speech := writeExcerpt(t, dir, 12)
	for _, tc := range []struct {
		name, aor string
		state     earshot.MatchState
		contact   string
		queue     string
	}{
		{"E.164", "sip:+493012345678@trunk.example", earshot.MatchMatched, "ann", "General"},
		{"national form", "sip:03076543210@trunk.example", earshot.MatchMatched, "bob", "General"},
		{"two have the number", "sip:+442079460018@trunk.example", earshot.MatchSeveral, "", "Unassigned"},
		{"nobody has it", "sip:+493055555555@trunk.example", earshot.MatchNone, "", "Unassigned"},
		{"anonymous", "sip:anonymous@anonymous.invalid", earshot.MatchAnonymous, "", "Unassigned"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", speech[0], "--audio", speech[1],
				"--role", "agent", "--role", "customer", "--aor", "sip:mira@desk.example", "--aor", tc.aor)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			ended := time.Now()
			call := s.awaitNote(t, s.callOf(t, out).ID)
			t.Logf("confirmed %v after the call", time.Since(ended).Round(100*time.Millisecond))
			if len(call.Matches) != 1 || call.Matches[0].State != tc.state {
				t.Errorf("matches %+v", call.Matches)
			}
			checkComment(t, &crmtest.Tracker{T: t, URL: rt.URL}, call, tc.contact, tc.queue)
		})
	}
}

// checkComment finds the one comment about a call on the right ticket.
func checkComment(t *testing.T, rt *crmtest.Tracker, call earshot.Call, contact, queue string) {
	t.Helper()
	comments := rt.Comments(string(call.ID) + "-request_tracker-r")
	if len(comments) != 1 || !strings.Contains(comments[0].Text, call.Summary.Text) || comments[0].Minutes != "1" {
		t.Fatalf("comments %+v\nwant one with %q", comments, call.Summary.Text)
	}
	var ticket struct {
		Requestor []struct{ ID string }
		Queue     struct{ Name string }
	}
	rt.Ask("GET", "/ticket/"+comments[0].Ticket+"?fields[Queue]=Name", nil, &ticket)
	if contact == "" && len(ticket.Requestor) != 0 || contact != "" && (len(ticket.Requestor) != 1 || ticket.Requestor[0].ID != contact) {
		t.Errorf("the ticket is of %+v, want %q", ticket.Requestor, contact)
	}
	if ticket.Queue.Name != queue {
		t.Errorf("the ticket is in %q, want %q", ticket.Queue.Name, queue)
	}
}

// writeExcerpt writes the beginning of the support dialogue as a WAV file for
// each party.
func writeExcerpt(t *testing.T, dir string, seconds int) [2]string {
	t.Helper()
	var files [2]string
	for i, audio := range excerpt(t, seconds) {
		files[i] = filepath.Join(dir, []string{"agent.wav", "customer.wav"}[i])
		if err := wav.WriteFile(files[i], 8000, linear(t, audio)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
