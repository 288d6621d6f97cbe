package siprec

import (
	"context"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// refusal is an answer other than 2xx.
type refusal struct {
	status  int
	reason  string
	headers []string // name and value in turn
}

// onInvite stays until the ACK is there: the library gives up the transaction
// once the handler returns, and with it an ACK that repeats its branch.
func (s *Server) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	if wait := s.invited(req, tx); wait != nil {
		wait()
	}
}

// invited answers an INVITE; it returns the wait for its ACK if it is accepted.
func (s *Server) invited(req *sip.Request, tx sip.ServerTransaction) (wait func()) {
	if bad := malformed(req); bad != "" {
		s.respond(req, tx, 400, "Bad Request", nil, "Warning", warning(399, bad))
		return nil
	}
	if to := req.To(); to.Params.Has("tag") {
		return s.reinvite(req, tx)
	}
	if d := s.begunBy(req); d != nil {
		if repeated, wait := s.repeated(req, tx, d); repeated {
			return wait
		}
	}
	if s.draining.Load() {
		s.respond(req, tx, 503, "Service Unavailable", nil, "Retry-After", "30")
		return nil
	}
	r := checkRequire(req)
	if r == nil {
		r = s.checkClient(req)
	}
	if r != nil {
		s.refuse(req, tx, nil, r)
		return nil
	}
	c, r := readContent(req, nil)
	if r == nil && c.offer == nil && len(req.Body()) > 0 { // without any body it is a late offer
		r = &refusal{488, "Not Acceptable Here", []string{"Warning", warning(399, "the body holds no SDP")}}
	}
	if r == nil {
		r = checkSessionTimer(req)
	}
	if r == nil {
		r = checkAccept(req)
	}
	if r != nil {
		s.refuse(req, tx, nil, r)
		return nil
	}
	return s.begin(req, tx, c)
}

// repeated answers an INVITE whose dialog is up although its transaction is
// not: a restart lay between, or it came on two ways (RFC 3261 8.2.2.2).
func (s *Server) repeated(req *sip.Request, tx sip.ServerTransaction, d *dialog) (yes bool, wait func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.ended || req.CSeq().SeqNo != d.state.RemoteCSeq:
		return false, nil // a new session
	case branch(req) != d.state.Branch:
		s.respond(req, tx, 482, "Loop Detected", nil)
	default:
		wait = s.accept(req, tx, d, false)
	}
	return true, wait
}

// accept answers an INVITE with 200 and returns the wait for its ACK, which is
// to be done without the dialog's lock that the caller holds.
func (s *Server) accept(req *sip.Request, tx sip.ServerTransaction, d *dialog, offered bool) (wait func()) {
	d.offered = offered
	acked := d.expectAck(req.CSeq().SeqNo)
	res := s.accepted(req, d)
	s.send(req, tx, res, d)
	return func() { s.awaitAck(tx, res, d, acked) }
}

// begin opens a recording session and returns the wait for the ACK of its 200.
func (s *Server) begin(req *sip.Request, tx sip.ServerTransaction, c *content) (wait func()) {
	cancelled := watchCancel(tx)
	if cancelled.Load() {
		return nil
	}
	d := s.newDialog(req)
	d.state.Metadata = c.metadata
	d.state.Client = isSRC(req) || requires(req, "siprec")
	d.state.SIPS = strings.EqualFold(req.Recipient.Scheme, "sips")
	now := time.Now().UTC()
	d.arm(req, now)
	d.noteMetadata(c, now)
	late := c.offer == nil
	if late {
		c.offer = &offer{media: lateOffer(s.srtpOf(req))}
	}
	d.inviting.Store(true)
	d.mu.Lock()
	defer d.mu.Unlock()
	answer, err := s.sessions.Begin(s.ctx, s.sessionOffer(d, req, c))
	if err != nil {
		s.refuse(req, tx, d, refusalOf(err))
		return nil
	}
	d.state.Segment, d.state.Call = answer.SegmentID, answer.CallID
	s.trace.bind(d.state.CallID, d.state.Call, d.state.Segment)
	d.state.Offer, d.state.Answer, d.state.SDPVersion = c.offer.media, answer.Media, d.state.SDPID
	d.state.Origin = c.offer.origin
	if err := s.save(d); err != nil {
		s.giveUp(d, "not stored")
		s.refuse(req, tx, d, refusalOf(err))
		return nil
	}
	s.keep(d)
	if !cancelled.Load() {
		wait = s.accept(req, tx, d, late)
	}
	if cancelled.Load() { // the 200 was not sent then
		d.stopWaiting()
		s.giveUp(d, "cancelled")
		return nil
	}
	return wait
}

