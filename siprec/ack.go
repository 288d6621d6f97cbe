package siprec

import (
	"context"
	"time"

	"github.com/emiago/sipgo/sip"
)

// awaitAck sends the 2xx again until its ACK is there, and ends the session
// when none comes (RFC 3261 13.3.1.4).
func (s *Server) awaitAck(tx sip.ServerTransaction, res *sip.Response, d *dialog, acked <-chan struct{}) {
	defer s.survive("wait for ACK")
	deadline := time.NewTimer(64 * sip.T1)
	defer deadline.Stop()
	interval := sip.T1
	again := time.NewTimer(interval)
	defer again.Stop()
	for {
		select {
		case <-acked:
			return
		case ack := <-tx.Acks(): // one that repeats the branch of its INVITE
			s.onAck(ack, nil)
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
			s.neverAcknowledged(d)
			return
		}
	}
}

func (s *Server) neverAcknowledged(d *dialog) {
	s.m.unacknowledged.Inc()
	s.drop(d)
	d.mu.Lock()
	s.log.Warn("200 was never acknowledged", "sip_call_id", d.state.CallID)
	over := d.ended
	d.mu.Unlock()
	if over {
		return
	}
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	_ = s.bye(ctx, d)
	d.mu.Lock()
	defer d.mu.Unlock()
	s.end(d, "not acknowledged")
}

// expectAck returns what the ACK of that CSeq will close. It is called before
// the response is sent, for the ACK may come at once. An earlier wait is
// over with it: who sends the next INVITE has had the answer to the last.
func (d *dialog) expectAck(cseq uint32) <-chan struct{} {
	d.ackMu.Lock()
	defer d.ackMu.Unlock()
	if d.acked != nil {
		close(d.acked)
	}
	d.acked, d.ackOf = make(chan struct{}), cseq
	return d.acked
}

// ack closes what waits for the ACK of that CSeq and reports whether anything
// did.
func (d *dialog) ack(cseq uint32) bool {
	d.ackMu.Lock()
	defer d.ackMu.Unlock()
	if d.acked == nil || d.ackOf != cseq {
		return false
	}
	close(d.acked)
	d.acked = nil
	return true
}

// unacknowledged reports whether an ACK is still to come.
func (d *dialog) unacknowledged() bool {
	d.ackMu.Lock()
	defer d.ackMu.Unlock()
	return d.acked != nil
}

// stopWaiting ends the wait for any ACK.
func (d *dialog) stopWaiting() {
	d.ackMu.Lock()
	defer d.ackMu.Unlock()
	if d.acked != nil {
		close(d.acked)
		d.acked = nil
	}
}

func (s *Server) onAck(req *sip.Request, _ sip.ServerTransaction) {
	d := s.find(req)
	if d == nil || req.CSeq() == nil || !d.ack(req.CSeq().SeqNo) {
		return
	}
	s.takeAnswer(req, d)
}

// takeAnswer takes the SDP of an ACK that answers our offer (RFC 3261 13.2.1).
// Nothing can be refused any more: what is wrong is a problem of the call.
func (s *Server) takeAnswer(req *sip.Request, d *dialog) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.offered || d.ended {
		return
	}
	d.offered = false
	c, r := readContent(req, d.state.Metadata)
	switch {
	case r != nil:
		c = &content{problems: []string{"sdp: the answer in the ACK can't be read"}}
	case c.offer == nil:
		c.problems = append(c.problems, "sdp: our offer was not answered")
	}
	answer, err := s.sessions.Update(s.ctx, d.state.Segment, s.sessionOffer(d, req, c))
	if err != nil {
		s.log.Warn("answer to a late offer not taken", "sip_call_id", d.state.CallID, "error", err)
		s.noteProblem(d, "sdp: the answer in the ACK can't be taken: "+err.Error())
		return
	}
	if c.metadata != nil {
		d.state.Metadata = c.metadata
	}
	if c.offer != nil {
		d.state.Offer, d.state.Answer = c.offer.media, answer.Media
	}
	if err := s.save(d); err != nil {
		s.log.Error("dialog not stored", "sip_call_id", d.state.CallID, "error", err)
	}
}
