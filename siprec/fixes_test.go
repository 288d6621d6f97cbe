package siprec

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"earshot"
)

func TestStreamsAreAnsweredWhateverComes(t *testing.T) {
	r := newRig(t, Config{})
	p := r.peer(t, "tcp")
	good := newScript(p).request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
	if got := p.exchange(t, strings.Replace(good, "CSeq: 1 ", "CSeq: one ", 1)); statusIn(got) != 400 {
		t.Errorf("a CSeq that is no number answered\n%s", got)
	}
	// The connection goes on: bare line feeds, in two pieces, then what is left
	// of a body that was longer than it said.
	bare := newScript(p)
	body := strings.ReplaceAll(sdpOf(audioLine(4000, "1")), "\r\n", "\n")
	text := strings.Replace(strings.ReplaceAll(bare.request("INVITE", sdpType, ""), "\r\n", "\n"),
		"Content-Length: 0", "Content-Length: "+itoa(len(body)), 1) + body
	p.send(t, text[:100])
	if got := p.exchange(t, text[100:]+"a=left\r\n\r\nover\r\n"); statusIn(got) != 200 {
		t.Errorf("bare line feeds answered\n%s", got)
	}
	bare.to = "<sip:srs@example.com>"
	if got := p.exchange(t, "\r\n"+newScript(p).request("OPTIONS", "", "")); statusIn(got) != 200 {
		t.Errorf("OPTIONS after that answered\n%s", got)
	}
}

func TestKeepAlive(t *testing.T) {
	r := newRig(t, Config{})
	p := r.peer(t, "tcp")
	p.send(t, "\r\n\r\n")
	_ = p.conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	var pong [2]byte
	if _, err := p.conn.Read(pong[:]); err != nil || string(pong[:]) != "\r\n" {
		t.Errorf("ping answered %q, %v", pong, err)
	}
}

func TestMalformedHeaderThatIsNotNeeded(t *testing.T) {
	r := newRig(t, Config{})
	for _, network := range []string{"udp", "tcp"} {
		s := newScript(r.peer(t, network))
		s.establish(t, sdpType+"Route: <sip:edge.example.com:remote_port;lr>\r\nMax-Forwards: many\r\nno header at all\r\n", sdpOf(audioLine(4000, "1")))
	}
}

func TestLateOffer(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	ok := s.p.exchange(t, s.request("INVITE", "", ""))
	if statusIn(ok) != 200 || !strings.Contains(ok, "RTP/AVP 0 8 101\r\n") || !strings.Contains(ok, "a=recvonly") {
		t.Fatalf("answered\n%s", ok)
	}
	s.to = headerIn(ok, "To")
	s.p.send(t, s.request("ACK", "Content-Type: application/sdp\r\n", sdpOf(audioLine(4000, "near"))))
	eventually(t, "the answer of the ACK", func() bool { return r.sessions.last(t).Media[0].Label == "near" })
	// A refresh without SDP carries our offer again.
	again := s.p.exchange(t, s.request("INVITE", "", ""))
	if statusIn(again) != 200 || !strings.Contains(again, "m=audio 3") {
		t.Fatalf("re-INVITE without SDP answered\n%s", again)
	}
	s.p.send(t, s.request("ACK", "", ""))
	eventually(t, "the note that the offer was not answered", func() bool {
		return strings.Contains(strings.Join(r.sessions.last(t).Problems, " "), "not answered")
	})
}

func TestLostAckDoesNotEndTheNextTransaction(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	first := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	s.to = headerIn(first, "To")
	d := r.dialogByID(dialogID(s.id, tagOf(s.to)))
	d.ackMu.Lock()
	waited := d.acked
	d.ackMu.Unlock()
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1"))) // its ACK is the only one
	select {
	case <-waited:
	case <-time.After(5 * time.Second):
		t.Error("the 200 before is still repeated, and would end the session")
	}
	eventually(t, "the ACK", func() bool { return !r.waitsForAck(d.id) })
}

