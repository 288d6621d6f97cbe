package calls

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"earshot"
)

// Defaults of [Config].
const (
	DefaultWrapUp       = 30 * time.Second
	DefaultMaxWrapUp    = 10 * time.Minute
	DefaultResumeWindow = 10 * time.Second
	DefaultMediaTimeout = 5 * time.Minute
)

// Config of a [Manager]. Zero values mean the defaults.
type Config struct {
	// WrapUp is how long an ended call waits for a further segment.
	WrapUp time.Duration
	// MaxWrapUp is how long it waits for its transcript to be complete.
	MaxWrapUp time.Duration
	// Opus has an Ogg/Opus file made of each recording.
	Opus bool
	// ResumeWindow is how long after a restart a call may stay without media
	// and signalling before it is closed as interrupted.
	ResumeWindow time.Duration
	// MediaTimeout ends a session whose active streams were all silent (no
	// packet at all) for so long. Streams on hold (inactive) do not count.
	MediaTimeout time.Duration
	// PauseLimit is how long a call may be paused before it goes on by itself; 0
	// is for ever.
	PauseLimit time.Duration
	// Agents are patterns of addresses of record that are agents: "*@pbx.example",
	// "+4930*", "2??", "2000-2099". Without @ they match the user part alone.
	Agents []string
	// SRTP says which streams are taken unless the offer says so itself; empty
	// is [earshot.SRTPAllow].
	SRTP earshot.SRTPPolicy
	// Fingerprint is that of the certificate for DTLS-SRTP, "sha-256 AB:...";
	// empty refuses streams that need it.
	Fingerprint string
	// Directory knows agents and queues. May be nil.
	Directory Directory
	// Admit is asked before each new session; its error refuses it. May be nil.
	Admit func() error
	// Broadcast gets the partials. It must not block. May be nil.
	Broadcast func(earshot.Event)
	// EndDialog sends a BYE for a session that we end. May be nil.
	EndDialog func(ctx context.Context, dialogID string) error
}

func (c Config) withDefaults() Config {
	orElse := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	orElse(&c.WrapUp, DefaultWrapUp)
	orElse(&c.MaxWrapUp, DefaultMaxWrapUp)
	orElse(&c.ResumeWindow, DefaultResumeWindow)
	orElse(&c.MediaTimeout, DefaultMediaTimeout)
	if c.Directory == nil {
		c.Directory = nobody{}
	}
	if c.Admit == nil {
		c.Admit = func() error { return nil }
	}
	if c.Broadcast == nil {
		c.Broadcast = func(earshot.Event) {}
	}
	if c.EndDialog == nil {
		c.EndDialog = func(context.Context, string) error { return nil }
	}
	return c
}

// Manager keeps the calls that are not finished: live ones, those that wrap
// up, and those whose transcript is still being completed.
type Manager struct {
	cfg   Config
	store Store
	media Media
	trans Transcriber
	log   *slog.Logger
	m     metrics

	mu        sync.Mutex
	calls     map[earshot.CallID]*call
	bySegment map[earshot.SegmentID]*call
	byStream  map[earshot.StreamID]*call
	byName    map[string]*call // by correlation ID
	draining  bool
}

// New returns a manager. [Manager.Recover] comes next, before signalling.
func New(cfg Config, store Store, media Media, trans Transcriber, log *slog.Logger) *Manager {
	return &Manager{
		cfg: cfg.withDefaults(), store: store, media: media, trans: trans, log: log,
		m:         newMetrics(),
		calls:     map[earshot.CallID]*call{},
		bySegment: map[earshot.SegmentID]*call{},
		byStream:  map[earshot.StreamID]*call{},
		byName:    map[string]*call{},
	}
}

// Drain refuses new sessions from now on; those that exist go on.
func (m *Manager) Drain() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.draining = true
}

// Live returns how many calls are live.
func (m *Manager) Live() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, c := range m.calls {
		if !c.ended.Load() {
			n++
		}
	}
	return n
}

func (m *Manager) kept() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.calls)
}

