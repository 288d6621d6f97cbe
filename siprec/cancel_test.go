package siprec

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// cancel takes back the INVITE that was sent last (RFC 3261 9.1).
func (s *script) cancel() string { return s.request("CANCEL", "", "") }

// ackRefusal acknowledges an answer that is no 2xx: with the branch of its
// INVITE (RFC 3261 17.1.1.3).
func (s *script) ackRefusal(t *testing.T) {
	t.Helper()
	branch := fmt.Sprintf("branch=z9hG4bK%s%d", s.id, s.cseq)
	s.p.send(t, strings.Replace(s.request("ACK", "", ""), branch+"ack", branch, 1))
}

// finals returns the statuses of the next answers by their method.
func (s *script) finals(t *testing.T, n int) map[string]int {
	t.Helper()
	out := map[string]int{}
	for range n {
		m := s.p.receive(t, 5*time.Second)
		out[strings.Fields(headerIn(m, "CSeq") + " - -")[1]] = statusIn(m)
	}
	return out
}

// TestCancelAfterTheAnswer: it is answered and changes nothing.
func TestCancelAfterTheAnswer(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	invite := s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
	ok := s.p.exchange(t, invite)
	if got := s.p.exchange(t, s.cancel()); statusIn(got) != 200 || !strings.HasSuffix(headerIn(got, "CSeq"), "CANCEL") {
		t.Fatalf("CANCEL answered\n%s", got)
	}
	s.to = headerIn(ok, "To")
	s.p.send(t, s.request("ACK", "", ""))
	eventually(t, "the ACK", func() bool { return !r.waitsForAck(dialogID(s.id, tagOf(s.to))) })
	s.establish(t, sdpType, versioned(sdpOf(audioLine(4000, "1"), audioLine(4002, "2")), "8"))
	if got := s.p.exchange(t, s.request("BYE", "", "")); statusIn(got) != 200 {
		t.Errorf("BYE answered\n%s", got)
	}
	if ends := r.sessions.ends(); len(ends) != 1 || !strings.HasSuffix(ends[0], ": bye") {
		t.Errorf("ended %q", ends)
	}
}

// TestCancelBeforeItsInvite: one that overtakes its INVITE finds nothing.
func TestCancelBeforeItsInvite(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	invite := s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
	if got := s.p.exchange(t, s.cancel()); statusIn(got) != 481 {
		t.Errorf("CANCEL answered\n%s", got)
	}
	ok := s.p.exchange(t, invite)
	s.to = headerIn(ok, "To")
	s.p.send(t, s.request("ACK", "", ""))
	if statusIn(ok) != 200 || r.Dialogs() != 1 {
		t.Errorf("%d dialogs after\n%s", r.Dialogs(), ok)
	}
}

// overTx is a transaction that a CANCEL has ended before it was looked at.
type overTx struct{ sip.ServerTransaction }

func (overTx) OnCancel(sip.FnTxCancel) bool { return false }

// TestCancelBeforeTheHandler: an INVITE whose 487 is out begins and changes
// nothing.
func TestCancelBeforeTheHandler(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	parse := func(message string) *sip.Request {
		m, err := r.parser.ParseSIP([]byte(message))
		if err != nil {
			t.Fatal(err)
		}
		m.SetSource(s.p.conn.LocalAddr().String())
		return m.(*sip.Request)
	}
	offer := sdpOf(audioLine(4000, "1"))
	if wait := r.invited(parse(s.request("INVITE", sdpType, offer)), overTx{}); wait != nil || r.Dialogs() != 0 || len(r.sessions.all()) != 0 {
		t.Errorf("%d dialogs, %d sessions", r.Dialogs(), len(r.sessions.all()))
	}
	s.establish(t, sdpType, offer)
	if wait := r.invited(parse(s.request("INVITE", sdpType, offer)), overTx{}); wait != nil || len(r.sessions.all()) != 1 {
		t.Errorf("%d sessions were told", len(r.sessions.all()))
	}
	s.establish(t, sdpType, offer) // the one before is not in its way
}

