package siprec

import (
	"context"
	"fmt"
	"time"

	"github.com/emiago/sipgo/sip"
)

// transact sends a request, waits for its final answer, answers a challenge
// and acknowledges a 2xx to an INVITE.
func (s *ClientSession) transact(ctx context.Context, req *sip.Request, detail string) (*sip.Response, error) {
	began := time.Now()
	tx, err := s.client.client.TransactionRequest(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.Method, s.client.whyClosed(ctx, req, err))
	}
	res, err := s.final(ctx, req, tx)
	if auth := s.digest(); err == nil && auth != nil && (res.StatusCode == 401 || res.StatusCode == 407) {
		s.observe(Step{At: began, Method: string(req.Method), Detail: detail, Status: res.StatusCode, Reason: res.Reason})
		detail += ", with credentials"
		s.cseq++ // which the library gives the repeated request too
		if tx, err = s.client.client.TransactionDigestAuth(ctx, req, res, *auth); err != nil {
			return nil, fmt.Errorf("%s: %w", req.Method, err)
		}
		res, err = s.final(ctx, req, tx)
	}
	step := Step{At: began, Method: string(req.Method), Detail: detail}
	if err != nil {
		tx.Terminate()
		s.observe(step)
		return nil, fmt.Errorf("%s: %w", req.Method, s.client.whyClosed(ctx, req, err))
	}
	step.Status, step.Reason = res.StatusCode, res.Reason
	s.observe(step)
	if !res.IsSuccess() {
		e := &StatusError{Status: res.StatusCode, Reason: res.Reason}
		if w := res.GetHeader("Warning"); w != nil {
			e.Warning = w.Value()
		}
		return nil, fmt.Errorf("%s: %w", req.Method, e)
	}
	if req.Method == sip.INVITE {
		return res, s.acknowledge(res, tx, len(req.Body()) == 0)
	}
	return res, nil
}

func (s *ClientSession) observe(step Step) {
	if s.spec.Observe != nil {
		step.Took = time.Since(step.At)
		s.spec.Observe(step)
	}
}

// final waits for the final answer. An INVITE that is given up is cancelled
// (RFC 3261 9.1).
func (s *ClientSession) final(ctx context.Context, req *sip.Request, tx sip.ClientTransaction) (*sip.Response, error) {
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, tx.Err()
		case <-ctx.Done():
			if req.Method == sip.INVITE {
				s.cancel(req, tx)
			}
			return nil, ctx.Err()
		}
	}
}

// cancelPatience bounds the wait for the 487 to an INVITE that is cancelled.
const cancelPatience = 2 * time.Second

// cancel sends a CANCEL and waits a little for the end of the INVITE. A 2xx
// that was on its way already is acknowledged and ended.
func (s *ClientSession) cancel(invite *sip.Request, tx sip.ClientTransaction) {
	req := sip.NewRequest(sip.CANCEL, invite.Recipient)
	req.SetTransport(invite.Transport())
	for _, name := range []string{"Via", "From", "To", "Call-ID"} {
		sip.CopyHeaders(name, invite, req)
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: invite.CSeq().SeqNo, MethodName: sip.CANCEL})
	if err := s.client.client.WriteRequest(req); err != nil {
		return
	}
	patience, done := context.WithTimeout(context.Background(), cancelPatience)
	defer done()
	for {
		select {
		case res := <-tx.Responses():
			if res.IsSuccess() && s.acknowledge(res, tx, false) == nil {
				_ = s.bye(patience)
			}
			if !res.IsProvisional() {
				return
			}
		case <-tx.Done():
			return
		case <-patience.Done():
			return
		}
	}
}

// acknowledge sends the ACK of a 2xx, and again each time the 2xx comes again
// (RFC 3261 13.2.2.4). When the 2xx had the offer the ACK has the answer.
func (s *ClientSession) acknowledge(res *sip.Response, tx sip.ClientTransaction, offered bool) error {
	if to := res.To(); to != nil {
		s.to = sip.HeaderClone(to)
	}
	if c := res.Contact(); c != nil {
		s.target = c.Address
	}
	ack := s.request(sip.ACK)
	if offered {
		ack.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		ack.SetBody([]byte(s.sdp(s.media)))
	}
	again := ack.Clone()
	tx.OnRetransmission(func(*sip.Response) { _ = s.client.client.WriteRequest(again.Clone()) })
	if err := s.client.client.WriteRequest(ack); err != nil {
		return fmt.Errorf("ACK: %w", err)
	}
	return nil
}
