package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

const (
	// handlerTries is how often an event is given to a handler that fails on
	// it, before it is set aside as poison.
	handlerTries = 5
	// handlerTimeout bounds one try; it is below ackWait, so that the event is
	// not handed out a second time meanwhile.
	handlerTimeout = ackWait - 500*time.Millisecond
	closeTimeout   = 10 * time.Second
)

// JobSink stores jobs. Apply is called from one goroutine per handler. Its
// errors are transient unless they are a [earshot.PermanentError].
type JobSink interface {
	Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error)
}

// HandlerFunc makes the jobs that follow from an event. It must be quick, may
// read the store but does nothing slow, and gives a job that follows from the
// same event the same key each time: it sees events more than once.
type HandlerFunc func(ctx context.Context, e earshot.Event) ([]earshot.Job, error)

// Router brings the events of the bus to handlers and stores the jobs they
// make. An event counts as handled once its jobs are stored.
type Router struct {
	bus      *Bus
	sink     JobSink
	log      *slog.Logger
	handlers []*handler
	byName   map[string]*handler
	stopping atomic.Bool

	running    chan struct{}
	subscribed sync.Once // closes running

	handled  *prometheus.CounterVec
	failed   *prometheus.CounterVec
	poisoned *prometheus.CounterVec
}

type handler struct {
	name string // durable consumer, unique
	typ  earshot.EventType
	f    HandlerFunc
	gate gate
}

// NewRouter makes a router without handlers.
func NewRouter(bus *Bus, sink JobSink, log *slog.Logger) *Router {
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"handler"})
	}
	return &Router{
		bus: bus, sink: sink, log: log, byName: map[string]*handler{}, running: make(chan struct{}),
		handled:  counter("earshot_pipeline_events_handled_total", "Events whose jobs are stored."),
		failed:   counter("earshot_pipeline_events_retried_total", "Tries to handle an event that failed."),
		poisoned: counter("earshot_pipeline_events_poisoned_total", "Events set aside as dead jobs."),
	}
}

// Collectors returns the metrics of the router.
func (r *Router) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.handled, r.failed, r.poisoned}
}

// Handle calls f for each event of the type. The name together with the type
// is the handler's place on the bus, which it keeps over restarts: letters,
// digits, '-' and '_' only. Handle is called before Run, and panics on a bad
// name or one used twice for the type.
func (r *Router) Handle(t earshot.EventType, name string, f HandlerFunc) {
	durable := name + "_" + strings.ReplaceAll(string(t), ".", "_")
	if name == "" || strings.ContainsFunc(durable, notNameRune) {
		panic(fmt.Sprintf("pipeline: bad handler name %q for %s", name, t))
	}
	if r.byName[durable] != nil {
		panic(fmt.Sprintf("pipeline: handler %q of %s exists", name, t))
	}
	h := &handler{name: durable, typ: t, f: f}
	r.byName[durable] = h
	r.handlers = append(r.handlers, h)
	r.bus.consume(consumerConfig(durable, Subject(t)))
}

func notNameRune(c rune) bool {
	ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
	return !ok
}

// Running is closed once all handlers are subscribed.
func (r *Router) Running() <-chan struct{} { return r.running }

// Run handles events until ctx ends; then it lets what is in hand come to its
// end and returns nil. It waits for a bus that is away. Run is called once.
func (r *Router) Run(ctx context.Context) error {
	conn, err := r.bus.connect("earshot-router")
	if err != nil {
		return fmt.Errorf("run router: %w", err)
	}
	defer conn.Close()
	for {
		err := r.subscribe(ctx, conn)
		if ctx.Err() != nil {
			return err
		}
		r.log.Warn("router waits for the bus", "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pollInterval):
		}
	}
}

// subscribe subscribes all handlers and runs them until ctx ends.
func (r *Router) subscribe(ctx context.Context, conn *nats.Conn) error {
	if err := r.bus.ready(ctx); err != nil {
		return ignoreDone(ctx, err)
	}
	if !conn.IsConnected() {
		return ignoreDone(ctx, nats.ErrDisconnected)
	}
	log := quietLogger{newWatermillLogger(r.log), r.stopping.Load}
	wm, err := message.NewRouter(message.RouterConfig{CloseTimeout: closeTimeout}, log)
	if err != nil {
		return fmt.Errorf("make router: %w", err)
	}
	for _, h := range r.handlers {
		sub, err := wmnats.NewSubscriberWithNatsConn(conn, subscription(h), log)
		if err != nil {
			return fmt.Errorf("subscribe %s: %w", h.name, err)
		}
		wm.AddConsumerHandler(h.name, Subject(h.typ), sub, func(m *message.Message) error {
			defer h.gate.leave()
			return r.handle(h, m)
		})
	}
	return r.runUntil(ctx, wm)
}