// TestCancelledReinvite: the session is as it was, and goes on.
func TestCancelledReinvite(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	one := sdpOf(audioLine(4000, "1"))
	first := s.establish(t, sdpType, one)
	r.sessions.keepPorts()
	entered, release := make(chan struct{}), make(chan struct{})
	r.sessions.script(nil, func(id earshot.SegmentID, o earshot.SessionOffer) (earshot.SessionAnswer, error) {
		r.sessions.script(nil, nil)
		close(entered)
		<-release
		return r.sessions.Update(t.Context(), id, o)
	})
	s.p.send(t, s.request("INVITE", sdpType, versioned(sdpOf(audioLine(4000, "1"), audioLine(4002, "2")), "8")))
	<-entered
	s.p.send(t, s.cancel())
	if got := s.finals(t, 2); got["CANCEL"] != 200 || got["INVITE"] != 487 {
		t.Errorf("answered %v", got)
	}
	s.ackRefusal(t)
	close(release)
	eventually(t, "the change to be taken back", func() bool { return len(r.sessions.all()) == 3 })
	o := r.sessions.last(t)
	if len(o.Media) != 2 || o.Media[0].Port != 4000 || o.Media[1].Port != 0 {
		t.Errorf("the session is told of %+v", o.Media)
	}
	if again := s.establish(t, sdpType, one); originIn(again) != originIn(first) || strings.Count(again, "m=audio") != 1 {
		t.Errorf("the same offer again is answered\n%s", again)
	}
	if got := s.p.exchange(t, s.request("BYE", "", "")); statusIn(got) != 200 {
		t.Errorf("BYE answered\n%s", got)
	}
	if n := counterOf(r.m.retransmitted); n != 0 {
		t.Errorf("%v answers were sent again", n)
	}
}

// TestCancelledReinviteThatMovedAStream: what can't be taken back is said.
func TestCancelledReinviteThatMovedAStream(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1"), audioLine(4002, "2")))
	entered, release := make(chan struct{}), make(chan struct{})
	r.sessions.script(nil, func(id earshot.SegmentID, o earshot.SessionOffer) (earshot.SessionAnswer, error) {
		r.sessions.script(nil, nil)
		close(entered)
		<-release
		return r.sessions.Update(t.Context(), id, o)
	})
	s.p.send(t, s.request("INVITE", sdpType, versioned(sdpOf(audioLine(4000, "1"), audioLine(0, "2")), "8")))
	<-entered
	s.p.send(t, s.cancel())
	s.finals(t, 2)
	s.ackRefusal(t)
	close(release)
	eventually(t, "the problem", func() bool {
		r.sessions.mu.Lock()
		defer r.sessions.mu.Unlock()
		return len(r.sessions.noted) == 1 && strings.Contains(r.sessions.noted[0], "another port")
	})
}

// TestLostAck: the 200 comes again, and no more once the ACK has.
func TestLostAck(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	for range 2 { // for the INVITE, and for a re-INVITE
		before := counterOf(r.m.retransmitted)
		body := mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", metadataText)
		first := s.p.exchange(t, s.request("INVITE", mixedType, body))
		for range 2 {
			if again := s.p.receive(t, 5*time.Second); again != first {
				t.Fatalf("without an ACK this came:\n%s", again)
			}
		}
		s.to = headerIn(first, "To")
		s.p.send(t, s.request("ACK", "", ""))
		id := dialogID(s.id, tagOf(s.to))
		eventually(t, "the ACK", func() bool { return !r.waitsForAck(id) })
		s.p.send(t, s.request("ACK", "", "")) // that of the second 200
		if got := s.p.exchange(t, s.request("OPTIONS", "", "")); statusIn(got) != 200 || !strings.HasSuffix(headerIn(got, "CSeq"), "OPTIONS") {
			t.Errorf("after the ACK this came:\n%s", got)
		}
		if n := counterOf(r.m.retransmitted) - before; n != 2 {
			t.Errorf("the 200 was sent again %v times, want 2", n)
		}
	}
}

// TestNothingIsAskedBeforeTheAck: a client that is still to acknowledge is not
// asked for a snapshot.
func TestNothingIsAskedBeforeTheAck(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	ok := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	s.to = headerIn(ok, "To")
	d := r.dialogByID(dialogID(s.id, tagOf(s.to)))
	later := time.Now().Add(time.Minute)
	d.mu.Lock()
	do := r.dueIn(d, later)
	d.mu.Unlock()
	if do != nil {
		t.Error("something is asked before the ACK")
	}
	s.p.send(t, s.request("ACK", "", ""))
	eventually(t, "the ACK, and what is due then", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return !d.unacknowledged() && (d.asking || r.dueIn(d, later) != nil)
	})
	d.mu.Lock()
	d.asking = false
	d.mu.Unlock()
}
