package siprec

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
)

// dialPatience bounds the making of a connection of ours.
const dialPatience = 5 * time.Second

// dialled hands connections of our own making to the library as if they had
// been accepted, so that they are read and traced like those of clients.
type dialled struct {
	conns chan net.Conn
	over  <-chan struct{}
	addr  net.Addr
}

// Accept implements [net.Listener].
func (l dialled) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener]; the end of the server closes it.
func (l dialled) Close() error { return nil }

// Addr implements [net.Listener].
func (l dialled) Addr() net.Addr { return l.addr }

// serveDialled has the library serve the connections that we make.
func (s *Server) serveDialled() {
	listen := func(addr net.Addr) dialled {
		return dialled{conns: make(chan net.Conn), over: s.ctx.Done(), addr: addr}
	}
	tcp := listen(s.tcp.Addr())
	s.outgoing = map[string]dialled{"tcp": tcp}
	s.wg.Go(func() { _ = s.srv.ServeTCP(tcp) })
	if s.tls != nil {
		secure := listen(s.tls.Addr())
		s.outgoing["tls"] = secure
		s.wg.Go(func() { _ = s.srv.ServeTLS(secure) })
	}
}

// reach makes sure that there is a connection for a request of ours. Where the
// client's own is gone, as after a restart, one is made to its address, at the
// port of the next hop: its first route or its Contact (RFC 3261 12.2.1.1).
func (s *Server) reach(ctx context.Context, req *sip.Request) error {
	network := strings.ToLower(req.Transport())
	out, ok := s.outgoing[network]
	if !ok || s.connected(network, req.Destination()) {
		return nil
	}
	host, _, err := net.SplitHostPort(req.Destination())
	if err != nil {
		return fmt.Errorf("address of the client: %w", err)
	}
	hop := nextHop(req)
	addr := net.JoinHostPort(host, strconv.Itoa(portOf(hop, network)))
	req.SetDestination(addr)
	if s.connected(network, addr) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, dialPatience)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("connect to the client: %w", err)
	}
	c := &streamConn{Conn: conn, s: s, chunk: make([]byte, 16<<10)}
	if network == "tls" {
		cfg := s.keys.config().Clone()
		cfg.ServerName = hop.Host
		c.Conn = tls.Client(conn, cfg)
		if err := c.handshake(); err != nil {
			return fmt.Errorf("TLS with the client: %w", err)
		}
	}
	select {
	case out.conns <- c:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), conn.Close())
	}
	return s.awaitConnection(ctx, network, addr)
}

// connected reports whether the library has a connection to an address.
func (s *Server) connected(network, addr string) bool {
	conn, err := s.ua.TransportLayer().GetConnection(network, addr)
	if err != nil || conn == nil {
		return false
	}
	_, _ = conn.TryClose() // the library counts who has asked
	return true
}

func (s *Server) awaitConnection(ctx context.Context, network, addr string) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !s.connected(network, addr) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// nextHop is where a request goes by its own word.
func nextHop(req *sip.Request) sip.Uri {
	var uri sip.Uri
	if r := req.GetHeader("Route"); r != nil && looseRouter(r.Value()) && sip.ParseUri(uriOf(r.Value()), &uri) == nil {
		return uri
	}
	return req.Recipient
}

func portOf(uri sip.Uri, network string) int {
	switch {
	case uri.Port > 0:
		return uri.Port
	case network == "tls":
		return 5061
	}
	return 5060
}
