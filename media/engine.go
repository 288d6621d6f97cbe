// Package media receives the RTP of recorded streams, keeps the recording
// master of each and reads it back as PCM, live or later. DESIGN.md tells how
// it works and why.
package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/media/record"
	"earshot/media/srtp"
)

// Defaults of [Config].
const (
	DefaultMinPort = 20000
	DefaultMaxPort = 39999
)

const (
	maxPollers     = 2
	tellInterval   = 200 * time.Millisecond // how often security is stored, if there is news
	reportInterval = 500 * time.Millisecond // how often streams are asked for RTCP
)

// Config of an engine.
type Config struct {
	// Dir is where the recording masters are, a folder for each call.
	Dir string
	// BindIP is the local address of all sockets; the zero value is 0.0.0.0.
	BindIP netip.Addr
	// MinPort and MaxPort are the range of RTP and RTCP ports, both included.
	MinPort, MaxPort int
	// CreateFile makes a segment file of a recording; nil makes one on disk.
	CreateFile func(path string) (record.File, error)
	// KeepDigits puts the digits of telephone events into marks; without it nobody
	// learns which key it was.
	KeepDigits bool
	// Unheard says that streams are recorded and not read live: packets may gather
	// for 120 ms instead of 40 before they are taken.
	Unheard bool
	// Secured gets news about the protection of streams: keys of a handshake and
	// rollover counters to be stored, and what went wrong. It may wait; what it
	// returns an error for is told again. May be nil.
	Secured func(earshot.StreamSecurity) error
}

func (c Config) withDefaults() Config {
	if !c.BindIP.IsValid() {
		c.BindIP = netip.IPv4Unspecified()
	}
	if c.MinPort == 0 && c.MaxPort == 0 {
		c.MinPort, c.MaxPort = DefaultMinPort, DefaultMaxPort
	}
	return c
}

// Engine receives all the streams of a server. Its methods are safe for
// concurrent use.
type Engine struct {
	cfg     Config
	log     *slog.Logger
	pace    pace
	clock   clock
	ports   *ports
	pollers []*poller
	tables  formatTables
	totals  totals
	mos     *prometheus.HistogramVec
	// tonesMasked counts what Tones took out of recordings.
	tonesMasked atomic.Uint64
	// certificate is what peers see in DTLS handshakes.
	certificate *srtp.Certificate

	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	streams map[*Stream]bool
	opened  int
	started bool
	closed  bool
}

// New returns an engine that listens to nothing yet.
func New(cfg Config, log *slog.Logger) (*Engine, error) {
	cfg = cfg.withDefaults()
	if cfg.Dir == "" {
		return nil, errors.New("media: no folder for recordings")
	}
	p, err := newPorts(cfg.MinPort, cfg.MaxPort)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	certificate, err := srtp.NewCertificate()
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	e := &Engine{cfg: cfg, log: log, pace: heard, clock: newClock(), ports: p, certificate: certificate, streams: map[*Stream]bool{}, mos: newMOS()}
	if cfg.Unheard {
		e.pace = unheard
	}
	for range min(maxPollers, runtime.NumCPU()) {
		poller, err := newPoller(e.clock, e.pace.tick)
		if err != nil {
			e.closePollers()
			return nil, fmt.Errorf("media: %w", err)
		}
		e.pollers = append(e.pollers, poller)
	}
	return e, nil
}

// Start begins to receive.
func (e *Engine) Start() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started || e.closed {
		return
	}
	e.started = true
	ctx, cancel := context.WithCancel(context.Background())
	e.cancel = cancel
	for _, p := range e.pollers {
		e.wg.Go(p.run)
	}
	e.wg.Go(func() { e.every(ctx, e.pace.flush, (*Stream).flush) })
	e.wg.Go(func() { e.every(ctx, reportInterval, (*Stream).report) })
	e.wg.Go(func() { e.every(ctx, tellInterval, (*Stream).tell) })
}

// every does something with each open stream again and again.
func (e *Engine) every(ctx context.Context, interval time.Duration, do func(*Stream)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var streams []*Stream
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		streams = e.open(streams[:0])
		for _, s := range streams {
			do(s)
		}
		clear(streams)
	}
}

