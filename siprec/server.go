package siprec

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emiago/sipgo"
	"github.com/emiago/sipgo/sip"

	"earshot"
)

// Sessions is told of recording sessions. Calls for one session come one
// after another, those for different sessions at the same time. An error of
// Begin or Update refuses the request; which status that is stands in
// statusOf.
type Sessions interface {
	Begin(ctx context.Context, offer earshot.SessionOffer) (earshot.SessionAnswer, error)
	Update(ctx context.Context, id earshot.SegmentID, offer earshot.SessionOffer) (earshot.SessionAnswer, error)
	End(ctx context.Context, id earshot.SegmentID, reason string) error
	// Alive reports whether media of the session came within that time.
	Alive(id earshot.SegmentID, within time.Duration) bool
	// Note adds a problem to the session's call.
	Note(ctx context.Context, id earshot.SegmentID, problem string) error
}

// Journal keeps dialogs over a restart. A dialog is saved before its 2xx is
// sent.
type Journal interface {
	SaveDialog(ctx context.Context, d earshot.Dialog) error
	DeleteDialog(ctx context.Context, id string) error
}

// Config of a [Server].
type Config struct {
	// Listen is HOST:PORT of UDP and TCP. Port 0 takes one that is free for both.
	Listen string
	// Advertise is the host of the Contact, RTPAdvertise that of the SDP; where
	// empty it is the local address that faces the peer.
	Advertise, RTPAdvertise string
	// Peers may send calls: addresses and networks. Empty: loopback and private
	// networks.
	Peers []string
	// Policies are what some of them must do.
	Policies []Policy
	// TLSListen is HOST:PORT of TLS, used when TLS has a certificate.
	TLSListen string
	TLS       TLSFiles
	// SRTP says which streams are taken of peers whose policy does not say it;
	// an offer of ours depends on it.
	SRTP earshot.SRTPPolicy
	// Trace is how much of the SIP messages Traces keeps; empty is
	// [TraceRedacted].
	Trace  Trace
	Traces Traces
}

const (
	allow     = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE"
	accept    = "application/sdp, application/rs-metadata+xml, application/rs-metadata, multipart/mixed"
	supported = "siprec, timer"
	// maxDatagram is the most that fits into UDP over IPv4.
	maxDatagram = 65507
	// writePatience is how long a connection may take a message off our hands.
	writePatience = 10 * time.Second
)

// Server answers recording clients.
type Server struct {
	cfg      Config
	sessions Sessions
	journal  Journal
	log      *slog.Logger
	peers    []netip.Prefix
	policies []policy
	secret   [32]byte // seals nonces
	m        metrics
	parser   *sip.Parser
	trace    *trace

	ua     *sipgo.UserAgent
	srv    *sipgo.Server
	client *sipgo.Client
	udp    net.PacketConn
	tcp    net.Listener
	tls    net.Listener // nil without a certificate
	keys   *keyring
	// outgoing take the connections we make, by network.
	outgoing map[string]dialled
	// clients are the names in the certificates of TLS clients, a []string by
	// their address.
	clients sync.Map
	guests  atomic.Int32 // connections of strangers
	wg      sync.WaitGroup
	closed  sync.Once
	ctx     context.Context //nolint:containedctx // ends the waits for ACK at Close
	cancel  context.CancelFunc

	draining atomic.Bool
	mu       sync.Mutex
	dialogs  map[string]*dialog // by Call-ID and our tag
	begun    map[string]*dialog // the same by Call-ID and the client's tag
}

// NewServer returns a server that does not listen yet.
func NewServer(cfg Config, sessions Sessions, journal Journal, log *slog.Logger) (*Server, error) {
	peers, err := parsePeers(cfg.Peers)
	if err != nil {
		return nil, err
	}
	policies, err := parsePolicies(cfg.Policies)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg: cfg, sessions: sessions, journal: journal, log: log, peers: peers, policies: policies,
		m: newMetrics(), parser: newParser(), dialogs: map[string]*dialog{}, begun: map[string]*dialog{},
	}
	if _, err := rand.Read(s.secret[:]); err != nil {
		return nil, fmt.Errorf("random key: %w", err)
	}
	s.trace = newTrace(cfg, s.allowed, s.localHost, s.m.untraced, log)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Start binds the ports and answers from then on.
