package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestTorturedServerRecordsOn sends the torture messages of RFC 4475 and RFC
// 5118 to the whole server while a call is recorded: not a packet of the call
// may be missing. What each is answered is tested in siprec.
func TestTorturedServerRecordsOn(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none")
	c := newSRC(t, s)
	ports := c.invite(t)
	call := s.onlyCall(t)
	files, err := filepath.Glob("../siprec/testdata/torture/*.sip")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d messages: %v", len(files), err)
	}
	const packets = 150
	said := make(chan struct{})
	go func() {
		defer close(said)
		audio := bytes.Repeat([]byte{0xd5}, packets*160)
		speak(t, ports, audio, audio)
	}()
	for _, network := range []string{"udp", "tcp"} {
		for i, file := range files {
			torture(t, s, network, file, i)
		}
	}
	<-said
	other := newSRC(t, s)
	if r := other.request(t, "OPTIONS", "", "", 10*time.Second); r.status != 200 {
		t.Errorf("OPTIONS is answered %d", r.status)
	}
	other.invite(t)
	other.bye(t)
	c.bye(t)
	wait(t, 10*time.Second, "the end of the call", func() bool { return s.call(t, call.ID).State.Ended() })
	for _, stream := range s.call(t, call.ID).Streams {
		if stream.PacketsReceived != packets || stream.PacketsLost != 0 {
			t.Errorf("stream %s: %d packets, %d lost; want %d", stream.Label, stream.PacketsReceived, stream.PacketsLost, packets)
		}
	}
	if metrics := s.read(t, "/metrics"); !strings.Contains(metrics, "\nearshot_siprec_panics_total 0\n") {
		t.Error("a handler panicked")
	}
}

// torture sends one message from a socket of its own and does not wait.
func torture(t *testing.T, s *server, network, file string, n int) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial(network, s.sip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	message := strings.NewReplacer("{udp}", strings.ToUpper(network), "{here}", conn.LocalAddr().String(), "{n}", fmt.Sprintf("%d%s", n, network)).
		Replace(string(raw))
	if _, err := io.WriteString(conn, message); err != nil {
		t.Fatal(err)
	}
}
