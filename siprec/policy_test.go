package siprec

import (
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func counterOf(c prometheus.Counter) float64 {
	var m dto.Metric
	if c.Write(&m) != nil {
		return -1
	}
	return m.GetCounter().GetValue()
}

func tagIn(to string) string {
	_, tag, _ := strings.Cut(to, "tag=")
	return tag
}

// replyTo is a response to a request, with the headers it must repeat.
func replyTo(request, status string) string {
	var b strings.Builder
	b.WriteString("SIP/2.0 " + status + "\r\n")
	for _, name := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		b.WriteString(name + ": " + headerIn(request, name) + "\r\n")
	}
	return b.String() + "Content-Length: 0\r\n\r\n"
}

func TestStrictPeers(t *testing.T) {
	r := newRig(t, Config{Policies: []Policy{{Peers: []string{"127.0.0.0/8"}, RequireSIPREC: true}, {DigestUser: "u", DigestPassword: "p"}}})
	body := sdpOf(audioLine(40000, "1"))
	for _, tc := range []struct {
		name    string
		mangle  func(string) string
		status  int
		header  string
		contain string
	}{
		{"a recording client", func(s string) string { return s }, 200, "Contact", "+sip.srs"},
		{"no Require", func(s string) string { return strings.Replace(s, "Require: siprec\r\n", "", 1) }, 421, "Require", "siprec"},
		{"no feature tag", func(s string) string { return strings.Replace(s, ";+sip.src", "", 1) }, 403, "Warning", "+sip.src"},
		{"feature tag in the URI", func(s string) string { return strings.Replace(s, ">;+sip.src", ";+sip.src>", 1) }, 200, "Contact", "+sip.srs"},
	} {
		s := newScript(r.peer(t, "tcp"))
		got := s.p.exchange(t, tc.mangle(s.request("INVITE", sdpType, body)))
		if statusIn(got) != tc.status || !strings.Contains(headerIn(got, tc.header), tc.contain) {
			t.Errorf("%s: answered\n%s", tc.name, got)
		}
	}
}

// authorization answers one of the challenges of a 401.
func authorization(t *testing.T, challenged, algorithm, method, uri, user, password string) string {
	t.Helper()
	for line := range strings.Lines(challenged) {
		value, ok := strings.CutPrefix(strings.TrimSpace(line), "WWW-Authenticate: ")
		if !ok || !strings.Contains(value, "algorithm="+algorithm) {
			continue
		}
		chal, err := digest.ParseChallenge(value)
		if err != nil {
			t.Fatal(err)
		}
		cred, err := digest.Digest(chal, digest.Options{Method: method, URI: uri, Username: user, Password: password, Count: 1})
		if err != nil {
			t.Fatal(err)
		}
		return "Authorization: " + cred.String() + "\r\n"
	}
	t.Fatalf("no challenge for %s in\n%s", algorithm, challenged)
	return ""
}

func TestDigest(t *testing.T) {
	r := newRig(t, Config{Policies: []Policy{{DigestUser: "sbc-7", DigestPassword: "quay"}}})
	body := sdpOf(audioLine(40000, "1"))
	for _, algorithm := range []string{"SHA-256", "MD5"} {
		s := newScript(r.peer(t, "udp"))
		got := s.p.exchange(t, s.request("INVITE", sdpType, body))
		if statusIn(got) != 401 {
			t.Fatalf("without credentials answered\n%s", got)
		}
		s.p.send(t, s.request("ACK", "", ""))
		wrong := s.p.exchange(t, s.request("INVITE", authorization(t, got, algorithm, "INVITE", s.target, "sbc-7", "key")+sdpType, body))
		if statusIn(wrong) != 401 || strings.Contains(wrong, "stale=true") {
			t.Fatalf("with a wrong password answered\n%s", wrong)
		}
		s.p.send(t, s.request("ACK", "", ""))
		s.establish(t, authorization(t, wrong, algorithm, "INVITE", s.target, "sbc-7", "quay")+sdpType, body)
		bye := s.p.exchange(t, s.request("BYE", "", ""))
		if statusIn(bye) != 401 {
			t.Fatalf("BYE without credentials answered\n%s", bye)
		}
		other := s.p.exchange(t, s.request("BYE", authorization(t, bye, algorithm, "BYE", "sip:mallory@example.com", "sbc-7", "quay"), ""))
		if statusIn(other) != 401 {
			t.Fatalf("credentials for another URI answered\n%s", other)
		}
		bye = s.p.exchange(t, s.request("BYE", authorization(t, bye, algorithm, "BYE", s.target, "sbc-7", "quay"), ""))
		if statusIn(bye) != 200 {
			t.Fatalf("BYE answered\n%s", bye)
		}
	}
	s := newScript(r.peer(t, "udp"))
	if got := s.p.exchange(t, s.request("OPTIONS", "", "")); statusIn(got) != 200 {
		t.Errorf("OPTIONS answered\n%s", got)
	}
	if n := counterOf(r.m.unauthorized); n != 4 {
		t.Errorf("%v wrong credentials are counted, want 4", n)
	}
}

func TestNonce(t *testing.T) {
	r := newRig(t, Config{})
	now := time.Now()
	n := r.nonce("192.0.2.1:5060", now)
	for _, tc := range []struct {
		nonce, source string
		at            time.Time
		want          bool
	}{
		{n, "192.0.2.1:5070", now.Add(time.Minute), true},
		{n, "192.0.2.2:5060", now, false},
		{n, "192.0.2.1:5060", now.Add(6 * time.Minute), false},
		{n[:len(n)-2] + "AA", "192.0.2.1:5060", now, false},
		{"", "192.0.2.1:5060", now, false},
	} {
		if got := r.fresh(tc.nonce, tc.source, tc.at); got != tc.want {
			t.Errorf("fresh(%q, %s, %v later) = %v", tc.nonce, tc.source, tc.at.Sub(now), got)
		}
	}
}

func TestBadPoliciesAreNamed(t *testing.T) {
	for _, p := range []Policy{{Peers: []string{"sbc"}}, {DigestUser: "u"}, {ClientNames: []string{"["}}, {SRTP: "maybe"}} {
		if _, err := parsePolicies([]Policy{p}); err == nil || !strings.HasPrefix(err.Error(), "sip.policies: ") {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
