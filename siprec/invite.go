package siprec

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// content is what a request carries for us.
type content struct {
	offer    *offer // nil without SDP
	metadata *earshot.Metadata
	problems []string
}

// refusal is an answer other than 2xx.
type refusal struct {
	status  int
	reason  string
	headers []string // name and value in turn
}

func (s *Server) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	if bad := malformed(req); bad != "" {
		s.respond(req, tx, 400, "Bad Request", nil, "Warning", warning(399, bad))
		return
	}
	if to := req.To(); to.Params.Has("tag") {
		s.reinvite(req, tx)
		return
	}
	if s.draining.Load() {
		s.respond(req, tx, 503, "Service Unavailable", nil, "Retry-After", "30")
		return
	}
	if r := checkRequire(req); r != nil {
		s.refuse(req, tx, nil, r)
		return
	}
	c, r := readContent(req, nil)
	if r == nil && c.offer == nil {
		r = &refusal{488, "Not Acceptable Here", []string{"Warning", warning(399, "the request offers no SDP")}}
	}
	if r == nil {
		r = checkSessionTimer(req)
	}
	if r != nil {
		s.refuse(req, tx, nil, r)
		return
	}
	s.begin(req, tx, c)
}

// begin opens a recording session and waits for the ACK of its 200.
func (s *Server) begin(req *sip.Request, tx sip.ServerTransaction, c *content) {
	var cancelled atomic.Bool
	tx.OnCancel(func(*sip.Request) { cancelled.Store(true) })
	d := s.newDialog(req)
	d.state.Metadata = c.metadata
	d.inviting.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	answer, err := s.sessions.Begin(s.ctx, d.sessionOffer(req, c))
	if err != nil {
		s.refuse(req, tx, d, refusalOf(err))
		return
	}
	d.state.Segment, d.state.Call = answer.SegmentID, answer.CallID
	d.state.Offer, d.state.Answer, d.state.SDPVersion = c.offer.media, answer.Media, d.state.SDPID
	if err := s.save(d); err != nil {
		s.giveUp(d, "not stored")
		s.refuse(req, tx, d, refusalOf(err))
		return
	}
	s.keep(d)
	if cancelled.Load() { // the library has answered 487 (RFC 3261 9.2)
		s.giveUp(d, "cancelled")
		return
	}
	acked := d.expectAck(req.CSeq().SeqNo)
	res := s.accepted(req, d)
	s.send(req, tx, res, d)
	s.wg.Go(func() { s.awaitAck(req, tx, res, d, acked) })
}

// awaitAck sends the 2xx again until its ACK is there, and ends the session
// when none comes (RFC 3261 13.3.1.4).
func (s *Server) awaitAck(req *sip.Request, tx sip.ServerTransaction, res *sip.Response, d *dialog, acked <-chan struct{}) {
	deadline := time.NewTimer(64 * sip.T1)
	defer deadline.Stop()
	interval := sip.T1
	again := time.NewTimer(interval)
	defer again.Stop()
	for {
		select {
		case <-acked:
			return
		case <-tx.Acks():
			d.ack(req.CSeq().SeqNo)
			return
		case <-s.ctx.Done():
			return
		case <-again.C:
			s.m.retransmitted.Inc()
			if err := tx.Respond(res); err != nil {
				_ = s.srv.WriteResponse(res)
			}
			interval = min(2*interval, sip.T2)
			again.Reset(interval)
		case <-deadline.C:
			s.m.unacknowledged.Inc()
			s.log.Warn("200 was never acknowledged", "sip_call_id", d.state.CallID)
			s.drop(d)
			d.mu.Lock()
			over := d.ended
			d.mu.Unlock()
			if over {
				return
			}
			ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
			defer cancel()
			_ = s.bye(ctx, d)
			s.end(d, "not acknowledged")
			return
		}
	}
}

// expectAck returns what the ACK of that CSeq will close. It is called before
// the response is sent, for the ACK may come at once.
func (d *dialog) expectAck(cseq uint32) <-chan struct{} {
	d.ackMu.Lock()
	defer d.ackMu.Unlock()
	d.acked, d.ackOf = make(chan struct{}), cseq
	return d.acked
}

// ack closes what waits for the ACK of that CSeq.
func (d *dialog) ack(cseq uint32) {
	d.ackMu.Lock()
	defer d.ackMu.Unlock()
	if d.acked != nil && d.ackOf == cseq {
		close(d.acked)
		d.acked = nil
	}
}

func (s *Server) onAck(req *sip.Request, _ sip.ServerTransaction) {
	if d := s.find(req); d != nil && req.CSeq() != nil {
		d.ack(req.CSeq().SeqNo)
	}
}

