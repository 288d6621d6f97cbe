package media

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"
	"golang.org/x/sys/unix"

	"earshot"
	"earshot/media/jitter"
	"earshot/media/quality"
	"earshot/media/record"
)

// Stream is one stream being received and recorded. Its methods are safe for
// concurrent use, and go on working after Close.
type Stream struct {
	engine *Engine
	spec   StreamSpec
	port   int
	rtp    *socket
	rtcp   *socket
	poller *poller
	now    func() int64
	log    *record.Log
	rate   int

	closing  sync.Once
	closeErr error

	flushing  sync.Mutex
	diskError bool // told already

	// mu is held for as long as a batch of packets takes, and never while
	// anything waits.
	mu       sync.Mutex
	table    *formatTable
	timeline jitter.Timeline
	meter    quality.Meter
	latch    latch
	guard    *guard // nil: packets are plain
	ring     ring
	ear      ear
	heldBack holdback
	closed   bool
	pauses   pauses
	drops    drops
	keypad   *keypad              // nil before the first event
	pending  []earshot.StreamMark // that nobody has asked for yet
	packet   rtp.Packet           // parsed into
	entry    record.Packet        // recorded from
	blocks   []block              // of the packet, but the newest
	codec    string
	arrived  int64 // newest packet
	counts   counters
	late     uint64
	dropped  uint64
	invalid  uint64
	control  control
	reports  reporting
	settled  earshot.Position
	spans    []span

	// reading is held by ReadAt and guards what is below.
	reading   sync.Mutex
	assembler *record.Assembler
	recent    snapshot
	backlog   *record.Reader
}

// counters are counts that StreamStats has no word for.
type counters struct {
	// foreign packets came from a second source beside the one followed.
	foreign uint64
	// unanswered packets came in a static format that the answer did not name.
	unanswered uint64
	// repaired packets were lost, but came with a later one (RFC 2198).
	repaired uint64
	// jumps are breaks of SSRC or timestamp.
	jumps           uint64
	senderReports   uint64
	goodbyes        uint64
	receiverReports uint64 // sent
	// extendedReports came, extendedSent went out; roundTrips were measured.
	extendedReports, extendedSent, roundTrips uint64
	// unauthentic packets were protected by another key, or not at all.
	unauthentic uint64
	// replayed packets had been received, or are too old to tell.
	replayed        uint64
	handshakes      uint64 // DTLS, begun
	handshakeErrors uint64
	stun            uint64
	// discarded packets came after their time of playout, by the meter.
	discarded uint64
	// events are packets of telephone events, badEvents those that hold none.
	events    uint64
	badEvents uint64
}

func (c *counters) plus(d counters) {
	c.foreign += d.foreign
	c.unanswered += d.unanswered
	c.repaired += d.repaired
	c.jumps += d.jumps
	c.senderReports += d.senderReports
	c.goodbyes += d.goodbyes
	c.receiverReports += d.receiverReports
	c.extendedReports += d.extendedReports
	c.extendedSent += d.extendedSent
	c.roundTrips += d.roundTrips
	c.unauthentic += d.unauthentic
	c.replayed += d.replayed
	c.handshakes += d.handshakes
	c.handshakeErrors += d.handshakeErrors
	c.stun += d.stun
	c.discarded += d.discarded
	c.events += d.events
	c.badEvents += d.badEvents
}

// newStream returns a stream without sockets, with what an earlier process
// recorded of it if it is to go on.
func (e *Engine) newStream(spec StreamSpec) (*Stream, error) {
	if spec.CallID == "" || spec.StreamID == "" {
		return nil, errors.New("no ID")
	}
	s := &Stream{engine: e, spec: spec, now: e.clock.now, table: e.tables.of(spec.Formats), ring: ring{size: e.pace.ring}}
	s.rate, s.codec = s.table.rate, s.table.first
	s.assembler = record.NewAssembler(s.rate)
	s.control.init()
	s.reports = reporting{mux: spec.RTCPMux, xr: spec.XR}
	s.reports.aim(spec.RemoteRTCP)
	if err := s.protect(spec.Security); err != nil {
		return nil, err
	}
	cfg := record.Config{Dir: e.cfg.Dir, CallID: spec.CallID, StreamID: spec.StreamID, Create: e.cfg.CreateFile}
	if !spec.Resume {
		s.log = record.NewLog(cfg)
		s.setPaused(spec.Paused)
		return s, nil
	}
	var past record.Tally
	log, err := record.Recover(cfg, past.Add)
	if err != nil && !errors.Is(err, earshot.ErrNotFound) {
		return nil, err
	}
	s.log = log
	s.restore(&past)
	s.setPaused(spec.Paused)
	if problem := log.Problem(); problem != nil {
		e.log.Warn("recording is damaged", "call_id", spec.CallID, "stream", spec.StreamID, "err", problem)
	}
	if origin, ok := log.Started(); ok {
		return s, log.Start(origin, s.table.list)
	}
	return s, nil
}

