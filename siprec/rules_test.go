package siprec

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

func TestRulesForRequests(t *testing.T) {
	r := newRig(t, Config{})
	offer := sdpOf(audioLine(4000, "1"))
	for _, tc := range []struct {
		name, method, headers, body string
		mangle                      func(string) string
		status                      int
		header, want                string
	}{
		{"Replaces is not ours", "INVITE", "Require: siprec, replaces\r\nContent-Type: application/sdp\r\n", offer, nil, 420, "Unsupported", "replaces"},
		{"tags glued together", "INVITE", "Require: 100relsiprec\r\nContent-Type: application/sdp\r\n", offer, nil, 200, "Contact", "+sip.srs"},
		{"reliable provisional responses", "INVITE", "Require: 100rel\r\nContent-Type: application/sdp\r\n", offer, nil, 200, "Contact", "+sip.srs"},
		{"PRACK of nothing", "PRACK", "RAck: 1 1 INVITE\r\n", "", nil, 481, "", ""},
		{"INFO", "INFO", "", "", nil, 405, "Allow", "INVITE"},
		{"an encoded body", "INVITE", sdpType + "Content-Encoding: gzip\r\n", offer, nil, 415, "Accept-Encoding", "identity"},
		{"CSeq of another method", "INVITE", sdpType, offer, replace("1 INVITE", "1 UPDATE"), 400, "", ""},
		{"a sips URI", "OPTIONS", "", "", replace("OPTIONS sip:", "OPTIONS sips:"), 200, "Allow", "INVITE"},
		{"a tel URI", "OPTIONS", "", "", replace("OPTIONS sip:srs@example.com", "OPTIONS tel:+15550100"), 200, "Allow", "INVITE"},
		{"a URI of another kind", "OPTIONS", "", "", replace("OPTIONS sip:srs@example.com", "OPTIONS im:srs@example.com"), 416, "", ""},
		{"Max-Forwards 0", "OPTIONS", "", "", replace("Max-Forwards: 70", "Max-Forwards: 0"), 200, "Allow", "INVITE"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScript(r.peer(t, "tcp"))
			message := s.request(tc.method, tc.headers, tc.body)
			if tc.mangle != nil {
				message = tc.mangle(message)
			}
			got := s.p.exchange(t, message)
			if statusIn(got) != tc.status || tc.header != "" && !strings.Contains(headerIn(got, tc.header), tc.want) {
				t.Errorf("answered\n%swant %d with %s: %s", got, tc.status, tc.header, tc.want)
			}
		})
	}
}

func replace(old, with string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, with, 1) }
}

// versioned sets the version of an SDP's origin.
func versioned(sdp, version string) string { return replace("o=sbc 7 7 ", "o=sbc 7 "+version+" ")(sdp) }

// TestOffersWithinASession: what re-INVITE changes, and what it may not
// (RFC 3264 8).
func TestOffersWithinASession(t *testing.T) {
	two := sdpOf(audioLine(4000, "1"), audioLine(4002, "2"))
	for _, tc := range []struct {
		name, offer string
		media       []int // ports of the m-lines the session is told of
		changed     bool  // the answer's version is higher
		answered    int
		problem     string
	}{
		{"the same again", two, []int{4000, 4002}, false, 2, ""},
		{"the same with a higher version", versioned(two, "8"), []int{4000, 4002}, false, 2, ""},
		{"another port", versioned(sdpOf(audioLine(4000, "1"), audioLine(4010, "2")), "8"), []int{4000, 4010}, true, 2, ""},
		{"another port and the same version", sdpOf(audioLine(4000, "1"), audioLine(4010, "2")), []int{4000, 4010}, true, 2, "sdp: changed without a higher version"},
		{"another port by another origin", replace("o=sbc 7", "o=sbc 6")(sdpOf(audioLine(4000, "1"), audioLine(4010, "2"))), []int{4000, 4010}, true, 2, ""},
		{"an m-line less", versioned(sdpOf(audioLine(4000, "1")), "8"), []int{4000, 0}, true, 1, "sdp: an m-line went missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{})
			s := newScript(r.peer(t, "udp"))
			first := s.establish(t, sdpType, two)
			r.sessions.keepPorts()
			before := len(r.sessions.all())
			ok := s.establish(t, sdpType, tc.offer)
			o := r.sessions.last(t)
			if len(r.sessions.all()) != before+1 {
				t.Fatalf("the session was told %d times", len(r.sessions.all())-before)
			}
			var ports []int
			for _, m := range o.Media {
				ports = append(ports, m.Port)
			}
			if !slices.Equal(ports, tc.media) {
				t.Errorf("the session is told of ports %v, want %v", ports, tc.media)
			}
			if n := strings.Count(ok, "m=audio 3"); n != tc.answered || strings.Count(ok, "m=") != tc.answered {
				t.Errorf("%d m-lines accepted, want %d in\n%s", n, tc.answered, ok)
			}
			if got := originIn(ok) != originIn(first); got != tc.changed {
				t.Errorf("origin %q after %q", originIn(ok), originIn(first))
			}
			if got := strings.Join(o.Problems, ", "); got != tc.problem {
				t.Errorf("problems %q, want %q", got, tc.problem)
			}
		})
	}
}

