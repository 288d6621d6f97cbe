package pipeline

import (
	"cmp"
	"context"
	"strconv"
	"sync"

	wmnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"
)

// Metadata keys the gate sets on a message.
const (
	metaDeliveries = "earshot_deliveries"
	metaStreamSeq  = "earshot_stream_seq"
)

// gate reads messages off the bus for one handler. Everything is readable:
// what is not an event is for the handler's poison queue, not to be dropped or
// delivered for ever.
//
// It also counts the messages on their way. A watermill-nats subscriber that
// is closed while a message is about to enter its output channel sends on a
// closed channel and takes the process with it; so the gate is shut, and empty,
// before the subscriber is closed.
type gate struct {
	mu      sync.Mutex
	inside  int
	closed  bool
	emptied chan struct{} // made by shut, closed by the last to leave
}

var _ wmnats.Unmarshaler = (*gate)(nil)

// Unmarshal lets a message in, or refuses it when the gate is shut.
func (g *gate) Unmarshal(m *nats.Msg) (*message.Message, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errStopping
	}
	g.inside++
	msg := message.NewMessage(cmp.Or(m.Header.Get(wmnats.WatermillUUIDHdr), m.Header.Get(nats.MsgIdHdr)), m.Data)
	if meta, err := m.Metadata(); err == nil {
		msg.Metadata.Set(metaDeliveries, strconv.FormatUint(meta.NumDelivered, 10))
		msg.Metadata.Set(metaStreamSeq, strconv.FormatUint(meta.Sequence.Stream, 10))
	}
	return msg, nil
}

// leave says that the handler is done with a message.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	if g.inside == 0 && g.emptied != nil {
		close(g.emptied)
		g.emptied = nil
	}
}

// shut lets nothing more in and waits until all have left or ctx ends.
func (g *gate) shut(ctx context.Context) {
	g.mu.Lock()
	g.closed = true
	if g.inside == 0 {
		g.mu.Unlock()
		return
	}
	emptied := make(chan struct{})
	g.emptied = emptied
	g.mu.Unlock()
	select {
	case <-emptied:
	case <-ctx.Done():
	}
}

// deliveries returns how often the bus has delivered the message, at least 1.
func deliveries(m *message.Message) int {
	n, _ := strconv.Atoi(m.Metadata.Get(metaDeliveries))
	return max(1, n)
}
