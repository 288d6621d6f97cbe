package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"earshot"
)

// fake is a connector made of a function.
type fake func(context.Context, earshot.Delivery) (string, error)

func (fake) Name() string { return "crm" }

func (f fake) Deliver(ctx context.Context, d earshot.Delivery) (string, error) { return f(ctx, d) }

// answer is a connector that remembers what it was given.
func answer(got *[]earshot.Delivery, remoteID string, err error) fake {
	return func(_ context.Context, d earshot.Delivery) (string, error) {
		*got = append(*got, d)
		return remoteID, err
	}
}

func newDeliveries(t *testing.T, s *memStore, c Connector, observe func(Outcome)) *Deliveries {
	t.Helper()
	h, err := NewDeliveries(s, newMatcher(t, s, nil, c), []Connector{c}, observe, testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// intent stores a pending delivery of the next revision and returns its job.
func intent(t *testing.T, s *memStore, text string) earshot.Job {
	t.Helper()
	s.addCall("c1", text)
	return compose(t, s, 1).Jobs[0]
}

// run handles a job and applies its commit.
func run(t *testing.T, h *Deliveries, s *memStore, j earshot.Job) error {
	t.Helper()
	c, err := h.Handle(t.Context(), j)
	if err == nil {
		_, err = s.Apply(t.Context(), c)
	}
	return err
}

const (
	pending   = earshot.DeliveryPending
	unknown   = earshot.DeliveryUnknown
	failed    = earshot.DeliveryFailed
	succeeded = earshot.DeliveryConfirmed
)

func wantStates(t *testing.T, s *memStore, want ...earshot.DeliveryState) {
	t.Helper()
	if got := s.states(); !slices.Equal(got, want) {
		t.Errorf("states %v, want %v", got, want)
	}
}

func TestDeliveryIsConfirmed(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "all well")
	var got []earshot.Delivery
	var outcomes []Outcome
	h := newDeliveries(t, s, answer(&got, "remote-7", nil), func(o Outcome) { outcomes = append(outcomes, o) })
	if err := run(t, h, s, j); err != nil {
		t.Fatal(err)
	}
	wantStates(t, s, pending, unknown, succeeded)
	d := s.deliveries[0]
	if d.Attempts != 1 || d.RemoteID != "remote-7" || d.Error != "" || d.UpdatedAt.IsZero() {
		t.Errorf("delivery %+v", d)
	}
	if len(got) != 1 || got[0].State != pending || got[0].Attempts != 0 || got[0].Key != "c1-crm-r1" {
		t.Errorf("connector was given %+v", got)
	}
	if len(s.events) != 1 || s.events[0].Type != earshot.EventNoteUpdated || s.events[0].CallID != "c1" {
		t.Errorf("events %+v", s.events)
	}
	if len(outcomes) != 1 || outcomes[0].State != succeeded || outcomes[0].Connector != "crm" {
		t.Errorf("outcomes %+v", outcomes)
	}
	if err := run(t, h, s, j); err != nil || len(got) != 1 {
		t.Errorf("a confirmed delivery is made again: %v, %d attempts", err, len(got))
	}
}

func TestFailedAttempts(t *testing.T) {
	busy := &earshot.RetryAfterError{Err: errors.New("busy"), After: time.Minute}
	for name, c := range map[string]struct {
		err  error
		want earshot.DeliveryState
	}{
		"transient": {errors.New("no route"), failed},
		"later":     {busy, failed},
		"permanent": {earshot.Permanent(errors.New("bad request")), failed},
		"lost":      {Unknown(errors.New("reset")), unknown},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMemStore()
			j := intent(t, s, "all well")
			var got []earshot.Delivery
			h := newDeliveries(t, s, answer(&got, "", c.err), nil)
			if err := run(t, h, s, j); !errors.Is(err, c.err) {
				t.Errorf("error %v, want %v", err, c.err)
			}
			d := s.deliveries[0]
			if d.State != c.want || d.Attempts != 1 || d.Error != c.err.Error() || len(s.events) != 1 {
				t.Errorf("delivery %+v, %d events", d, len(s.events))
			}
			if len(h.Disabled()) != 0 {
				t.Error("the connector is disabled")
			}
		})
	}
}

func TestUnknownStaysUntilConfirmed(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "all well")
	answers := []error{Unknown(errors.New("reset")), errors.New("no route"), nil}
	var given []earshot.DeliveryState
	h := newDeliveries(t, s, fake(func(_ context.Context, d earshot.Delivery) (string, error) {
		given = append(given, d.State)
		return "", answers[d.Attempts]
	}), nil)
	for range answers {
		_ = run(t, h, s, j)
	}
	if !slices.Equal(given, []earshot.DeliveryState{pending, unknown, unknown}) {
		t.Errorf("connector was given states %v", given)
	}
	wantStates(t, s, pending, unknown, unknown, unknown, unknown, unknown, succeeded)
	if len(s.events) != 2 { // the second failure told nobody anything new
		t.Errorf("%d events, want 2", len(s.events))
	}
	if d := s.deliveries[0]; d.Attempts != 3 || d.Error != "" {
		t.Errorf("delivery %+v", d)
	}
}

func TestDeathDuringAnAttempt(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "all well")
	h := newDeliveries(t, s, fake(func(context.Context, earshot.Delivery) (string, error) {
		s.mu.Lock() // from here on nothing is stored, as if the process was killed
		defer s.mu.Unlock()
		s.applyErr = errors.New("killed")
		return "", nil
	}), nil)
	if err := run(t, h, s, j); err == nil {
		t.Fatal("no error")
	}
	s.applyErr = nil
	var got []earshot.Delivery
	if err := run(t, newDeliveries(t, s, answer(&got, "", nil), nil), s, j); err != nil {
		t.Fatal(err)
	}
	if got[0].State != unknown || got[0].Attempts != 1 {
		t.Errorf("after a death the connector was given %s, %d attempts", got[0].State, got[0].Attempts)
	}
}

