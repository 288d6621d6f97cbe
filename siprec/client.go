package siprec

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"earshot"
)

// ClientConfig of a [Client].
type ClientConfig struct {
	// Transport is "udp", "tcp" or "tls".
	Transport string
	// TLS is what connections over TLS use; nil trusts what the system trusts.
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

// CallSpec says what to offer.
type CallSpec struct {
	// To is the recording server: "sip:HOST:PORT".
	To       string
	Media    []ClientMedia
	Metadata earshot.Metadata
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
	var err error
	if c.udp, c.tcp, err = bind(context.Background(), netip.AddrPortFrom(cfg.Local, 0).String()); err != nil {
		return nil, err
	}
	c.addr = c.udp.LocalAddr().String()
	quiet := slog.New(slog.DiscardHandler)
	c.ua, err = sipgo.NewUA(sipgo.WithUserAgent("earshot"), sipgo.WithUserAgenTLSConfig(cfg.TLS),
		sipgo.WithUserAgentTransportLayerOptions(sip.WithTransportLayerLogger(quiet)),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)))
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
	ok := func(req *sip.Request, tx sip.ServerTransaction) {
		_ = tx.Respond(sip.NewResponseFromRequest(req, 200, "OK", nil))
	}
	c.server.OnBye(func(req *sip.Request, tx sip.ServerTransaction) {
		ok(req, tx)
		if id := req.CallID(); id != nil {
			c.forget(id.Value())
		}
	})
	c.server.OnUpdate(ok)
	c.server.OnOptions(ok)
	c.server.OnAck(func(*sip.Request, sip.ServerTransaction) {})
	c.wg.Go(func() { _ = c.server.ServeUDP(c.udp) })
	c.wg.Go(func() { _ = c.server.ServeTCP(c.tcp) })
	if err := served(c.ua, c.addr); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// Close gives the port back. Sessions that are up are not ended.
func (c *Client) Close() error {
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

// ClientSession is a recording session that the server has accepted. Its
// methods are not to be called at the same time.
type ClientSession struct {
	client  *Client
	spec    CallSpec
	invite  *sip.Request
	to      sip.Header // with the server's tag
	target  sip.Uri
	cseq    uint32
	version int
	answer  []earshot.MediaOffer
	done    chan struct{}
}

// Call offers a session. Its error is a [*StatusError] when the server
// refused.
func (c *Client) Call(ctx context.Context, spec CallSpec) (*ClientSession, error) {
	var to sip.Uri
	if err := sip.ParseUri(spec.To, &to); err != nil {
		return nil, fmt.Errorf("recording server %q: %w", spec.To, err)
	}
	s := &ClientSession{client: c, spec: spec, target: to, version: 1, done: make(chan struct{})}
	s.invite = sip.NewRequest(sip.INVITE, to)
	from := parsedAddress("From", "<sip:earshot@"+c.addr+">;tag="+earshot.NewID())
	s.to = parsedAddress("To", "<"+spec.To+">")
	callID := sip.CallIDHeader(earshot.NewID() + "@" + c.cfg.Local.String())
	s.invite.AppendHeader(from)
	s.invite.AppendHeader(s.to)
	s.invite.AppendHeader(&callID)
	res, err := s.transact(ctx, s.fill(s.request(sip.INVITE), s.body(spec.Media, &spec.Metadata, false)))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.sessions[s.CallID()] = s
	c.mu.Unlock()
	if err := s.take(res); err != nil {
		return nil, errors.Join(err, s.Bye(ctx))
	}
	return s, nil
}

// Done is closed when either side has ended the session with a BYE.
func (s *ClientSession) Done() <-chan struct{} { return s.done }

// CallID returns the Call-ID of the session.
func (s *ClientSession) CallID() string { return s.invite.CallID().Value() }

// Answer returns the m-lines of the server's last answer: Remote is where it
// receives, port 0 a refusal.
func (s *ClientSession) Answer() []earshot.MediaOffer { return s.answer }

// Reinvite offers other media, with metadata unless it is nil.
func (s *ClientSession) Reinvite(ctx context.Context, media []ClientMedia, md *earshot.Metadata, partial bool) error {
	s.version++
	res, err := s.transact(ctx, s.fill(s.request(sip.INVITE), s.body(media, md, partial)))
	if err != nil {
		return err
	}
	return s.take(res)
}

// Update sends metadata without SDP.
func (s *ClientSession) Update(ctx context.Context, md earshot.Metadata, partial bool) error {
	req := s.request(sip.UPDATE)
	req.AppendHeader(sip.NewHeader("Content-Type", "application/rs-metadata+xml"))
	req.AppendHeader(sip.NewHeader("Content-Disposition", "recording-session"))
	req.SetBody(writeMetadata(md, partial))
	_, err := s.transact(ctx, req)
	return err
}

// Bye ends the session.
func (s *ClientSession) Bye(ctx context.Context) error {
	_, err := s.transact(ctx, s.request(sip.BYE))
	s.client.forget(s.CallID())
	return err
}

// request makes a request of the session with the next CSeq.
func (s *ClientSession) request(method sip.RequestMethod) *sip.Request {
	req := sip.NewRequest(method, s.target)
	req.SetTransport(strings.ToUpper(s.client.cfg.Transport))
	req.AppendHeader(sip.HeaderClone(s.invite.From()))
	req.AppendHeader(sip.HeaderClone(s.to))
	req.AppendHeader(sip.HeaderClone(s.invite.CallID()))
	if method != sip.ACK {
		s.cseq++
	}
	req.AppendHeader(&sip.CSeqHeader{SeqNo: s.cseq, MethodName: method})
	req.AppendHeader(sip.NewHeader("Contact", "<sip:earshot@"+s.client.addr+">;+sip.src"))
	req.AppendHeader(sip.NewHeader("Max-Forwards", "70"))
	return req
}

func (s *ClientSession) fill(req *sip.Request, body []byte) *sip.Request {
	req.AppendHeader(sip.NewHeader("Require", "siprec"))
	req.AppendHeader(sip.NewHeader("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"))
	req.AppendHeader(sip.NewHeader("Accept", "application/sdp"))
	req.AppendHeader(sip.NewHeader("Content-Type", "multipart/mixed;boundary="+clientBoundary))
	req.SetBody(body)
	return req
}

const clientBoundary = "earshot-recording"

func (s *ClientSession) body(media []ClientMedia, md *earshot.Metadata, partial bool) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "--%s\r\nContent-Type: application/sdp\r\n\r\n%s\r\n", clientBoundary, s.sdp(media))
	if md != nil {
		fmt.Fprintf(&b, "--%s\r\nContent-Type: application/rs-metadata+xml\r\nContent-Disposition: recording-session\r\n\r\n%s\r\n",
			clientBoundary, writeMetadata(*md, partial))
	}
	fmt.Fprintf(&b, "--%s--\r\n", clientBoundary)
	return []byte(b.String())
}