func (s *Server) Start() error {
	raiseLimits()
	var err error
	if s.udp, s.tcp, err = bind(s.ctx, s.cfg.Listen); err != nil {
		return err
	}
	if err := s.startTLS(); err != nil {
		return err
	}
	s.udp = tracedPackets{s.udp, s.trace}
	quiet := slog.New(slog.DiscardHandler) // the library logs whole messages: none of that
	var own *tls.Config
	if s.keys != nil {
		own = s.keys.config()
	}
	s.ua, err = sipgo.NewUA(sipgo.WithUserAgent("earshot"), sipgo.WithUserAgentParser(s.parser), sipgo.WithUserAgenTLSConfig(own),
		sipgo.WithUserAgentTransportLayerOptions(
			sip.WithTransportLayerReadFilter(s.filter), sip.WithTransportLayerConnectionReuse(true), sip.WithTransportLayerLogger(quiet),
			patientTransports()),
		sipgo.WithUserAgentTransactionLayerOptions(sip.WithTransactionLayerLogger(quiet)))
	if err != nil {
		return fmt.Errorf("SIP user agent: %w", err)
	}
	if s.srv, err = sipgo.NewServer(s.ua, sipgo.WithServerLogger(quiet)); err != nil {
		return fmt.Errorf("SIP server: %w", err)
	}
	if s.client, err = sipgo.NewClient(s.ua, sipgo.WithClientLogger(quiet)); err != nil {
		return fmt.Errorf("SIP client: %w", err)
	}
	s.srv.OnInvite(s.handler(s.onInvite))
	s.srv.OnAck(s.handler(s.onAck))
	s.srv.OnBye(s.handler(s.onBye))
	s.srv.OnCancel(s.handler(s.onCancel))
	s.srv.OnUpdate(s.handler(s.onUpdate))
	s.srv.OnOptions(s.handler(s.onOptions))
	s.srv.OnNoRoute(s.handler(s.onOther))
	s.wg.Go(func() { s.trace.run(s.ctx) })
	s.wg.Go(func() { _ = s.srv.ServeUDP(s.udp) })
	s.wg.Go(func() { _ = s.srv.ServeTCP(streamListener{Listener: s.tcp, s: s}) })
	if s.tls != nil {
		s.wg.Go(func() { _ = s.srv.ServeTLS(streamListener{Listener: s.tls, s: s, secure: true}) })
	}
	s.serveDialled()
	if err := served(s.ua, s.udp.LocalAddr().String()); err != nil {
		return err
	}
	s.wg.Go(s.watch)
	return nil
}

// served waits until the library knows the UDP socket: requests are to leave
// from it, and before that it would try to bind the port a second time.
func served(ua *sipgo.UserAgent, addr string) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		if conn, err := ua.TransportLayer().GetConnection("udp", addr); err == nil && conn != nil {
			return nil
		}
		<-tick.C
	}
	return errors.New("the UDP socket of SIP is not served")
}

// patientTransports bounds how long a peer may keep us from writing to it.
func patientTransports() sip.TransportLayerOption {
	return sip.WithTransportLayerTransports(sip.TransportsConfig{
		TCP: &sip.TransportTCP{WriteTimeout: writePatience},
		TLS: &sip.TransportTLS{TransportTCP: &sip.TransportTCP{WriteTimeout: writePatience}},
	})
}

// raiseLimits lets the library take and send what fits into a datagram: what
// it has for the largest message is less than clients send, and than we must
// answer (RFC 3261 18.1.1). Both are variables of the whole process.
var raiseLimits = sync.OnceFunc(func() {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	sip.UDPMTUSize, sip.TransportBufferReadSize = maxDatagram+200, 65535
})

// bind opens the same port for UDP and TCP.
func bind(ctx context.Context, listen string) (net.PacketConn, net.Listener, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, nil, fmt.Errorf("sip.listen: %w", err)
	}
	var lc net.ListenConfig
	for try := 0; ; try++ {
		udp, err := lc.ListenPacket(ctx, "udp", listen)
		if err != nil {
			return nil, nil, fmt.Errorf("listen for SIP: %w", err)
		}
		addr := net.JoinHostPort(host, strconv.Itoa(udp.LocalAddr().(*net.UDPAddr).Port))
		tcp, err := lc.Listen(ctx, "tcp", addr)
		if err == nil {
			if u, ok := udp.(*net.UDPConn); ok {
				_ = u.SetReadBuffer(4 << 20) // bursts of calls; the kernel may give less
			}
			return udp, tcp, nil
		}
		_ = udp.Close()
		if port != "0" || try == 20 {
			return nil, nil, fmt.Errorf("listen for SIP: %w", err)
		}
	}
}

// Addr returns the address of UDP, whose port TCP shares.
func (s *Server) Addr() net.Addr { return s.udp.LocalAddr() }

// TLSAddr returns the address of TLS, nil without a certificate.
func (s *Server) TLSAddr() net.Addr {
	if s.tls == nil {
		return nil
	}
	return s.tls.Addr()
}

