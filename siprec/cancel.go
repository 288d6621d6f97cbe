package siprec

import (
	"sync/atomic"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// onCancel sees only a CANCEL that matches no INVITE (RFC 3261 9.2).
func (s *Server) onCancel(req *sip.Request, tx sip.ServerTransaction) {
	s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
}

// watchCancel returns what becomes true when a CANCEL ends the INVITE: the
// library has answered both then, 200 and 487 (RFC 3261 9.2), and sends no 200
// of ours any more. Once a 200 is out a CANCEL is answered and changes nothing.
func watchCancel(tx sip.ServerTransaction) *atomic.Bool {
	cancelled := new(atomic.Bool)
	if !tx.OnCancel(func(*sip.Request) { cancelled.Store(true) }) { // it was there before we were
		cancelled.Store(true)
	}
	return cancelled
}

// undo makes the session what it was before a re-INVITE that was cancelled
// (RFC 3261 14.1). Metadata stays, which says what is so in any case. The
// caller holds the dialog's lock.
func (s *Server) undo(req *sip.Request, d *dialog, before *dialogState, made *content) {
	d.inviting.Store(false)
	d.offered = false
	d.stopWaiting()
	after := d.state
	d.state = *before
	d.state.RemoteCSeq, d.state.Metadata = after.RemoteCSeq, after.Metadata
	if made.offer == nil {
		return
	}
	back := &content{offer: &offer{origin: before.Origin, media: before.Offer}}
	for i := len(before.Offer); i < len(after.Offer); i++ {
		added := after.Offer[i]
		added.Port = 0
		back.removed = append(back.removed, added)
	}
	answer, err := s.sessions.Update(s.ctx, d.state.Segment, s.sessionOffer(d, req, back))
	if err != nil {
		s.log.Warn("cancelled re-INVITE not undone", "sip_call_id", d.state.CallID, "error", err)
		d.state.Offer, d.state.Answer = after.Offer, after.Answer
	} else {
		d.state.Answer = answer.Media[:min(len(before.Offer), len(answer.Media))]
	}
	if moved(before.Answer, d.state.Answer) {
		s.noteProblem(d, "sdp: a cancelled re-INVITE had removed a stream, which is at another port now")
		return
	}
	if err := s.save(d); err != nil {
		s.log.Error("dialog not stored", "sip_call_id", d.state.CallID, "error", err)
	}
}

// moved reports whether a stream is not where the client sends it.
func moved(before, now []earshot.MediaAnswer) bool {
	for i, a := range before {
		if a.Accepted && (i >= len(now) || now[i].Port != a.Port) {
			return true
		}
	}
	return false
}