func TestInviteRepeatedAfterRestart(t *testing.T) {
	first := newRig(t, Config{})
	s := newScript(first.peer(t, "udp"))
	invite := s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
	answer := s.p.exchange(t, invite)
	listen := first.Addr().String()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startRig(t, Config{Listen: listen}, &sessions{}, first.journal)
	again := s.p.exchange(t, invite)
	if statusIn(again) != 200 || headerIn(again, "To") != headerIn(answer, "To") || bodyOf(again) != bodyOf(answer) {
		t.Errorf("answered\n%safter\n%s", again, answer)
	}
	other := strings.Replace(invite, "branch=z9hG4bK", "branch=z9hG4bKother", 1)
	if got := s.p.receiveStatus(t, other, 482); got != 482 {
		t.Errorf("the same INVITE on another way answered %d", got)
	}
	s.to = headerIn(again, "To")
	s.p.send(t, s.request("ACK", "", ""))
	if n := second.Dialogs(); n != 1 || len(second.sessions.all()) != 0 {
		t.Errorf("%d dialogs and %d new sessions", n, len(second.sessions.all()))
	}
}

func bodyOf(message string) string {
	_, body, _ := strings.Cut(message, "\r\n\r\n")
	return body
}

// receiveStatus sends and skips answers of other statuses (repeated ones).
func (p *peer) receiveStatus(t *testing.T, message string, want int) int {
	t.Helper()
	p.send(t, message)
	got := 0
	for range 8 {
		if got = statusIn(p.receive(t, 2*time.Second)); got == want {
			break
		}
	}
	return got
}

func TestUpdateIsAnsweredWithoutSDPWhenItHasNone(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	text := strings.ReplaceAll(metadataText, `"p1"`, `"c3RyZWFm=m=="`)
	if got := s.p.exchange(t, s.request("UPDATE", "Content-Type: application/rs-metadata\r\n", text)); statusIn(got) != 200 || bodyOf(got) != "" {
		t.Errorf("UPDATE with metadata alone answered\n%s", got)
	}
}

func TestPartialDocumentKeepsWhatItLeavesOut(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", metadataText))
	before := r.sessions.last(t).Metadata
	bye := `<recording><datamode>Partial</datamode><session session_id="` + before.Sessions[0].ID + `"/>` +
		`<participant participant_id="p1" session_id="` + before.Sessions[0].ID + `"><disassociate-time>2026-02-03T03:09:06Z</disassociate-time></participant></recording>`
	if got := s.p.exchange(t, s.request("BYE", "Content-Type: application/rs-metadata+xml\r\n", bye)); statusIn(got) != 200 {
		t.Fatalf("BYE answered\n%s", got)
	}
	after := r.sessions.last(t).Metadata
	if after.Participants[0].Names[0] != before.Participants[0].Names[0] || after.Sessions[0].GroupID != before.Sessions[0].GroupID {
		t.Errorf("after the BYE: %+v", after)
	}
	left := false
	for _, a := range after.SessionParticipants {
		left = left || (a.ParticipantID == "p1" && !a.Disassociate.IsZero())
	}
	if !left {
		t.Errorf("nobody left: %+v", after.SessionParticipants)
	}
}

func TestClientAgainstServer(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			r := newRig(t, Config{})
			s := call(t, r, network)
			if a := s.Answer(); len(a) != 1 || a[0].Remote.Port() == 0 || a[0].Label != "1" || len(a[0].Formats) != 1 {
				t.Errorf("answer %+v", a)
			}
			offer := r.sessions.last(t)
			if offer.SIPCallID != s.CallID() || offer.Metadata.Participants[0].Extensions[0].Value != "agent" {
				t.Errorf("offer %+v", offer)
			}
			media := append(s.spec.Media, ClientMedia{Label: "2", Port: 4002, Formats: pcmu, Direction: earshot.Inactive})
			if err := s.Reinvite(t.Context(), media, nil, false); err != nil || len(s.Answer()) != 2 {
				t.Errorf("re-INVITE: %v, %+v", err, s.Answer())
			}
			part := earshot.Metadata{Participants: []earshot.MetaParticipant{{ID: "p2", AORs: []string{"sip:b@example.com"}}}}
			if err := s.Update(t.Context(), part, true); err != nil || len(r.sessions.last(t).Metadata.Participants) != 2 {
				t.Errorf("UPDATE: %v, %+v", err, r.sessions.last(t).Metadata)
			}
			if err := s.Bye(t.Context()); err != nil {
				t.Error(err)
			}
			<-s.Done()
		})
	}
}

