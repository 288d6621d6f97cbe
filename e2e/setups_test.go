package e2e

import (
	"os"
	"strconv"
	"testing"
	"time"
)

// TestManySetUpsLeaveNothingBehind places short calls one upon the other and
// looks at what the server still holds when they have settled. E2E_SETUPS sets
// how many; "earshot load" places 1,000 a minute.
func TestManySetUpsLeaveNothingBehind(t *testing.T) {
	const seconds, rate = 10, 1000
	calls := 60
	if n, err := strconv.Atoi(os.Getenv("E2E_SETUPS")); err == nil {
		calls = n
	}
	// Those of 20 s, for the last to end and the next to begin.
	ports := min(4*calls, 4*rate/3) + 20
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", rtpPorts(freePortRange(t, ports), ports))
	place := func(n int) {
		out, err := s.earshot(t, "load", "--to", "sip:"+s.sip, "-n", strconv.Itoa(n), "--rate", strconv.Itoa(rate),
			"--duration", strconv.Itoa(seconds)+"s")
		t.Logf("earshot load:\n%s", out)
		if err != nil {
			t.Fatal(err)
		}
		wait(t, time.Minute, "the calls to settle", func() bool { return s.metric(t, "earshot_calls_kept") == 0 })
		for _, name := range []string{"earshot_siprec_dialogs", "earshot_media_streams", "earshot_media_port_pairs_used"} {
			if left := s.metric(t, name); left != 0 {
				t.Errorf("%s is %v after all calls are over", name, left)
			}
		}
	}
	place(5) // what the first calls make is kept for good
	goroutines, files := s.metric(t, "go_goroutines"), s.metric(t, "process_open_fds")
	place(calls)
	// The transactions of SIP live on for 32 s (RFC 3261 17.2), with a goroutine at most.
	wait(t, time.Minute, "goroutines and files to be as before", func() bool {
		return s.metric(t, "go_goroutines") <= goroutines+5 && s.metric(t, "process_open_fds") <= files+5
	})
	t.Logf("resident %.0f MiB, heap %.0f MiB", s.metric(t, "process_resident_memory_bytes")/(1<<20),
		s.metric(t, "go_memstats_heap_inuse_bytes")/(1<<20))
}
