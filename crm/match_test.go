package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/crm/phone"
)

func newMatcher(t *testing.T, s DeliveryStore, m *Mapping, connectors ...Connector) *Matcher {
	t.Helper()
	out, err := NewMatcher(s, connectors, m, "DE", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// system is a connector whose system knows people: by their ID, with the
// numbers as they are written there. It finds everybody for any question.
type system struct {
	fake
	people map[string][]string
	err    error
	asked  int
	made   int
}

func (s *system) Find(context.Context, phone.Number) ([]Candidate, error) {
	s.asked++
	var out []Candidate
	for id, numbers := range s.people {
		out = append(out, Candidate{earshot.Contact{ID: id, Name: "name of " + id}, numbers})
	}
	return out, s.err
}

func (s *system) MakeLead(_ context.Context, n phone.Number) (earshot.Contact, error) {
	s.made++
	return earshot.Contact{ID: "lead:" + n.E164}, nil
}

func TestMatch(t *testing.T) {
	people := map[string][]string{
		"ann": {"030 1234567", "+49 (0)30 / 7654321"}, "bob": {"+44 20 7946 0123"}, "bobs": {"0044 20 7946 0123"}, "ext": {"2001"},
	}
	for address, want := range map[string]earshot.Match{
		"sip:+49301234567@trunk.example":       {State: earshot.MatchMatched, Contact: &earshot.Contact{ID: "ann"}, Number: "+49301234567", Candidates: 1},
		"tel:030-7654321":                      {State: earshot.MatchMatched, Contact: &earshot.Contact{ID: "ann"}, Number: "+49307654321", Candidates: 1},
		"sip:00442079460123@trunk.example":     {State: earshot.MatchSeveral, Number: "+442079460123", Candidates: 2},
		"sip:+49301234560@trunk.example":       {State: earshot.MatchNone, Number: "+49301234560"},
		"sip:2001@desk.example":                {State: earshot.MatchMatched, Contact: &earshot.Contact{ID: "ext"}, Number: "2001", Candidates: 1},
		"sip:anonymous@anonymous.invalid":      {State: earshot.MatchAnonymous},
		"":                                     {State: earshot.MatchAnonymous},
		"sip:carol@customer.example":           {State: earshot.MatchNone},
		"\"Ann\" <sip:+49301234567@t.example>": {State: earshot.MatchMatched, Contact: &earshot.Contact{ID: "ann"}, Number: "+49301234567", Candidates: 1},
	} {
		s := newMemStore()
		m := newMatcher(t, s, nil, &system{people: people})
		c, err := m.Handle(t.Context(), MatchJob("c1", "crm", address))
		if err != nil || len(c.Matches) != 1 || len(c.Events) != 1 || c.Events[0].Type != earshot.EventCallMatched {
			t.Fatalf("%s: %v, %+v", address, err, c)
		}
		got := c.Matches[0]
		if got.State != want.State || got.Number != want.Number || got.Candidates != want.Candidates || got.CallID != "c1" || got.Connector != "crm" {
			t.Errorf("%s: %+v, want %+v", address, got, want)
		}
		if (got.Contact == nil) != (want.Contact == nil) || got.Contact != nil && got.Contact.ID != want.Contact.ID {
			t.Errorf("%s: contact %+v, want %+v", address, got.Contact, want.Contact)
		}
	}
}

func TestMatchJobs(t *testing.T) {
	var got []earshot.Delivery
	m := newMatcher(t, newMemStore(), nil, &system{}, named{answer(&got, "", nil), "plain"})
	call := earshot.Call{ID: "c1", Participants: []earshot.Participant{{ID: "a"}, {ID: "b"}}}
	if jobs := m.Jobs(&call); len(jobs) != 0 {
		t.Errorf("who of two is the customer? %+v", jobs)
	}
	call.Participants[0].Role, call.Participants[0].RoleConfidence = earshot.RoleAgent, 1
	call.Participants[1].AOR = "sip:+49301234567@t.example"
	first := m.Jobs(&call)
	if len(first) != 1 || first[0].Kind != earshot.JobMatch || first[0].CallID != "c1" {
		t.Fatalf("jobs %+v", first)
	}
	again := m.Jobs(&call)
	call.Participants[1].AOR = "sip:+49301234568@t.example"
	if other := m.Jobs(&call); again[0].Key != first[0].Key || other[0].Key == first[0].Key {
		t.Errorf("keys %s, %s, %s", first[0].Key, again[0].Key, other[0].Key)
	}
}

type named struct {
	fake
	name string
}

func (n named) Name() string { return n.name }

func TestMatchThatFails(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "all well")
	m := newMatcher(t, s, nil, &system{err: errors.New("no route")})
	if _, err := m.Handle(t.Context(), MatchJob("c1", "crm", "sip:+49301234567@t.example")); err == nil {
		t.Error("no error")
	}
	if got := s.calls["c1"].Matches; len(got) != 1 || got[0].State != earshot.MatchFailed || got[0].Number != "+49301234567" {
		t.Errorf("matches %+v", got)
	}
	last := MatchJob("c1", "crm", "sip:+49301234567@t.example")
	last.Attempts = maxLookUps - 1
	if c, err := m.Handle(t.Context(), last); err != nil || len(c.Matches) != 1 || c.Matches[0].State != earshot.MatchFailed {
		t.Errorf("the last attempt: %v, %+v", err, c)
	}
	for name, j := range map[string]earshot.Job{"connector": MatchJob("c1", "none", "x"), "payload": {Payload: json.RawMessage("[")}} {
		_, err := m.Handle(t.Context(), j)
		if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewMatcher(s, nil, nil, "Germany", testLog(t)); err == nil {
		t.Error("a region that is none")
	}
}

// TestNoteIsAddressed: what the look-up during the call left open is asked
// again when the note is delivered.
func TestNoteIsAddressed(t *testing.T) {
	const mine = "+49 30 1234567"
	matched := func(id string) *earshot.Match {
		return &earshot.Match{Connector: "crm", State: earshot.MatchMatched, Contact: &earshot.Contact{ID: id}}
	}
	for name, c := range map[string]struct {
		before  *earshot.Match
		people  map[string][]string
		mapping string
		asked   int
		state   earshot.MatchState
		contact string
		queue   string
	}{
		"known already":     {before: matched("eve"), people: map[string][]string{"ann": {mine}}, state: earshot.MatchMatched, contact: "eve"},
		"nobody looked":     {people: map[string][]string{"ann": {mine}}, asked: 1, state: earshot.MatchMatched, contact: "ann"},
		"it failed before":  {before: &earshot.Match{State: earshot.MatchFailed}, people: map[string][]string{"ann": {mine}}, asked: 1, state: earshot.MatchMatched, contact: "ann"},
		"nobody":            {asked: 1, state: earshot.MatchNone},
		"nobody, a queue":   {mapping: "crm: {unmatched: queue, queue: Lost}", asked: 1, state: earshot.MatchNone, queue: "Lost"},
		"several, a queue":  {people: map[string][]string{"ann": {mine}, "bob": {mine}}, mapping: "crm: {unmatched: queue, queue: Lost}", asked: 1, state: earshot.MatchSeveral, queue: "Lost"},
		"known, no queue":   {before: matched("eve"), mapping: "crm: {unmatched: queue, queue: Lost}", state: earshot.MatchMatched, contact: "eve"},
		"nobody, a lead":    {mapping: "crm: {unmatched: lead}", asked: 1, state: earshot.MatchMade, contact: "lead:+49301234567"},
		"several, no lead":  {people: map[string][]string{"ann": {mine}, "bob": {mine}}, mapping: "crm: {unmatched: lead}", asked: 1, state: earshot.MatchSeveral},
		"anonymous, a lead": {before: &earshot.Match{State: earshot.MatchAnonymous}, mapping: "crm: {unmatched: lead}", state: earshot.MatchAnonymous},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemStore()
			s.addCall("c1", "all well")
			call := s.calls["c1"]
			call.Participants = append(call.Participants, earshot.Participant{
				ID: "p2", AOR: "sip:0301234567@t.example", Role: earshot.RoleCustomer, RoleConfidence: 1,
			})
			if c.before != nil {
				c.before.Connector = "crm"
				call.Matches = []earshot.Match{*c.before}
			}
			s.calls["c1"] = call
			m := mapping(t, c.mapping)
			var got []earshot.Delivery
			sys := &system{fake: answer(&got, "7", nil), people: c.people}
			composed, err := NewNotes(s, nil, m).Handle(t.Context(), NoteJob("c1", "crm", 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Apply(t.Context(), composed); err != nil {
				t.Fatal(err)
			}
			h, err := NewDeliveries(s, newMatcher(t, s, m, sys), []Connector{sys}, nil, testLog(t))
			if err != nil {
				t.Fatal(err)
			}
			if err := run(t, h, s, composed.Jobs[0]); err != nil || len(got) != 1 {
				t.Fatalf("%v, %d deliveries", err, len(got))
			}
			n := got[0].Note
			contact := ""
			if n.Match.Contact != nil {
				contact = n.Match.Contact.ID
			}
			queue := ""
			if n.Writing != nil {
				queue = n.Writing.Queue
			}
			if sys.asked != c.asked || n.Match.State != c.state || contact != c.contact || queue != c.queue {
				t.Errorf("asked %d times: %s %q, queue %q", sys.asked, n.Match.State, contact, queue)
			}
			if kept := s.calls["c1"].Matches; len(kept) != 1 || kept[0].State != c.state {
				t.Errorf("the call says %+v", kept)
			}
		})
	}
}

func TestNoteWaitsForALookUp(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "all well")
	var got []earshot.Delivery
	sys := &system{fake: answer(&got, "7", nil), err: errors.New("no route")}
	d := s.deliveries[0]
	d.Note.Participants = []earshot.Participant{{AOR: "sip:+49301234567@t.example"}}
	s.deliveries[0] = d
	h := newDeliveries(t, s, sys, nil)
	if err := run(t, h, s, j); !errors.Is(err, sys.err) || len(got) != 0 || s.deliveries[0].State != failed {
		t.Errorf("%v, %d attempts, %+v", err, len(got), s.deliveries[0])
	}
	sys.err = nil
	if err := run(t, h, s, j); err != nil || len(got) != 1 || got[0].State != failed {
		t.Errorf("%v, %d attempts", err, len(got))
	}
	sys.err = fmt.Errorf("410: %w", earshot.ErrGone)
	next := intent(t, s, "two")
	s.deliveries[1].Note.Participants = d.Note.Participants
	if err := run(t, h, s, next); !errors.Is(err, earshot.ErrGone) || len(h.Disabled()) != 1 {
		t.Errorf("%v, disabled %v", err, h.Disabled())
	}
}

func TestLimitOfAConnector(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimits([]Connector{fake(nil)}, mapping(t, "crm: {per_minute: 12}"))
		begin := time.Now()
		for range 3 { // two at once, then one every five seconds
			if err := l.wait(t.Context(), "crm"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("the third came after %v", took)
		}
		_ = l.wait(t.Context(), "crm")
		full := newLimits([]Connector{fake(nil)}, mapping(t, "crm: {per_minute: 6}"))
		_ = full.wait(t.Context(), "crm")
		err := full.wait(t.Context(), "crm")
		after, ok := errors.AsType[*earshot.RetryAfterError](err)
		if !ok || after.After != 10*time.Second {
			t.Errorf("error %v", err)
		}
		if err := l.wait(t.Context(), "other"); err != nil {
			t.Errorf("one without a limit: %v", err)
		}
	})
}