// open appends the open streams to dst.
func (e *Engine) open(dst []*Stream) []*Stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		dst = append(dst, s)
	}
	return dst
}

// Close closes all streams and stops receiving. A second Close does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil
	}
	e.closed = true
	e.mu.Unlock()
	var err error
	for _, s := range e.open(nil) {
		err = errors.Join(err, s.Close())
	}
	if e.cancel != nil {
		e.cancel()
	}
	for _, p := range e.pollers {
		p.stop()
	}
	e.wg.Wait()
	e.closePollers()
	return err
}

func (e *Engine) closePollers() {
	for _, p := range e.pollers {
		p.close()
	}
}

// Accept returns the offered formats that can be received, in the offer's
// order: audio that can be recorded, comfort noise and telephone events next
// to it, and redundancy of what is accepted. The error is [earshot.ErrNoCommonCodec] if no audio is left.
func (*Engine) Accept(offered []earshot.Format) ([]earshot.Format, error) {
	accepted := accept(offered)
	if len(accepted) == 0 {
		return nil, earshot.ErrNoCommonCodec
	}
	return accepted, nil
}

// StreamSpec says what to receive.
type StreamSpec struct {
	CallID   earshot.CallID
	StreamID earshot.StreamID
	// Formats are those of the answer.
	Formats []earshot.Format
	// Port is the RTP port; 0 takes a free one.
	Port int
	// RTCPMux says that RTCP shares the RTP port (RFC 5761).
	RTCPMux bool
	// RemoteRTCP is where the SDP of the sender awaits reports; invalid if it
	// names no address.
	RemoteRTCP netip.AddrPort
	// XR are the extended reports that were asked for.
	XR earshot.XR
	// Resume goes on with what a dead process recorded of the stream.
	Resume bool
	// Security is how the packets are protected, nil if they are not.
	Security *earshot.Security
	// Paused begins with nothing kept, see [Stream.SetPaused].
	Paused bool
}

// Open begins to receive a stream. The error wraps [earshot.ErrNoPorts] if the
// range is used up or the given port is not free.
func (e *Engine) Open(spec StreamSpec) (*Stream, error) {
	s, err := e.newStream(spec)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", spec.StreamID, err)
	}
	pair, err := e.bind(spec.Port)
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", spec.StreamID, err)
	}
	s.sockets(pair)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		pair.close()
		e.ports.release(pair.port)
		return nil, fmt.Errorf("open stream %s: %w", spec.StreamID, earshot.ErrDraining)
	}
	s.poller = e.pollers[e.opened%len(e.pollers)]
	e.opened++
	if err := s.poller.add(s.rtp, s.rtcp); err != nil {
		pair.close()
		e.ports.release(pair.port)
		return nil, fmt.Errorf("open stream %s: %w", spec.StreamID, err)
	}
	e.streams[s] = true
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shakeHands()
	return s, nil
}

// Fingerprint returns that of the certificate for DTLS: "sha-256 AB:CD:...".
func (e *Engine) Fingerprint() string { return e.certificate.Fingerprint() }

// bind takes a pair of sockets: RTP on the even port, RTCP on the next.
func (e *Engine) bind(port int) (socketPair, error) {
	if port != 0 {
		return e.ports.take(e.cfg.BindIP, port)
	}
	return e.ports.any(e.cfg.BindIP)
}

// forget is called once by each stream when it is over.
func (e *Engine) forget(s *Stream) {
	e.totals.mu.Lock()
	stats := s.Stats()
	e.totals.add(stats, s.counters())
	e.rate(stats.Quality)
	e.mu.Lock()
	delete(e.streams, s)
	e.mu.Unlock()
	e.totals.mu.Unlock()
	e.ports.release(s.port)
}

// Recorded returns a reader of a stream that is over, or that a dead process
// left. The error wraps [earshot.ErrNotFound] if there is nothing of it.
func (e *Engine) Recorded(call earshot.CallID, stream earshot.StreamID) (*record.Reader, error) {
	return record.OpenReader(record.Config{Dir: e.cfg.Dir, CallID: call, StreamID: stream})
}
