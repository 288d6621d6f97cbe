package calls

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"earshot"
)

// memStore keeps commits in memory and fails on demand.
type memStore struct {
	mu      sync.Mutex
	fail    error
	calls   map[earshot.CallID]earshot.Call
	marks   map[earshot.StreamID]earshot.Watermark
	us      map[earshot.UtteranceID]earshot.Utterance
	jobs    []earshot.Job
	dialogs []earshot.Dialog
	events  []earshot.Event
}

func newMemStore() *memStore {
	return &memStore{
		calls: map[earshot.CallID]earshot.Call{}, marks: map[earshot.StreamID]earshot.Watermark{},
		us: map[earshot.UtteranceID]earshot.Utterance{},
	}
}

func (s *memStore) Apply(_ context.Context, c earshot.Commit) ([]earshot.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return nil, s.fail
	}
	for _, call := range c.Calls {
		s.calls[call.ID] = call
	}
	for _, m := range c.Watermarks {
		s.marks[m.StreamID] = m
	}
	for _, u := range c.Utterances {
		s.us[u.ID] = u
	}
	for _, j := range c.Jobs {
		j.RunAt = j.RunAt.Truncate(time.Microsecond) // as the real one keeps it
		s.jobs = append(s.jobs, j)
	}
	s.events = append(s.events, c.Events...)
	s.dialogs = slices.DeleteFunc(s.dialogs, func(d earshot.Dialog) bool { return slices.Contains(c.EndedDialogs, d.ID) })
	return c.Events, nil
}

func (s *memStore) Call(_ context.Context, id earshot.CallID) (earshot.Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.calls[id]
	if !ok {
		return c, earshot.ErrNotFound
	}
	return c, nil
}

func (s *memStore) where(keep func(earshot.Call) bool) ([]earshot.Call, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Call
	for _, c := range s.calls {
		if keep(c) {
			out = append(out, c)
		}
	}
	return out, nil
}

func (s *memStore) LiveCalls(context.Context) ([]earshot.Call, error) {
	return s.where(func(c earshot.Call) bool { return c.State == earshot.CallLive })
}

func (s *memStore) OpenTranscripts(context.Context) ([]earshot.Call, error) {
	return s.where(func(c earshot.Call) bool { return !c.TranscriptComplete })
}

func (s *memStore) EndedSince(_ context.Context, t time.Time) ([]earshot.Call, error) {
	return s.where(func(c earshot.Call) bool { return c.EndedAt != nil && !c.EndedAt.Before(t) })
}

func (s *memStore) Watermarks(_ context.Context, id earshot.CallID) ([]earshot.Watermark, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Watermark
	for _, st := range s.calls[id].Streams {
		if m, ok := s.marks[st.ID]; ok {
			out = append(out, m)
		}
	}
	return out, nil
}

func (s *memStore) Dialogs(context.Context) ([]earshot.Dialog, error) { return s.dialogs, nil }

func (s *memStore) eventTypes(id earshot.CallID) []earshot.EventType {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.EventType
	for _, e := range s.events {
		if e.CallID == id {
			out = append(out, e.Type)
		}
	}
	return out
}

func (s *memStore) only(t *testing.T) earshot.Call {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) != 1 {
		t.Fatalf("the store has %d calls, want 1", len(s.calls))
	}
	for _, c := range s.calls {
		return c
	}
	return earshot.Call{}
}

// memMedia hands out ports and remembers its receivers.
type memMedia struct {
	mu    sync.Mutex
	next  int
	limit int // how many may be open; 0: any number
	open  map[earshot.StreamID]*memReceiver
	all   map[earshot.StreamID]*memReceiver
	calls []earshot.CallID // rendered
	tones []earshot.Mark   // heard in each call
}

func newMemMedia() *memMedia {
	return &memMedia{next: 20000, open: map[earshot.StreamID]*memReceiver{}, all: map[earshot.StreamID]*memReceiver{}}
}

func (m *memMedia) Accept(offered []earshot.Format) ([]earshot.Format, error) {
	var out []earshot.Format
	for _, f := range offered {
		if f.Is("PCMU") || f.Is("PCMA") {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		return nil, earshot.ErrNoCommonCodec
	}
	return out, nil
}

func (m *memMedia) Open(spec StreamSpec) (Receiver, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.limit > 0 && len(m.open) >= m.limit {
		return nil, earshot.ErrNoPorts
	}
	r := &memReceiver{
		media: m, id: spec.StreamID, port: spec.Port, formats: spec.Formats, resumed: spec.Resume, security: spec.Security, paused: spec.Paused,
		agreed: earshot.StreamMedia{RTCPMux: spec.RTCPMux, RemoteRTCP: spec.RemoteRTCP, XR: spec.XR},
	}
	if r.port == 0 {
		r.port = m.next
		m.next += 2
	}
	m.open[spec.StreamID], m.all[spec.StreamID] = r, r
	return r, nil
}

func (m *memMedia) Recorded(_ earshot.CallID, id earshot.StreamID) (Source, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.all[id]; r != nil {
		return r, nil
	}
	return nil, earshot.ErrNotFound
}

func (m *memMedia) Tones(context.Context, earshot.Call) ([]earshot.Mark, error) {
	return m.tones, nil
}

func (m *memMedia) Render(_ context.Context, c earshot.Call) (earshot.Recording, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls = append(m.calls, c.ID)
	return earshot.Recording{SHA256: "of " + string(c.ID), Bytes: 44, Rate: 8000, Channels: len(c.Streams)}, nil
}

func (m *memMedia) Opus(_ context.Context, c earshot.Call) (earshot.SoundFile, error) {
	return earshot.SoundFile{SHA256: "opus " + c.Recording.SHA256, Bytes: 5}, nil
}

func (m *memMedia) openCount() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.open)
}