func (s *ClientSession) sdp(media []ClientMedia) string {
	host := s.client.cfg.Local.String()
	family := "IP4"
	if s.client.cfg.Local.Is6() {
		family = "IP6"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=earshot 1 %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", s.version, family, host, family, host)
	for _, m := range media {
		fmt.Fprintf(&b, "m=audio %d %s %s\r\n", m.Port, m.profile(), payloadTypes(m.Formats))
		for _, f := range m.Formats {
			fmt.Fprintf(&b, "a=rtpmap:%d %s\r\n", f.PayloadType, f)
		}
		for i := range m.Crypto {
			writeCrypto(&b, &m.Crypto[i])
		}
		if m.DTLS != nil {
			writeDTLS(&b, m.DTLS)
		}
		writeLabel(&b, m.Label)
		direction := m.Direction
		if direction == "" {
			direction = earshot.SendOnly
		}
		fmt.Fprintf(&b, "a=%s\r\n", direction)
	}
	return b.String()
}

// transact sends a request, waits for its final answer and acknowledges a 2xx
// to an INVITE.
func (s *ClientSession) transact(ctx context.Context, req *sip.Request) (*sip.Response, error) {
	tx, err := s.client.client.TransactionRequest(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", req.Method, err)
	}
	res, err := s.final(ctx, req, tx)
	if err != nil {
		tx.Terminate()
		return nil, fmt.Errorf("%s: %w", req.Method, err)
	}
	if !res.IsSuccess() {
		e := &StatusError{Status: res.StatusCode, Reason: res.Reason}
		if w := res.GetHeader("Warning"); w != nil {
			e.Warning = w.Value()
		}
		return nil, fmt.Errorf("%s: %w", req.Method, e)
	}
	if req.Method == sip.INVITE {
		return res, s.acknowledge(res, tx)
	}
	return res, nil
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
			if res.IsSuccess() && s.acknowledge(res, tx) == nil {
				_ = s.Bye(patience)
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
// (RFC 3261 13.2.2.4).
func (s *ClientSession) acknowledge(res *sip.Response, tx sip.ClientTransaction) error {
	if to := res.To(); to != nil {
		s.to = sip.HeaderClone(to)
	}
	if c := res.Contact(); c != nil {
		s.target = c.Address
	}
	ack := s.request(sip.ACK)
	again := ack.Clone()
	tx.OnRetransmission(func(*sip.Response) { _ = s.client.client.WriteRequest(again.Clone()) })
	if err := s.client.client.WriteRequest(ack); err != nil {
		return fmt.Errorf("ACK: %w", err)
	}
	return nil
}

// take reads the answer of an INVITE.
func (s *ClientSession) take(res *sip.Response) error {
	o, err := parseSDP(res.Body())
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	s.answer = o.media
	return nil
}
