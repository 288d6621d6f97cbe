package siprec

import (
	"strings"
	"testing"
	"time"

	"earshot"
)

// comes returns the request that the server makes of itself at a moment. It
// looks more than once, since a dialog that is at work is left for the next
// look.
func (r *rig) comes(t *testing.T, p *peer, at time.Time) string {
	t.Helper()
	for range 100 {
		r.look(at)
		if req := p.receive(t, 50*time.Millisecond); req != "" {
			return req
		}
	}
	return ""
}

// answer waits for a request that the server makes at a moment, and answers
// it.
func (r *rig) answer(t *testing.T, p *peer, at time.Time, method, status string, headers ...string) string {
	t.Helper()
	req := r.comes(t, p, at)
	if !strings.HasPrefix(req, method+" ") {
		t.Fatalf("got, instead of %s,\n%s", method, req)
	}
	text := replyTo(req, status)
	p.send(t, strings.Replace(text, "Content-Length", strings.Join(append(headers, "Content-Length"), "\r\n"), 1))
	return req
}

// timed establishes a session with a session timer.
func timed(t *testing.T, r *rig, headers string) *script {
	t.Helper()
	s := newScript(r.peer(t, "udp"))
	s.establish(t, mixedType+headers, mixed("application/sdp", sdpOf(audioLine(40000, "1")), "application/rs-metadata+xml", someMetadata))
	return s
}

// someMetadata keeps the server from asking for any.
const someMetadata = `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><participant participant_id="p"/></recording>`

func TestWhoRefreshes(t *testing.T) {
	r := newRig(t, Config{})
	for _, tc := range []struct {
		headers, want string
		require       bool
	}{
		{"Supported: timer\r\nSession-Expires: 1800\r\n", "1800;refresher=uac", true},
		{"Supported: 100rel, timer\r\nSession-Expires: 1800;refresher=uac\r\n", "1800;refresher=uac", true},
		{"Supported: timer\r\nSession-Expires: 1800;refresher=uas\r\n", "1800;refresher=uas", false},
		{"Session-Expires: 1800\r\n", "1800;refresher=uas", false}, // from a proxy
		{"x: 600 ; refresher=uac\r\n", "600;refresher=uac", false},
		{"Session-Expires: 30\r\n", "", false},
		{"Supported: timer\r\n", "", false},
	} {
		s := newScript(r.peer(t, "udp"))
		ok := s.establish(t, sdpType+tc.headers, sdpOf(audioLine(40000, "1")))
		if got := headerIn(ok, "Session-Expires"); got != tc.want || (headerIn(ok, "Require") == "timer") != tc.require {
			t.Errorf("%q answered Session-Expires %q, Require %q", tc.headers, got, headerIn(ok, "Require"))
		}
	}
}

