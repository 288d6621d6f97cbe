package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

const (
	defaultMaxAge   = 24 * time.Hour
	defaultMaxBytes = 256 << 20
	// dedupWindow is how long JetStream remembers a Nats-Msg-Id.
	dedupWindow = 10 * time.Minute
	// requestTimeout bounds each request to JetStream.
	requestTimeout = 5 * time.Second
	// checkEvery is how often the stream and its consumers are looked at
	// although nothing seems wrong: somebody may have deleted a consumer.
	checkEvery = 30 * time.Second
)

// BusConfig says where the bus is and how much it keeps.
type BusConfig struct {
	// URL of a NATS server with JetStream (several with commas between); ""
	// runs one inside the process, which listens on no socket.
	URL string
	// Dir is where the server inside the process keeps its stream.
	Dir string
	// MaxAge is how long events stay on the bus, default 24 h. Jobs that are
	// done must be kept longer than that, or an event published again makes
	// its job a second time.
	MaxAge time.Duration
	// MaxBytes is how much the stream may hold, default 256 MiB; beyond it the
	// oldest events go first.
	MaxBytes int64
}

func (c BusConfig) withDefaults() BusConfig {
	c.MaxAge = cmp.Or(c.MaxAge, defaultMaxAge)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultMaxBytes)
	return c
}

// Bus is the one stream of events and the connection to it. It is safe for
// concurrent use.
type Bus struct {
	cfg   BusConfig
	log   *slog.Logger
	srv   *server.Server // nil for a bus elsewhere
	conn  *nats.Conn
	js    nats.JetStreamContext
	pub   *wmnats.Publisher
	fresh atomic.Bool
	stale atomic.Bool // the stream must be looked at before it is used
	next  checkpoint  // written when it is old enough; the relay's

	mu        sync.Mutex // of what follows, held over declarations
	consumers []nats.ConsumerConfig
	checked   time.Time

	connected prometheus.GaugeFunc
	declared  prometheus.Counter
	partials  prometheus.Counter
	closing   sync.Once
}

// NewBus starts or reaches the bus and declares its stream. A directory the
// server in the process cannot read is moved to Dir + ".bad" and made anew. A
// bus elsewhere that does not answer is no error: it is tried again, for
// recording must not wait for it.
func NewBus(cfg BusConfig, log *slog.Logger) (*Bus, error) {
	b := &Bus{cfg: cfg.withDefaults(), log: log}
	b.stale.Store(true)
	b.newMetrics()
	var err error
	if b.cfg.URL == "" {
		err = b.startEmbedded()
	} else {
		err = b.reach()
	}
	if err != nil {
		return nil, err
	}
	b.pub, err = wmnats.NewPublisherWithNatsConn(b.conn, wmnats.PublisherPublishConfig{
		Marshaler:         &wmnats.NATSMarshaler{},
		SubjectCalculator: wmnats.DefaultSubjectCalculator,
		JetStream:         wmnats.JetStreamConfig{TrackMsgId: true},
	}, newWatermillLogger(log))
	if err != nil {
		b.Close()
		return nil, fmt.Errorf("make the bus publisher: %w", err)
	}
	return b, nil
}

func (b *Bus) newMetrics() {
	b.connected = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "earshot_pipeline_bus_connected", Help: "1 while the bus is reachable.",
	}, func() float64 {
		if b.conn != nil && b.conn.IsConnected() {
			return 1
		}
		return 0
	})
	b.declared = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "earshot_pipeline_bus_streams_created_total",
		Help: "Times the stream had to be created.",
	})
	b.partials = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "earshot_pipeline_partials_dropped_total",
		Help: "Partial events not published because the bus was away.",
	})
}

// Collectors returns the metrics of the bus.
func (b *Bus) Collectors() []prometheus.Collector {
	return []prometheus.Collector{b.connected, b.declared, b.partials}
}

// reach connects to the bus at the URL, in the background when it is away.
func (b *Bus) reach() (err error) {
	if b.conn, err = b.connect("earshot"); err != nil {
		if parse, ok := errors.AsType[*url.Error](err); ok {
			err = parse.Err
		}
		return fmt.Errorf("connect to the bus at %s: %w", redact(b.cfg.URL), err)
	}
	if b.js, err = b.conn.JetStream(); err != nil {
		b.conn.Close()
		return fmt.Errorf("use JetStream: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	if err := b.ready(ctx); err != nil {
		b.log.Warn("bus is not ready, trying on", "url", redact(b.cfg.URL), "error", err)
	}
	return nil
}

// connect opens one more connection to the bus, which comes back by itself
// however long the bus is away. Nothing is buffered meanwhile: the store is
// the buffer.
func (b *Bus) connect(name string) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(100*time.Millisecond, 100*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.RetryOnFailedConnect(b.srv == nil),
		nats.ConnectHandler(func(*nats.Conn) { b.stale.Store(true) }),
		nats.ReconnectHandler(func(*nats.Conn) { b.stale.Store(true) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("bus connection reports an error", "error", err)
		}),
	}
	if b.srv != nil {
		opts = append(opts, nats.InProcessServer(b.srv))
	}
	return nats.Connect(b.cfg.URL, opts...)
}

// Publish brings a stored event to the bus and returns once it is there. The
// subject is "earshot." and the type. An event that can never be published
// comes back as a [earshot.PermanentError].
func (b *Bus) Publish(ctx context.Context, e earshot.Event) error {
	if err := b.ready(ctx); err != nil {
		return err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return earshot.Permanent(fmt.Errorf("encode event %s: %w", e.ID, err))
	}
	err = b.pub.Publish(Subject(e.Type), message.NewMessage(e.ID, body))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject):
		return earshot.Permanent(fmt.Errorf("publish event %s: %w", e.ID, err))
	}
	b.stale.Store(true) // the stream may be gone
	return fmt.Errorf("publish event %s: %w", e.ID, err)
}

// PublishPartial tells whoever listens on "partial.<call id>", and nobody
// later. While the bus is away partials are dropped.
func (b *Bus) PublishPartial(e earshot.Event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode partial: %w", err)
	}
	if err := b.conn.Publish("partial."+string(e.CallID), body); err != nil {
		b.partials.Inc()
		return fmt.Errorf("publish partial: %w", err)
	}
	return nil
}

// Fresh reports whether the stream is new and has not yet been given the
// recent events. It stays true, over restarts too, until the relay has asked
// the store to publish them again.
func (b *Bus) Fresh() bool { return b.fresh.Load() }

// Check returns nil when the bus can be used now.
func (b *Bus) Check(ctx context.Context) error {
	if !b.conn.IsConnected() {
		return fmt.Errorf("bus: %w", nats.ErrDisconnected)
	}
	return b.ready(ctx)
}

// Close ends the connection and the server in the process; it waits and may
// be called twice. Relay and router are stopped before.
func (b *Bus) Close() {
	b.closing.Do(func() {
		if b.conn != nil {
			b.conn.Close()
		}
		if b.srv != nil {
			b.srv.Shutdown()
			b.srv.WaitForShutdown()
		}
	})
}

// Subject returns the bus subject of a type of event.
func Subject(t earshot.EventType) string { return "earshot." + string(t) }

// redact takes user, password and query out of bus URLs.
func redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		u, err := url.Parse(strings.TrimSpace(p))
		if err != nil || u.Host == "" {
			parts[i] = "(unreadable)"
			continue
		}
		parts[i] = u.Scheme + "://" + u.Host
	}
	return strings.Join(parts, ",")
}
