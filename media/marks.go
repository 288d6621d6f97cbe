package media

import (
	"time"

	"earshot"
	"earshot/media/event"
	"earshot/media/jitter"
)

const (
	// mergeDrops is how long no packet must have been dropped for the next one
	// to be a mark of its own.
	mergeDrops = int64(time.Second)
	// tellDrops is how often it is told how far a mark has come that goes on.
	tellDrops = int64(5 * time.Second)
	// maxPending bounds the marks that nobody has asked for yet.
	maxPending = 64
)

// drops is the newest span of packets that could not be recorded.
type drops struct {
	mark    earshot.StreamMark // Packets is 0 before the first
	arrival int64              // of the last packet dropped
	told    uint64             // Packets as last told
	toldAt  int64
}

// over reports whether the span has ended.
func (d *drops) over(now int64) bool { return now-d.arrival > mergeDrops }

// untold reports whether there is something to tell that nobody knows: that
// the span has begun, that it is over, and once in a while how far it is.
func (d *drops) untold(now int64, closed bool) bool {
	return d.mark.Packets != d.told && (d.told == 0 || closed || d.over(now) || now-d.toldAt >= tellDrops)
}

// drop counts a packet that is not recorded, and marks it.
func (s *Stream) drop(from, to earshot.Position, arrival int64) {
	s.dropped++
	d := &s.drops
	if d.mark.Packets == 0 || d.over(arrival) {
		if d.mark.Packets != d.told {
			s.pend(d.mark)
		}
		*d = drops{mark: earshot.StreamMark{ID: earshot.NewMarkID(), Kind: earshot.MarkDropped, From: from, To: to}}
	}
	d.arrival = max(d.arrival, arrival)
	d.mark.Packets++
	d.mark.From, d.mark.To = min(d.mark.From, from), max(d.mark.To, to)
}

// maxStray is how far a timestamp of an event may be from when its packet came
// for it to be believed: the clock of an event is sometimes not the audio's.
const maxStray = 2 * earshot.MediaClock

// keypad is what telephone events need, which most streams have none of.
type keypad struct {
	tracker event.Tracker
	packet  event.Packet // tracked from
}

// press tracks a packet of telephone events.
func (s *Stream) press(d datagram, pt *payloadType, p jitter.Place) {
	if s.keypad == nil {
		s.keypad = &keypad{}
	}
	h, k := &s.packet.Header, &s.keypad.packet
	*k = event.Packet{
		SSRC: h.SSRC, Seq: h.SequenceNumber, Timestamp: h.Timestamp, Marker: h.Marker,
		ClockRate: pt.format.ClockRate, Position: p.Position, Arrival: d.arrival,
		Payload: s.packet.Payload,
	}
	now := s.timeline.Expected(d.arrival)
	if off := now - p.Position; max(off, -off) > maxStray {
		k.Position = now
	}
	k.Secret = s.pauses.cover(k.Position, k.Position)
	s.counts.events++
	if s.keypad.tracker.Add(k) != nil {
		s.counts.badEvents++
	}
}

// keyMark is an event on the timeline. Which key it was is told only if that
// is wanted, and never of one that was pressed during a pause.
func (s *Stream) keyMark(e event.Event) earshot.StreamMark {
	m := earshot.StreamMark{ID: e.ID, Kind: earshot.MarkDTMF, From: e.From, To: e.To}
	m.Masked = e.Secret || !s.engine.cfg.KeepDigits
	if !m.Masked {
		m.Digit = event.Digit(e.Code)
	}
	return m
}

// pend keeps a mark until it is asked for.
func (s *Stream) pend(m earshot.StreamMark) {
	if len(s.pending) < maxPending {
		s.pending = append(s.pending, m)
	}
}

// Marks returns what happened on the stream since the last call, for its
// timeline. A mark that has gone on since comes again under its ID. Somebody
// has to ask once in a while, and once after Close.
func (s *Stream) Marks() []earshot.StreamMark {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if d := &s.drops; d.untold(now, s.closed) {
		d.told, d.toldAt = d.mark.Packets, now
		s.pend(d.mark)
	}
	if s.keypad != nil {
		for _, e := range s.keypad.tracker.Take(now, s.closed) {
			s.pend(s.keyMark(e))
		}
	}
	marks := s.pending
	s.pending = nil
	return marks
}