func (s *Server) reinvite(req *sip.Request, tx sip.ServerTransaction) {
	d := s.find(req)
	if d == nil {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
		return
	}
	if !d.inviting.CompareAndSwap(false, true) { // RFC 3261 14.2
		s.respond(req, tx, 500, "Server Internal Error", nil, "Retry-After", strconv.Itoa(rand.IntN(11)))
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := s.change(req, tx, d); !ok {
		return
	}
	acked := d.expectAck(req.CSeq().SeqNo)
	res := s.accepted(req, d)
	s.send(req, tx, res, d)
	s.wg.Go(func() { s.awaitAck(req, tx, res, d, acked) })
}

func (s *Server) onUpdate(req *sip.Request, tx sip.ServerTransaction) {
	d := s.find(req)
	if d == nil {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	c, ok := s.change(req, tx, d)
	if !ok {
		return
	}
	res := s.accepted(req, d)
	if c.offer == nil {
		res.SetBody(nil)
		res.RemoveHeader("Content-Type")
	}
	s.send(req, tx, res, d)
}

// change applies a re-INVITE or UPDATE. It reports false when it has refused
// the request and the session is as it was.
func (s *Server) change(req *sip.Request, tx sip.ServerTransaction, d *dialog) (*content, bool) {
	if bad := malformed(req); bad != "" {
		s.respond(req, tx, 400, "Bad Request", d, "Warning", warning(399, bad))
		return nil, false
	}
	if d.ended {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", d)
		return nil, false
	}
	if req.CSeq().SeqNo <= d.state.RemoteCSeq { // RFC 3261 12.2.2
		s.respond(req, tx, 500, "Server Internal Error", d, "Warning", warning(399, "CSeq is not higher than the one before"))
		return nil, false
	}
	d.state.RemoteCSeq = req.CSeq().SeqNo
	if r := checkRequire(req); r != nil {
		s.refuse(req, tx, d, r)
		return nil, false
	}
	c, r := readContent(req, d.state.Metadata)
	if r == nil {
		r = checkSessionTimer(req)
	}
	if r != nil {
		s.refuse(req, tx, d, r)
		return nil, false
	}
	before := d.state
	if c.metadata != nil {
		d.state.Metadata = c.metadata
	}
	d.retarget(req)
	answer, err := s.sessions.Update(s.ctx, d.state.Segment, d.sessionOffer(req, c))
	if err == nil {
		if c.offer != nil {
			d.state.Offer, d.state.Answer = c.offer.media, answer.Media
			d.state.SDPVersion++
		}
		err = s.save(d)
	}
	if err != nil {
		cseq := d.state.RemoteCSeq
		d.state = before
		d.state.RemoteCSeq = cseq
		s.refuse(req, tx, d, refusalOf(err))
		return nil, false
	}
	return c, true
}

func (s *Server) onBye(req *sip.Request, tx sip.ServerTransaction) {
	d := s.find(req)
	if d == nil {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
		return
	}
	s.drop(d)
	d.mu.Lock()
	defer d.mu.Unlock()
	over := d.ended
	d.ended = true
	if req.CSeq() != nil {
		d.ack(d.ackOf) // nothing is waited for any more
	}
	if !over {
		if c, r := readContent(req, d.state.Metadata); r == nil && c.metadata != nil {
			c.offer = nil
			if _, err := s.sessions.Update(s.ctx, d.state.Segment, d.sessionOffer(req, c)); err != nil {
				s.log.Warn("metadata of BYE not taken", "sip_call_id", d.state.CallID, "error", err)
			}
		}
		s.end(d, "bye")
	}
	s.respond(req, tx, 200, "OK", d)
}

// end tells of the end of a session.
func (s *Server) end(d *dialog, reason string) {
	ctx := context.WithoutCancel(s.ctx)
	if err := s.sessions.End(ctx, d.state.Segment, reason); err != nil {
		s.log.Error("session not ended", "sip_call_id", d.state.CallID, "error", err)
	}
	if err := s.journal.DeleteDialog(ctx, d.id); err != nil {
		s.log.Error("dialog not deleted", "sip_call_id", d.state.CallID, "error", err)
	}
}

// giveUp ends a session that was begun and will not be. The caller holds mu.
func (s *Server) giveUp(d *dialog, reason string) {
	d.ended = true
	s.drop(d)
	s.end(d, reason)
}

func (s *Server) save(d *dialog) error {
	stored, err := d.stored()
	if err != nil {
		return err
	}
	return s.journal.SaveDialog(context.WithoutCancel(s.ctx), stored)
}

func (d *dialog) sessionOffer(req *sip.Request, c *content) earshot.SessionOffer {
	o := earshot.SessionOffer{
		DialogID: d.id, SIPCallID: d.state.CallID, Peer: req.Source(),
		From: req.From().Address.String(), To: req.To().Address.String(),
		Metadata: c.metadata, Problems: c.problems,
	}
	if c.metadata == nil {
		o.Metadata = d.state.Metadata
	}
	if c.offer != nil {
		o.Media = c.offer.media
	}
	return o
}

// accepted is the 200 with the answer: plain SDP, never multipart.
func (s *Server) accepted(req *sip.Request, d *dialog) *sip.Response {
	body := answerSDP(d.state.SDPID, d.state.SDPVersion, s.mediaHost(d), d.state.Offer, d.state.Answer)
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	res.AppendHeader(sip.NewHeader("Contact", s.contact(d)))
	res.AppendHeader(sip.NewHeader("Allow", allow))
	res.AppendHeader(sip.NewHeader("Accept", accept))
	res.AppendHeader(sip.NewHeader("Supported", supported))
	for _, h := range sessionTimer(req) {
		res.AppendHeader(h)
	}
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	res.SetBody(body)
	return res
}

// sessionTimer answers a session timer: the client refreshes (RFC 4028 9).
func sessionTimer(req *sip.Request) []sip.Header {
	h := headerOf(req, "Session-Expires", "x")
	if h == "" || strings.Contains(h, "refresher=uas") {
		return nil // we do not refresh: no timer then
	}
	seconds, _, _ := strings.Cut(h, ";")
	return []sip.Header{
		sip.NewHeader("Session-Expires", strings.TrimSpace(seconds)+";refresher=uac"),
		sip.NewHeader("Require", "timer"),
	}
}

func checkSessionTimer(req *sip.Request) *refusal {
	seconds, _, _ := strings.Cut(headerOf(req, "Session-Expires", "x"), ";")
	if n, err := strconv.Atoi(strings.TrimSpace(seconds)); err == nil && n < minSessionExpires {
		return &refusal{422, "Session Interval Too Small", []string{"Min-SE", strconv.Itoa(minSessionExpires)}}
	}
	return nil
}

// checkRequire refuses extensions we do not know (RFC 3261 8.2.2.3). 100rel
// asks nothing of an answer without provisional responses.
func checkRequire(req *sip.Request) *refusal {
	var unknown []string
	for _, h := range req.GetHeaders("Require") {
		for tag := range strings.SplitSeq(h.Value(), ",") {
			switch tag = strings.TrimSpace(tag); strings.ToLower(tag) {
			case "", "siprec", "timer", "100rel", "replaces":
			default:
				unknown = append(unknown, tag)
			}
		}
	}
	if unknown == nil {
		return nil
	}
	return &refusal{420, "Bad Extension", []string{"Unsupported", strings.Join(unknown, ", ")}}
}

func headerOf(req *sip.Request, names ...string) string {
	for _, name := range names {
		if h := req.GetHeader(name); h != nil {
			return h.Value()
		}
	}
	return ""
}

// malformed says which header a request lacks.
func malformed(req *sip.Request) string {
	switch {
	case req.From() == nil:
		return "From is missing"
	case req.To() == nil:
		return "To is missing"
	case req.CallID() == nil:
		return "Call-ID is missing"
	case req.CSeq() == nil:
		return "CSeq is missing"
	}
	return ""
}

// readContent takes a body apart: SDP, metadata, and what else there is.
func readContent(req *sip.Request, known *earshot.Metadata) (*content, *refusal) {
	c := &content{}
	if len(req.Body()) == 0 {
		return c, nil
	}
	kind := headerOf(req, "Content-Type", "c")
	parts, problems := splitBody(kind, req.Body())
	c.problems = problems
	understood := false
	for _, p := range parts {
		switch p.contentType {
		case "application/sdp":
			understood = true
			if c.offer != nil {
				continue
			}
			o, err := parseSDP(p.body)
			if err != nil {
				return nil, &refusal{400, "Bad Request", []string{"Warning", warning(399, err.Error())}}
			}
			c.offer = o
		case "application/rs-metadata", "application/rs-metadata+xml":
			understood = true
			c.readMetadata(p.body, known)
		default:
			if p.required {
				return nil, unsupportedBody(p.contentType)
			}
		}
	}
	if !understood {
		return nil, unsupportedBody(kind)
	}
	return c, nil
}

func unsupportedBody(kind string) *refusal {
	return &refusal{415, "Unsupported Media Type", []string{"Accept", accept, "Warning", warning(399, "body of type "+kind)}}
}

// readMetadata never refuses: bad metadata does not cost a recording.
func (c *content) readMetadata(body []byte, known *earshot.Metadata) {
	if c.metadata != nil {
		known = c.metadata
	}
	doc, err := parseMetadata(body)
	if err != nil {
		c.problems = append(c.problems, "metadata: "+err.Error())
	}
	if doc == nil {
		doc = &document{partial: true} // keeps what is known and the text as it came
	}
	if id := doc.duplicateIDs(); id != "" {
		c.problems = append(c.problems, fmt.Sprintf("metadata: %s stands twice", id))
	}
	c.metadata = merge(known, doc, string(body))
}

func (s *Server) refuse(req *sip.Request, tx sip.ServerTransaction, d *dialog, r *refusal) {
	s.log.Info("request refused", "method", req.Method, "status", r.status, "peer", req.Source())
	s.respond(req, tx, r.status, r.reason, d, r.headers...)
}