func TestNoAttemptThatIsNotStoredFirst(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "all well")
	s.applyErr = errors.New("disk is full")
	var got []earshot.Delivery
	if err := run(t, newDeliveries(t, s, answer(&got, "", nil), nil), s, j); err == nil || len(got) != 0 {
		t.Errorf("%d attempts, error %v", len(got), err)
	}
}

func TestSupersededRevisionIsSkipped(t *testing.T) {
	s := newMemStore()
	first, second := intent(t, s, "one"), intent(t, s, "two")
	var got []earshot.Delivery
	h := newDeliveries(t, s, answer(&got, "remote", nil), nil)
	for _, j := range []earshot.Job{second, first} {
		if err := run(t, h, s, j); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 1 || got[0].Revision != 2 {
		t.Errorf("attempts at %+v", got)
	}
	if d := s.deliveries[0]; d.State != failed || d.Error != "superseded by revision 2" || d.Attempts != 0 {
		t.Errorf("delivery %+v", d)
	}
}

func TestLaterRevisionKnowsTheRemoteID(t *testing.T) {
	s := newMemStore()
	var got []earshot.Delivery
	h := newDeliveries(t, s, answer(&got, "remote-7", nil), nil)
	for _, text := range []string{"one", "two"} {
		if err := run(t, h, s, intent(t, s, text)); err != nil {
			t.Fatal(err)
		}
	}
	if got[0].RemoteID != "" || got[1].RemoteID != "remote-7" {
		t.Errorf("remote IDs %q, %q", got[0].RemoteID, got[1].RemoteID)
	}
}

func TestGoneDisablesTheConnector(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "one")
	var got []earshot.Delivery
	var outcomes []Outcome
	gone := fmt.Errorf("410: %w", earshot.ErrGone) // permanent even when not marked
	h := newDeliveries(t, s, answer(&got, "", gone), func(o Outcome) { outcomes = append(outcomes, o) })
	next := intent(t, s, "two")
	for _, job := range []earshot.Job{j, next} {
		err := run(t, h, s, job)
		var permanent *earshot.PermanentError
		if !errors.As(err, &permanent) || !errors.Is(err, earshot.ErrGone) {
			t.Errorf("error %v", err)
		}
	}
	if len(got) != 1 || !outcomes[0].Gone || !slices.Equal(h.Disabled(), []string{"crm"}) {
		t.Errorf("%d attempts, outcomes %+v, disabled %v", len(got), outcomes, h.Disabled())
	}
	for _, d := range s.deliveries {
		if d.State != failed || d.Error == "" {
			t.Errorf("delivery %+v", d)
		}
	}
}

func TestConnectorThatPanics(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "one")
	h := newDeliveries(t, s, fake(func(context.Context, earshot.Delivery) (string, error) { panic("nil map") }), nil)
	if err := run(t, h, s, j); !errors.Is(err, ErrUnknown) || s.deliveries[0].State != unknown {
		t.Errorf("error %v, delivery %+v", err, s.deliveries[0])
	}
}

func TestOutcomeIsStoredThoughTheTimeIsOver(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "one")
	ctx, cancel := context.WithCancel(t.Context())
	h := newDeliveries(t, s, fake(func(ctx context.Context, _ earshot.Delivery) (string, error) {
		cancel()
		return "", Unknown(ctx.Err())
	}), nil)
	if _, err := h.Handle(ctx, j); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if d := s.deliveries[0]; d.State != unknown || d.Error == "" {
		t.Errorf("delivery %+v", d)
	}
}

func TestDeliverJobThatCannotWork(t *testing.T) {
	s := newMemStore()
	j := intent(t, s, "one")
	h, err := NewDeliveries(s, newMatcher(t, s, nil), nil, nil, testLog(t)) // the connector is not configured any more
	if err != nil {
		t.Fatal(err)
	}
	missing := DeliverJob(earshot.Delivery{NoteID: "c9-crm", Revision: 1})
	bad := j
	bad.Payload = []byte("[")
	for name, job := range map[string]earshot.Job{"no connector": j, "no delivery": missing, "payload": bad} {
		_, err := h.Handle(t.Context(), job)
		if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	if d := s.deliveries[0]; d.State != failed || d.Error == "" {
		t.Errorf("delivery %+v", d)
	}
}

func TestConnectorNames(t *testing.T) {
	c := answer(new([]earshot.Delivery), "", nil)
	if _, err := NewDeliveries(newMemStore(), newMatcher(t, nil, nil), []Connector{c, c}, nil, testLog(t)); err == nil {
		t.Error("two connectors of one name")
	}
}

// TestEarlierRevisionMayBeThere: what became of the first revision is not
// known, and the second must not be made a second note.
func TestEarlierRevisionMayBeThere(t *testing.T) {
	s := newMemStore()
	first := intent(t, s, "all well")
	var given []earshot.DeliveryState
	var err error
	h := newDeliveries(t, s, fake(func(_ context.Context, d earshot.Delivery) (string, error) {
		given = append(given, d.State)
		return "", err
	}), nil)
	err = Unknown(errors.New("reset"))
	_ = run(t, h, s, first)
	second := intent(t, s, "late words")
	err = nil
	if err := run(t, h, s, second); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(given, []earshot.DeliveryState{pending, unknown}) {
		t.Errorf("connector was given states %v", given)
	}
	if err := run(t, h, s, first); err != nil || s.deliveries[0].State != failed || len(given) != 2 {
		t.Errorf("the first revision is %s (%v), %d attempts", s.deliveries[0].State, err, len(given))
	}
}