var pcmu = []earshot.Format{{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1}}

func call(t *testing.T, r *rig, network string) *ClientSession {
	t.Helper()
	c, err := NewClient(ClientConfig{Transport: network})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	s, err := c.Call(t.Context(), CallSpec{
		To: "sip:" + r.Addr().String(), Media: []ClientMedia{{Label: "1", Port: 4000, Formats: pcmu}},
		Metadata: earshot.Metadata{Participants: []earshot.MetaParticipant{{
			ID: "p1", Names: []string{"Ada"}, AORs: []string{"sip:a@example.com"},
			Extensions: []earshot.Extension{{Space: "urn:earshot:call:1", Name: "role", Value: "agent"}},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestClientHearsOfTheEnd(t *testing.T) {
	r := newRig(t, Config{})
	s := call(t, r, "udp")
	if err := r.EndDialog(t.Context(), r.journal.all()[0].ID); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
}

func TestClientReportsRefusal(t *testing.T) {
	r := newRig(t, Config{})
	r.sessions.script(func(earshot.SessionOffer) (earshot.SessionAnswer, error) {
		return earshot.SessionAnswer{}, earshot.ErrNoCommonCodec
	}, nil)
	c, err := NewClient(ClientConfig{Transport: "udp"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Call(t.Context(), CallSpec{To: "sip:" + r.Addr().String(), Media: []ClientMedia{{Port: 4000, Formats: pcmu}}})
	var status *StatusError
	if !errors.As(err, &status) || status.Status != 488 || !strings.HasPrefix(status.Warning, "305 ") {
		t.Errorf("error %v", err)
	}
}

func TestClientCancels(t *testing.T) {
	r := newRig(t, Config{})
	entered, release := make(chan struct{}), make(chan struct{})
	r.sessions.script(func(earshot.SessionOffer) (earshot.SessionAnswer, error) {
		close(entered)
		<-release
		return earshot.SessionAnswer{SegmentID: "seg"}, nil
	}, nil)
	c, err := NewClient(ClientConfig{Transport: "udp"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, CallSpec{To: "sip:" + r.Addr().String(), Media: []ClientMedia{{Port: 4000, Formats: pcmu}}})
		failed <- err
	}()
	<-entered
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(release)
	eventually(t, "the end of the session", func() bool { return len(r.sessions.ends()) == 1 && r.Dialogs() == 0 })
	if ends := r.sessions.ends(); !strings.HasSuffix(ends[0], "cancelled") {
		t.Errorf("ended %v", ends)
	}
}

func FuzzStream(f *testing.F) {
	s := newScript(&peer{conn: nowhere{}, stream: true})
	f.Add([]byte(s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))))
	f.Add([]byte("\r\n\r\nBYE sip:x SIP/2.0\nVia: a\nl: 3\n\nabcBYE"))
	for _, raw := range seeds(f, &peer{conn: nowhere{}, stream: true}) {
		f.Add(raw)
	}
	parser := newParser()
	f.Fuzz(func(t *testing.T, raw []byte) {
		rest := raw
		for range len(raw) + 1 {
			message, after, err := cutMessage(rest)
			if err != nil || message == nil {
				return
			}
			if len(after) >= len(rest) {
				t.Fatal("a message was cut off and nothing is gone")
			}
			_, _ = parser.ParseSIP(mendHeader(message))
			rest = after
		}
	})
}
