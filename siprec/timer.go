package siprec

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// minSessionExpires is the shortest session timer (RFC 4028 5).
	minSessionExpires = 90
	// aliveWithin is how fresh the media must be for a session to count as alive.
	aliveWithin = 30 * time.Second
	// watchInterval is how often the dialogs are looked at.
	watchInterval = time.Second
)

// sessionTimer is the session timer of a dialog (RFC 4028), as it is stored.
type sessionTimer struct {
	// Seconds is the session interval, 0 without a timer.
	Seconds int `json:"seconds,omitempty"`
	// Ours says that we refresh, else the peer does.
	Ours bool `json:"ours,omitempty"`
	// Refreshed is when the session began or was refreshed last.
	Refreshed time.Time `json:"refreshed,omitzero"`
	// Known says that the client knows session timers.
	Known bool `json:"known,omitempty"`
	// Least is what a client that refused a shorter one wants, 0 if none did.
	Least int `json:"least,omitempty"`
}

// parseSessionExpires reads "1800;refresher=uac"; 0 if there is none, or it
// makes no sense.
func parseSessionExpires(value string) (seconds int, refresher string) {
	number, params, _ := strings.Cut(value, ";")
	seconds, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || seconds < 0 {
		return 0, ""
	}
	for p := range strings.SplitSeq(params, ";") {
		if name, v, _ := strings.Cut(strings.TrimSpace(p), "="); strings.EqualFold(name, "refresher") {
			refresher = strings.ToLower(strings.TrimSpace(v))
		}
	}
	return seconds, refresher
}

// checkSessionTimer refuses an interval that is too short, if the client can
// make anything of the refusal (RFC 4028 9).
func checkSessionTimer(req *sip.Request) *refusal {
	value := headerOf(req, "Session-Expires", "x")
	seconds, _ := parseSessionExpires(value)
	if value != "" && seconds < minSessionExpires && timerAware(req) {
		return &refusal{422, "Session Interval Too Small", []string{"Min-SE", strconv.Itoa(minSessionExpires)}}
	}
	return nil
}

// timerAware reports whether the client knows session timers.
func timerAware(req *sip.Request) bool {
	return listed(req, "Supported", "timer") || listed(req, "k", "timer") || requires(req, "timer")
}

// arm takes up the session timer a request asks for, or none (RFC 4028 9,
// table 2). The client refreshes where it can: many do not answer the
// refreshes of a recording server.
func (d *dialog) arm(req *sip.Request, now time.Time) {
	seconds, refresher := parseSessionExpires(headerOf(req, "Session-Expires", "x"))
	d.state.Timer = sessionTimer{Refreshed: now, Known: timerAware(req)}
	if seconds < minSessionExpires { // none, or one that may be neither kept nor raised
		return
	}
	d.state.Timer.Seconds = seconds
	d.state.Timer.Ours = refresher == "uas" || refresher == "" && !timerAware(req)
}

// headers are those of the answer to the request that set the timer.
func (t sessionTimer) headers() []sip.Header {
	if t.Seconds == 0 {
		return nil
	}
	value := strconv.Itoa(t.Seconds)
	if t.Ours {
		return []sip.Header{sip.NewHeader("Session-Expires", value+";refresher=uas")}
	}
	out := []sip.Header{sip.NewHeader("Session-Expires", value+";refresher=uac")}
	if t.Known {
		out = append(out, sip.NewHeader("Require", "timer"))
	}
	return out
}

// due says what the timer asks for now.
func (t sessionTimer) due(now time.Time) (refresh, expired bool) {
	if t.Seconds == 0 {
		return false, false
	}
	interval, age := time.Duration(t.Seconds)*time.Second, now.Sub(t.Refreshed)
	return t.Ours && age >= interval/2, age >= interval
}

// watch looks after the dialogs until the server is closed.
func (s *Server) watch() {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case now := <-tick.C:
			s.look(now)
		}
	}
}

// look does what is due in each dialog: refreshes, expiry, the request for a
// snapshot. What takes an exchange with the peer goes on beside.
func (s *Server) look(now time.Time) {
	s.mu.Lock()
	dialogs := make([]*dialog, 0, len(s.dialogs))
	for _, d := range s.dialogs {
		dialogs = append(dialogs, d)
	}
	s.mu.Unlock()
	for _, d := range dialogs {
		if !d.mu.TryLock() {
			continue // at work: the next look is soon enough
		}
		do := s.dueIn(d, now)
		d.mu.Unlock()
		if do != nil {
			s.wg.Go(do)
		}
	}
}

// dueIn returns what is to be done about a dialog now. The caller holds the
// dialog's lock.
func (s *Server) dueIn(d *dialog, now time.Time) func() {
	refresh, expired := d.state.Timer.due(now)
	switch {
	case d.ended:
		return nil
	case expired:
		d.state.Timer.Refreshed = now // looked at again an interval later
		return func() { s.expire(d) }
	case d.asking || d.inviting.Load() || d.unacknowledged() || now.Before(d.notBefore):
		return nil
	case refresh:
		d.asking = true
		return func() { s.refresh(d, now) }
	case d.wantsSnapshot(now):
		d.asking = true
		return func() { s.askSnapshot(d) }
	}
	return nil
}