// restore takes over what an earlier process recorded.
func (s *Stream) restore(past *record.Tally) {
	if past.LastArrival == 0 {
		return
	}
	s.timeline, s.late, s.arrived = past.Timeline, past.Late, past.LastArrival
	s.meter = past.Meter
	s.ring.floor, s.ring.any = past.Timeline.End(), true
	if past.Codec != "" {
		s.codec = past.Codec
	}
}

func (s *Stream) sockets(pair socketPair) {
	s.port = pair.port
	s.rtp = &socket{fd: pair.rtp, stream: s}
	s.rtcp = &socket{fd: pair.rtcp, stream: s, rtcp: true}
}

// ID returns the stream's ID.
func (s *Stream) ID() earshot.StreamID { return s.spec.StreamID }

// Port returns the even RTP port.
func (s *Stream) Port() int { return s.port }

// Rate returns the samples per second of what ReadAt gives.
func (s *Stream) Rate() int { return s.rate }

// Codec returns the format of the newest audio packet, before the first one
// that of the first recordable format: "PCMU/8000".
func (s *Stream) Codec() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codec
}

// Started returns the wall clock of position 0: when the first packet came.
func (s *Stream) Started() (time.Time, bool) { return s.log.Started() }

// LastPacket returns when the newest packet came; the zero time if none did.
func (s *Stream) LastPacket() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arrived == 0 {
		return time.Time{}
	}
	return time.Unix(0, s.arrived).UTC()
}

// Start returns where the audio begins: 0, or less if the first packet
// received had been overtaken on its way.
func (s *Stream) Start() earshot.Position { return s.log.NewReader().Start() }

// End returns where the audio received so far ends.
func (s *Stream) End() earshot.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseOverdue()
	return s.timeline.End()
}

// Stats returns what was counted so far.
func (s *Stream) Stats() earshot.StreamStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseOverdue()
	t := s.timeline.Stats()
	return earshot.StreamStats{
		PacketsReceived:  t.Received + s.counts.replayed,
		PacketsLost:      t.Lost,
		PacketsDuplicate: t.Duplicates + s.counts.replayed,
		PacketsLate:      s.late,
		PacketsInvalid:   s.invalid,
		PacketsDropped:   s.dropped,
		JitterMS:         float64(t.Jitter) / float64(time.Millisecond),
		Slips:            t.Slips,
		SlipMS:           t.Slipped.Duration().Milliseconds(),
		DriftPPM:         t.DriftPPM,
		Quality:          s.meter.Quality(),
	}
}

func (s *Stream) counters() counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.counts
	c.discarded = s.meter.Report().Discarded
	return c
}

// SetFormats replaces the answered formats, as after a re-INVITE. The sender
// may move to another address with it.
func (s *Stream) SetFormats(formats []earshot.Format) {
	table := s.engine.tables.of(formats)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release()
	s.latch.from = netip.AddrPort{}
	if equalFormats(table.list, s.table.list) {
		s.table = table // which of them are answered may differ
		return
	}
	s.table = table
	if origin, ok := s.log.Started(); ok {
		if err := s.log.Start(origin, table.list); err != nil {
			s.engine.log.Error("new formats cannot be recorded", "stream", s.spec.StreamID, "err", err)
		}
	}
}

// equalFormats reports whether the same payload types mean the same.
func equalFormats(a, b []earshot.Format) bool {
	if len(a) != len(b) {
		return false
	}
	types := map[uint8]earshot.Format{}
	for _, f := range a {
		types[f.PayloadType] = f
	}
	for _, f := range b {
		if types[f.PayloadType] != f {
			return false
		}
	}
	return true
}

// flush writes what is pending to disk.
func (s *Stream) flush() {
	s.mu.Lock()
	s.releaseOverdue()
	s.mu.Unlock()
	err := s.log.Flush()
	s.flushing.Lock()
	defer s.flushing.Unlock()
	if (err != nil) == s.diskError {
		return
	}
	s.diskError = err != nil
	if err != nil {
		s.engine.log.Error("recording cannot be written", "call_id", s.spec.CallID, "stream", s.spec.StreamID, "err", err)
		return
	}
	s.engine.log.Info("recording is written again", "call_id", s.spec.CallID, "stream", s.spec.StreamID)
}

// Close takes what is still in the socket, ends the stream and makes its
// recording durable. A second Close returns what the first one did.
func (s *Stream) Close() error {
	s.closing.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Stream) close() error {
	if s.rtp != nil {
		s.poller.remove(s.rtp, s.rtcp)
		s.drain(s.rtp, newBatch(s.engine.clock), 1<<10)
		s.goodbye()
		s.closeLinks()
	}
	s.mu.Lock()
	s.release()
	s.closed = true
	if s.rtp != nil {
		_ = unix.Close(s.rtp.fd)
		_ = unix.Close(s.rtcp.fd)
	}
	s.mu.Unlock()
	s.closeLinks() // a drain that was under way may have begun one
	err := s.log.Close()
	s.engine.forget(s)
	return err
}
