package quality

import (
	"time"

	"earshot"
)

const (
	// window is how many packets back one may still come.
	window = 64
	// maxAhead and maxBack are how far the numbers may jump without the sender
	// having begun anew, as in package jitter.
	maxAhead = 3000
	maxBack  = 512
	// lagWindow is how long the least transit time counts, twice that at the
	// most: long against a congestion, short against the drift of a clock.
	lagWindow = 30 * time.Second
	// newRun is how far position and timestamp must disagree for the sender to
	// have begun anew.
	newRun = 100 * time.Millisecond
	// maxTardy is how many packets in a row come too late before a jitter buffer
	// begins anew with the delay that they have: 200 ms of 20 ms packets.
	maxTardy = 10
)

// Bounds of the jitter buffer that packets are judged by. It is that of live
// reading.
const (
	MinPlayout = 40 * time.Millisecond
	MaxPlayout = 200 * time.Millisecond
)

// Packet is what the meter needs to know of a packet that is no duplicate.
type Packet struct {
	SSRC      uint32
	Seq       uint16
	Timestamp uint32
	ClockRate int
	// Position and Duration are where its audio lies; Duration is 0 for a
	// packet without audio.
	Position, Duration earshot.Position
	Arrival            int64 // in nanoseconds of a clock that never jumps
	// Codec is nil for one that is not known.
	Codec *Codec
}

// fate is what became of a packet.
type fate uint8

const (
	lost fate = iota
	came
	discarded
)

// Meter measures one stream, packet by packet and without allocating. The zero
// value is ready. It is not safe for concurrent use; a copy is a snapshot.
type Meter struct {
	started bool
	ssrc    uint32
	// base and head are the first and the highest extended sequence number,
	// next the first one whose fate is open; fates are of those since.
	base, head, next int64
	fates            [window]fate
	end              earshot.Position

	transit   transit
	bursts    Bursts
	discarded uint64
	score     score
	packet    earshot.Position // length of the newest one
	trip      time.Duration    // round trip, 0 if not known
	summary   summary
}

// RoundTrip takes over what the peer told (RFC 3611 4.5).
func (m *Meter) RoundTrip(d time.Duration) { m.trip = max(d, 1) }

// Add takes a packet in the order of arrival.
func (m *Meter) Add(p Packet) {
	ext, ok := m.number(p)
	if !ok {
		return
	}
	f := came
	if p.Duration > 0 {
		if m.transit.add(p) {
			f = discarded
		}
		m.packet = p.Duration
		m.end = max(m.end, p.Position+p.Duration)
		m.score.at(p.Arrival, p.Codec, m.delay())
	}
	m.fates[uint64(ext)%window] = f
}

// Repaired takes a packet that was lost and came with a later one (RFC 2198).
func (m *Meter) Repaired(seq uint16) {
	ext := m.extend(seq)
	if f := &m.fates[uint64(ext)%window]; m.started && ext >= m.next && ext <= m.head && *f == lost {
		*f = came
	}
}

// Duplicate counts a packet that had been received.
func (m *Meter) Duplicate() { m.summary.duplicates++ }

// number returns the extended sequence number of a packet; false for one that
// counts no more.
func (m *Meter) number(p Packet) (int64, bool) {
	if !m.started {
		m.start(p)
		return m.head, true
	}
	if p.SSRC != m.ssrc {
		if p.Position < m.end {
			return 0, false // what the source before still owed
		}
		m.start(p)
		return m.head, true
	}
	ext := m.extend(p.Seq)
	switch ahead := ext - m.head; {
	case ahead > maxAhead || ahead <= -maxBack:
		m.start(p)
		return m.head, true
	case ahead > 0:
		m.advance(ext)
	case ext < m.base && ext > m.head-window:
		m.base, m.next = ext, min(m.next, ext)
	}
	return ext, ext >= m.next
}

func (m *Meter) extend(seq uint16) int64 { return m.head + int64(int16(seq-uint16(m.head))) }

