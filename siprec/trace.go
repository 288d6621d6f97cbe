package siprec

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// Traces keeps the SIP messages of recording sessions. A nil Traces keeps
// nothing but the refused INVITEs, which are in memory.
type Traces interface {
	SaveSIP(ctx context.Context, messages []earshot.SIPMessage) error
}

const (
	// flushInterval is how long a message may wait for the store.
	flushInterval = time.Second
	// lingering is how long a ladder waits for what comes after the end of its
	// session, or for its session: 64*T1 and some (RFC 3261 17).
	lingering = 40 * time.Second
	// maxPending bounds what waits for the store of one session, in messages
	// and octets.
	maxPending      = 200
	maxPendingBytes = 256 << 10
	// maxStrays bounds the ladders of INVITEs that began no session (yet).
	maxStrays = 2000
	// maxRefused is how many refusals are remembered.
	maxRefused = 200
	// minMessage is less than any message has; what is shorter keeps a NAT open,
	// in whatever way (RFC 5626 3.5.1).
	minMessage = 16
)

// trace sees every message at the sockets. What it does while a message is
// handled is to copy it; the rest is done by a goroutine of its own.
type trace struct {
	mode   Trace
	traces Traces
	allows func(source string) bool
	local  func(peer string) string
	log    *slog.Logger
	lost   prometheus.Counter

	flushing sync.Mutex // held while the store is written

	mu      sync.Mutex
	ladders map[string]*ladder // by Call-ID
	strays  int
	refused []earshot.RefusedSIP // oldest first
}

// ladder is what waits for the store of one recording session.
type ladder struct {
	call    earshot.CallID
	segment earshot.SegmentID
	allowed bool // its INVITE came from a peer
	since   time.Time
	over    bool // ended, or refused
	asked   bool // a digest challenge was its answer
	pending []message
	size    int
}

// message is one as it was on the wire.
type message struct {
	at          time.Time
	sent        bool
	transport   string
	peer, local string
	data        []byte
	size        int // on the wire
	head
}

// head is what a ladder needs of a message's header.
type head struct{ first, callID, cseq string }

func newTrace(cfg Config, allows func(string) bool, local func(string) string, lost prometheus.Counter, log *slog.Logger) *trace {
	mode := cfg.Trace
	if mode == "" {
		mode = TraceRedacted
	}
	return &trace{
		mode: mode, traces: cfg.Traces, allows: allows, local: local, lost: lost, log: log, ladders: map[string]*ladder{},
	}
}

// readHead finds what it can, in a message that need not be SIP.
func readHead(data []byte) head {
	var h head
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if h.first == "" {
				continue
			}
			break
		}
		if h.first == "" {
			h.first = string(line)
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch name = bytes.TrimSpace(name); {
		case bytes.EqualFold(name, []byte("call-id")), bytes.EqualFold(name, []byte("i")):
			h.callID = string(bytes.TrimSpace(value))
		case bytes.EqualFold(name, []byte("cseq")):
			h.cseq = string(bytes.TrimSpace(value))
		}
	}
	return h
}

// see takes note of a message that was received or sent. The caller keeps
// data.
func (t *trace) see(sent bool, transport string, peer, local net.Addr, data []byte) {
	if t.mode == TraceOff || len(data) < minMessage {
		return
	}
	m := message{at: time.Now(), sent: sent, transport: transport, peer: peer.String(), local: local.String(), size: len(data), head: readHead(data)}
	if m.callID == "" {
		return
	}
	allowed := t.allows(m.peer)
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.ladders[m.callID]
	if l == nil {
		if sent || !strings.HasPrefix(m.first, "INVITE ") || t.strays >= maxStrays {
			return
		}
		l = &ladder{allowed: allowed, since: m.at}
		t.ladders[m.callID] = l
		t.strays++
	}
	if l.allowed != allowed {
		return // a stranger does not get into the ladder of another's call
	}
	m.data = bytes.Clone(data)
	t.append(l, m)
	if sent && l.call == "" {
		t.answered(l, m)
	}
}

// append adds a message. When a session has too much waiting, the messages
// keep their lines and lose their texts, and then the oldest go.
func (t *trace) append(l *ladder, m message) {
	if l.size+len(m.data) > maxPendingBytes {
		m.data = nil
	}
	if len(l.pending) == maxPending {
		t.lost.Inc()
		l.size -= len(l.pending[0].data)
		l.pending = l.pending[1:]
	}
	l.size += len(m.data)
	l.pending = append(l.pending, m)
}

// answered remembers the refusal of an INVITE that began no session. A
// challenge is none yet: the second INVITE may bring the credentials.
func (t *trace) answered(l *ladder, m message) {
	status := statusOfLine(m.first)
	if status < 300 || l.over || !strings.HasSuffix(m.cseq, "INVITE") {
		return
	}
	if (status == 401 || status == 407) && !l.asked {
		l.asked = true
		return
	}
	l.over = true
	t.refuse(l.pending[0], status, reasonOf(m.data, m.first))
}

// bind tells whose ladder that of a Call-ID is, from the moment its session
// has begun.
func (t *trace) bind(callID string, call earshot.CallID, segment earshot.SegmentID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.ladders[callID]
	switch {
	case t.mode == TraceOff:
		return
	case l == nil: // after a restart, or more strays than are kept
		l = &ladder{}
		t.ladders[callID] = l
	case l.call == "":
		t.strays--
		if !l.allowed { // a stranger's, who took the Call-ID first
			l.pending, l.size = nil, 0
		}
	}
	l.call, l.segment, l.allowed, l.over = call, segment, true, false
}

// end lets the ladder of a session go a while after its last message.
func (t *trace) end(callID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l := t.ladders[callID]; l != nil {
		l.over, l.since = true, time.Now()
	}
}
