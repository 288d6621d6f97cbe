package e2e

import (
	"bytes"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"earshot"
)

var halfSecond = bytes.Repeat([]byte{0xd5}, 160*25)

// signal asks the process to stop.
func (s *server) signal(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	wait(t, 10*time.Second, "the server to drain", func() bool {
		resp, err := http.Get("http://" + s.http + "/readyz")
		if err != nil {
			return false
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(resp.Body)
		resp.Body.Close()
		return resp.StatusCode == http.StatusServiceUnavailable && strings.Contains(body.String(), "draining")
	})
}

func (s *server) gone(t *testing.T) {
	t.Helper()
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		t.Fatal("the server is still there")
	}
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
}

// TestDrainLetsCallsEnd stops a server with a call on it.
func TestDrainLetsCallsEnd(t *testing.T) {
	notes := listenAsSystemd(t)
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_SIP_DRAIN_TIMEOUT=5m", "NOTIFY_SOCKET="+notes.path)
	notes.expect(t, "READY=1")
	c := newSRC(t, s)
	ports := c.invite(t)
	s.signal(t)
	notes.expect(t, "STOPPING=1")
	notes.expect(t, "EXTEND_TIMEOUT_USEC=30000000")

	other := newSRC(t, s)
	for _, method := range []string{"OPTIONS", "INVITE"} {
		headers, body := "", ""
		if method == "INVITE" {
			headers, body = inviteHeaders, twoStreams("127.0.0.1")
		}
		if r := other.request(t, method, headers, body, 10*time.Second); r.status != 503 || r.header["retry-after"] == "" {
			t.Errorf("while draining %s is answered %d", method, r.status)
		}
	}
	speak(t, ports, halfSecond, halfSecond)
	if r := c.request(t, "UPDATE", "", "", 10*time.Second); r.status != 200 {
		t.Errorf("while draining UPDATE is answered %d", r.status)
	}
	id := s.onlyCall(t).ID
	c.bye(t)
	s.gone(t)
	s.start(t)
	call := s.call(t, id)
	if call.State == earshot.CallInterrupted || !call.State.Ended() || call.Segments[0].EndReason != "bye" || call.Streams[0].PacketsReceived != 25 {
		t.Errorf("the call is %+v", call)
	}
}

// TestDrainHasAnEnd leaves a call up: when the time is over the server stops,
// and the next one goes on with the call.
func TestDrainHasAnEnd(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_SIP_DRAIN_TIMEOUT=2s")
	c := newSRC(t, s)
	ports := c.invite(t)
	speak(t, ports, halfSecond, halfSecond)
	s.signal(t)
	s.gone(t)
	goesOn(t, s, c, ports)
}

// TestSecondSignalEndsTheDrain does not wait for the time to be over.
func TestSecondSignalEndsTheDrain(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_SIP_DRAIN_TIMEOUT=1h")
	c := newSRC(t, s)
	ports := c.invite(t)
	speak(t, ports, halfSecond, halfSecond)
	s.signal(t)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.gone(t)
	goesOn(t, s, c, ports)
}

// goesOn starts the server again and ends the call that was up on it.
func goesOn(t *testing.T, s *server, c *src, ports []int) {
	t.Helper()
	s.start(t)
	call := s.onlyCall(t)
	if call.State != earshot.CallLive {
		t.Fatalf("after the start the call is %s", call.State)
	}
	speak(t, ports, halfSecond, halfSecond)
	c.bye(t)
	wait(t, 10*time.Second, "the end of the call", func() bool { return s.call(t, call.ID).State.Ended() })
	call = s.call(t, call.ID)
	if len(call.Segments) != 1 || call.Segments[0].EndReason != "bye" || call.Streams[0].PacketsReceived < 26 {
		t.Errorf("the call is %+v", call)
	}
	var ladder list[earshot.SIPMessage]
	s.get(t, "/api/v1/calls/"+string(call.ID)+"/sip", &ladder)
	if n := len(ladder.Items); n < 5 || !strings.HasPrefix(ladder.Items[0].FirstLine, "INVITE ") || ladder.Items[n-1].CSeq != "2 BYE" {
		t.Errorf("the ladder over the restart is %+v", ladder.Items)
	}
}

// systemd is a service manager as far as its notify socket goes.
type systemd struct {
	path string
	conn *net.UnixConn
}

func listenAsSystemd(t *testing.T) *systemd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &systemd{path: path, conn: conn}
}

func (d *systemd) expect(t *testing.T, want string) {
	t.Helper()
	_ = d.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	buf := make([]byte, 200)
	n, err := d.conn.Read(buf)
	if err != nil || string(buf[:n]) != want {
		t.Errorf("systemd is told %q, %v; want %q", buf[:n], err, want)
	}
}
