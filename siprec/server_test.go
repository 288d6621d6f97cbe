package siprec

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

func TestDialogFromInviteToBye(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			r := newRig(t, Config{})
			s := newScript(r.peer(t, network))
			video := "m=video 4004 RTP/AVP 98\r\na=rtpmap:98 H264/90000\r\na=label:v\r\n"
			ok := s.establish(t, sdpType, sdpOf(audioLine(4000, "b_leg"), video, audioLine(4002, "16777227")))
			for _, want := range []string{
				"+sip.srs", "application/sdp", "m=audio 30002 RTP/AVP 0 8 101", "m=video 0 RTP/AVP 98",
				"m=audio 30004", "a=label:b_leg", "a=label:16777227", "a=recvonly",
			} {
				if !strings.Contains(ok, want) {
					t.Errorf("the answer lacks %q:\n%s", want, ok)
				}
			}
			if strings.Index(ok, "b_leg") > strings.Index(ok, "16777227") {
				t.Error("the order of the m-lines changed")
			}
			if len(r.journal.all()) != 1 {
				t.Errorf("%d dialogs stored, want 1", len(r.journal.all()))
			}
			if got := statusIn(s.p.exchange(t, s.request("BYE", "", ""))); got != 200 {
				t.Errorf("BYE answered %d", got)
			}
			if ends := r.sessions.ends(); len(ends) != 1 || !strings.HasSuffix(ends[0], ": bye") {
				t.Errorf("ended %v", ends)
			}
			if len(r.journal.all()) != 0 || r.Dialogs() != 0 {
				t.Error("the dialog is still kept")
			}
			if got := statusIn(s.p.exchange(t, s.request("BYE", "", ""))); got != 481 {
				t.Errorf("a second BYE answered %d, want 481", got)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t, Config{})
	offer := sdpOf(audioLine(4000, "1"))
	for _, tc := range []struct {
		name, headers, body string
		err                 error
		status              int
		header              string
	}{
		{"unknown extension", "Require: siprec, teleport\r\nContent-Type: application/sdp\r\n", offer, nil, 420, "Unsupported"},
		{"metadata but no SDP", mixedType, mixed("application/rs-metadata+xml", metadataText), nil, 488, "Warning"},
		{"unknown body", "Require: siprec\r\nContent-Type: text/plain\r\n", "hello", nil, 415, "Accept"},
		{"SDP without m-line", sdpType, "v=0\r\ns=-\r\n", nil, 400, "Warning"},
		{"required part unknown", mixedType, strings.Replace(mixed("application/sdp", offer, "application/gtd", "x"),
			"application/gtd\r\n", "application/gtd\r\nContent-Disposition: signal;handling=required\r\n", 1), nil, 415, "Accept"},
		{"session timer too short", sdpType + "Supported: timer\r\nSession-Expires: 60\r\n", offer, nil, 422, "Min-SE"},
		{"codec", sdpType, offer, earshot.ErrNoCommonCodec, 488, "Warning"},
		{"ports", sdpType, offer, earshot.ErrNoPorts, 503, "Retry-After"},
		{"disk", sdpType, offer, earshot.ErrDiskReserve, 503, "Retry-After"},
		{"draining", sdpType, offer, earshot.ErrDraining, 503, "Retry-After"},
		{"anything else", sdpType, offer, errors.New("oops"), 500, "Retry-After"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r.sessions.script(nil, nil)
			if tc.err != nil {
				r.sessions.script(func(earshot.SessionOffer) (earshot.SessionAnswer, error) { return earshot.SessionAnswer{}, tc.err }, nil)
			}
			s := newScript(r.peer(t, "udp"))
			got := s.p.exchange(t, s.request("INVITE", tc.headers, tc.body))
			if statusIn(got) != tc.status || headerIn(got, tc.header) == "" {
				t.Errorf("answered\n%swant %d with %s", got, tc.status, tc.header)
			}
		})
	}
	if n := r.Dialogs(); n != 0 {
		t.Errorf("%d dialogs came of refusals", n)
	}
}

