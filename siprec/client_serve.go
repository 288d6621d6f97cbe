package siprec

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// serve answers what the server sends of its own accord.
func (c *Client) serve() {
	c.server.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		c.respond(req, tx, "session ended", nil)
		if id := req.CallID(); id != nil {
			c.forget(id.Value())
		}
	})
	c.server.OnUpdate(c.onUpdate)
	c.server.OnInvite(c.onInvite)
	c.server.OnOptions(func(req *sip.Request, tx sip.ServerTransaction) { c.respond(req, tx, "", nil) })
	c.server.OnAck(func(*sip.Request, sip.ServerTransaction) {})
}

// session returns the session that a request belongs to; nil when it is over.
func (c *Client) session(req *sip.Request) *ClientSession {
	id := req.CallID()
	if id == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sessions[id.Value()]
}

// onUpdate takes a refresh (RFC 4028) or the wish for a snapshot of the
// metadata, which an UPDATE of ours then brings (RFC 7866 9.2).
func (c *Client) onUpdate(req *sip.Request, tx sip.ServerTransaction) {
	s := c.session(req)
	wanted := strings.Contains(string(req.Body()), "requestsnapshot")
	switch {
	case !wanted:
		c.respond(req, tx, "refresh", nil)
	case s == nil || s.dialect.document == nil:
		c.refuse(req, tx, s)
	default:
		c.respond(req, tx, "snapshot requested", nil)
		go func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			_ = s.update(c.ctx, s.known, false) // whoever observes sees what came of it
		}()
	}
}

// onInvite answers a re-INVITE, which is a refresh or takes streams away:
// with what we send anyway, as the offer if it had none (RFC 3261 14.2).
func (c *Client) onInvite(req *sip.Request, tx sip.ServerTransaction) {
	s := c.session(req)
	if s == nil {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 481, "Call/Transaction Does Not Exist", nil))
		return
	}
	// A transaction of ours that is open keeps what it changes to itself.
	if !s.mu.TryLock() {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 491, "Request Pending", nil))
		return
	}
	s.version++
	body := []byte(s.sdp(s.media))
	s.mu.Unlock()
	c.respond(req, tx, "refresh", body)
}

func (c *Client) refuse(req *sip.Request, tx sip.ServerTransaction, s *ClientSession) {
	began := time.Now()
	_ = tx.Respond(sip.NewResponseFromRequest(req, 488, "Not Acceptable Here", nil))
	if s != nil {
		s.observe(Step{At: began, Received: true, Method: string(req.Method), Detail: "snapshot requested", Status: 488, Reason: "Not Acceptable Here"})
	}
}

func (c *Client) respond(req *sip.Request, tx sip.ServerTransaction, detail string, body []byte) {
	began := time.Now()
	res := sip.NewResponseFromRequest(req, 200, "OK", nil)
	s := c.session(req)
	if s != nil {
		res.AppendHeader(sip.NewHeader("Contact", s.contact()))
	}
	if expires := headerOf(req, "Session-Expires", "x"); expires != "" {
		res.AppendHeader(sip.NewHeader("Session-Expires", expires))
	}
	if body != nil {
		res.AppendHeader(sip.NewHeader("Content-Type", "application/sdp"))
		res.SetBody(body)
	}
	_ = tx.Respond(res)
	if s != nil {
		s.observe(Step{At: began, Received: true, Method: string(req.Method), Detail: detail, Status: 200, Reason: "OK"})
	}
}

// arm refreshes the session at half of its interval if that is our duty
// (RFC 4028 10). The caller holds mu.
func (s *ClientSession) arm(res *sip.Response) {
	h := res.GetHeader("Session-Expires")
	if h == nil || s.spec.SessionExpires == 0 {
		return
	}
	seconds, params, _ := strings.Cut(h.Value(), ";")
	n, err := strconv.Atoi(strings.TrimSpace(seconds))
	if err != nil || n < 2 || !strings.Contains(params, "uac") {
		return
	}
	interval := time.Duration(n) * time.Second / 2
	if s.refresh != nil {
		s.refresh.Stop()
	}
	s.refresh = time.AfterFunc(interval, s.refreshNow)
}

// refreshNow sends an UPDATE with nothing in it (RFC 4028 7.4).
func (s *ClientSession) refreshNow() {
	select {
	case <-s.done:
		return
	case <-s.client.ctx.Done():
		return
	default:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	req := s.request(sip.UPDATE)
	req.AppendHeader(sip.NewHeader("Supported", "timer"))
	req.AppendHeader(sip.NewHeader("Session-Expires", strconv.Itoa(s.spec.SessionExpires)+";refresher=uac"))
	ctx, cancel := context.WithTimeout(s.client.ctx, time.Minute)
	defer cancel()
	if res, err := s.transact(ctx, req, "refresh"); err == nil {
		s.arm(res)
	}
}
