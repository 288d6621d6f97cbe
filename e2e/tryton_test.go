package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/crm/crmtest"
)

// TestNotesInTryton places calls of all kinds of callers and reads what came of
// them in a real Tryton.
func TestNotesInTryton(t *testing.T) {
	t.Parallel()
	url := crmtest.StartServer(t, "tryton")
	erp := &crmtest.ERP{T: t, URL: url}
	erp.Party("Ann Lee", [2]string{"phone", "+49 30 12345678"})
	erp.Party("Bob", [2]string{"other", "030 / 76543210"})
	erp.Party("Eve", [2]string{"mobile", "+44 20 7946 0018"})
	erp.Party("Eve & Sons", [2]string{"phone", "+442079460018"})
	dir := t.TempDir()
	mapping := filepath.Join(dir, "crm.yaml")
	if err := os.WriteFile(mapping, []byte("tryton: {transcript: full}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CRM_MAPPING="+mapping, "EARSHOT_CRM_REGION=DE", "EARSHOT_TRYTON_URL="+url,
		"EARSHOT_TRYTON_DATABASE=crm", "EARSHOT_TRYTON_USER=admin", "EARSHOT_TRYTON_PASSWORD="+crmtest.Password)
	if out, err := s.earshot(t, "crm", "test", "tryton"); err != nil || strings.Count(out, "ok ") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
	speech := writeExcerpt(t, dir, 12)
	for _, tc := range []struct {
		name, aor string
		state     earshot.MatchState
		party     string
	}{
		{"E.164", "sip:+493012345678@trunk.example", earshot.MatchMatched, "Ann Lee"},
		{"national form", "sip:03076543210@trunk.example", earshot.MatchMatched, "Bob"},
		{"two have the number", "sip:+442079460018@trunk.example", earshot.MatchSeveral, "Unknown callers"},
		{"nobody has it", "sip:+493055555555@trunk.example", earshot.MatchNone, "Unknown callers"},
		{"anonymous", "sip:anonymous@anonymous.invalid", earshot.MatchAnonymous, "Unknown callers"},
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
			memos := (&crmtest.ERP{T: t, URL: url}).Memos("Earshot: " + string(call.ID) + "-tryton")
			if len(memos) != 1 || memos[0].Party != tc.party || !strings.Contains(memos[0].Message, call.Summary.Text) {
				t.Fatalf("notes %+v\nwant one of %s with %q", memos, tc.party, call.Summary.Text)
			}
			for _, u := range s.transcript(t, call.ID) {
				if u.Revision == 0 && !strings.Contains(memos[0].Message, strings.Fields(u.Text)[0]) {
					t.Errorf("%q is not in the note:\n%s", u.Text, memos[0].Message)
				}
			}
		})
	}
}

// awaitNote waits until the notes about a call are where they belong.
func (s *server) awaitNote(t *testing.T, id earshot.CallID) earshot.Call {
	t.Helper()
	wait(t, 20*time.Minute, "the note to be confirmed", func() bool {
		var notes struct{ Items []earshot.Delivery }
		s.get(t, "/api/v1/calls/"+string(id)+"/notes", &notes)
		return len(notes.Items) > 0 && !slices.ContainsFunc(notes.Items, func(d earshot.Delivery) bool {
			return d.State != earshot.DeliveryConfirmed && !strings.HasPrefix(d.Error, "superseded")
		})
	})
	return s.call(t, id)
}