func TestOtherRequests(t *testing.T) {
	r := newRig(t, Config{})
	p := r.peer(t, "udp")
	options := p.exchange(t, newScript(p).request("OPTIONS", "", ""))
	if statusIn(options) != 200 || !strings.Contains(headerIn(options, "Accept"), "application/rs-metadata+xml") || headerIn(options, "Allow") == "" {
		t.Errorf("OPTIONS answered\n%s", options)
	}
	if got := p.exchange(t, newScript(p).request("REGISTER", "", "")); statusIn(got) != 405 || headerIn(got, "Allow") == "" {
		t.Errorf("REGISTER answered\n%s", got)
	}
	r.Drain()
	if got := p.exchange(t, newScript(p).request("OPTIONS", "", "")); statusIn(got) != 503 {
		t.Errorf("OPTIONS while draining answered\n%s", got)
	}
	if got := p.exchange(t, newScript(p).request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))); statusIn(got) != 503 || headerIn(got, "Retry-After") == "" {
		t.Errorf("INVITE while draining answered\n%s", got)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	r := newRig(t, Config{Peers: []string{"192.0.2.0/24", "198.51.100.7"}})
	p := r.peer(t, "udp")
	if got := p.exchange(t, newScript(p).request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))); statusIn(got) != 403 {
		t.Errorf("answered\n%s", got)
	}
	for source, want := range map[string]bool{"192.0.2.9:5060": true, "198.51.100.7:1": true, "198.51.100.8:1": false, "[::ffff:192.0.2.1]:5": true} {
		if got := r.allowed(source); got != want {
			t.Errorf("allowed(%s) = %v", source, got)
		}
	}
	if _, err := NewServer(Config{Peers: []string{"nonsense"}}, nil, nil, nil); err == nil {
		t.Error("a bad peer is accepted")
	}
}

func TestAnswerIsRepeatedUntilAcknowledged(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	first := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	again := s.p.receive(t, 3*time.Second)
	if again != first {
		t.Fatalf("without an ACK this came again:\n%s", again)
	}
	s.to = headerIn(first, "To")
	s.p.send(t, s.request("ACK", "", ""))
	eventually(t, "the ACK", func() bool { return !r.waitsForAck(dialogID(s.id, tagOf(s.to))) })
}

func (r *rig) waitsForAck(id string) bool {
	return r.dialogByID(id).unacknowledged()
}

// An ACK that is there before anybody waits for it counts.
func TestAckMayComeAtOnce(t *testing.T) {
	r := newRig(t, Config{})
	d := &dialog{id: "d"}
	acked := d.expectAck(1)
	d.ack(2) // of another INVITE
	d.ack(1)
	r.awaitAck(silentTx{}, nil, d, acked) // returns at once; it would panic sending again
}

// silentTx is a transaction that has no ACK of its own.
type silentTx struct{ sip.ServerTransaction }

func (silentTx) Acks() <-chan *sip.Request { return nil }

func tagOf(to string) string {
	_, tag, _ := strings.Cut(to, "tag=")
	return tag
}

func TestRepeatedInviteMakesOneSession(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	invite := s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
	s.p.send(t, invite)
	s.p.send(t, invite)
	ok := s.p.receive(t, 5*time.Second)
	s.to = headerIn(ok, "To")
	s.p.send(t, invite)
	s.p.send(t, s.request("ACK", "", ""))
	if got := statusIn(s.p.exchange(t, s.request("OPTIONS", "", ""))); got != 200 {
		t.Errorf("OPTIONS answered %d", got)
	}
	if n := r.Dialogs(); n != 1 {
		t.Errorf("%d dialogs, want 1", n)
	}
}

