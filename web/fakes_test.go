package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"earshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a store of one process: state and events change together.
type memory struct {
	mu          sync.Mutex
	calls       map[earshot.CallID]earshot.Call
	utterances  map[earshot.CallID][]earshot.Utterance
	earlier     map[earshot.CallID]map[int][]earshot.Utterance
	suggestions map[earshot.CallID][]earshot.Suggestion
	deliveries  map[earshot.CallID][]earshot.Delivery
	events      []earshot.Event

	search  func(SearchQuery) ([]SearchHit, string, error)
	list    func(CallQuery) ([]earshot.Call, string, error)
	figures func(earshot.FiguresQuery) (earshot.DaysFigures, error)
	fail    error
	// pause is called between reading and returning.
	pause func(what string)
}

var (
	_ Reader   = (*memory)(nil)
	_ Live     = liveFunc(nil)
	_ Recorder = (*fakeRecorder)(nil)
	_ Again    = fakeAgain{}
	_ Audio    = audioFunc(nil)
	_ Jobs     = (*fakeJobs)(nil)
)

func newMemory() *memory {
	return &memory{
		calls:       map[earshot.CallID]earshot.Call{},
		utterances:  map[earshot.CallID][]earshot.Utterance{},
		suggestions: map[earshot.CallID][]earshot.Suggestion{},
		deliveries:  map[earshot.CallID][]earshot.Delivery{},
		pause:       func(string) {},
	}
}

// commit stores what the event says and the event itself.
func (m *memory) commit(e earshot.Event) earshot.Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e.Type {
	case earshot.EventUtteranceFinal:
		m.utterances[e.CallID] = append(m.utterances[e.CallID], decode[earshot.Utterance](e))
	case earshot.EventSuggestionCreated:
		m.suggestions[e.CallID] = append(m.suggestions[e.CallID], decode[earshot.Suggestion](e))
	case earshot.EventSuggestionRated:
		v := decode[earshot.Feedback](e)
		list := slices.Clone(m.suggestions[e.CallID])
		for i := range list {
			if list[i].ID == v.SuggestionID {
				list[i].Feedback = &v
			}
		}
		m.suggestions[e.CallID] = list
	case earshot.EventNoteUpdated:
		m.deliveries[e.CallID] = append(m.deliveries[e.CallID], decode[earshot.Delivery](e))
	case earshot.EventSummaryCreated:
		c, s := m.calls[e.CallID], decode[earshot.Summary](e)
		c.Summary = &s
		m.calls[e.CallID] = c
	case earshot.EventCallMarked:
		c := m.calls[e.CallID]
		c.Marks = earshot.PutMark(c.Marks, decode[earshot.Mark](e))
		m.calls[e.CallID] = c
	case earshot.EventCallMatched:
		c := m.calls[e.CallID]
		match := decode[earshot.CallMatch](e).Match
		c.Matches = append(slices.DeleteFunc(slices.Clone(c.Matches), func(m earshot.Match) bool { return m.Connector == match.Connector }), match)
		m.calls[e.CallID] = c
	case earshot.EventTranscriptCompleted:
		c := m.calls[e.CallID]
		c.TranscriptComplete = true
		m.calls[e.CallID] = c
	default:
		c := decode[earshot.Call](e)
		c.Summary = m.calls[e.CallID].Summary
		m.calls[e.CallID] = c
	}
	e.Seq = int64(len(m.events) + 1)
	m.events = append(m.events, e)
	return e
}

func decode[T any](e earshot.Event) T {
	var v T
	if err := json.Unmarshal(e.Data, &v); err != nil {
		panic(err)
	}
	return v
}

func (m *memory) read(what string) (unlock func()) {
	m.mu.Lock()
	return func() {
		m.mu.Unlock()
		m.pause(what)
	}
}

func (m *memory) Call(_ context.Context, id earshot.CallID) (earshot.Call, error) {
	defer m.read("call")()
	if m.fail != nil {
		return earshot.Call{}, m.fail
	}
	c, ok := m.calls[id]
	if !ok {
		return c, earshot.ErrNotFound
	}
	return c, nil
}

