package siprec

import (
	"strings"
	"testing"

	"earshot"
)

// TestLateOfferByPolicy: what we offer is what we would take.
func TestLateOfferByPolicy(t *testing.T) {
	for _, tc := range []struct {
		all, peer earshot.SRTPPolicy
		profile   string
		keys      int
	}{
		{"", "", "RTP/AVP", 0},
		{earshot.SRTPAllow, "", "RTP/AVP", 0},
		{earshot.SRTPRequire, "", "RTP/SAVP", 1},
		{earshot.SRTPRequire, earshot.SRTPAllow, "RTP/AVP", 0},
		{earshot.SRTPOff, earshot.SRTPRequire, "RTP/SAVP", 1},
	} {
		r := newRig(t, Config{SRTP: tc.all, Policies: []Policy{{Peers: []string{"127.0.0.0/8"}, SRTP: tc.peer}}})
		s := newScript(r.peer(t, "udp"))
		ok := s.p.exchange(t, s.request("INVITE", "", ""))
		o := r.sessions.last(t)
		want := tc.peer
		if want == "" {
			want = tc.all
		}
		if o.SRTP != want || o.Media[0].Profile != tc.profile || len(o.Media[0].Crypto) != tc.keys {
			t.Errorf("%+v: the session is told of %s, %s and %d keys", tc, o.SRTP, o.Media[0].Profile, len(o.Media[0].Crypto))
		}
		if !strings.Contains(ok, " "+tc.profile+" 0 8 101\r\n") {
			t.Errorf("%+v: offered\n%s", tc, ok)
		}
	}
}

// TestAnswerThatIsNotTaken: the ACK can't be refused any more, so the call
// tells why there is nothing in it.
func TestAnswerThatIsNotTaken(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	ok := s.p.exchange(t, s.request("INVITE", "", ""))
	s.to = headerIn(ok, "To")
	r.sessions.script(nil, func(earshot.SegmentID, earshot.SessionOffer) (earshot.SessionAnswer, error) {
		return earshot.SessionAnswer{}, earshot.ErrMediaSecurity
	})
	s.p.send(t, s.request("ACK", "Content-Type: application/sdp\r\n", sdpOf(audioLine(4000, "near"))))
	eventually(t, "the problem", func() bool {
		r.sessions.mu.Lock()
		defer r.sessions.mu.Unlock()
		return len(r.sessions.noted) == 1 && strings.HasPrefix(r.sessions.noted[0], "sdp: the answer in the ACK can't be taken")
	})
}