func TestCancelledInviteLeavesNothing(t *testing.T) {
	r := newRig(t, Config{})
	entered, release := make(chan struct{}), make(chan struct{})
	r.sessions.script(func(o earshot.SessionOffer) (earshot.SessionAnswer, error) {
		close(entered)
		<-release
		return earshot.SessionAnswer{SegmentID: "seg", Media: []earshot.MediaAnswer{{Accepted: true, Port: 30000, Formats: o.Media[0].Formats, Direction: earshot.RecvOnly}}}, nil
	}, nil)
	s := newScript(r.peer(t, "udp"))
	s.p.send(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	<-entered
	s.p.send(t, s.request("CANCEL", "", ""))
	statuses := map[string]int{}
	for range 2 {
		m := s.p.receive(t, 5*time.Second)
		statuses[strings.Fields(headerIn(m, "CSeq") + " x x")[1]] = statusIn(m)
	}
	close(release)
	if statuses["CANCEL"] != 200 || statuses["INVITE"] != 487 {
		t.Errorf("answered %v, want 200 and 487", statuses)
	}
	eventually(t, "the session to be ended", func() bool { return len(r.sessions.ends()) == 1 && r.Dialogs() == 0 })
}

func TestReinvite(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	hold := strings.Replace(sdpOf(audioLine(4000, "1"), audioLine(4002, "2")), "a=sendonly", "a=inactive", 1)
	ok := s.establish(t, sdpType, hold)
	if !strings.Contains(ok, "a=inactive") || strings.Count(ok, "m=audio 3") != 2 {
		t.Errorf("re-INVITE answered\n%s", ok)
	}
	if got := s.p.exchange(t, s.request("UPDATE", "Content-Type: application/rs-metadata\r\n", metadataText)); statusIn(got) != 200 || strings.Contains(got, "m=audio") {
		t.Errorf("UPDATE answered\n%s", got)
	}
	if md := r.sessions.last(t).Metadata; md == nil || len(md.Participants) != 2 {
		t.Errorf("metadata %+v", md)
	}
	if got := s.p.exchange(t, s.request("UPDATE", "", "")); statusIn(got) != 200 {
		t.Errorf("empty UPDATE answered\n%s", got)
	}
	r.sessions.script(nil, func(earshot.SegmentID, earshot.SessionOffer) (earshot.SessionAnswer, error) {
		return earshot.SessionAnswer{}, earshot.ErrNoCommonCodec
	})
	refused := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	if statusIn(refused) != 488 {
		t.Errorf("bad re-INVITE answered\n%s", refused)
	}
	s.p.send(t, s.request("ACK", "", ""))
	s.cseq = 0
	if got := s.p.exchange(t, s.request("UPDATE", "", "")); statusIn(got) != 500 {
		t.Errorf("an old CSeq answered\n%s", got)
	}
	stranger := newScript(s.p)
	stranger.to = s.to
	if got := s.p.exchange(t, stranger.request("UPDATE", "", "")); statusIn(got) != 481 {
		t.Errorf("a dialog that does not exist answered\n%s", got)
	}
}

func TestSecondInviteWhileTheFirstIsOpen(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	entered, release := make(chan struct{}), make(chan struct{})
	r.sessions.script(nil, func(id earshot.SegmentID, o earshot.SessionOffer) (earshot.SessionAnswer, error) {
		close(entered)
		<-release
		return earshot.SessionAnswer{SegmentID: id, Media: []earshot.MediaAnswer{{Accepted: true, Port: 30000, Formats: o.Media[0].Formats, Direction: earshot.RecvOnly}}}, nil
	})
	s.p.send(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	<-entered
	got := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1"))))
	close(release)
	after, err := strconv.Atoi(headerIn(got, "Retry-After"))
	if statusIn(got) != 500 || err != nil || after < 0 || after > 10 { // RFC 3261 14.2
		t.Errorf("answered\n%s", got)
	}
}

func TestRestartedServerKnowsItsDialogs(t *testing.T) {
	first := newRig(t, Config{})
	s := newScript(first.peer(t, "udp"))
	s.establish(t, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", metadataText))
	listen := first.Addr().String()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := startRig(t, Config{Listen: listen}, &sessions{}, first.journal)
	if got := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))); statusIn(got) != 200 {
		t.Fatalf("re-INVITE answered\n%s", got)
	}
	s.p.send(t, s.request("ACK", "", ""))
	if md := second.sessions.last(t).Metadata; md == nil || len(md.Participants) != 2 {
		t.Errorf("metadata after the restart: %+v", md)
	}
	if got := s.p.exchange(t, s.request("BYE", "", "")); statusIn(got) != 200 {
		t.Errorf("BYE answered\n%s", got)
	}
	if len(second.sessions.ends()) != 1 || len(second.journal.all()) != 0 {
		t.Errorf("ended %v, stored %v", second.sessions.ends(), second.journal.all())
	}
}

