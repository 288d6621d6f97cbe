package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
)

// TestDirectoryFindsTheAgent places a call whose metadata says neither role nor
// name, with a directory file that changes under the server.
func TestDirectoryFindsTheAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	people, silence := filepath.Join(dir, "people.csv"), filepath.Join(dir, "silence.wav")
	const head = "kind,id,name,team,extensions,numbers\nqueue,billing,Billing,,,+15550188\nteam,desk,Desk,,,\n"
	if err := os.WriteFile(people, []byte(head+"agent,nora,Nora Winter,desk,3301,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := wav.WriteFile(silence, 8000, make([]int16, 4000)); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_DIRECTORY_FILE="+people)
	place := func(agent string) earshot.Call {
		t.Helper()
		before := len(s.calls(t))
		// The customer first: what the directory says goes before the order.
		out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", silence, "--audio", silence, "--dialect", "cube",
			"--role", "unknown", "--role", "unknown", "--aor", "sip:+15550142@gw.example", "--aor", agent)
		if err != nil {
			t.Fatalf("earshot call: %v\n%s", err, out)
		}
		list := s.calls(t)
		if len(list) != before+1 {
			t.Fatalf("%d calls after %d", len(list), before)
		}
		return list[0]
	}
	c := place("sip:3301@gw.example")
	agent, customer := c.Participants[1], c.Participants[0]
	if agent.Role != earshot.RoleAgent || agent.RoleSource != earshot.RoleFromDirectory || agent.AgentID != "nora" || agent.Team != "desk" ||
		agent.Name != "Nora Winter" || customer.Role != earshot.RoleCustomer || customer.AgentID != "" {
		t.Errorf("participants %+v", c.Participants)
	}
	for i, p := range c.Participants { // the client sends the first party's sound as the first stream
		if got := c.Streams[i].ParticipantIDs; len(got) != 1 || got[0] != p.ID {
			t.Errorf("stream %d is sent by %v, want %s", i, got, p.ID)
		}
	}

	if err := os.WriteFile(people, []byte(head+"agent,ida,Ida Brandt,,3302,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wait(t, 20*time.Second, "the changed directory", func() bool {
		var page struct{ Items []earshot.Agent }
		s.get(t, "/api/v1/agents", &page)
		return len(page.Items) == 1 && page.Items[0].ID == "ida"
	})
	if p := place("sip:3302@gw.example").Participants[1]; p.AgentID != "ida" || p.Name != "Ida Brandt" {
		t.Errorf("participant %+v", p)
	}
	if c := place("sip:+15550188@gw.example"); c.Queue != "billing" || c.Direction != earshot.DirectionInbound {
		t.Errorf("queue %q, direction %s of a call to the queue's number", c.Queue, c.Direction)
	}
}
