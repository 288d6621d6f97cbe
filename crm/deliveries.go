package crm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
)

// storeTime is what the outcome of an attempt has to be stored when the job's
// own time is over.
const storeTime = 5 * time.Second

// DeliveryStore is what delivering reads and writes.
type DeliveryStore interface {
	// Delivery returns earshot.ErrNotFound when there is no such revision.
	Delivery(ctx context.Context, id earshot.NoteID, revision int) (earshot.Delivery, error)
	Deliveries(ctx context.Context, id earshot.CallID) ([]earshot.Delivery, error)
	Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error)
}

// Deliveries makes the attempts to deliver. It is the worker of
// [earshot.JobDeliver] jobs.
type Deliveries struct {
	store      DeliveryStore
	matcher    *Matcher
	connectors map[string]Connector
	observe    func(Outcome)
	log        *slog.Logger

	mu   sync.Mutex
	gone map[string]bool
}

// NewDeliveries makes the worker for these connectors, which are those of the
// matcher. Each attempt is told to observe, which may be nil. A bad name or one
// used twice is an error.
func NewDeliveries(store DeliveryStore, matcher *Matcher, connectors []Connector, observe func(Outcome), log *slog.Logger) (*Deliveries, error) {
	if observe == nil {
		observe = func(Outcome) {}
	}
	h := &Deliveries{
		store: store, matcher: matcher, connectors: map[string]Connector{}, observe: observe, log: log, gone: map[string]bool{},
	}
	for _, c := range connectors {
		if err := ValidName(c.Name()); err != nil {
			return nil, err
		}
		if h.connectors[c.Name()] != nil {
			return nil, fmt.Errorf("two connectors are named %q", c.Name())
		}
		h.connectors[c.Name()] = c
	}
	return h, nil
}

// Disabled returns the names of the connectors whose receiver wants no more.
// They are tried again after a restart.
func (h *Deliveries) Disabled() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Sorted(maps.Keys(h.gone))
}

// Handle makes one attempt. That it begins is stored before, as state unknown;
// what came of it is in the Commit returned, or, when there is an error, is
// stored before Handle returns.
func (h *Deliveries) Handle(ctx context.Context, j earshot.Job) (earshot.Commit, error) {
	var p DeliverPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(fmt.Errorf("decode deliver job: %w", err))
	}
	d, err := h.store.Delivery(ctx, p.NoteID, p.Revision)
	if err != nil {
		return earshot.Commit{}, permanentIfMissing(fmt.Errorf("read delivery: %w", err))
	}
	if d.State == earshot.DeliveryConfirmed {
		return earshot.Commit{}, nil
	}
	others, err := h.store.Deliveries(ctx, d.CallID)
	if err != nil {
		return earshot.Commit{}, fmt.Errorf("read deliveries: %w", err)
	}
	newer, remoteID := confirmed(others, d)
	if newer > 0 {
		d.Error = fmt.Sprintf("superseded by revision %d", newer)
		return changed(d, earshot.DeliveryFailed), nil
	}
	if d.RemoteID == "" {
		d.RemoteID = remoteID
	}
	if d.RemoteID == "" && mayHaveArrived(others, d) {
		d.State = earshot.DeliveryUnknown
	}
	c, err := h.connector(d.Connector)
	if err != nil {
		return earshot.Commit{}, h.failed(ctx, d, d.State, earshot.Permanent(err))
	}
	return h.attempt(ctx, c, d)
}

// confirmed returns the newest confirmed revision of d's note that is newer
// than d, 0 for none, and the remote ID of the newest one older than d.
func confirmed(all []earshot.Delivery, d earshot.Delivery) (newer int, remoteID string) {
	older := 0
	for _, o := range all {
		switch {
		case o.NoteID != d.NoteID || o.State != earshot.DeliveryConfirmed:
		case o.Revision > d.Revision:
			newer = max(newer, o.Revision)
		case o.Revision > older && o.RemoteID != "":
			older, remoteID = o.Revision, o.RemoteID
		}
	}
	return newer, remoteID
}

// mayHaveArrived reports whether it is unknown of another revision of d's note.
func mayHaveArrived(all []earshot.Delivery, d earshot.Delivery) bool {
	return slices.ContainsFunc(all, func(o earshot.Delivery) bool {
		return o.NoteID == d.NoteID && o.Revision != d.Revision && o.State == earshot.DeliveryUnknown
	})
}

