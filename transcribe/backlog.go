package transcribe

import (
	"fmt"
	"slices"
	"time"

	"earshot"
)

// How often the backlog is held against its bounds, and for how long at most:
// each part that is given up is stored, and live streams wait meanwhile.
const (
	shedEvery = time.Second
	shedTime  = 128 * time.Millisecond
)

// Why speech has no text.
const (
	tooOld  = "not transcribed: it had waited for longer than transcribe.backlog_age"
	tooMuch = "not transcribed: more was waiting than transcribe.backlog_limit"
	failed  = "not transcribed: recognition failed"
)

// shed gives up what has waited for too long, and the oldest calls of what is
// more than may wait; what there is no time for, the next time. Whatever is live
// stays. It belongs to the listener.
func (t *Transcriber) shed(now time.Time) {
	if now.Sub(t.shedAt) < shedEvery {
		return
	}
	t.shedAt = now
	behind, began := t.behind(), time.Now()
	if t.cfg.BacklogAge > 0 {
		for _, b := range behind {
			if time.Since(began) > shedTime {
				return
			}
			if age, known := b.age(now); known && age > t.cfg.BacklogAge {
				until := min(b.end, b.at+earshot.PositionOf(age-t.cfg.BacklogAge))
				b.length -= t.giveUpTo(b.track, until, now, tooOld)
			}
		}
	}
	if t.cfg.BacklogLimit <= 0 {
		return
	}
	total := time.Duration(0)
	for _, b := range behind {
		total += b.length
	}
	for _, b := range behind {
		if total <= t.cfg.BacklogLimit || time.Since(began) > shedTime {
			return
		}
		total -= t.giveUpTo(b.track, b.end, now, tooMuch)
	}
}

// waiting is a stream in the backlog.
type waiting struct {
	track   *track
	at, end earshot.Position // of what is not recognised
	length  time.Duration
}

// age returns how long ago the first of it was said, if the source knows.
func (w *waiting) age(now time.Time) (time.Duration, bool) {
	s, ok := w.track.Source.(interface{ Started() (time.Time, bool) })
	if !ok {
		return 0, false
	}
	origin, started := s.Started()
	return now.Sub(origin.Add(w.at.Duration())), started
}

// behind returns the streams of the backlog whose end is known and that have no
// transcript, the oldest first.
func (t *Transcriber) behind() []*waiting {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []*waiting
	for _, tr := range t.tracks {
		s, ok := tr.Source.(interface{ End() earshot.Position })
		if tr.live || tr.Again || !ok {
			continue
		}
		w := &waiting{track: tr, at: max(tr.From, tr.at(tr.heardTo.Load())), end: s.End()}
		for _, sp := range tr.spans {
			if sp.state == spanQueued {
				w.at = min(w.at, sp.from)
				w.length += sp.duration()
			}
		}
		if !tr.ended {
			w.length += max(0, w.end-max(tr.From, tr.at(tr.heardTo.Load()))).Duration()
		}
		list = append(list, w)
	}
	slices.SortFunc(list, func(a, b *waiting) int { return a.track.order - b.track.order })
	return list
}

// Settled returns how far a stream has been heard and what was said in it is in
// the sink, but for an utterance that begins right now. It is false for a
// stream that is not recognised, or no longer.
func (t *Transcriber) Settled(id earshot.StreamID) (earshot.Position, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	tr := t.tracks[id]
	if tr == nil || t.rec == nil {
		return 0, false
	}
	at := tr.at(tr.heardTo.Load())
	if tr.saying >= 0 {
		at = min(at, tr.saying)
	}
	for _, s := range tr.spans {
		at = min(at, s.from)
	}
	return at, true
}

// giveUpTo leaves a stream without text up to a position, as far as nobody is
// at it, and returns how much that is.
func (t *Transcriber) giveUpTo(tr *track, until earshot.Position, now time.Time, why string) time.Duration {
	t.mu.Lock()
	var given []*span
	for _, s := range tr.spans {
		if s.state == spanQueued && s.to <= until {
			s.state = spanRunning // nobody else takes it
			given = append(given, s)
		}
	}
	if from := max(tr.From, tr.at(tr.seg.cut)); !tr.ended && !tr.seg.speaking && until > from {
		tr.seg.cut = until.Samples(tr.rate)
		tr.rewind()
		tr.heardTo.Store(tr.seg.cut)
		rest := &span{from: from, to: until, cutAt: now, state: spanRunning}
		tr.spans = append(tr.spans, rest)
		given = append(given, rest)
	}
	t.mu.Unlock()
	length := time.Duration(0)
	for _, s := range given {
		length += s.duration()
		t.miss(tr, s, why)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range given {
		s.state, s.doneAt = spanDone, now
	}
	t.kick(tr, now)
	return length
}

// miss counts a span that has no text and says so on the call's timeline,
// before the span is done with.
func (t *Transcriber) miss(tr *track, s *span, why string) {
	t.mu.Lock()
	t.counts.missed += s.duration()
	t.mu.Unlock()
	t.log.Warn("speech is not transcribed", "call_id", tr.CallID, "stream", tr.StreamID,
		"position", s.from.Duration(), "length", s.duration(), "why", why)
	t.sink.Missed(tr.StreamID, earshot.StreamMark{
		ID:   earshot.MarkID(fmt.Sprintf("missed-%s-%d", tr.StreamID, s.from)), // the same after a restart
		Kind: earshot.MarkMissed, From: s.from, To: s.to, Reason: why,
	})
}