func (s *Server) reinvite(req *sip.Request, tx sip.ServerTransaction) (wait func()) {
	d := s.find(req)
	if d == nil {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
		return nil
	}
	if !d.inviting.CompareAndSwap(false, true) { // RFC 3261 14.2
		s.respond(req, tx, 500, "Server Internal Error", nil, "Retry-After", strconv.Itoa(rand.IntN(11)))
		return nil
	}
	cancelled := watchCancel(tx)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.offering {
		s.respond(req, tx, 491, "Request Pending", d)
		return nil
	}
	if cancelled.Load() {
		d.inviting.Store(false)
		return nil
	}
	before := d.state
	c := s.change(req, tx, d)
	if c == nil {
		return nil
	}
	if !cancelled.Load() {
		wait = s.accept(req, tx, d, c.offer == nil)
	}
	if cancelled.Load() { // the 200 was not sent then
		s.undo(req, d, &before, c)
		return nil
	}
	return wait
}

func (s *Server) onUpdate(req *sip.Request, tx sip.ServerTransaction) {
	d := s.find(req)
	if d == nil {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if (d.offering || d.offered) && offers(req) { // into an open offer of ours (RFC 3311 5.2)
		s.respond(req, tx, 491, "Request Pending", d)
		return
	}
	c := s.change(req, tx, d)
	if c == nil {
		return
	}
	res := s.accepted(req, d)
	if c.offer == nil {
		res.SetBody(nil)
		res.RemoveHeader("Content-Type")
	}
	s.send(req, tx, res, d)
}

// offers reports whether a request has SDP.
func offers(req *sip.Request) bool {
	c, r := readContent(req, nil)
	return r == nil && c.offer != nil
}

// change applies a re-INVITE or UPDATE and returns what it carried; nil when
// it has refused the request and the session is as it was.
func (s *Server) change(req *sip.Request, tx sip.ServerTransaction, d *dialog) *content {
	if bad := malformed(req); bad != "" {
		s.respond(req, tx, 400, "Bad Request", d, "Warning", warning(399, bad))
		return nil
	}
	if d.ended {
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", d)
		return nil
	}
	if req.CSeq().SeqNo <= d.state.RemoteCSeq { // RFC 3261 12.2.2
		s.respond(req, tx, 500, "Server Internal Error", d, "Warning", warning(399, "CSeq is not higher than the one before"))
		return nil
	}
	d.state.RemoteCSeq = req.CSeq().SeqNo
	if r := checkRequire(req); r != nil {
		s.refuse(req, tx, d, r)
		return nil
	}
	c, r := readContent(req, d.state.Metadata)
	if r == nil {
		r = checkSessionTimer(req)
	}
	if r != nil {
		s.refuse(req, tx, d, r)
		return nil
	}
	before := d.state
	sameMedia := c.offer != nil && d.reviewOffer(c)
	if c.metadata != nil {
		d.state.Metadata = c.metadata
	}
	d.retarget(req)
	now := time.Now().UTC()
	d.arm(req, now)
	d.noteMetadata(c, now)
	answer, err := s.sessions.Update(s.ctx, d.state.Segment, s.sessionOffer(d, req, c))
	if err == nil {
		if c.offer != nil {
			ours := answer.Media[:min(len(c.offer.media), len(answer.Media))]
			if !sameMedia || !reflect.DeepEqual(ours, d.state.Answer) {
				d.state.SDPVersion++
			}
			d.state.Offer, d.state.Answer = c.offer.media, ours
		}
		err = s.save(d)
	}
	if err != nil {
		cseq := d.state.RemoteCSeq
		d.state = before
		d.state.RemoteCSeq = cseq
		s.refuse(req, tx, d, refusalOf(err))
		return nil
	}
	return c
}

// reviewOffer compares an offer within the session with the last one: it
// reports one that changes nothing, flags one that breaks the rules for
// changes (RFC 3264 8), and takes m-lines that went missing for removed.
func (d *dialog) reviewOffer(c *content) (same bool) {
	version, before := c.offer.origin.version, d.state.Origin.version
	known := c.offer.origin.session == d.state.Origin.session && c.offer.origin.session != ""
	same = reflect.DeepEqual(c.offer.media, d.state.Offer)
	if !same && known && version <= before {
		c.problems = append(c.problems, "sdp: changed without a higher version")
	}
	if missing := len(d.state.Offer) - len(c.offer.media); missing > 0 {
		c.problems = append(c.problems, "sdp: an m-line went missing")
		for _, m := range d.state.Offer[len(c.offer.media):] {
			m.Port = 0
			c.removed = append(c.removed, m)
		}
	}
	d.state.Origin = c.offer.origin
	return same
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
	d.stopWaiting()
	if !over {
		if c, r := readContent(req, d.state.Metadata); r == nil && c.metadata != nil {
			c.offer = nil
			if _, err := s.sessions.Update(s.ctx, d.state.Segment, s.sessionOffer(d, req, c)); err != nil {
				s.log.Warn("metadata of BYE not taken", "sip_call_id", d.state.CallID, "error", err)
			}
		}
		s.end(d, "bye")
	}
	s.respond(req, tx, 200, "OK", d)
}

// end tells of the end of a session.
func (s *Server) end(d *dialog, reason string) {
	s.trace.end(d.state.CallID)
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

func (s *Server) sessionOffer(d *dialog, req *sip.Request, c *content) earshot.SessionOffer {
	o := earshot.SessionOffer{
		DialogID: d.id, SIPCallID: d.state.CallID, Peer: req.Source(),
		From: req.From().Address.String(), To: req.To().Address.String(),
		Metadata: c.metadata, Problems: c.problems, SRTP: s.srtpOf(req),
	}
	if c.metadata == nil {
		o.Metadata = d.state.Metadata
	}
	if c.offer != nil {
		o.Media = append(slices.Clip(c.offer.media), c.removed...)
	}
	d.describe(req, &o)
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
	for _, h := range d.state.Timer.headers() {
		res.AppendHeader(h)
	}
	res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
	res.SetBody(body)
	return res
}

// checkRequire refuses extensions we do not know (RFC 3261 8.2.2.3). 100rel
// asks nothing of an answer without provisional responses (RFC 3262 3).
func checkRequire(req *sip.Request) *refusal {
	var unknown []string
	for _, h := range req.GetHeaders("Require") {
		for tag := range strings.SplitSeq(h.Value(), ",") {
			if tag = strings.TrimSpace(tag); !known(strings.ToLower(tag)) {
				unknown = append(unknown, tag)
			}
		}
	}
	if unknown == nil {
		return nil
	}
	return &refusal{420, "Bad Extension", []string{"Unsupported", strings.Join(unknown, ", ")}}
}

// known reports whether an option tag is one of ours. Some clients write two
// without the comma between them.
func known(tag string) bool {
	if tag == "" {
		return true
	}
	for _, ours := range []string{"siprec", "timer", "100rel"} {
		if rest, ok := strings.CutPrefix(tag, ours); ok && known(rest) {
			return true
		}
	}
	return false
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
	case req.IsInvite() && unreadable(req): // RFC 3261 8.1.1.8
		return "Contact is malformed"
	}
	return ""
}

func (s *Server) refuse(req *sip.Request, tx sip.ServerTransaction, d *dialog, r *refusal) {
	s.log.Info("request refused", "method", req.Method, "status", r.status, "peer", req.Source())
	s.respond(req, tx, r.status, r.reason, d, r.headers...)
}