func originIn(message string) string {
	_, rest, _ := strings.Cut(message, "\r\no=")
	origin, _, _ := strings.Cut(rest, "\r\n")
	return origin
}

func TestUpdateWithSDPIntoAnOpenOffer(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	offer := sdpOf(audioLine(4000, "1"))
	ok := s.p.exchange(t, s.request("INVITE", "", "")) // late offer: the 200 has ours
	s.to, s.target = headerIn(ok, "To"), strings.Trim(strings.SplitN(headerIn(ok, "Contact"), ">", 2)[0], "<")
	if got := s.p.exchange(t, s.request("UPDATE", sdpType, offer)); statusIn(got) != 491 {
		t.Errorf("answered\n%s", got)
	}
	if got := s.p.exchange(t, s.request("UPDATE", "Content-Type: application/rs-metadata+xml\r\n", someMetadata)); statusIn(got) != 200 {
		t.Errorf("metadata alone is answered\n%s", got)
	}
	s.cseq = 1
	s.p.send(t, s.request("ACK", "Content-Type: application/sdp\r\n", offer))
	eventually(t, "the answer to be taken", func() bool { return len(r.sessions.told()) == 3 })
	s.cseq = 4
	if got := s.p.exchange(t, s.request("UPDATE", sdpType, offer)); statusIn(got) != 200 || !strings.Contains(got, "m=audio 3") {
		t.Errorf("answered\n%s", got)
	}
}

func (s *sessions) told() []earshot.SessionOffer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]earshot.SessionOffer(nil), s.offers...)
}

// TestDrainingServerServesItsDialogs: only new sessions are refused.
func TestDrainingServerServesItsDialogs(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	r.Drain()
	s.establish(t, sdpType, versioned(sdpOf(audioLine(4000, "1"), audioLine(4002, "2")), "8"))
	if got := s.p.exchange(t, s.request("BYE", "", "")); statusIn(got) != 200 {
		t.Errorf("BYE answered\n%s", got)
	}
}

// TestCrowdOfStrangers: connections of strangers are few, and end.
func TestCrowdOfStrangers(t *testing.T) {
	r := newRig(t, Config{Peers: []string{"192.0.2.1"}})
	var conns []net.Conn
	for range maxStrangers + 10 {
		c, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		conns = append(conns, c)
	}
	eventually(t, "ten to be turned away", func() bool { return counterOf(r.m.strangers) == 10 })
	turnedAway := 0
	for _, c := range conns {
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); err != nil && !isTimeout(err) {
			turnedAway++
		}
		_ = c.Close()
	}
	if turnedAway != 10 {
		t.Errorf("%d of %d connections were closed, want 10", turnedAway, len(conns))
	}
	eventually(t, "their places to be free", func() bool { return r.guests.Load() == 0 })
}

func isTimeout(err error) bool {
	var e net.Error
	return errors.As(err, &e) && e.Timeout()
}
