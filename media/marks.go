package media

import (
	"time"

	"earshot"
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
	marks := s.pending
	s.pending = nil
	return marks
}