func TestWeRefreshWhenAsked(t *testing.T) {
	r := newRig(t, Config{})
	s := timed(t, r, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\nAllow: INVITE, ACK, BYE, UPDATE\r\n")
	now := time.Now()
	r.look(now.Add(299 * time.Second)) // not yet
	req := r.answer(t, s.p, now.Add(301*time.Second), "UPDATE", "200 OK", "Session-Expires: 600;refresher=uac")
	for name, want := range map[string]string{
		"Session-Expires": "600;refresher=uac", "To": "<sip:sbc@example.com>;tag=f" + s.id, "From": s.to, "CSeq": "1 UPDATE", "Content-Length": "0",
	} {
		if got := headerIn(req, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if !strings.HasSuffix(headerIn(req, "Contact"), ";+sip.srs") {
		t.Errorf("Contact is %q", headerIn(req, "Contact"))
	}
	eventually(t, "the refresh to count", func() bool { return timerOf(r, s).Refreshed.After(now.Add(300 * time.Second)) })
	r.look(now.Add(650 * time.Second)) // would have expired
	if n := len(r.sessions.ends()); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
}

func timerOf(r *rig, s *script) sessionTimer {
	d := r.dialogByID(dialogID(s.id, tagIn(s.to)))
	if d == nil {
		return sessionTimer{}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state.Timer
}

func TestRefreshByReinvite(t *testing.T) {
	r := newRig(t, Config{})
	s := timed(t, r, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\nAllow: INVITE, ACK, BYE\r\n")
	now := time.Now()
	invite := r.comes(t, s.p, now.Add(301*time.Second))
	offer, err := parseSDP([]byte(bodyOf(invite)))
	if !strings.HasPrefix(invite, "INVITE ") || headerIn(invite, "Require") != "siprec" || err != nil || len(offer.media) != 1 ||
		offer.media[0].Label != "1" || offer.media[0].Direction != earshot.RecvOnly {
		t.Fatalf("%v %+v in\n%s", err, offer, invite)
	}
	// Glare: ours is open (RFC 3261 14.1).
	if got := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(40000, "1")))); statusIn(got) != 491 {
		t.Errorf("an INVITE into ours is answered\n%s", got)
	}
	s.p.send(t, s.request("ACK", "", ""))
	s.p.send(t, replyTo(invite, "200 OK"))
	if ack := s.p.receive(t, 5*time.Second); !strings.HasPrefix(ack, "ACK ") || headerIn(ack, "CSeq") != "1 ACK" {
		t.Errorf("got, instead of the ACK,\n%s", ack)
	}
	s.p.send(t, replyTo(invite, "200 OK")) // lost on its way, it seems
	if ack := s.p.receive(t, 5*time.Second); !strings.HasPrefix(ack, "ACK ") {
		t.Errorf("got, instead of the ACK again,\n%s", ack)
	}
	eventually(t, "our INVITE to be over", func() bool { return timerOf(r, s).Seconds == 0 }) // the 200 had no timer
	if got := s.p.exchange(t, s.request("INVITE", sdpType, sdpOf(audioLine(40000, "1")))); statusIn(got) != 200 {
		t.Errorf("an INVITE after ours is answered\n%s", got)
	}
}

func TestRefusedRefreshes(t *testing.T) {
	r := newRig(t, Config{})
	s := timed(t, r, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n")
	now := time.Now()
	at := now.Add(301 * time.Second)
	step := func(method, status string, headers ...string) {
		t.Helper()
		r.answer(t, s.p, at, method, status, headers...)
		d := r.dialogByID(dialogID(s.id, tagIn(s.to)))
		eventually(t, "the answer to be taken", func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			return !d.asking
		})
		at = at.Add(31 * time.Second)
	}
	step("UPDATE", "422 Session Interval Too Small", "Min-SE: 700")
	if got := timerOf(r, s).Seconds; got != 700 {
		t.Errorf("after 422 the interval is %d s, want 700", got)
	}
	at = now.Add(351 * time.Second)
	if req := r.comes(t, s.p, at); headerIn(req, "Min-SE") != "700" || headerIn(req, "Session-Expires") != "700;refresher=uac" {
		t.Errorf("after 422 comes\n%s", req)
	} else {
		s.p.send(t, replyTo(req, "500 Server Internal Error"))
	}
	at = at.Add(31 * time.Second)
	step("UPDATE", "491 Request Pending")
	step("UPDATE", "500 Server Internal Error")
	step("UPDATE", "405 Method Not Allowed")
	if invite := r.comes(t, s.p, at); !strings.HasPrefix(invite, "INVITE ") {
		t.Errorf("after 405 to UPDATE comes\n%s", invite)
	} else {
		s.p.send(t, replyTo(invite, "488 Not Acceptable Here"))
	}
	if n := len(r.sessions.ends()); n != 0 {
		t.Errorf("%d sessions ended", n)
	}
}

func TestSessionTheClientHasForgotten(t *testing.T) {
	for _, alive := range []bool{true, false} {
		r := newRig(t, Config{})
		r.sessions.alive = alive
		s := timed(t, r, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n")
		r.answer(t, s.p, time.Now().Add(301*time.Second), "UPDATE", "481 Call/Transaction Does Not Exist")
		if alive {
			eventually(t, "a note", func() bool { return len(r.sessions.notes()) == 1 })
		} else {
			eventually(t, "the end", func() bool { return len(r.sessions.ends()) == 1 && r.Dialogs() == 0 })
		}
	}
}

func TestExpiredSessionIsKeptWhileMediaFlows(t *testing.T) {
	r := newRig(t, Config{})
	r.sessions.alive = true
	s := timed(t, r, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n")
	now := time.Now()
	r.look(now.Add(89 * time.Second))
	eventually(t, "a note", func() bool {
		r.look(now.Add(91 * time.Second))
		return len(r.sessions.notes()) > 0
	})
	if got := s.p.exchange(t, s.request("BYE", "", "")); statusIn(got) != 200 {
		t.Errorf("BYE answered\n%s", got)
	}
	if notes := r.sessions.notes(); len(notes) != 1 || !strings.HasPrefix(notes[0], "session timer") {
		t.Errorf("noted %q", notes)
	}
}

func (s *sessions) notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.noted...)
}

func TestExpiredSessionWithoutMediaIsEnded(t *testing.T) {
	r := newRig(t, Config{})
	s := timed(t, r, "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n")
	now := time.Now()
	// Any request of the client's in the dialog that has the timer refreshes.
	if got := s.p.exchange(t, s.request("UPDATE", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", "")); statusIn(got) != 200 {
		t.Fatalf("UPDATE answered\n%s", got)
	}
	r.answer(t, s.p, now.Add(95*time.Second), "BYE", "200 OK")
	eventually(t, "the session to end", func() bool { return len(r.sessions.ends()) == 1 })
	if ended := r.sessions.ends()[0]; !strings.HasSuffix(ended, ": session expired") {
		t.Errorf("ended as %q", ended)
	}
}

func TestTimerSurvivesARestart(t *testing.T) {
	r := newRig(t, Config{})
	s := timed(t, r, "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\n")
	if err := r.Server.Close(); err != nil {
		t.Fatal(err)
	}
	again := startRig(t, Config{Listen: r.Addr().String()}, r.sessions, r.journal)
	again.answer(t, s.p, time.Now().Add(46*time.Second), "UPDATE", "200 OK", "Session-Expires: 90;refresher=uac")
}

func TestSnapshotIsAskedForOnce(t *testing.T) {
	r := newRig(t, Config{})
	offer := sdpOf(audioLine(40000, "1"))
	for _, tc := range []struct {
		name, headers, body string
		asked               bool
	}{
		{"no metadata", sdpType, offer, true},
		{"broken metadata", mixedType, mixed("application/sdp", offer, "application/rs-metadata+xml", "<record"), true},
		{"metadata", mixedType, mixed("application/sdp", offer, "application/rs-metadata+xml", someMetadata), false},
		{"a client without UPDATE", sdpType + "Allow: INVITE, ACK, BYE\r\n", offer, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScript(r.peer(t, "udp"))
			s.establish(t, tc.headers, tc.body)
			if !tc.asked {
				r.look(time.Now().Add(3 * time.Second))
				if got := s.p.receive(t, 200*time.Millisecond); got != "" {
					t.Errorf("got\n%s", got)
				}
				return
			}
			r.look(time.Now().Add(time.Second)) // the client may still send it by itself
			if got := s.p.receive(t, 100*time.Millisecond); got != "" {
				t.Errorf("asked at once\n%s", got)
			}
			req := r.answer(t, s.p, time.Now().Add(3*time.Second), "UPDATE", "488 Not Acceptable Here")
			if headerIn(req, "Content-Disposition") != "recording-session" || headerIn(req, "Content-Type") != "application/rs-metadata+xml" ||
				!strings.Contains(req, "<requestsnapshot xmlns=\"urn:ietf:params:xml:ns:recording:1\"/>") {
				t.Errorf("asked with\n%s", req)
			}
			r.look(time.Now().Add(time.Minute))
			if got := s.p.receive(t, 200*time.Millisecond); got != "" {
				t.Errorf("asked again\n%s", got)
			}
			if got := s.p.exchange(t, s.request("UPDATE", "Content-Type: application/rs-metadata+xml\r\n", someMetadata)); statusIn(got) != 200 {
				t.Errorf("metadata after all is answered\n%s", got)
			}
		})
	}
}

func TestRoutesOfOurRequests(t *testing.T) {
	r := newRig(t, Config{})
	const name = `"Doe, \"J\" <x>" `
	for _, tc := range []struct{ recorded, uri, routes string }{
		{"<sip:p1.example;lr>, <sip:p2.example;lr>", "TARGET", "<sip:p1.example;lr> <sip:p2.example;lr>"},
		{"<sip:p1.example;lr>\r\nRecord-Route: <sip:p2.example;lr>", "TARGET", "<sip:p1.example;lr> <sip:p2.example;lr>"},
		{"<sip:p1.example>", "sip:p1.example", "<TARGET>"},
		{"<sip:p1.example>,<sip:p2.example;lr>", "sip:p1.example", "<sip:p2.example;lr> <TARGET>"},
		{"<sip:p1.example>, <sip:p2.example>\r\nRecord-Route: <sip:p3.example;lr>", "sip:p1.example", "<sip:p2.example> <sip:p3.example;lr> <TARGET>"},
		{name + "<sip:p1.example;lr;x=a,b>,<sip:p2.example;lr>", "TARGET", name + "<sip:p1.example;lr;x=a,b> <sip:p2.example;lr>"},
	} {
		s := timed(t, r, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\nRecord-Route: "+tc.recorded+"\r\n")
		target := "sip:sbc@" + s.p.conn.LocalAddr().String()
		req := r.answer(t, s.p, time.Now().Add(301*time.Second), "UPDATE", "200 OK", "Session-Expires: 600;refresher=uac")
		var routes []string
		for line := range strings.Lines(req) {
			if value, ok := strings.CutPrefix(line, "Route: "); ok {
				routes = append(routes, strings.TrimSpace(value))
			}
		}
		uri, want := strings.ReplaceAll(tc.uri, "TARGET", target), strings.ReplaceAll(tc.routes, "TARGET", target)
		if !strings.HasPrefix(req, "UPDATE "+uri+" SIP/2.0\r\n") || strings.Join(routes, " ") != want {
			t.Errorf("Record-Route %s: want URI %s and Route %s in\n%s", tc.recorded, uri, want, req)
		}
	}
}
