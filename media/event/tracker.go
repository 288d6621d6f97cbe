package event

import (
	"time"

	"earshot"
)

const (
	// lostAfter is how long nothing must have come of an event whose end was
	// lost for it to be over. Senders repeat an event every 20 to 50 ms.
	lostAfter = 500 * time.Millisecond
	// remembered is how many events are known, so that what comes late or again
	// is told from a new one.
	remembered = 8
	// maxWaiting bounds the events that nobody has asked for yet.
	maxWaiting = 64
	// segment is the longest duration that a payload can tell. An event that
	// lasts longer goes on in a new segment (RFC 4733 2.5.1.3); some senders begin
	// it a packet early, at a multiple of their packets' length.
	segment      = 1<<16 - 1
	earlySegment = segment - 1<<10
	// slideSpan is how far apart the packets of a sender are that moves its
	// timestamp with each packet, though RFC 4733 2.2.3 says that an event keeps
	// that of its start: a second over slideSpan.
	slideSpan = 5
)

// Packet is a packet of telephone events.
type Packet struct {
	SSRC      uint32
	Seq       uint16
	Timestamp uint32
	Marker    bool
	// ClockRate is that of Timestamp and of the durations in the payload.
	ClockRate int
	// Position is that of Timestamp on the stream's timeline.
	Position earshot.Position
	// Arrival is in nanoseconds.
	Arrival int64
	// Secret says that whatever key it was must not be known.
	Secret  bool
	Payload []byte
}

// Event is an event that is over.
type Event struct {
	ID       earshot.MarkID
	Code     uint8
	From, To earshot.Position
	// Secret is set if any of its packets was.
	Secret bool
}

// state is what is known of one event.
type state struct {
	code    uint8
	ssrc    uint32
	rate    int
	start   uint32 // timestamp
	newest  uint32 // timestamp of the newest packet: differs in segments
	seq     uint16 // of the newest packet
	from    earshot.Position
	last    uint16 // duration in the newest packet
	wrapped uint32 // what durations left out that began anew under one timestamp
	length  uint32 // so far, in units of the timestamp
	arrival int64
	ended   bool
	slides  bool // its sender moves the timestamp
	secret  bool
	id      earshot.MarkID
	told    uint32 // length as last told, with id set
}

// Tracker makes events of packets. It allocates nothing per packet and is not
// safe for concurrent use. The zero value is ready to use.
type Tracker struct {
	known   [remembered]state // a ring
	next    int
	count   int
	blocks  []Block
	waiting []Event // over and forgotten, but not told
}

// Add takes a packet. Duplicates by sequence number are expected to be gone;
// an error says that the payload is none.
func (t *Tracker) Add(p *Packet) error {
	var err error
	if t.blocks, err = Parse(t.blocks[:0], p.Payload); err != nil {
		return err
	}
	at, pos := p.Timestamp, p.Position
	for _, b := range t.blocks {
		if b.Code <= maxCode {
			t.add(p, b, at, pos)
		}
		// The next one follows at once (RFC 4733 2.5.1.5).
		at, pos = at+uint32(b.Duration), pos+earshot.At(int64(b.Duration), p.ClockRate)
	}
	return nil
}

func (t *Tracker) add(p *Packet, b Block, at uint32, pos earshot.Position) {
	for i := range t.count { // newest first
		s := &t.known[(t.next-1-i+2*remembered)%remembered]
		if s.code == b.Code && s.ssrc == p.SSRC && s.owns(p, b, at) {
			s.extend(p, b, at)
			return
		}
	}
	if before := t.newest(); before != nil && (before.ssrc != p.SSRC || int32(at-before.start) > 0) {
		before.ended = true // a new event ends the one before, whose end was lost
	}
	s := t.slot()
	*s = state{
		code: b.Code, ssrc: p.SSRC, rate: p.ClockRate, start: at, newest: at, seq: p.Seq, from: pos, last: b.Duration,
		length: uint32(b.Duration), arrival: p.Arrival, ended: b.End, secret: p.Secret,
	}
}

func (t *Tracker) newest() *state {
	if t.count == 0 {
		return nil
	}
	return &t.known[(t.next-1+remembered)%remembered]
}

// slot returns the place of the oldest event.
func (t *Tracker) slot() *state {
	s := &t.known[t.next]
	if t.count == remembered {
		if s.untold() {
			t.wait(s.tell())
		}
	} else {
		t.count++
	}
	t.next = (t.next + 1) % remembered
	return s
}

func (t *Tracker) wait(e Event) {
	if len(t.waiting) < maxWaiting {
		t.waiting = append(t.waiting, e)
	}
}

// owns reports whether an event of the same source and code is this one.
func (s *state) owns(p *Packet, b Block, at uint32) bool {
	into, since := at-s.start, at-s.newest
	switch {
	case into < max(s.length, 1):
		return true // the same timestamp, or one of its segments
	case p.Marker || int32(into) < 0:
		return false // the start of another (RFC 4733 2.2.2), or older
	case s.slides: // its end comes three times too
		return s.near(since) && b.Duration >= s.last
	case s.ended:
		return false
	case s.near(since) && b.Duration > s.last:
		return true
	default: // the next segment: it begins where the last one ended
		return into == s.length || since >= earlySegment && since <= segment+1
	}
}

// near reports whether a timestamp follows as closely as the next packet does.
func (s *state) near(since uint32) bool { return since > 0 && since <= uint32(s.rate/slideSpan) }

// extend takes what a further packet says of the event.
func (s *state) extend(p *Packet, b Block, at uint32) {
	newer := int16(p.Seq-s.seq) > 0
	length := at - s.start + uint32(b.Duration)
	switch {
	case at == s.newest && newer && uint32(b.Duration)+1<<15 < uint32(s.last):
		s.wrapped += 1 << 16 // a sender that knows no segments
	case s.slides || newer && s.near(at-s.newest) && b.Duration > s.last:
		s.slides = true
		length = uint32(b.Duration)
	}
	s.length = max(s.length, length+s.wrapped)
	s.ended = s.ended || b.End
	s.secret = s.secret || p.Secret
	s.arrival = max(s.arrival, p.Arrival)
	if newer {
		s.newest, s.seq, s.last = at, p.Seq, b.Duration
	}
}

func (s *state) untold() bool { return s.id == "" || s.told != s.length }

// tell returns the event, under the same ID each time.
func (s *state) tell() Event {
	if s.id == "" {
		s.id = earshot.NewMarkID()
	}
	s.told = s.length
	return Event{ID: s.id, Code: s.code, From: s.from, To: s.from + earshot.At(int64(s.length), s.rate), Secret: s.secret}
}

// Take returns the events that are over and have not been told, or were longer
// than told, which are then the same by their ID. An event whose end was lost
// is over when nothing has come of it for half a second; with all, every event
// is.
func (t *Tracker) Take(now int64, all bool) []Event {
	out := t.waiting
	t.waiting = nil
	for i := range t.count {
		s := &t.known[(t.next-t.count+i+remembered)%remembered]
		if s.untold() && (all || s.ended || now-s.arrival > int64(lostAfter)) {
			out = append(out, s.tell())
		}
	}
	return out
}