// Drain answers new sessions and OPTIONS with 503 from now on.
func (s *Server) Drain() { s.draining.Store(true) }

// Close stops listening and waits for the handlers. Dialogs are left as they
// are: they are stored, and the next start goes on with them.
func (s *Server) Close() error {
	s.closed.Do(func() {
		s.cancel()
		if s.udp == nil {
			return
		}
		_ = s.udp.Close()
		_ = s.tcp.Close()
		if s.tls != nil {
			_ = s.tls.Close()
		}
		closeAgent(s.ua)
	})
	s.wg.Wait()
	return nil
}

// closeAgent closes the library's side. A message that was on its way into it
// meanwhile makes it open one more socket to answer from, so that it is closed
// a second time a moment later.
func closeAgent(ua *sipgo.UserAgent) {
	if ua == nil {
		return
	}
	_ = ua.Close()
	<-time.After(50 * time.Millisecond)
	_ = ua.Close()
}

// handler wraps what handles a kind of request: strangers are refused, and a
// panic costs the request, not the server.
func (s *Server) handler(handle func(*sip.Request, sip.ServerTransaction)) sipgo.RequestHandler {
	return func(req *sip.Request, tx sip.ServerTransaction) {
		s.wg.Add(1)
		defer s.wg.Done()
		s.m.requests.WithLabelValues(methodLabel(req.Method)).Inc()
		defer func() {
			if p := recover(); p != nil {
				s.m.panics.Inc()
				s.log.Error("request handler panicked", "method", req.Method, "panic", p, "stack", string(debug.Stack()))
				s.respond(req, tx, 500, "Server Internal Error", nil)
			}
		}()
		if !s.allowed(req.Source()) {
			s.m.strangers.Inc()
			if !req.IsAck() {
				s.respond(req, tx, 403, "Forbidden", nil)
			}
			return
		}
		if r := s.check(req); r != nil && !req.IsAck() {
			s.refuse(req, tx, nil, r)
			return
		}
		handle(req, tx)
	}
}

// survive keeps a panic of work beside the requests from ending the process.
func (s *Server) survive(what string) {
	if p := recover(); p != nil {
		s.m.panics.Inc()
		s.log.Error("background work panicked", "what", what, "panic", p, "stack", string(debug.Stack()))
	}
}

func methodLabel(m sip.RequestMethod) string {
	switch m {
	case sip.INVITE, sip.ACK, sip.BYE, sip.CANCEL, sip.UPDATE, sip.OPTIONS:
		return string(m)
	}
	return "other"
}

// respond answers without a body; headers are name and value in turn.
func (s *Server) respond(req *sip.Request, tx sip.ServerTransaction, status int, reason string, d *dialog, headers ...string) {
	res := sip.NewResponseFromRequest(req, status, reason, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		res.AppendHeader(sip.NewHeader(headers[i], headers[i+1]))
	}
	s.send(req, tx, res, d)
}

func (s *Server) send(req *sip.Request, tx sip.ServerTransaction, res *sip.Response, d *dialog) {
	if d != nil {
		if to := res.To(); to != nil {
			to.Params.Remove("tag")
			to.Params.Add("tag", d.state.LocalTag)
		}
		if req.IsInvite() {
			d.inviting.Store(false) // the next may come as soon as this is out
		}
	}
	s.m.responses.WithLabelValues(strconv.Itoa(res.StatusCode)).Inc()
	if err := tx.Respond(res); err != nil && s.ctx.Err() == nil {
		s.log.Warn("response not sent", "method", req.Method, "status", res.StatusCode, "error", err)
	}
}

func (s *Server) onOptions(req *sip.Request, tx sip.ServerTransaction) {
	if s.draining.Load() {
		s.respond(req, tx, 503, "Service Unavailable", nil, "Retry-After", "30")
		return
	}
	if r := checkRequire(req); r != nil {
		s.refuse(req, tx, nil, r)
		return
	}
	s.respond(req, tx, 200, "OK", nil, "Allow", allow, "Accept", accept, "Supported", supported)
}

func (s *Server) onOther(req *sip.Request, tx sip.ServerTransaction) {
	if req.Method == sip.PRACK { // we send no provisional response that asks for one (RFC 3262 3)
		s.respond(req, tx, 481, "Call/Transaction Does Not Exist", nil)
		return
	}
	s.respond(req, tx, 405, "Method Not Allowed", nil, "Allow", allow)
}

// EndDialog ends a session at its peer with a BYE. A dialog that is not known
// (any more) is no error.
func (s *Server) EndDialog(ctx context.Context, id string) error {
	d := s.dialogByID(id)
	if d == nil {
		return nil
	}
	s.drop(d)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s.bye(ctx, d)
}