// ignoreDone returns err, or nil when ctx has ended and err only says so.
func ignoreDone(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// subscription binds to the declared consumer; watermill makes nothing by
// itself, for it would name a stream after the dotted topic.
func subscription(h *handler) wmnats.SubscriberSubscriptionConfig {
	return wmnats.SubscriberSubscriptionConfig{
		QueueGroupPrefix: h.name,
		AckWaitTimeout:   handlerTimeout,
		CloseTimeout:     closeTimeout,
		Unmarshaler:      &h.gate,
		NakDelay:         nakDelay{},
		JetStream: wmnats.JetStreamConfig{
			// Without ManualAck nats.go acknowledges what watermill gave up.
			SubscribeOptions:  []nats.SubOpt{nats.Bind(streamName, h.name), nats.ManualAck()},
			DurableCalculator: func(string, string) string { return h.name },
		},
	}
}

func (r *Router) runUntil(ctx context.Context, wm *message.Router) error {
	done := make(chan error, 1)
	// Its context does not end with ctx: subscriptions are closed only when
	// nothing is on its way into a handler, see gate.
	go func() { done <- wm.Run(context.WithoutCancel(ctx)) }()
	select {
	case err := <-done:
		return errors.Join(errors.New("subscribe handlers"), err)
	case <-wm.Running():
		r.subscribed.Do(func() { close(r.running) })
	}
	select {
	case err := <-done:
		return errors.Join(errors.New("handlers stopped"), err)
	case <-ctx.Done():
	}
	r.stopping.Store(true)
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	for _, h := range r.handlers {
		h.gate.shut(limit)
	}
	if err := errors.Join(wm.Close(), <-done); err != nil {
		return fmt.Errorf("stop router: %w", err)
	}
	return nil
}

// handle makes and stores the jobs of one message. An error brings the message
// back later.
func (r *Router) handle(h *handler, m *message.Message) error {
	jobs, err := r.jobs(m.Context(), h, m.Payload)
	if err != nil {
		var permanent *earshot.PermanentError
		if !errors.As(err, &permanent) && deliveries(m) < handlerTries {
			return r.again(h, m, err)
		}
		return r.poison(h, m, err)
	}
	if len(jobs) > 0 {
		_, err = r.sink.Apply(m.Context(), earshot.Commit{Jobs: jobs})
	}
	if _, ok := errors.AsType[*earshot.PermanentError](err); ok {
		return r.poison(h, m, err)
	}
	if err != nil {
		return r.again(h, m, fmt.Errorf("store jobs: %w", err))
	}
	r.handled.WithLabelValues(h.name).Inc()
	return nil
}

// again logs why the message has to come once more.
func (r *Router) again(h *handler, m *message.Message, err error) error {
	r.failed.WithLabelValues(h.name).Inc()
	r.log.Warn("event is tried again", "handler", h.name, "event_id", m.UUID,
		"deliveries", deliveries(m), "error", err)
	return &handledError{err}
}

// jobs decodes the event and asks the handler; a panic comes back as an error.
func (r *Router) jobs(ctx context.Context, h *handler, body []byte) (jobs []earshot.Job, err error) {
	e, err := decodeEvent(body, h.typ)
	if err != nil {
		return nil, earshot.Permanent(err)
	}
	defer func() {
		if p := recover(); p != nil {
			r.log.Error("handler panicked", "handler", h.name, "event_id", e.ID, "stack", string(debug.Stack()))
			jobs, err = nil, fmt.Errorf("handler panicked: %v", p)
		}
	}()
	return h.f(ctx, e)
}

// nakDelay is how long a message waits before it comes again: from 100 ms,
// doubling, up to 30 s.
type nakDelay struct{}

func (nakDelay) WaitTime(delivered uint64) time.Duration {
	const first, longest = 100 * time.Millisecond, 30 * time.Second
	if delivered > 9 {
		return longest
	}
	return min(longest, first<<max(0, int(delivered)-1))
}