// start begins to count anew, at a new source or new numbers.
func (m *Meter) start(p Packet) {
	m.settle(m.head + 1)
	m.started, m.ssrc = true, p.SSRC
	ext := int64(p.Seq) + 1<<16
	m.base, m.head, m.next = ext, ext, ext
	m.fates = [window]fate{}
	m.transit.renew()
	m.summary.begin(ext)
}

// advance makes ext the highest number.
func (m *Meter) advance(ext int64) {
	for n := m.head + 1; n <= ext; n++ {
		m.settle(n - window + 1)
		m.fates[uint64(n)%window] = lost
		m.head = n
	}
}

// settle decides about the packets before a number.
func (m *Meter) settle(before int64) {
	for ; m.started && m.next < before; m.next++ {
		f := m.fates[uint64(m.next)%window]
		m.bursts.Add(f != came)
		m.score.add(f != came)
		m.summary.end = m.next + 1
		switch f {
		case discarded:
			m.discarded++
		case lost:
			m.summary.lost++
		}
	}
}

// delay is from mouth to ear as far as it is known: a packet is sent when it is
// full, and played when the jitter buffer lets it.
func (m *Meter) delay() time.Duration {
	return m.packet.Duration() + m.transit.playout() + m.trip/2
}

// transit watches over the time that packets take.
type transit struct {
	started   bool
	arrival   int64
	timestamp uint32
	clockRate int
	position  earshot.Position
	// least is the shortest transit time of this window and the one before,
	// against an arbitrary zero.
	least, windowLeast time.Duration
	windowStart        int64
	// tardy counts the packets in a row that came too late.
	tardy int
	// jitter is the estimate of RFC 3550 6.4.1; sum, count and most are of its
	// values.
	jitter, sum, most time.Duration
	count             int64
	apart             apart
}

// renew forgets how long packets took: what follows has another zero.
func (t *transit) renew() { t.started = false }

// add takes an audio packet, and reports whether it came too late to be played.
func (t *transit) add(p Packet) (late bool) {
	took := time.Duration(p.Arrival) - p.Position.Duration()
	if !t.started || !t.continues(p) {
		t.least, t.windowLeast, t.windowStart = took, took, p.Arrival
		t.started = true
	} else {
		late = took-t.least > t.playout()
		t.vary(p)
	}
	if t.tardy++; !late {
		t.tardy = 0
	} else if t.tardy == maxTardy {
		t.least, t.windowLeast, t.windowStart, t.tardy = took, took, p.Arrival, 0
	}
	t.see(took, p.Arrival)
	t.arrival, t.timestamp, t.clockRate, t.position = p.Arrival, p.Timestamp, p.ClockRate, p.Position
	return late
}

// continues reports whether the packet was placed by its timestamp.
func (t *transit) continues(p Packet) bool {
	if p.ClockRate != t.clockRate || p.ClockRate <= 0 {
		return false
	}
	off := p.Position - t.position - earshot.At(int64(int32(p.Timestamp-t.timestamp)), p.ClockRate)
	return max(off, -off).Duration() < newRun
}

// vary takes the variation of the transit time since the packet before.
func (t *transit) vary(p Packet) {
	ticks := time.Duration(int32(p.Timestamp - t.timestamp))
	d := time.Duration(p.Arrival-t.arrival) - ticks*time.Second/time.Duration(p.ClockRate)
	d = max(d, -d)
	t.jitter += (d - t.jitter) / 16
	t.sum += t.jitter
	t.most = max(t.most, t.jitter)
	t.count++
	t.apart.add(d)
}

func (t *transit) see(took time.Duration, arrival int64) {
	if arrival-t.windowStart > int64(lagWindow) {
		t.windowStart, t.least, t.windowLeast = arrival, min(t.windowLeast, took), took
		return
	}
	t.least, t.windowLeast = min(t.least, took), min(t.windowLeast, took)
}

// playout is how long the jitter buffer holds packets.
func (t *transit) playout() time.Duration { return min(max(4*t.jitter, MinPlayout), MaxPlayout) }

func (t *transit) mean() time.Duration {
	if t.count == 0 {
		return 0
	}
	return t.sum / time.Duration(t.count)
}
