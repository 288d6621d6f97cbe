package siprec

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestAccept(t *testing.T) {
	r := newRig(t, Config{})
	for accept, want := range map[string]int{
		"":                                200,
		"application/sdp":                 200,
		"text/plain, application/sdp;q=1": 200,
		"*/*":                             200,
		"application/rs-metadata-request": 200,
		"text/plain":                      406,
	} {
		s := newScript(r.peer(t, "udp"))
		headers := sdpType
		if accept != "" {
			headers += "Accept: " + accept + "\r\n"
		}
		if got := statusIn(s.p.exchange(t, s.request("INVITE", headers, sdpOf(audioLine(4000, "1"))))); got != want {
			t.Errorf("Accept %q is answered %d, want %d", accept, got, want)
		}
	}
}

// TestHeadersOfARequest checks that what is repeated does no harm and what
// contradicts itself is refused.
func TestHeadersOfARequest(t *testing.T) {
	r := newRig(t, Config{})
	for _, tc := range []struct {
		extra string
		want  int
	}{
		{"", 200},
		{"Content-Length: 0\r\n", 200}, // stands there already
		{"l: 7\r\n", 400},
		{"From: <sip:other@example.com>;tag=x\r\n", 400},
		{"Max-Forwards: 5\r\n", 200}, // not needed
		{"Subject: one\r\nSubject: two\r\n", 200},
	} {
		s := newScript(r.peer(t, "udp"))
		got := s.p.exchange(t, s.request("OPTIONS", tc.extra, ""))
		if statusIn(got) != tc.want || tc.want == 400 && !strings.Contains(headerIn(got, "Warning"), "stands twice") {
			t.Errorf("with %q answered\n%s", tc.extra, got)
		}
	}
}

// TestRobustnessPage keeps docs/robustness.md true.
func TestRobustnessPage(t *testing.T) {
	page, err := os.ReadFile("../docs/robustness.md")
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int) string {
		if status == 0 {
			return "nothing"
		}
		return fmt.Sprint(status)
	}
	for _, tc := range torture {
		want := "| " + answer(tc.udp)
		if tc.udp != tc.tcp {
			want += " over UDP, " + answer(tc.tcp) + " over TCP"
		}
		found := false
		for line := range strings.Lines(string(page)) {
			found = found || strings.HasPrefix(line, "| `"+tc.name+"`: ") && (strings.Contains(line, want+" |") || strings.Contains(line, want+": "))
		}
		if !found {
			t.Errorf("docs/robustness.md has no row of %s with %q", tc.name, want)
		}
	}
}
