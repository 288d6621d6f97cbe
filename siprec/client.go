package siprec

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"earshot"
)

// ClientConfig of a [Client].
type ClientConfig struct {
	// Transport is "udp", "tcp" or "tls".
	Transport string
	// TLS is for the transport "tls"; nil trusts what the system trusts.
	TLS *tls.Config
	// Local is the local address, without port. The zero value is 127.0.0.1.
	Local netip.Addr
}

// Client is a recording client: it places recording sessions. It sends no
// media; whoever calls does.
type Client struct {
	cfg    ClientConfig
	ua     *sipgo.UserAgent
	client *sipgo.Client
	server *sipgo.Server
	udp    net.PacketConn
	tcp    net.Listener
	addr   string
	wg     sync.WaitGroup
	ctx    context.Context //nolint:containedctx // ends the sessions' refreshes at Close
	cancel context.CancelFunc

	mu       sync.Mutex
	sessions map[string]*ClientSession // by Call-ID
}

// ClientMedia is one m-line to offer.
type ClientMedia struct {
	Label string
	// Port is the local RTP port; 0 removes the m-line.
	Port      int
	Formats   []earshot.Format
	Direction earshot.MediaDirection // empty: sendonly
	// Profile is the transport; empty is RTP/AVP, or RTP/SAVP with Crypto and
	// UDP/TLS/RTP/SAVP with DTLS.
	Profile string
	// Crypto are the keys to offer (RFC 4568).
	Crypto []earshot.Crypto
	// DTLS is what to offer of DTLS-SRTP (RFC 5763).
	DTLS *earshot.DTLS
}

func (m ClientMedia) profile() string {
	switch {
	case m.Profile != "":
		return m.Profile
	case m.DTLS != nil:
		return "UDP/TLS/RTP/SAVP"
	case len(m.Crypto) > 0:
		return "RTP/SAVP"
	}
	return "RTP/AVP"
}

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status  int
	Reason  string
	Warning string
}

func (e *StatusError) Error() string {
	s := fmt.Sprintf("answered %d %s", e.Status, e.Reason)
	if e.Warning != "" {
		s += ": " + e.Warning
	}
	return s
}

// NewClient binds a local port.
func NewClient(cfg ClientConfig) (*Client, error) {
	if !cfg.Local.IsValid() {
		cfg.Local = netip.MustParseAddr("127.0.0.1")
	}
	raiseLimits()
	c := &Client{cfg: cfg, sessions: map[string]*ClientSession{}}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	var err error
	if c.udp, c.tcp, err = bind(context.Background(), netip.AddrPortFrom(cfg.Local, 0).String()); err != nil {
		return nil, err
	}
	c.addr = c.udp.LocalAddr().String()
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c.cfg.TLS = cfg.TLS
	quiet := slog.New(slog.DiscardHandler)
	c.ua, err = sipgo.NewUA(sipgo.WithUserAgent("earshot"), sipgo.WithUserAgenTLSConfig(cfg.TLS),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet), sip.WithTransactionLayerTerminateOnConnClose()))
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.server, err = sipgo.NewServer(c.ua, sipgo.WithServerLogger(quiet)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	options := []sipgo.ClientOption{sipgo.WithClientLogger(quiet), sipgo.WithClientHostname(cfg.Local.String())}
	if cfg.Transport != "tcp" && cfg.Transport != "tls" {
		options = append(options, sipgo.WithClientConnectionAddr(c.addr))
	}
	if c.client, err = sipgo.NewClient(c.ua, options...); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.serve()
	c.wg.Go(func() { _ = c.server.ServeUDP(c.udp) })
	c.wg.Go(func() { _ = c.server.ServeTCP(c.tcp) })
	if err := served(c.ua, c.addr); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close gives the port back. Sessions that are up are not ended.
func (c *Client) Close() error {
	c.cancel()
	err := errors.Join(c.udp.Close(), c.tcp.Close())
	closeAgent(c.ua)
	c.wg.Wait()
	return err
}

// forget ends what waits for the end of a session.
func (c *Client) forget(callID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.sessions[callID]; s != nil {
		close(s.done)
		delete(c.sessions, callID)
	}
}
