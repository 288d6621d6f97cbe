package crm

import (
	"context"
	"encoding/json"
	"hash/fnv"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

const (
	// liveTime is how old an event may get before it is of no use to anybody who
	// looks at a call that goes on, and how long telling of it may take.
	liveTime = time.Second
	// liveLanes is how many events of one connector are on their way at once.
	// Those of one call are in one lane, and keep their order.
	liveLanes = 4
	// liveQueue bounds what waits in a lane.
	liveQueue = 256
)

// Live tells connectors of calls while they last. Nothing of it is stored or
// tried again, and notes never wait for it.
type Live struct {
	lanes []*lane
	log   *slog.Logger
	told  *prometheus.CounterVec
}

// lane is a queue of one connector.
type lane struct {
	name      string
	publisher Publisher
	finds     bool // is told of matches of its own only
	number    uint32
	queue     chan earshot.Event
}

// Agent returns who in a connector's system talks in a call, "" if nobody knows.
// It is safe for concurrent use.
type Agent func(ctx context.Context, connector string, call earshot.CallID) (user string, err error)

// popUp makes a Publisher of a Screen.
type popUp struct {
	Screen
	name  string
	agent Agent
}

func (p *popUp) Events() []earshot.EventType {
	return []earshot.EventType{earshot.EventCallMatched}
}

func (p *popUp) Publish(ctx context.Context, e earshot.Event) error {
	var m earshot.CallMatch
	if err := json.Unmarshal(e.Data, &m); err != nil {
		return earshot.Permanent(err)
	}
	if m.State != earshot.MatchMatched || m.Contact == nil {
		return nil
	}
	user, err := p.agent(ctx, p.name, e.CallID)
	if err != nil || user == "" {
		return err
	}
	return p.Bring(ctx, *m.Contact, user)
}

// publisher returns what tells a connector of live calls, nil for those that are
// not told.
func publisher(c Connector, agent Agent) Publisher {
	if p, ok := c.(Publisher); ok && len(p.Events()) > 0 {
		return p
	}
	if s, ok := c.(Screen); ok && s.Brings() {
		return &popUp{s, c.Name(), agent}
	}
	return nil
}

// NewLive makes it for those of the connectors that are a [Publisher] or a
// [Screen].
func NewLive(connectors []Connector, agent Agent, log *slog.Logger) *Live {
	l := &Live{log: log, told: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "earshot", Subsystem: "crm", Name: "live_events_total",
		Help: "Events of live calls for connectors: told, failed, or dropped because they were too old or too many.",
	}, []string{"connector", "outcome"})}
	for _, c := range connectors {
		p := publisher(c, agent)
		if p == nil {
			continue
		}
		_, finds := c.(Finder)
		for i := range uint32(liveLanes) {
			l.lanes = append(l.lanes, &lane{c.Name(), p, finds, i, make(chan earshot.Event, liveQueue)})
		}
	}
	return l
}

// Publish takes events as they come. It never waits and is safe for concurrent
// use.
func (l *Live) Publish(events []earshot.Event) {
	if len(l.lanes) == 0 {
		return
	}
	for _, e := range events {
		h := fnv.New32a()
		h.Write([]byte(e.CallID))
		for _, to := range l.lanes {
			if to.number != h.Sum32()%liveLanes || !to.wants(e) {
				continue
			}
			select {
			case to.queue <- e:
			default:
				l.count(to, "dropped")
			}
		}
	}
}

// wants reports whether the event is for the connector: matches in other
// systems are not.
func (to *lane) wants(e earshot.Event) bool {
	if !slices.Contains(to.publisher.Events(), e.Type) {
		return false
	}
	if e.Type != earshot.EventCallMatched || !to.finds {
		return true
	}
	var m earshot.Match
	return json.Unmarshal(e.Data, &m) == nil && m.Connector == to.name
}

// Run tells of them until ctx ends.
func (l *Live) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, to := range l.lanes {
		wg.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case e := <-to.queue:
					l.tell(ctx, to, e)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

func (l *Live) tell(ctx context.Context, to *lane, e earshot.Event) {
	if time.Since(e.At) > liveTime {
		l.count(to, "dropped")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, liveTime)
	defer cancel()
	if err := l.publish(ctx, to, e); err != nil {
		l.count(to, "failed")
		l.log.Debug("connector is not told", "connector", to.name, "event", e.Type, "call_id", e.CallID, "error", err)
		return
	}
	l.count(to, "told")
}

func (l *Live) publish(ctx context.Context, to *lane, e earshot.Event) (err error) {
	defer recovered(l.log, to.name, &err)
	return to.publisher.Publish(ctx, e)
}

func (l *Live) count(to *lane, outcome string) { l.told.WithLabelValues(to.name, outcome).Inc() }

// Collectors returns the metrics of this type.
func (l *Live) Collectors() []prometheus.Collector { return []prometheus.Collector{l.told} }