// Begin opens a recording session: it accepts what can be recorded of the
// offered media, opens the streams and stores the call. When it returns an
// error nothing is left of the session.
func (m *Manager) Begin(ctx context.Context, offer earshot.SessionOffer) (earshot.SessionAnswer, error) {
	if err := m.admit(); err != nil {
		m.m.refused.Inc()
		return earshot.SessionAnswer{}, err
	}
	plan, err := m.plan(nil, nil, offer)
	if err != nil {
		m.m.refused.Inc()
		return earshot.SessionAnswer{}, err
	}
	c := m.callFor(offer)
	defer c.mu.Unlock()
	answer, err := c.begin(ctx, offer, plan)
	if err != nil {
		m.m.refused.Inc()
		m.forget(c)
		return earshot.SessionAnswer{}, fmt.Errorf("begin recording session: %w", err)
	}
	m.m.segments.Inc()
	return answer, nil
}

// Update changes a recording session: media, metadata or both. An error
// leaves it as it was.
func (m *Manager) Update(ctx context.Context, id earshot.SegmentID, offer earshot.SessionOffer) (earshot.SessionAnswer, error) {
	c, err := m.segment(id)
	if err != nil {
		return earshot.SessionAnswer{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	answer, err := c.update(ctx, id, offer)
	if err != nil {
		return earshot.SessionAnswer{}, fmt.Errorf("update recording session: %w", err)
	}
	return answer, nil
}

// End closes a recording session: the streams are drained and closed, and the
// call ends when it was the last of its segments.
func (m *Manager) End(ctx context.Context, id earshot.SegmentID, reason string) error {
	c, err := m.segment(id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.end(ctx, id, reason, wallClock(), earshot.CallWrapping)
}

// Snapshot returns the call with what is not in the store yet: the counters
// of its live streams.
func (m *Manager) Snapshot(stored earshot.Call) earshot.Call {
	m.mu.Lock()
	c := m.calls[stored.ID]
	m.mu.Unlock()
	if c == nil {
		return stored
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refresh()
	out := c.copyRecord()
	out.Summary = stored.Summary
	return out
}

func (m *Manager) admit() error {
	m.mu.Lock()
	draining := m.draining
	m.mu.Unlock()
	if draining {
		return earshot.ErrDraining
	}
	return m.cfg.Admit()
}

func (m *Manager) segment(id earshot.SegmentID) (*call, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.bySegment[id]
	if c == nil {
		return nil, fmt.Errorf("segment %s: %w", id, earshot.ErrNotFound)
	}
	return c, nil
}

// callFor returns, locked, the call that a new session belongs to: one that it
// has a name in common with while that is live or wraps up, else a new one.
func (m *Manager) callFor(offer earshot.SessionOffer) *call {
	for {
		c := m.candidate(offer)
		c.mu.Lock()
		if !c.closed {
			return c
		}
		c.mu.Unlock()
	}
}

func (m *Manager) candidate(offer earshot.SessionOffer) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	names := stitches(correlationIDs(offer, factsOf(offer)))
	for _, name := range names {
		if c := m.byName[name]; c != nil {
			return c
		}
	}
	c := newCall(m, earshot.Call{
		ID: earshot.NewCallID(), State: earshot.CallLive,
		Direction: earshot.DirectionUnknown, StartedAt: wallClock(),
	})
	m.calls[c.rec.ID] = c
	// Already here, so that two sessions of one call that come at the same
	// moment meet in it.
	for _, name := range names {
		c.names = append(c.names, name)
		m.byName[name] = c
	}
	return c
}

// index makes the call findable by its segments and streams.
func (m *Manager) index(c *call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[c.rec.ID] = c
	for _, s := range c.rec.Segments {
		m.bySegment[s.ID] = c
	}
	for _, s := range c.rec.Streams {
		m.byStream[s.ID] = c
	}
	if c.settled {
		return
	}
	for _, name := range stitches(c.rec.CorrelationIDs) {
		if m.byName[name] == nil {
			m.byName[name] = c
			c.names = append(c.names, name)
		}
	}
}

// forget drops a call that needs nothing more from memory; one that is
// settled takes no further segment in any case. The caller holds the call's
// lock.
func (m *Manager) forget(c *call) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.settled || c.finished() {
		for _, name := range c.names {
			if m.byName[name] == c {
				delete(m.byName, name)
			}
		}
		c.names = nil
	}
	if !c.finished() {
		return
	}
	c.closed = true
	delete(m.calls, c.rec.ID)
	for _, s := range c.rec.Segments {
		delete(m.bySegment, s.ID)
	}
	for _, s := range c.rec.Streams {
		delete(m.byStream, s.ID)
	}
}
