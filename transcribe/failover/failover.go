// Package failover asks several engines in order: the first that works gives
// the text. One that fails is left alone for a while, then tried with one
// utterance, and used again when that succeeds.
package failover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// Recogniser is what an engine does; see the contract in package transcribe.
type Recogniser interface {
	Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error)
}

// Follower is an engine that is sent what somebody says while it is said; see the
// contract in package transcribe.
type Follower interface {
	Follow(ctx context.Context, h earshot.Hearing, pcm []int16, rate int) (earshot.Recognition, error)
}

// Engine is one of those that are asked.
type Engine struct {
	Name string
	Recogniser
	// Timeout bounds one utterance; 0: nothing does.
	Timeout time.Duration
	// Most is how many utterances it works on at a time; 0: any number.
	Most int
}

// Failover is a recogniser made of several. It is safe for concurrent use.
type Failover struct {
	engines  []*guarded
	requests *prometheus.CounterVec
	state    *prometheus.GaugeVec
}

// New returns a recogniser that asks engines in order. An utterance waits at
// most for the sum of their timeouts.
func New(log *slog.Logger, engines ...Engine) (*Failover, error) {
	if len(engines) == 0 || log == nil {
		return nil, errors.New("new failover: no engines or no log")
	}
	f := &Failover{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_transcribe_engine_requests_total", Help: "Utterances and partials given to an engine, by outcome.",
		}, []string{"engine", "outcome"}),
		state: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "earshot_transcribe_engine_up", Help: "1 while an engine is used, 0 while it is left alone after failures.",
		}, []string{"engine"}),
	}
	for _, e := range engines {
		g := &guarded{Engine: e, breaker: breaker{up: f.state.WithLabelValues(e.Name), log: log.With("engine", e.Name)}}
		g.breaker.up.Set(1)
		if e.Most > 0 {
			g.slots = make(chan struct{}, e.Most)
		}
		f.engines = append(f.engines, g)
	}
	return f, nil
}

// Of returns a recogniser that asks those of the engines that are named, in that
// order. It shares with f what is known of each.
func (f *Failover) Of(names ...string) (*Failover, error) {
	out := &Failover{requests: f.requests, state: f.state}
	for _, name := range names {
		i := slices.IndexFunc(f.engines, func(g *guarded) bool { return g.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("engine %s is not one of these", name)
		}
		out.engines = append(out.engines, f.engines[i])
	}
	return out, nil
}

// Collectors returns the metrics, to be registered once.
func (f *Failover) Collectors() []prometheus.Collector {
	return []prometheus.Collector{f.requests, f.state}
}

// Recognise returns what the first engine that works makes of the audio. If
// none does, the error is permanent only if each of them says so; else it says
// when to come back, if that is known.
func (f *Failover) Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error) {
	return f.first(ctx, func(ctx context.Context, g *guarded) (earshot.Recognition, error) { return g.Recognise(ctx, pcm, rate) })
}

// Follow is Recognise for an utterance that is being said. Engines that can't
// follow are given all there is of it.
func (f *Failover) Follow(ctx context.Context, h earshot.Hearing, pcm []int16, rate int) (earshot.Recognition, error) {
	return f.first(ctx, func(ctx context.Context, g *guarded) (earshot.Recognition, error) {
		if follower, ok := g.Recogniser.(Follower); ok {
			return follower.Follow(ctx, h, pcm, rate)
		}
		return g.Recognise(ctx, pcm, rate)
	})
}

// asking is one question to an engine.
type asking func(ctx context.Context, g *guarded) (earshot.Recognition, error)

// first returns the answer of the first engine that has one.
func (f *Failover) first(ctx context.Context, question asking) (earshot.Recognition, error) {
	var all failures
	for _, e := range f.engines {
		if wait := e.breaker.admit(time.Now()); wait > 0 {
			all.add(&earshot.RetryAfterError{Err: fmt.Errorf("%s is left alone after failures", e.Name), After: wait})
			continue
		}
		heard, err := e.ask(ctx, question)
		if ctx.Err() != nil {
			e.breaker.withdraw()
			return earshot.Recognition{}, ctx.Err()
		}
		e.breaker.report(time.Now(), err)
		if err == nil {
			f.requests.WithLabelValues(e.Name, "ok").Inc()
			return heard, nil
		}
		f.requests.WithLabelValues(e.Name, "error").Inc()
		all.add(err)
	}
	return earshot.Recognition{}, all.err()
}

// guarded is an engine with what protects it and us.
type guarded struct {
	Engine
	slots   chan struct{}
	breaker breaker
}

// ask asks the engine within its bounds.
func (g *guarded) ask(ctx context.Context, question asking) (heard earshot.Recognition, err error) {
	if g.slots != nil {
		select {
		case g.slots <- struct{}{}:
			defer func() { <-g.slots }()
		case <-ctx.Done():
			return heard, ctx.Err()
		}
	}
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s panicked: %v", g.Name, v)
		}
	}()
	if g.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.Timeout)
		defer cancel()
	}
	return question(ctx, g)
}

// failures are what the engines said about one utterance.
type failures struct {
	list      []error
	transient bool
	soonest   time.Duration
}

func (f *failures) add(err error) {
	f.list = append(f.list, err)
	if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
		f.transient = true
	}
	later, ok := errors.AsType[*earshot.RetryAfterError](err)
	if ok && (f.soonest == 0 || later.After < f.soonest) {
		f.soonest = later.After
	}
}

func (f *failures) err() error {
	err := fmt.Errorf("no engine recognised it: %w", errors.Join(f.list...))
	switch {
	case !f.transient:
		return earshot.Permanent(err)
	case f.soonest > 0:
		return &earshot.RetryAfterError{Err: plain{err}, After: f.soonest}
	}
	return plain{err}
}

// plain is an error whose parts are not looked at: one of several engines may
// be permanently out of order without the utterance being so.
type plain struct{ err error }

func (p plain) Error() string { return p.err.Error() }