func TestEndDialogSendsBye(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	s.establish(t, sdpType, sdpOf(audioLine(4000, "1")))
	id := r.journal.all()[0].ID
	done := make(chan error, 1)
	go func() { done <- r.EndDialog(t.Context(), id) }()
	bye := s.p.receive(t, 5*time.Second)
	if !strings.HasPrefix(bye, "BYE ") || headerIn(bye, "Call-ID") != s.id {
		t.Fatalf("received\n%s", bye)
	}
	answer := "SIP/2.0 200 OK\r\n"
	for _, h := range []string{"Via", "From", "To", "Call-ID", "CSeq"} {
		answer += h + ": " + headerIn(bye, h) + "\r\n"
	}
	s.p.send(t, answer+"Content-Length: 0\r\n\r\n")
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := r.EndDialog(t.Context(), "no such dialog"); err != nil {
		t.Error(err)
	}
}

func TestPanicCostsOneRequest(t *testing.T) {
	r := newRig(t, Config{})
	r.sessions.script(func(earshot.SessionOffer) (earshot.SessionAnswer, error) { panic("boom") }, nil)
	s := newScript(r.peer(t, "udp"))
	if got := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))); statusIn(got) != 500 {
		t.Errorf("answered\n%s", got)
	}
	r.sessions.script(nil, nil)
	newScript(r.peer(t, "udp")).establish(t, sdpType, sdpOf(audioLine(4000, "1")))
}

func TestUnparsableIsAnswered(t *testing.T) {
	r := newRig(t, Config{})
	p := r.peer(t, "udp")
	good := newScript(p).request("INVITE", sdpType, sdpOf(audioLine(4000, "1")))
	for name, message := range map[string]string{
		"contact without colon":    strings.Replace(good, "Contact: <sip:", "Contact: <sip", 1),
		"Content-Length too long":  strings.Replace(good, "Content-Length: ", "Content-Length: 9", 1),
		"Content-Length no number": strings.Replace(good, "Content-Length: ", "Content-Length: x", 1),
	} {
		if got := p.exchange(t, message); statusIn(got) != 400 {
			t.Errorf("%s answered\n%s", name, got)
		}
	}
	bare := newScript(p)
	message := strings.ReplaceAll(bare.request("INVITE", sdpType, ""), "\r\n", "\n")
	body := strings.ReplaceAll(sdpOf(audioLine(4000, "1")), "\r\n", "\n")
	message = strings.Replace(message, "Content-Length: 0", "Content-Length: "+itoa(len(body)), 1) + body
	if got := p.exchange(t, message); statusIn(got) != 200 {
		t.Errorf("bare line feeds answered\n%s", got)
	}
}

func TestLargeMessagesBothWays(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	var lines []string
	for i := range 8 {
		lines = append(lines, audioLine(4000+2*i, strings.Repeat("long-label-", 10)))
	}
	padding := "X-Padding: " + strings.Repeat("p", 40_000) + "\r\n"
	ok := s.establish(t, sdpType+padding, sdpOf(lines...))
	if len(ok) < 1500 || strings.Count(ok, "m=audio 3") != 8 {
		t.Errorf("%d octets answered", len(ok))
	}
}
