package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

// TestLadderAndCapture looks at a call from the outside, while it is up and
// when it is over: its SIP messages and its packets.
func TestLadderAndCapture(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none")
	c := newSRC(t, s)
	ports := c.invite(t)
	const packets = 150
	audio := bytes.Repeat([]byte{0xd5}, packets*160)
	speak(t, ports, audio, audio[:100*160])
	call := s.onlyCall(t)
	if live := s.capture(t, call.ID, ""); !strings.Contains(shark(t, live, "-q", "-z", "rtp,streams"), "0x00000001") {
		t.Error("the capture of the live call has no RTP")
	}
	c.bye(t)
	wait(t, 10*time.Second, "the end of the call", func() bool { return s.call(t, call.ID).State.Ended() })

	text := s.read(t, "/api/v1/calls/"+string(call.ID)+"/sip?format=text")
	printed, err := s.earshot(t, "show", "last", "--sip")
	if err != nil || printed != text {
		t.Errorf("earshot show --sip: %v\n%s\nand the API has\n%s", err, printed, text)
	}
	rest := text
	for _, want := range []string{"- INVITE -", "- 200 OK -", "- ACK -", "- BYE -", "- 200 OK -"} {
		_, after, found := strings.Cut(rest, want)
		if !found {
			t.Fatalf("no %q in its place in\n%s", want, text)
		}
		rest = after
	}
	var ladder list[earshot.SIPMessage]
	s.get(t, "/api/v1/calls/"+string(call.ID)+"/sip", &ladder)
	for _, m := range ladder.Items {
		if strings.Contains(m.Text, "Olga") || strings.Contains(m.Text, "15550199") {
			t.Errorf("the ladder names people:\n%s", m.Text)
		}
	}

	file := s.capture(t, call.ID, "")
	if bad := shark(t, file, "-Y", "_ws.malformed"); bad != "" {
		t.Errorf("malformed packets:\n%s", bad)
	}
	streams := shark(t, file, "-q", "-z", "rtp,streams")
	for ssrc, n := range map[int]int{1: packets, 2: 100} {
		found := false
		for line := range strings.Lines(streams) {
			found = found || strings.Contains(line, fmt.Sprintf("0x%08x", ssrc)) && strings.Contains(line, fmt.Sprintf(" %d ", ports[ssrc-1])) &&
				strings.Contains(line, fmt.Sprintf(" %d     0 (0.0%%)", n))
		}
		if !found {
			t.Errorf("no stream %d with %d packets to port %d in\n%s", ssrc, n, ports[ssrc-1], streams)
		}
	}
	methods := shark(t, file, "-Y", "sip", "-T", "fields", "-e", "sip.CSeq.method")
	if got := strings.Count(methods, "\n"); got != len(ladder.Items) {
		t.Errorf("tshark sees %d SIP messages, the ladder has %d:\n%s", got, len(ladder.Items), methods)
	}
	if got := shark(t, s.capture(t, call.ID, "?media=false"), "-Y", "rtp"); got != "" {
		t.Errorf("without media there is\n%s", got)
	}
}

// TestRefusedInvitesAreShown sends an INVITE that no call can come of.
func TestRefusedInvitesAreShown(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none")
	c := newSRC(t, s)
	if r := c.request(t, "INVITE", "Content-Type: text/plain\r\n", "hello", 10*time.Second); r.status != 415 {
		t.Fatalf("answered %d", r.status)
	}
	var refused list[earshot.RefusedSIP]
	s.get(t, "/api/v1/sip/refused", &refused)
	if len(refused.Items) != 1 || refused.Items[0].Status != 415 || refused.Items[0].SIPCallID != c.callID {
		t.Errorf("refused: %+v", refused.Items)
	}
}

func (s *server) read(t testing.TB, path string) string {
	t.Helper()
	resp, err := http.Get("http://" + s.http + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v: %s", path, resp.Status, err, body)
	}
	return string(body)
}

// capture downloads a capture and returns its file.
func (s *server) capture(t testing.TB, id earshot.CallID, query string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "call.pcap")
	if err := os.WriteFile(file, []byte(s.read(t, "/api/v1/calls/"+string(id)+"/capture"+query)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// shark has tshark read a file. The server's port is none of SIP's own, so
// that SIP is found by what it looks like.
func shark(t testing.TB, file string, args ...string) string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "tshark", append([]string{"-n", "-r", file}, args...)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark (make setup installs it): %v\n%s", err, stderr.String())
	}
	return string(out)
}
