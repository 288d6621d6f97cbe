package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	idleTimeout       = 2 * time.Minute
	// writeTimeout bounds a whole answer, but for recordings and events: there
	// it bounds each single write.
	writeTimeout   = 30 * time.Second
	maxHeaderBytes = 64 << 10
	// maxBodyBytes is small: the largest body is one entry of the directory.
	maxBodyBytes = 64 << 10
	heartbeat    = 15 * time.Second
)

// Server is the HTTP side. Make it with [New].
type Server struct {
	cfg     Config
	public  *url.URL // nil without http.public_url
	proxies proxies
	deps    Deps
	log     *slog.Logger
	broker  *Broker
	metrics *metrics
	handler http.Handler
	spec    *huma.OpenAPI
	// accounts says that there were accounts at the start.
	accounts bool
	sittings sittings

	http    *http.Server
	tls     *tls.Config // nil for plain HTTP
	serving sync.WaitGroup

	mu   sync.Mutex
	addr net.Addr
}

// New checks the configuration, reads the certificate and makes the routes.
func New(cfg Config, deps Deps, log *slog.Logger) (*Server, error) {
	public, err := cfg.check()
	if err != nil {
		return nil, err
	}
	trusted, err := parseProxies(cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	if err := deps.check(); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, public: public, proxies: trusted, deps: deps, log: log, broker: deps.Broker, metrics: newMetrics()}
	if s.accounts, err = deps.Accounts.Any(context.Background()); err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	if err := checkOpen(cfg.Listen, s.accounts); err != nil {
		return nil, err
	}
	if cfg.TLSCert != "" {
		cert, err := tls.LoadX509KeyPair(cfg.TLSCert, cfg.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("http.tls_cert: %w", err)
		}
		s.tls = &tls.Config{
			Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
			NextProtos: []string{"h2", "http/1.1"},
		}
	}
	if s.handler, err = s.routes(); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler: s.handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, TLSConfig: s.tls,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Handler returns everything the server answers, for a test or another mux.
func (s *Server) Handler() http.Handler { return s.handler }

// Broker returns the broker whose events the server streams.
func (s *Server) Broker() *Broker { return s.broker }

// Collectors returns the metrics of this package.
func (s *Server) Collectors() []prometheus.Collector {
	return append(s.metrics.collectors(), s.broker.collectors()...)
}

// Start binds the address and serves in the background until Close.
func (s *Server) Start() error {
	var lc net.ListenConfig
	ln, err := lc.Listen(context.Background(), "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	// A name can stand for any address: what counts is what was bound.
	if err := checkOpen(ln.Addr().String(), s.accounts); err != nil {
		return errors.Join(err, ln.Close())
	}
	if !isLoopbackHost(hostOnly(ln.Addr().String())) && !s.secure() {
		s.log.Warn("passwords come in without encryption: set http.tls_cert, or http.public_url where a proxy does HTTPS", "listen", s.cfg.Listen)
	}
	s.mu.Lock()
	s.addr = ln.Addr()
	s.mu.Unlock()
	s.serving.Go(func() {
		if err := s.serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("HTTP server ended", "error", err)
		}
	})
	return nil
}

func (s *Server) serve(ln net.Listener) error {
	if s.tls != nil {
		return s.http.ServeTLS(ln, "", "")
	}
	return s.http.Serve(ln)
}

// Addr returns where the server listens, nil before Start.
func (s *Server) Addr() net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// Close ends the streams of events, lets the other requests end until ctx is
// done, then cuts them off. It may be called twice.
func (s *Server) Close(ctx context.Context) error {
	s.broker.Close()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("stop HTTP server: %w", err), s.http.Close())
	}
	s.serving.Wait()
	return err
}