func (m *memory) Calls(_ context.Context, q CallQuery) ([]earshot.Call, string, error) {
	defer m.read("calls")()
	if m.list != nil {
		return m.list(q)
	}
	var out []earshot.Call
	for _, c := range m.calls {
		if !q.Audience.Sees(&c) || q.Tag != "" && !slices.Contains(c.Tags, q.Tag) {
			continue
		}
		if q.State == "" || (q.State == "ended") == c.State.Ended() {
			out = append(out, c)
		}
	}
	return out, "", m.fail
}

func (m *memory) Utterances(_ context.Context, id earshot.CallID) ([]earshot.Utterance, error) {
	defer m.read("utterances")()
	return slices.Clone(m.utterances[id]), nil
}

func (m *memory) EarlierTranscript(_ context.Context, id earshot.CallID, revision int) ([]earshot.Utterance, error) {
	defer m.read("earlier transcript")()
	return slices.Clone(m.earlier[id][revision]), nil
}

func (m *memory) Suggestions(_ context.Context, id earshot.CallID) ([]earshot.Suggestion, error) {
	defer m.read("suggestions")()
	return slices.Clone(m.suggestions[id]), nil
}

func (m *memory) Metadata(_ context.Context, id earshot.CallID) ([]earshot.SegmentMetadata, error) {
	if id != "done1" {
		return []earshot.SegmentMetadata{}, nil
	}
	return []earshot.SegmentMetadata{{CallID: id, SegmentID: "seg1", Metadata: earshot.Metadata{Raw: []string{"<recording/>"}}}}, nil
}

func (m *memory) Deliveries(_ context.Context, id earshot.CallID) ([]earshot.Delivery, error) {
	defer m.read("deliveries")()
	return slices.Clone(m.deliveries[id]), nil
}

func (m *memory) Search(_ context.Context, q SearchQuery) ([]SearchHit, string, error) {
	return m.search(q)
}

func (m *memory) Figures(_ context.Context, q earshot.FiguresQuery) (earshot.DaysFigures, error) {
	return m.figures(q)
}

