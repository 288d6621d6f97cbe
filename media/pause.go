package media

import (
	"math"
	"strings"

	"earshot"
)

// maxPauses is how many pauses a stream remembers. Packets that belong further
// back are as good as never late.
const maxPauses = 16

// pausedSpan is a part of a stream that is not kept.
type pausedSpan struct{ from, to earshot.Position }

// pauses are the newest pauses of a stream. They are spans of its timeline, so
// that a packet that is late is judged by when it was spoken: what belongs
// before a pause is kept, what belongs into it never is.
type pauses struct {
	spans []pausedSpan
	on    bool
}

// set begins a pause where the audio received so far ends, or ends it there.
func (p *pauses) set(on bool, end earshot.Position) {
	if p.on == on {
		return
	}
	p.on = on
	if !on {
		p.spans[len(p.spans)-1].to = end
		return
	}
	if len(p.spans) == maxPauses {
		p.spans = append(p.spans[:0], p.spans[1:]...)
	}
	p.spans = append(p.spans, pausedSpan{end, math.MaxInt64})
}

// cover reports whether any of a packet belongs to a pause.
func (p *pauses) cover(from, to earshot.Position) bool {
	for _, s := range p.spans {
		if from < s.to && (to > s.from || from >= s.from) {
			return true
		}
	}
	return false
}

// SetPaused stops or goes on recording. While paused, packets are received and
// counted, and recorded without their payload: the recording is silent there,
// and nothing is left to be heard, recognised or captured. What had arrived
// before the call of SetPaused is treated as before.
func (s *Stream) SetPaused(paused bool) {
	if s.rtp != nil {
		s.drain(s.rtp, newBatch(s.engine.clock), 1<<10)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setPaused(paused)
}

// setPaused does what SetPaused does with what has been taken already. The
// caller holds mu.
func (s *Stream) setPaused(paused bool) {
	s.release()
	end := s.timeline.End()
	if _, any := s.timeline.SSRC(); !any {
		end = math.MinInt64
	} else if !paused && s.repeats() {
		end++ // the next packet is left out too
	}
	s.pauses.set(paused, end)
}

// repeats reports whether a packet may say again what the one before it said:
// Opus does to repair losses (RFC 6716 2.1.7).
func (s *Stream) repeats() bool { return strings.HasPrefix(strings.ToLower(s.codec), "opus/") }
