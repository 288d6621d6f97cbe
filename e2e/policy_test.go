package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMediaPolicyOfOnePeer: plain media is recorded of all but one peer.
func TestMediaPolicyOfOnePeer(t *testing.T) {
	s := prepare(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	file := filepath.Join(s.dir, "earshot.yaml")
	const policies = "sip:\n  policies:\n    - {peers: [127.0.0.2], srtp: require}\n"
	if err := os.WriteFile(file, []byte(policies), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{"--config", file}
	s.start(t)
	for from, want := range map[string]int{"127.0.0.1": 200, "127.0.0.2": 488} {
		c := newSRCFrom(t, s, from)
		if r := c.request(t, "INVITE", inviteHeaders, twoStreams(from), 10*time.Second); r.status != want {
			t.Errorf("from %s: answered %d %s", from, r.status, r.text)
		}
	}
}

// TestEncryptedLateOffer: a client that leaves the offer to us, where only
// encrypted media is taken, is offered keys and records with its own.
func TestEncryptedLateOffer(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_MEDIA_SRTP=require")
	audio := excerpt(t, 4)[0]
	c := newSRC(t, s)
	r := c.request(t, "INVITE", "Require: siprec\r\n", "", 10*time.Second)
	lines := cryptoOf.FindAllStringSubmatch(r.body, -1)
	if r.status != 200 || len(lines) != 1 || lines[0][2] != suites[0].suite || !strings.Contains(r.body, " RTP/SAVP 0 ") {
		t.Fatalf("answered %d with\n%s", r.status, r.body)
	}
	c.to = r.header["to"]
	party := newEncrypting(t, suites[0])
	answer := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" +
		"m=audio 40000 RTP/SAVP 0\r\na=label:1\r\na=sendonly\r\n" + party.line(1)
	c.request(t, "ACK", "Content-Type: application/sdp\r\n", answer, time.Second)
	id := s.onlyCall(t).ID
	wait(t, 10*time.Second, "the answer to be taken", func() bool { return s.call(t, id).Streams[0].Label == "1" })
	var port int
	if _, err := fmt.Sscan(portOf.FindStringSubmatch(r.body)[1], &port); err != nil {
		t.Fatal(err)
	}
	party.speak(t, port, 7, audio, 0)
	c.bye(t)
	call := s.complete(t, id, 30*time.Second)
	if st := call.Streams[0].StreamStats; st.PacketsInvalid != 0 || st.PacketsLost != 0 {
		t.Errorf("%+v", st)
	}
	if missing := missingFrames(s.recording(t, id)[0], linear(t, audio)); missing != 0 {
		t.Errorf("%d frames missing", missing)
	}
}
