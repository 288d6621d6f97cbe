package crm

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memStore is the store in memory, as far as this package sees it. What it
// keeps went through JSON, as in the real one.
type memStore struct {
	mu         sync.Mutex
	calls      map[earshot.CallID]earshot.Call
	summaries  map[earshot.CallID]earshot.Summary
	said       map[earshot.CallID][]earshot.Utterance
	made       map[earshot.CallID][]earshot.Suggestion
	deliveries []earshot.Delivery
	history    []earshot.Delivery
	jobs       []earshot.Job
	events     []earshot.Event
	applyErr   error
}

func newMemStore() *memStore {
	return &memStore{calls: map[earshot.CallID]earshot.Call{}, summaries: map[earshot.CallID]earshot.Summary{}}
}

func (s *memStore) Call(_ context.Context, id earshot.CallID) (earshot.Call, error) {
	c, ok := s.calls[id]
	if !ok {
		return c, earshot.ErrNotFound
	}
	return c, nil
}

func (s *memStore) Summary(_ context.Context, id earshot.CallID) (*earshot.Summary, error) {
	v, ok := s.summaries[id]
	if !ok {
		return nil, nil
	}
	return &v, nil
}

func (s *memStore) Deliveries(_ context.Context, id earshot.CallID) ([]earshot.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Delivery
	for _, d := range s.deliveries {
		if d.CallID == id {
			out = append(out, d)
		}
	}
	return out, nil
}

func (s *memStore) Delivery(_ context.Context, id earshot.NoteID, revision int) (earshot.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.deliveries {
		if d.NoteID == id && d.Revision == revision {
			return d, nil
		}
	}
	return earshot.Delivery{}, earshot.ErrNotFound
}

func (s *memStore) Utterances(_ context.Context, id earshot.CallID) ([]earshot.Utterance, error) {
	return s.said[id], nil
}

func (s *memStore) Suggestions(_ context.Context, id earshot.CallID) ([]earshot.Suggestion, error) {
	return s.made[id], nil
}

func (s *memStore) Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applyErr != nil || ctx.Err() != nil {
		return nil, cmpErr(s.applyErr, ctx.Err())
	}
	for _, d := range c.Deliveries {
		raw, err := json.Marshal(d)
		if err != nil {
			return nil, err
		}
		var kept earshot.Delivery
		if err := json.Unmarshal(raw, &kept); err != nil {
			return nil, err
		}
		s.history = append(s.history, kept)
		same := func(o earshot.Delivery) bool { return o.NoteID == d.NoteID && o.Revision == d.Revision }
		if i := slices.IndexFunc(s.deliveries, same); i >= 0 {
			s.deliveries[i] = kept
		} else {
			s.deliveries = append(s.deliveries, kept)
		}
	}
	for _, m := range c.Matches {
		call := s.calls[m.CallID]
		call.Matches = append(slices.DeleteFunc(call.Matches, func(o earshot.Match) bool { return o.Connector == m.Connector }), m.Match)
		s.calls[m.CallID] = call
	}
	s.jobs = append(s.jobs, c.Jobs...)
	s.events = append(s.events, c.Events...)
	return c.Events, nil
}

func cmpErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// states returns the states a delivery went through.
func (s *memStore) states() []earshot.DeliveryState {
	var out []earshot.DeliveryState
	for _, d := range s.history {
		out = append(out, d.State)
	}
	return out
}

func testLog(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

var start = time.Date(2026, 3, 4, 5, 6, 7, 123_456_000, time.FixedZone("CET", 3600))

// addCall stores an ended call with a summary.
func (s *memStore) addCall(id earshot.CallID, text string) {
	end := start.Add(61*time.Second + 600*time.Millisecond)
	s.calls[id] = earshot.Call{
		ID: id, State: earshot.CallWrapping, StartedAt: start, EndedAt: &end,
		Participants: []earshot.Participant{{ID: "p1", Name: "Ann", Role: earshot.RoleAgent}},
	}
	s.summaries[id] = earshot.Summary{CallID: id, Revision: 1, Text: text, By: "extractive", CreatedAt: end}
}

func TestCompose(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "all well")
	n := Compose(s.calls["c1"], s.summaries["c1"], Links{"http://e/c1", "http://e/c1.wav"}, "crm", 2)
	if n.ID != "c1-crm" || n.Revision != 2 || n.DurationS != 62 || n.CallURL != "http://e/c1" ||
		n.AudioURL != "http://e/c1.wav" || n.Connector != "crm" || n.State != earshot.CallWrapping {
		t.Errorf("note %+v", n)
	}
	raw, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "null") || strings.Contains(string(raw), "+01:00") {
		t.Errorf("note in JSON is %s", raw)
	}
	if KeyFor(n.ID, 2) != "c1-crm-r2" {
		t.Errorf("key %q", KeyFor(n.ID, 2))
	}
	n.Participants[0].Name = "Bob"
	if s.calls["c1"].Participants[0].Name != "Ann" {
		t.Error("the note shares the call's participants")
	}
}

func TestComposeOfACallWithoutAnEnd(t *testing.T) {
	n := Compose(earshot.Call{ID: "c1", StartedAt: start}, earshot.Summary{}, Links{}, "crm", 1)
	if !n.EndedAt.Equal(start) || n.DurationS != 0 {
		t.Errorf("note %+v", n)
	}
}

func TestContentHash(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "all well")
	base := Compose(s.calls["c1"], s.summaries["c1"], Links{}, "crm", 1)
	var stored earshot.Note
	raw, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatal(err)
	}
	for name, same := range map[string]func(*earshot.Note){
		"stored":        func(n *earshot.Note) { *n = stored },
		"revision":      func(n *earshot.Note) { n.Revision = 9 },
		"summary again": func(n *earshot.Note) { n.Summary.Revision, n.Summary.CreatedAt = 2, time.Now() },
		"settled":       func(n *earshot.Note) { n.State = earshot.CallSettled },
	} {
		n := base
		if same(&n); contentHash(n) != contentHash(base) {
			t.Errorf("%s: a difference", name)
		}
	}
	for name, other := range map[string]func(*earshot.Note){
		"text":        func(n *earshot.Note) { n.Summary.Text = "x" },
		"incomplete":  func(n *earshot.Note) { n.Summary.Incomplete = true },
		"participant": func(n *earshot.Note) { n.Participants = nil },
		"tags":        func(n *earshot.Note) { n.Tags = []string{"x"} },
		"names":       func(n *earshot.Note) { n.CorrelationIDs = []string{"group:x"} },
	} {
		n := base
		if other(&n); contentHash(n) == contentHash(base) {
			t.Errorf("%s: no difference", name)
		}
	}
}

func TestValidName(t *testing.T) {
	for name, ok := range map[string]bool{
		"webhook": true, "crm-2_x": true, "": false, "a.b": false, "A": false, "a b": false, "é": false,
		strings.Repeat("x", 41): false,
	} {
		if (ValidName(name) == nil) != ok {
			t.Errorf("ValidName(%q) = %v", name, ValidName(name))
		}
	}
}