func (m *memory) EventsAfter(_ context.Context, seq int64, id earshot.CallID, limit int) ([]earshot.Event, error) {
	defer m.read("events")()
	var out []earshot.Event
	for _, e := range m.events[min(seq, int64(len(m.events))):] {
		if (id == "" || id == e.CallID) && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (m *memory) LastSeq(context.Context) (int64, error) {
	defer m.read("last")()
	return int64(len(m.events)), nil
}

type liveFunc func(earshot.Call) earshot.Call

func (f liveFunc) Snapshot(c earshot.Call) earshot.Call { return f(c) }

// fakeRecorder knows one live call and one that is over, and what it was asked.
type fakeRecorder struct{ asked []string }

func (f *fakeRecorder) Pause(_ context.Context, id earshot.CallID, by, reason string) (earshot.Call, error) {
	return f.ask("pause", id, by, reason)
}

func (f *fakeRecorder) Resume(_ context.Context, id earshot.CallID, by, reason string) (earshot.Call, error) {
	return f.ask("resume", id, by, reason)
}

func (f *fakeRecorder) ask(what string, id earshot.CallID, by, reason string) (earshot.Call, error) {
	f.asked = append(f.asked, strings.Join([]string{what, string(id), by, reason}, "|"))
	switch id {
	case "live1":
		c := testCall(id, earshot.CallLive)
		c.Paused = what == "pause"
		return c, nil
	case "done1":
		return earshot.Call{}, earshot.ErrEnded
	}
	return earshot.Call{}, earshot.ErrNotFound
}

// fakeAgain has at most the call done1 recognised again.
type fakeAgain struct{}

func (fakeAgain) Retranscribe(_ context.Context, id earshot.CallID, engine string) (earshot.Retranscription, error) {
	switch {
	case engine == "other":
		return earshot.Retranscription{}, fmt.Errorf("%w: not moonshine", earshot.ErrNoEngine)
	case id == "live1":
		return earshot.Retranscription{}, earshot.ErrNotEnded
	case id == "busy":
		return earshot.Retranscription{}, earshot.ErrRunning
	case id != "done1":
		return earshot.Retranscription{}, earshot.ErrNotFound
	}
	return earshot.Retranscription{CallID: id, Revision: 1, Engine: engine, State: earshot.RetranscriptionWaiting}, nil
}

func (fakeAgain) Retranscription(_ context.Context, id earshot.CallID) (earshot.Retranscription, error) {
	if id != "done1" {
		return earshot.Retranscription{}, earshot.ErrNotFound
	}
	return earshot.Retranscription{CallID: id, Revision: 1, State: earshot.RetranscriptionRunning, Done: 0.5}, nil
}

type audioFunc func(earshot.CallID) (string, error)

func (f audioFunc) Path(id earshot.CallID) (string, error) { return f(id) }

func (f audioFunc) OpusPath(id earshot.CallID) (string, error) {
	path, err := f(id)
	return path + ".opus", err
}

// View is the recording with the channel's name before it; there are two.
func (f audioFunc) View(r io.ReaderAt, size int64, channel string) (io.ReadSeeker, error) {
	if channel > "1" {
		return nil, earshot.ErrNotFound
	}
	whole, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	return strings.NewReader(channel + string(whole)), err
}

func (f audioFunc) Waveform(id earshot.CallID) (earshot.Waveform, error) {
	w := earshot.NewWaveform(1, 8000, 160)
	w.Length, w.Data = 3, []int8{-1, 1, -2, 2, -3, 3}
	_, err := f(id)
	return w, err
}

type fakeJobs struct {
	jobs   func(state earshot.JobState, limit int) ([]earshot.Job, error)
	replay func(id int64) error
	all    func() (int, error)
}

func (f *fakeJobs) Jobs(_ context.Context, state earshot.JobState, limit int) ([]earshot.Job, error) {
	return f.jobs(state, limit)
}
func (f *fakeJobs) ReplayJob(_ context.Context, id int64) error { return f.replay(id) }
func (f *fakeJobs) ReplayDead(_ context.Context) (int, error)   { return f.all() }

// fixture is a server over a memory with one live and one settled call.
type fixture struct {
	*Server
	store *memory
	deps  Deps
	log   *lockedBuffer
}

func newFixture(t *testing.T, change ...func(*Config, *Deps)) *fixture {
	t.Helper()
	m := newMemory()
	m.commit(earshot.NewEvent(earshot.EventCallStarted, "live1", testCall("live1", earshot.CallLive)))
	m.commit(earshot.NewEvent(earshot.EventCallStarted, "done1", testCall("done1", earshot.CallSettled)))
	cfg := Config{Listen: "127.0.0.1:0"}
	deps := Deps{
		Reader:   m,
		Live:     liveFunc(func(c earshot.Call) earshot.Call { return c }),
		Recorder: &fakeRecorder{},
		Again:    fakeAgain{},
		Audio:    audioFunc(func(earshot.CallID) (string, error) { return "", earshot.ErrNotFound }),
		Jobs:     &fakeJobs{},
	}
	for _, f := range change {
		f(&cfg, &deps)
	}
	log := &lockedBuffer{}
	s, err := New(cfg, deps, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return &fixture{Server: s, store: m, deps: deps, log: log}
}

func testCall(id earshot.CallID, state earshot.CallState) earshot.Call {
	start := time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC)
	c := earshot.Call{
		ID: id, State: state, Direction: earshot.DirectionInbound, StartedAt: start,
		Participants: []earshot.Participant{
			{ID: "p1", Name: "Dana Reyes", Role: earshot.RoleAgent},
			{ID: "p2", Name: "Owen Gallagher", Role: earshot.RoleCustomer},
		},
		Streams: []earshot.Stream{{ID: "s1", Label: "1", ParticipantIDs: []earshot.ParticipantID{"p1"}}},
	}
	if state.Ended() {
		end := start.Add(time.Minute)
		c.EndedAt, c.RecordingReady = &end, true
	}
	return c
}

func final(call earshot.CallID, n int64) earshot.Utterance {
	return earshot.Utterance{
		ID: earshot.UtteranceIDFor("s1", earshot.Position(n)), CallID: call, StreamID: "s1",
		ParticipantID: "p1", Role: earshot.RoleAgent, StartMS: n, EndMS: n + 500,
		Text: "word", Confidence: 0.9, Final: true,
	}
}

// do sends a request to the handler and returns the answer with its body.
func (f *fixture) do(t *testing.T, method, path string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8080"+path, nil)
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	answer := w.Result()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func gathered(t *testing.T, cs []prometheus.Collector, name string) float64 {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(cs...)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}
