package media

import (
	"cmp"
	"io"
	"slices"
	"time"

	"earshot"
	"earshot/media/record"
)

// Delays of live reading.
const (
	minPlayout = 40 * time.Millisecond
	maxPlayout = 200 * time.Millisecond
	// idle is how much later than the next packet was due silence is certain,
	// on top of the playout delay.
	idle = 200 * time.Millisecond
)

// span is a packet of the ring as far as settling is concerned.
type span struct {
	from, to earshot.Position
	arrival  int64
}

// ReadAt fills pcm with the audio from pos on, as far as it has settled: all
// packets up to there are in, or the playout delay (40 to 200 ms, by the
// jitter and the reordering measured) has passed since a later packet came, or no packet has come
// for 200 ms more than that. It returns 0 and nil when nothing at pos has
// settled yet, and io.EOF behind the end of a closed stream. What is settled
// does not wait any more; a packet that comes later still is in the recording.
//
// The newest 1.5 s are read from memory, what is older from disk.
func (s *Stream) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	s.mu.Lock()
	s.releaseOverdue()
	limit, over := s.timeline.End(), s.closed
	if !over {
		limit = s.settle(s.now())
	}
	rest := limit.Samples(s.rate) - pos.Samples(s.rate)
	if rest <= 0 {
		s.mu.Unlock()
		if over {
			return 0, io.EOF
		}
		return 0, nil
	}
	pcm = pcm[:min(int64(len(pcm)), rest)]
	from := s.assembler.From(pos)
	recent := s.ring.holds(from)
	if recent {
		to := pos + earshot.At(int64(len(pcm)), s.rate) + earshot.PositionOf(record.Lookahead)
		s.recent.take(&s.ring, from, to)
	}
	s.mu.Unlock()
	if err := s.fill(pcm, pos, recent); err != nil {
		return 0, err
	}
	return len(pcm), nil
}

func (s *Stream) fill(pcm []int16, pos earshot.Position, recent bool) error {
	if recent {
		s.backlog = nil
		return s.assembler.Fill(pcm, pos, &s.recent)
	}
	if s.backlog == nil {
		s.backlog = s.log.NewReader()
	}
	return s.backlog.Fill(s.assembler, pcm, pos)
}

// settle moves the settled position on and returns it.
func (s *Stream) settle(now int64) earshot.Position {
	if _, any := s.timeline.SSRC(); !any {
		return 0
	}
	delay := s.playout()
	if s.ring.any {
		s.settled = max(s.settled, s.ring.floor)
	}
	s.ahead()
	for i, p := range s.spans {
		if p.from > s.settled && now-earliest(s.spans[i:]) < int64(delay) {
			break
		}
		s.settled = max(s.settled, p.to)
	}
	quiet := s.timeline.Expected(now) - earshot.PositionOf(idle+delay)
	s.settled = max(s.settled, quiet)
	return s.settled
}

// ahead collects the audio in the ring that has not settled, by position.
func (s *Stream) ahead() {
	s.spans = s.spans[:0]
	s.ring.each(func(p *record.Packet) {
		if p.End() > s.settled && p.Flags&record.Silent == 0 {
			s.spans = append(s.spans, span{p.Position, p.End(), p.Arrival})
		}
	})
	slices.SortFunc(s.spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
}

func earliest(spans []span) int64 {
	first := spans[0].arrival
	for _, p := range spans[1:] {
		first = min(first, p.arrival)
	}
	return first
}

// playout returns how long a missing packet is waited for once a later one is
// there: what the jitter says, but as long as the latest one lately would have
// needed.
func (s *Stream) playout() time.Duration {
	st := s.timeline.Stats()
	return min(max(4*st.Jitter, st.Reorder, minPlayout), maxPlayout)
}
