package e2e

import (
	"testing"
	"time"
)

// TestLossBySender plays a call that loses a fifth of its packets: the server
// counts them as lost, and of 300 neither few nor most.
func TestLossBySender(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	files := chords(t, 3*time.Second)
	out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", files[0], "--audio", files[1], "--loss", "20")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var lost, received uint64
	for _, st := range s.complete(t, s.callOf(t, out).ID, time.Minute).Streams {
		lost += st.PacketsLost
		received += st.PacketsReceived
	}
	if lost < 15 || lost > 120 || lost+received < 260 {
		t.Errorf("%d packets lost, %d received", lost, received)
	}
	if out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", files[0], "--loss", "101"); err == nil {
		t.Errorf("a loss of 101 %% is taken: %s", out)
	}
}