type memReceiver struct {
	media   *memMedia
	id      earshot.StreamID
	port    int
	resumed bool

	mu          sync.Mutex
	formats     []earshot.Format
	security    *earshot.Security
	agreed      earshot.StreamMedia // of RTCP
	first, last time.Time
	stats       earshot.StreamStats
	paused      bool
	marks       []earshot.StreamMark
}

func (r *memReceiver) SetReports(agreed earshot.StreamMedia) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.agreed = agreed
}

func (r *memReceiver) packet(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first.IsZero() {
		r.first = at
	}
	r.last = at
	r.stats.PacketsReceived++
}

func (r *memReceiver) Rate() int { return 8000 }
func (r *memReceiver) Port() int { return r.port }
func (r *memReceiver) ReadAt([]int16, earshot.Position) (int, error) {
	return 0, io.EOF
}

func (r *memReceiver) Started() (time.Time, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first, !r.first.IsZero()
}

func (r *memReceiver) LastPacket() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

func (r *memReceiver) Stats() earshot.StreamStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

func (r *memReceiver) Codec() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.formats[0].String()
}

func (r *memReceiver) SetSecurity(s *earshot.Security) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.security = s
	return nil
}

func (r *memReceiver) SetPaused(paused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.paused = paused
}

func (r *memReceiver) isPaused() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.paused
}

func (r *memReceiver) mark(m earshot.StreamMark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.marks = append(r.marks, m)
}

func (r *memReceiver) Marks() []earshot.StreamMark {
	r.mu.Lock()
	defer r.mu.Unlock()
	marks := r.marks
	r.marks = nil
	return marks
}

func (r *memReceiver) SetFormats(f []earshot.Format) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.formats = f
}

func (r *memReceiver) Close() error {
	r.media.mu.Lock()
	defer r.media.mu.Unlock()
	delete(r.media.open, r.id)
	return nil
}

// memTranscriber remembers what it was told.
type memTranscriber struct {
	mu    sync.Mutex
	added map[earshot.StreamID]earshot.Watermark
	ended map[earshot.StreamID]bool
}

func (m *memTranscriber) Add(_ earshot.CallID, id earshot.StreamID, _ Source, from earshot.Watermark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.added[id] = from
}

func (m *memTranscriber) End(id earshot.StreamID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[id] = true
}

type rig struct {
	*Manager
	store *memStore
	media *memMedia
	trans *memTranscriber
	byes  []string
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	return rigOver(newMemStore(), newMemMedia(), cfg)
}

func rigOver(store *memStore, media *memMedia, cfg Config) *rig {
	r := &rig{
		store: store, media: media,
		trans: &memTranscriber{added: map[earshot.StreamID]earshot.Watermark{}, ended: map[earshot.StreamID]bool{}},
	}
	cfg.EndDialog = func(_ context.Context, id string) error { r.byes = append(r.byes, id); return nil }
	r.Manager = New(cfg, store, media, r.trans, slog.New(slog.DiscardHandler))
	return r
}

var pcmu = earshot.Format{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1}

func audio(label string) earshot.MediaOffer {
	return earshot.MediaOffer{
		Kind: "audio", Profile: "RTP/AVP", Port: 4000, Label: label,
		Direction: earshot.SendOnly, Formats: []earshot.Format{pcmu},
	}
}

// twoParty offers an agent on label 1 and a customer on label 2.
func twoParty(dialog string) earshot.SessionOffer {
	role := func(r string) []earshot.Extension {
		return []earshot.Extension{{Space: ExtensionSpace, Name: "role", Value: r}}
	}
	return earshot.SessionOffer{
		DialogID: dialog, SIPCallID: dialog + "@src.example", Peer: "127.0.0.1:5080",
		Media: []earshot.MediaOffer{audio("1"), audio("2")},
		Metadata: &earshot.Metadata{
			Groups:   []earshot.MetaGroup{{ID: "group-1"}},
			Sessions: []earshot.MetaSession{{ID: "session-1", GroupID: "group-1"}},
			Participants: []earshot.MetaParticipant{
				{ID: "pa", Names: []string{"Mira Holt"}, AORs: []string{"sip:201@pbx.example"}, Extensions: role("agent")},
				{ID: "pb", Names: []string{"Jon Reyes"}, AORs: []string{"tel:+15550100"}},
			},
			Streams: []earshot.MetaStream{{ID: "sa", Label: "1"}, {ID: "sb", Label: "2"}},
			ParticipantStreams: []earshot.MetaParticipantStream{
				{ParticipantID: "pa", Send: []string{"sa"}, Recv: []string{"sb"}},
				{ParticipantID: "pb", Send: []string{"sb"}, Recv: []string{"sa"}},
			},
		},
	}
}

func (r *rig) begin(t *testing.T, offer earshot.SessionOffer) earshot.SessionAnswer {
	t.Helper()
	answer, err := r.Begin(t.Context(), offer)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// finish plays the recogniser's last word on each stream of a call.
func (r *rig) finish(t *testing.T, c earshot.Call) {
	t.Helper()
	for _, s := range c.Streams {
		mark := earshot.Watermark{StreamID: s.ID, Position: earshot.MediaClock, Completed: true}
		if err := r.Final(t.Context(), nil, mark); err != nil {
			t.Fatal(err)
		}
	}
}
