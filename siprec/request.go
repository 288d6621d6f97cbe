package siprec

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// requestPatience bounds the wait for the answer to a request of ours.
const requestPatience = 10 * time.Second

// request makes the next request of ours in a dialog (RFC 3261 12.2.1.1). It
// goes where the peer's requests come from: over its connection, or to the
// port it sends from, which is the way through whatever lies between. A
// connection that is gone is made anew, see reach. The caller holds the
// dialog's lock.
func (s *Server) request(d *dialog, method sip.RequestMethod) (*sip.Request, error) {
	if method != sip.ACK {
		d.state.LocalCSeq++
	}
	st := &d.state
	target := st.RemoteTarget
	if target == "" {
		target = "sip:" + st.Source
	}
	routes := st.Routes
	if len(routes) > 0 && !looseRouter(routes[0]) { // RFC 2543 router
		target, routes = uriOf(routes[0]), append(append([]string(nil), routes[1:]...), "<"+target+">")
	}
	var uri sip.Uri
	if err := sip.ParseUri(target, &uri); err != nil {
		return nil, fmt.Errorf("%s to %s: %w", method, target, err)
	}
	req := sip.NewRequest(method, uri)
	req.SetTransport(st.Transport)
	req.SetDestination(st.Source)
	if strings.EqualFold(st.Transport, "udp") { // from the port the peer knows
		local := s.Addr().(*net.UDPAddr)
		req.Laddr = sip.Addr{IP: local.IP, Port: local.Port}
	}
	req.AppendHeader(parsedAddress("From", st.LocalURI+";tag="+st.LocalTag))
	req.AppendHeader(parsedAddress("To", st.RemoteURI+";tag="+st.RemoteTag))
	callID := sip.CallIDHeader(st.CallID)
	req.AppendHeader(&callID)
	req.AppendHeader(&sip.CSeqHeader{SeqNo: st.LocalCSeq, MethodName: method})
	for _, r := range routes {
		req.AppendHeader(sip.NewHeader("Route", r))
	}
	if method == sip.INVITE || method == sip.UPDATE { // RFC 7866 6.2
		req.AppendHeader(sip.NewHeader("Contact", s.contact(d)))
		req.AppendHeader(sip.NewHeader("Allow", allow))
		req.AppendHeader(sip.NewHeader("Supported", supported))
	}
	return req, nil
}

// splitList takes apart the values of a header that is a list of addresses
// (RFC 3261 7.3.1): at the commas that are neither within angle brackets nor
// quoted.
func splitList(value string) []string {
	var out []string
	begin, angle, quoted := 0, false, false
	take := func(end int) {
		if v := strings.TrimSpace(value[begin:end]); v != "" {
			out = append(out, v)
		}
		begin = end + 1
	}
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<' || c == '>':
			angle = c == '<'
		case c == ',' && !angle:
			take(i)
		}
	}
	take(len(value))
	return out
}

// looseRouter reports whether the URI of a Route value has lr
// (RFC 3261 19.1.1).
func looseRouter(route string) bool {
	for param := range strings.SplitSeq(uriOf(route), ";") {
		if name, _, _ := strings.Cut(strings.ToLower(param), "="); name == "lr" {
			return true
		}
	}
	return false
}

// uriOf returns the URI of a Route value, behind whatever name it has.
func uriOf(route string) string {
	if i := strings.LastIndexByte(route, '<'); i >= 0 {
		uri, _, _ := strings.Cut(route[i+1:], ">")
		return uri
	}
	return strings.TrimSpace(route)
}

// exchange sends a request and returns its final answer; that of an INVITE is
// acknowledged. No lock is held.
func (s *Server) exchange(ctx context.Context, d *dialog, req *sip.Request) (*sip.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	if err := s.reach(ctx, req); err != nil {
		return nil, fmt.Errorf("%s: %w", req.Method, err)
	}
	tx, err := s.client.TransactionRequest(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.Method, err)
	}
	for {
		select {
		case res := <-tx.Responses():
			if res.IsProvisional() {
				continue
			}
			if req.IsInvite() && res.IsSuccess() {
				return res, s.acknowledge(d, req, tx)
			}
			return res, nil
		case <-tx.Done():
			return nil, fmt.Errorf("%s: %w", req.Method, errors.Join(tx.Err(), errNoAnswer))
		case <-ctx.Done():
			tx.Terminate()
			return nil, fmt.Errorf("%s: %w", req.Method, errNoAnswer)
		}
	}
}

var errNoAnswer = errors.New("no answer")

// acknowledge sends the ACK of a 2xx to our INVITE, and again each time the
// 2xx comes again (RFC 3261 13.2.2.4).
func (s *Server) acknowledge(d *dialog, invite *sip.Request, tx sip.ClientTransaction) error {
	d.mu.Lock()
	ack, err := s.request(d, sip.ACK)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	ack.CSeq().SeqNo = invite.CSeq().SeqNo
	ack.SetDestination(invite.Destination()) // the connection that the answer came over
	again := ack.Clone()
	tx.OnRetransmission(func(*sip.Response) { _ = s.client.WriteRequest(again.Clone()) })
	if err := s.client.WriteRequest(ack); err != nil {
		return fmt.Errorf("ACK: %w", err)
	}
	return nil
}

// bye sends a BYE and waits for its answer.
func (s *Server) bye(ctx context.Context, d *dialog) error {
	d.mu.Lock()
	d.ended = true
	req, err := s.request(d, sip.BYE)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	res, err := s.exchange(ctx, d, req)
	if err != nil {
		return err
	}
	if !res.IsSuccess() && res.StatusCode != 481 {
		return fmt.Errorf("BYE answered %d %s", res.StatusCode, res.Reason)
	}
	return nil
}
