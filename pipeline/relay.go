package pipeline

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

const (
	relayBatch = 256
	// pollInterval is how often the store is asked although nobody called Wake.
	pollInterval = time.Second
)

// Outbox is the store's list of events that are not on the bus yet. The relay
// calls it from one goroutine.
type Outbox interface {
	// Unpublished returns the first of them after a Seq, at most limit, in rising
	// Seq. What is committed later has a higher Seq.
	Unpublished(ctx context.Context, after int64, limit int) ([]earshot.Event, error)
	// MarkPublished takes events off the list.
	MarkPublished(ctx context.Context, seqs []int64) error
	// Republish puts the events since then back on the list.
	Republish(ctx context.Context, since time.Time) error
}

// Relay publishes the store's events to the bus in the order of their Seq.
type Relay struct {
	out    Outbox
	bus    *Bus
	log    *slog.Logger
	wake   chan struct{}
	settle time.Duration
	// sent are the events on the bus that may not be on its disk yet, oldest
	// first; they are marked as published when they are settle old.
	sent []sentEvent
	// through is the Seq up to which every event on the list is in sent.
	through int64
	failing bool

	published prometheus.Counter
	refused   prometheus.Counter
	errors    prometheus.Counter
	lag       prometheus.Gauge
}

type sentEvent struct {
	seq int64
	at  time.Time
}

// NewRelay makes the relay between the store and the bus.
func NewRelay(out Outbox, bus *Bus, log *slog.Logger) *Relay {
	r := &Relay{out: out, bus: bus, log: log, wake: make(chan struct{}, 1)}
	if bus.srv != nil {
		r.settle = settleTime
	}
	r.published = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "earshot_pipeline_events_published_total", Help: "Events brought to the bus.",
	})
	r.refused = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "earshot_pipeline_events_unpublishable_total", Help: "Events the bus can never take, such as too long ones.",
	})
	r.errors = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "earshot_pipeline_relay_errors_total", Help: "Rounds of the relay that ended with an error.",
	})
	r.lag = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "earshot_pipeline_relay_lag_seconds", Help: "Age of the event published last when it was published.",
	})
	return r
}

// Collectors returns the metrics of the relay.
func (r *Relay) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.published, r.refused, r.errors, r.lag}
}

// Wake says that there are new events. It never blocks.
func (r *Relay) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run publishes until ctx ends, then returns nil. Errors of the bus and the
// store are waited out.
func (r *Relay) Run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := r.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		r.note(err)
		wake := r.wake
		if err != nil {
			wake = nil // after an error only the clock tries again
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-wake:
		}
	}
}

// note logs when the relay starts and ends to fail, not each time.
func (r *Relay) note(err error) {
	switch {
	case err != nil:
		r.errors.Inc()
		if !r.failing {
			r.log.Warn("relay waits", "error", err)
		}
	case r.failing:
		r.log.Info("relay goes on")
	}
	r.failing = err != nil
}

// round publishes all there is.
func (r *Relay) round(ctx context.Context) error {
	if err := r.bus.ready(ctx); err != nil {
		return err
	}
	if err := r.refill(ctx); err != nil {
		return err
	}
	for {
		events, err := r.out.Unpublished(ctx, r.through, relayBatch)
		if err != nil {
			return err
		}
		err = r.publish(ctx, events)
		if err := errors.Join(err, r.mark(ctx)); err != nil {
			return err
		}
		if len(events) < relayBatch || r.bus.Fresh() {
			return nil
		}
	}
}

// refill gives a new stream the recent events.
func (r *Relay) refill(ctx context.Context) error {
	if !r.bus.Fresh() {
		return nil
	}
	since := time.Now().Add(-r.bus.cfg.MaxAge)
	if err := r.out.Republish(ctx, since); err != nil {
		return err
	}
	r.sent, r.through = nil, 0
	r.log.Info("recent events are published again", "since", since)
	return r.bus.filled(ctx)
}

func (r *Relay) publish(ctx context.Context, events []earshot.Event) error {
	for _, e := range events {
		if err := r.bus.ready(ctx); err != nil {
			return err
		}
		if r.bus.Fresh() {
			return nil // the stream was lost under way: the older events go first
		}
		err := r.bus.Publish(ctx, e)
		if _, ok := errors.AsType[*earshot.PermanentError](err); ok {
			// It must not hold up all the others; it is still in the store.
			r.log.Error("event cannot be published", "event_id", e.ID, "type", e.Type, "error", err)
			r.refused.Inc()
		} else if err != nil {
			return err
		} else {
			r.published.Inc()
			r.lag.Set(time.Since(e.At).Seconds())
		}
		r.sent, r.through = append(r.sent, sentEvent{e.Seq, time.Now()}), e.Seq
	}
	return nil
}

// mark takes the events off the list that are safe on the bus.
func (r *Relay) mark(ctx context.Context) error {
	var seqs []int64
	for _, e := range r.sent {
		if time.Since(e.at) < r.settle {
			break
		}
		seqs = append(seqs, e.seq)
	}
	if len(seqs) == 0 {
		return nil
	}
	if err := r.out.MarkPublished(ctx, seqs); err != nil {
		return err
	}
	r.sent = slices.Delete(r.sent, 0, len(seqs))
	return r.bus.noteProgress(ctx)
}