// expire ends a session whose timer has run out, unless its media flows: what
// is recorded is worth more than the rule (RFC 4028 10 would end it). The call
// is flagged then.
func (s *Server) expire(d *dialog) {
	defer s.survive("expired session")
	d.mu.Lock()
	callID, segment := d.state.CallID, d.state.Segment
	d.mu.Unlock()
	if s.sessions.Alive(segment, aliveWithin) {
		s.m.expired.WithLabelValues("kept").Inc()
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.ended {
			s.noteProblem(d, "session timer: not refreshed, the media went on")
		}
		return
	}
	s.m.expired.WithLabelValues("ended").Inc()
	s.drop(d)
	if err := s.bye(s.ctx, d); err != nil {
		s.log.Info("BYE of an expired session", "sip_call_id", callID, "error", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.end(d, "session expired")
}

func (s *Server) noteProblem(d *dialog, problem string) {
	if err := s.sessions.Note(context.WithoutCancel(s.ctx), d.state.Segment, problem); err != nil {
		s.log.Warn("problem not noted", "sip_call_id", d.state.CallID, "error", err)
	}
	if err := s.save(d); err != nil {
		s.log.Error("dialog not stored", "sip_call_id", d.state.CallID, "error", err)
	}
}

// refresh refreshes a session as the client has asked us to: by UPDATE where
// the client allows it, else by re-INVITE with what we have answered last,
// which adds no stream (RFC 7866 7.2). A refresh that fails is tried again
// until the session expires.
func (s *Server) refresh(d *dialog, now time.Time) {
	defer s.survive("session refresh")
	d.mu.Lock()
	method := sip.UPDATE
	if d.state.NoUpdate {
		method = sip.INVITE
	}
	req, err := s.request(d, method)
	if err == nil {
		req.AppendHeader(sip.NewHeader("Session-Expires", strconv.Itoa(d.state.Timer.Seconds)+";refresher=uac"))
		if least := d.state.Timer.Least; least > 0 { // RFC 4028 7.4
			req.AppendHeader(sip.NewHeader("Min-SE", strconv.Itoa(least)))
		}
		if method == sip.INVITE {
			d.offering = true
			req.AppendHeader(sip.NewHeader("Require", "siprec"))
			req.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
			req.SetBody(answerSDP(d.state.SDPID, d.state.SDPVersion, s.mediaHost(d), d.state.Offer, d.state.Answer))
		}
	}
	d.mu.Unlock()
	var res *sip.Response
	if err == nil {
		res, err = s.exchange(s.ctx, d, req)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asking, d.offering = false, false
	s.refreshed(d, res, err, now)
}

// refreshed takes the answer to a refresh. The caller holds the lock.
func (s *Server) refreshed(d *dialog, res *sip.Response, err error, now time.Time) {
	status := 408
	if err == nil {
		status = res.StatusCode
	}
	s.m.refreshes.WithLabelValues(strconv.Itoa(status)).Inc()
	t := &d.state.Timer
	switch {
	case status < 300:
		t.Refreshed = now
		seconds, _ := parseSessionExpires(responseHeader(res, "Session-Expires", "x"))
		if t.Seconds = seconds; seconds == 0 { // the peer wants no timer any more
			t.Ours = false
		}
		if c := res.Contact(); c != nil {
			d.state.RemoteTarget = c.Address.String()
		}
	case status == 422: // RFC 4028 7.1
		if least, _ := parseSessionExpires(responseHeader(res, "Min-SE")); least > t.Seconds {
			t.Seconds, t.Least = least, least
		}
		d.notBefore = now.Add(watchInterval)
	case status == 481: // RFC 3261 12.2.1.2: the client knows nothing of it
		s.lost(d)
		return
	case status == 405 || status == 501:
		d.state.NoUpdate = true
	case status == 491: // RFC 3261 14.1: we did not make the Call-ID
		d.notBefore = now.Add(time.Duration(rand.IntN(201)) * 10 * time.Millisecond)
	default:
		d.notBefore = now.Add(min(time.Duration(t.Seconds)*time.Second/8, 30*time.Second))
		s.log.Warn("session not refreshed", "sip_call_id", d.state.CallID, "status", status)
	}
	if err := s.save(d); err != nil {
		s.log.Error("dialog not stored", "sip_call_id", d.state.CallID, "error", err)
	}
}

// lost ends a session whose client has forgotten it, unless its media flows.
// The caller holds the lock.
func (s *Server) lost(d *dialog) {
	d.state.Timer = sessionTimer{}
	if s.sessions.Alive(d.state.Segment, aliveWithin) {
		s.noteProblem(d, "session timer: the client does not know the session, the media went on")
		return
	}
	s.giveUp(d, "session lost")
}

func responseHeader(res *sip.Response, names ...string) string {
	for _, name := range names {
		if h := res.GetHeader(name); h != nil {
			return h.Value()
		}
	}
	return ""
}