func (h *Deliveries) connector(name string) (Connector, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.connectors[name]
	if c == nil {
		return nil, fmt.Errorf("no connector %.50q is configured", name)
	}
	if h.gone[name] {
		return nil, fmt.Errorf("connector %s is disabled: %w", name, earshot.ErrGone)
	}
	return c, nil
}

func (h *Deliveries) attempt(ctx context.Context, c Connector, d earshot.Delivery) (earshot.Commit, error) {
	d, before, err := h.address(ctx, d)
	if err != nil {
		return earshot.Commit{}, h.failed(ctx, d, d.State, h.disabledBy(c, err))
	}
	begun := d
	begun.Attempts++
	begun.State, begun.UpdatedAt = earshot.DeliveryUnknown, now()
	before.Deliveries = []earshot.Delivery{begun}
	if _, err := h.store.Apply(ctx, before); err != nil {
		return earshot.Commit{}, fmt.Errorf("store the attempt: %w", err)
	}
	start := time.Now()
	remoteID, err := h.deliver(ctx, c, d)
	state := outcome(d.State, err)
	h.observe(Outcome{Connector: c.Name(), State: state, Took: time.Since(start), Gone: errors.Is(err, earshot.ErrGone)})
	prior := d.State
	d.Attempts++
	if err == nil {
		d.Error = ""
		if remoteID != "" {
			d.RemoteID = remoteID
		}
		return changed(d, state), nil
	}
	d.State = state
	return earshot.Commit{}, h.failed(ctx, d, prior, h.disabledBy(c, err))
}

// address waits for the connector's turn and finds out on whose record the note
// is to be; what came of it is in the commit.
func (h *Deliveries) address(ctx context.Context, d earshot.Delivery) (earshot.Delivery, earshot.Commit, error) {
	if err := h.matcher.limits.wait(ctx, d.Connector); err != nil {
		return d, earshot.Commit{}, err
	}
	match, err := h.matcher.settle(ctx, d.Note, true)
	if err != nil {
		return d, earshot.Commit{}, err
	}
	var found earshot.Commit
	if match != nil && match != d.Note.Match {
		found = matchCommit(d.CallID, *match)
	}
	d.Note = h.matcher.addressed(d.Note, match)
	return d, found, nil
}

// deliver calls the connector; after a panic nothing is known.
func (h *Deliveries) deliver(ctx context.Context, c Connector, d earshot.Delivery) (remoteID string, err error) {
	defer func() {
		if errors.Is(err, errPanicked) {
			err = Unknown(err)
		}
	}()
	defer recovered(h.log, c.Name(), &err)
	return c.Deliver(ctx, d)
}

// outcome returns the state after an attempt.
func outcome(before earshot.DeliveryState, err error) earshot.DeliveryState {
	switch {
	case err == nil:
		return earshot.DeliveryConfirmed
	case errors.Is(err, ErrUnknown), before == earshot.DeliveryUnknown:
		return earshot.DeliveryUnknown
	default:
		return earshot.DeliveryFailed
	}
}

// failed stores an attempt that did not work and returns why. d.State is as it
// is to be stored; a delivery that was never attempted becomes failed.
func (h *Deliveries) failed(ctx context.Context, d earshot.Delivery, prior earshot.DeliveryState, cause error) error {
	if d.State == earshot.DeliveryPending {
		d.State = earshot.DeliveryFailed
	}
	d.Error = cause.Error()
	c := changed(d, d.State)
	if d.State == prior {
		c.Events = nil // nothing new for anybody
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTime)
	defer cancel()
	if _, err := h.store.Apply(ctx, c); err != nil {
		// It stays unknown, as it was stored before the attempt.
		h.log.Warn("delivery state is not stored", "connector", d.Connector, "call_id", d.CallID, "error", err)
	}
	return cause
}

// changed commits a delivery in a state, and tells of it.
func changed(d earshot.Delivery, state earshot.DeliveryState) earshot.Commit {
	d.State, d.UpdatedAt = state, now()
	return earshot.Commit{
		Deliveries: []earshot.Delivery{d},
		Events:     []earshot.Event{earshot.NewEvent(earshot.EventNoteUpdated, d.CallID, d)},
	}
}

// disabledBy disables the connector if its receiver wants no more, which makes
// the error permanent.
func (h *Deliveries) disabledBy(c Connector, err error) error {
	if !errors.Is(err, earshot.ErrGone) {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.gone[c.Name()] {
		h.gone[c.Name()] = true
		h.log.Error("connector is disabled: its receiver wants no more notes", "connector", c.Name())
	}
	return earshot.Permanent(err)
}

func now() time.Time { return time.Now().UTC() }
