package siprec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// torture says what becomes of each message of RFC 4475 section 3 and RFC 5118
// section 4 at a recording server: the status of the answer, 0 for none. The
// files are our own messages with the same twists, named as there.
var torture = []struct {
	name     string
	udp, tcp int
	header   string // that the answer has
}{
	{"wsinv", 481, 481, ""}, // a To tag of no dialog: RFC 3261 12.2.2
	{"intmeth", 405, 405, "Allow"},
	{"esc01", 200, 200, "Contact"},
	{"escnull", 405, 405, "Allow"},
	{"esc02", 405, 405, "Allow"},
	{"lwsdisp", 200, 200, "Accept"},
	{"longreq", 200, 200, "Contact"},
	{"dblreq", 405, 405, "Allow"},
	{"semiuri", 200, 200, "Accept"},
	{"transports", 200, 200, "Accept"},
	{"mpart01", 405, 405, "Allow"},
	{"unreason", 0, 0, ""},
	{"noreason", 0, 0, ""},
	{"badinv01", 400, 400, "Warning"},
	{"clerr", 400, 0, ""}, // a stream waits for the rest
	{"ncl", 400, 400, "Warning"},
	{"scalar02", 400, 400, "Warning"},
	{"scalarlg", 0, 0, ""},
	{"quotbal", 400, 400, "Warning"},
	{"ltgtruri", 400, 400, "Warning"},
	{"lwsruri", 400, 400, "Warning"},
	{"lwsstart", 400, 400, "Warning"},
	{"trws", 200, 200, "Accept"},     // cut off
	{"escruri", 200, 200, "Contact"}, // its headers are ignored: RFC 3261 19.1.5
	{"baddate", 200, 200, "Contact"},
	{"regbadct", 405, 405, "Allow"},
	{"badaspec", 400, 400, "Warning"},
	{"baddn", 200, 200, "Accept"}, // read as if it were quoted
	{"badvers", 505, 505, "Warning"},
	{"mismatch01", 400, 400, "Warning"},
	{"mismatch02", 400, 400, "Warning"},
	{"bigcode", 0, 0, ""},
	{"badbranch", 200, 200, "Accept"}, // as in RFC 2543
	{"insuf", 400, 400, "Warning"},
	{"unkscm", 416, 416, ""},
	{"novelsc", 416, 416, ""},
	{"unksm2", 405, 405, "Allow"},
	{"bext01", 420, 420, "Unsupported"},
	{"invut", 415, 415, "Accept"},
	{"regaut01", 405, 405, "Allow"},
	{"multi01", 400, 400, "Warning"},
	{"mcl01", 400, 400, "Warning"},
	{"bcast", 0, 0, ""},
	{"zeromf", 200, 200, "Accept"}, // we are where it goes: RFC 3261 16.3
	{"cparam01", 405, 405, "Allow"},
	{"cparam02", 405, 405, "Allow"},
	{"regescrt", 405, 405, "Allow"},
	{"sdp01", 406, 406, "Warning"},
	{"inv2543", 400, 400, ""}, // neither a branch nor a From tag to know it again by

	{"ipv6-good", 200, 200, "Accept"},
	{"ipv6-bad", 400, 400, "Warning"},
	{"port-ambiguous", 200, 200, "Accept"}, // an address, whatever was meant
	{"port-unambiguous", 200, 200, "Accept"},
	{"via-received-param-with-delim", 200, 200, "Accept"},
	{"via-received-param-no-delim", 200, 200, "Accept"},
	{"ipv6-in-sdp", 200, 200, "Contact"},
	{"mult-ip-in-header", 200, 200, "Accept"},
	{"mult-ip-in-sdp", 200, 200, "Contact"},
	{"ipv4-mapped-ipv6", 200, 200, "Contact"},
	{"ipv6-bug-abnf-3-colons", 200, 200, "Accept"}, // the host of the Request-URI is not looked up
}

// TestTorture sends each message over UDP and TCP to one server on which a
// call is up. It must answer as it should, and the call must not notice.
func TestTorture(t *testing.T) {
	files, err := filepath.Glob("testdata/torture/*.sip")
	if err != nil || len(files) != len(torture) {
		t.Fatalf("%d messages for %d rows: %v", len(files), len(torture), err)
	}
	r := newRig(t, Config{})
	call := newScript(r.peer(t, "udp"))
	// With metadata, or it is asked for in the middle of all this.
	call.establish(t, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", metadataText))
	offers := r.sessions.changes(call.id)
	for i, tc := range torture {
		for network, want := range map[string]int{"udp": tc.udp, "tcp": tc.tcp} {
			t.Run(tc.name+"/"+network, func(t *testing.T) {
				p := r.peer(t, network)
				p.send(t, tortureMessage(t, tc.name, p, fmt.Sprintf("%d%s", i, network)))
				patience := 5 * time.Second
				if want == 0 {
					patience = 150 * time.Millisecond
				}
				got := p.receive(t, patience)
				if strings.HasPrefix(headerIn(got, "Call-ID"), "dblreq-rest") { // on a stream a request of its own
					got = p.receive(t, patience)
				}
				if statusIn(got) != want {
					t.Errorf("answered %q, want %d", firstLine(got), want)
				}
				if tc.header != "" && got != "" && headerIn(got, tc.header) == "" {
					t.Errorf("the answer has no %s:\n%s", tc.header, got)
				}
			})
		}
	}
	if n := r.sessions.ends(); len(n) != 0 {
		t.Errorf("sessions ended: %v", n)
	}
	if got := r.sessions.changes(call.id); got != offers {
		t.Errorf("the call that was up was changed %d times", got-offers)
	}
	if got := statusIn(call.p.exchange(t, call.request("UPDATE", "", ""))); got != 200 {
		t.Errorf("UPDATE of the call that was up answered %d", got)
	}
	if got := statusIn(call.p.exchange(t, call.request("BYE", "", ""))); got != 200 {
		t.Errorf("BYE of the call that was up answered %d", got)
	}
	next := newScript(r.peer(t, "tcp"))
	next.p.exchange(t, next.request("OPTIONS", "", ""))
	next.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	if n := counted(t, r.m.panics); n != 0 {
		t.Errorf("%v panics", n)
	}
}

// tortureMessage reads a message and fills in where it is sent from, so that
// its answer comes back here.
func tortureMessage(t *testing.T, name string, p *peer, n string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "torture", name+".sip"))
	if err != nil {
		t.Fatal(err)
	}
	return filled(string(raw), p, n)
}

// filled puts an address and a number into a message.
func filled(message string, p *peer, n string) string {
	transport := "UDP"
	if p.stream {
		transport = "TCP"
	}
	return strings.NewReplacer("{udp}", transport, "{here}", p.conn.LocalAddr().String(), "{n}", n).Replace(message)
}

func firstLine(message string) string {
	line, _, _ := strings.Cut(message, "\r\n")
	return line
}

// changes returns how often the session of a Call-ID was begun or changed.
func (s *sessions) changes(callID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, o := range s.offers {
		if o.SIPCallID == callID {
			n++
		}
	}
	return n
}

func counted(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}
