package web

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

const (
	// queueLength is how many events may wait for one reader. Partials are
	// dropped from half of it on, so that they never cost a reader its place.
	queueLength = 1024
	maxReaders  = 1000
)

var (
	errTooManyReaders = errors.New("too many readers of events")
	errBrokerClosed   = errors.New("broker is closed")
)

// Broker hands events to everyone who reads them right now. It keeps nothing
// but the latest partial of each stream.
type Broker struct {
	mu       sync.Mutex
	closed   bool
	readers  map[*reader]struct{}
	partials map[earshot.CallID]map[earshot.StreamID]partial

	gauge           prometheus.GaugeFunc
	cutOff          prometheus.Counter
	droppedPartials prometheus.Counter
}

type partial struct {
	utterance earshot.Utterance
	frame     frame
}

// frame is an event as it goes over the wire, encoded once for all readers.
// Seq is 0 for partials.
type frame struct {
	seq   int64
	call  earshot.CallID
	kind  earshot.EventType
	bytes []byte
}

// reader is one connection. Its queue is closed when it is cut off or when
// the broker closes.
type reader struct {
	call     earshot.CallID // "" for all
	partials bool
	queue    chan frame
}

// NewBroker returns a broker without readers.
func NewBroker() *Broker {
	b := &Broker{
		readers:  map[*reader]struct{}{},
		partials: map[earshot.CallID]map[earshot.StreamID]partial{},
		cutOff: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_web_readers_cut_off_total",
			Help: "Readers of events that were too slow and were cut off.",
		}),
		droppedPartials: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_web_partials_dropped_total",
			Help: "Partials not sent to a slow reader.",
		}),
	}
	b.gauge = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "earshot_web_readers", Help: "Connections that read events.",
	}, func() float64 {
		b.mu.Lock()
		defer b.mu.Unlock()
		return float64(len(b.readers))
	})
	return b
}

// Publish sends events to the readers. Stored events must come in the order
// of their Seq. It never blocks on a reader and is safe for concurrent use.
func (b *Broker) Publish(events []earshot.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	for _, e := range events {
		f := encode(e)
		b.remember(e, f)
		for r := range b.readers {
			if r.call == "" || r.call == e.CallID {
				b.offer(r, f)
			}
		}
	}
}

func (b *Broker) offer(r *reader, f frame) {
	if f.seq == 0 {
		switch {
		case !r.partials:
		case len(r.queue) < cap(r.queue)/2:
			r.queue <- f
		default:
			b.droppedPartials.Inc()
		}
		return
	}
	select {
	case r.queue <- f:
	default:
		b.cutOff.Inc()
		b.remove(r)
	}
}

// remember keeps the latest partial of each stream, for readers that come
// later, until its final has come or the call is over.
func (b *Broker) remember(e earshot.Event, f frame) {
	switch e.Type {
	case earshot.EventUtterancePartial, earshot.EventUtteranceFinal:
		var u earshot.Utterance
		if json.Unmarshal(e.Data, &u) != nil {
			return
		}
		streams := b.partials[e.CallID]
		if e.Type == earshot.EventUtterancePartial {
			if streams == nil {
				streams = map[earshot.StreamID]partial{}
				b.partials[e.CallID] = streams
			}
			streams[u.StreamID] = partial{u, f}
		} else if streams[u.StreamID].utterance.ID == u.ID {
			delete(streams, u.StreamID)
		}
	case earshot.EventTranscriptCompleted, earshot.EventCallSettled:
		delete(b.partials, e.CallID)
	}
}

// subscribe starts to queue events for a new reader and returns the partials
// of this moment. The reader must be given back to unsubscribe.
func (b *Broker) subscribe(call earshot.CallID, partials bool) (*reader, []partial, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return nil, nil, errBrokerClosed
	case len(b.readers) >= maxReaders:
		return nil, nil, errTooManyReaders
	}
	r := &reader{call: call, partials: partials, queue: make(chan frame, queueLength)}
	b.readers[r] = struct{}{}
	if !partials {
		return r, nil, nil
	}
	return r, b.current(call), nil
}

func (b *Broker) current(call earshot.CallID) []partial {
	var now []partial
	for id, streams := range b.partials {
		if call != "" && call != id {
			continue
		}
		for _, p := range streams {
			now = append(now, p)
		}
	}
	slices.SortFunc(now, func(a, b partial) int { return int(a.utterance.StartMS - b.utterance.StartMS) })
	return now
}

func (b *Broker) unsubscribe(r *reader) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.remove(r)
}

func (b *Broker) remove(r *reader) {
	if _, ok := b.readers[r]; ok {
		delete(b.readers, r)
		close(r.queue)
	}
}

// Close ends every reader's connection; later events go nowhere. It may be
// called twice.
func (b *Broker) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for r := range b.readers {
		b.remove(r)
	}
}

func (b *Broker) collectors() []prometheus.Collector {
	return []prometheus.Collector{b.gauge, b.cutOff, b.droppedPartials}
}

// encode writes an event in the format of server-sent events. JSON has no
// line feeds, so that one data line holds it.
func encode(e earshot.Event) frame {
	raw, err := json.Marshal(e)
	if err != nil { // only Data can be at fault
		e.Data = nil
		raw, _ = json.Marshal(e)
	}
	buf := make([]byte, 0, len(raw)+64)
	if e.Seq > 0 || e.Type == eventSnapshot {
		buf = append(buf, "id: "...)
		buf = strconv.AppendInt(buf, e.Seq, 10)
		buf = append(buf, '\n')
	}
	buf = append(append(buf, "event: "...), e.Type...)
	buf = append(append(buf, "\ndata: "...), raw...)
	return frame{seq: e.Seq, call: e.CallID, kind: e.Type, bytes: append(buf, '\n', '\n')}
}
