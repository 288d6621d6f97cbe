package transcribe

import (
	"slices"
	"time"
)

// Bounds of one tick of the listener.
const (
	// liveRounds is how many windows a live stream may catch up by in one tick;
	// after each cut about fifty are heard again.
	liveRounds = 128
	// backlogTime is how long of a tick the backlog may take, aloneTime if there
	// are no live streams.
	backlogTime = windowLength / 4
	aloneTime   = windowLength * 7 / 8
	// backlogSpans is how many spans of a stream that is not live may wait.
	backlogSpans = 16
	// unheardEvery is how often a stream that nobody recognises is asked whether
	// it is over.
	unheardEvery = time.Second
	// unheardTick is how often streams are looked after without a recogniser.
	unheardTick = 250 * time.Millisecond
)

// listen hears all streams, a tick every window.
func (t *Transcriber) listen() {
	every := windowLength
	if t.rec == nil {
		every = unheardTick
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case now := <-ticker.C:
			t.tick(now)
		}
	}
}

// tick hears what is new in the live streams, then, as long as there is time,
// the backlog, newest stream first.
func (t *Transcriber) tick(now time.Time) {
	live, backlog := t.audible(now)
	most := aloneTime
	if len(live) > 0 {
		most = backlogTime
	}
	for range liveRounds {
		if live = t.hear(live, now); len(live) == 0 {
			break
		}
	}
	t.shed(now)
	started := time.Now()
	for _, tr := range backlog {
		for one := []*track{tr}; len(one) > 0 && t.hasRoom(tr); {
			if time.Since(started) > most || t.ctx.Err() != nil {
				return
			}
			one = t.hear(one, now)
		}
	}
	t.releaseHeld(now)
}

// audible returns the streams that are not over, the live ones and the others,
// the newest first, and takes the load.
func (t *Transcriber) audible(now time.Time) (live, backlog []*track) {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := 0
	for _, tr := range t.tracks {
		if tr.partial != nil || tr.firstQueued(now) != nil {
			waiting++
		}
		switch {
		case tr.ended:
		case tr.live:
			live = append(live, tr)
		default:
			backlog = append(backlog, tr)
		}
	}
	t.load = waiting / t.cfg.Workers
	slices.SortFunc(backlog, func(a, b *track) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	return live, backlog
}

// hasRoom reports whether more may be cut of a stream in the backlog: it is on
// disk, so cutting it long before it is recognised is of no use.
func (t *Transcriber) hasRoom(tr *track) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(tr.spans) < backlogSpans
}

// hear takes the next window of each of the tracks and returns those that had
// one.
func (t *Transcriber) hear(tracks []*track, now time.Time) []*track {
	var ready []*track
	for _, tr := range tracks {
		if t.next(tr, now) {
			ready = append(ready, tr)
		}
	}
	if t.rec == nil {
		for _, tr := range ready {
			tr.cursor += tr.seg.window
		}
		return ready
	}
	t.detect(ready)
	for _, tr := range ready {
		if b, cut := tr.hear(now); cut {
			t.cut(tr, b, now)
		} else {
			t.follow(tr, now)
		}
	}
	return ready
}

// next reads the next window of a track, if there is one. It deals with the
// end, with silence of the source and with its errors.
func (t *Transcriber) next(tr *track, now time.Time) bool {
	if now.Before(tr.retryAt) {
		return false
	}
	if t.rec == nil && tr.skip() {
		tr.retryAt = now.Add(unheardEvery)
	}
	state, err := tr.read(t.closing(tr, now))
	if err != nil {
		t.sourceFailed(tr, now, err)
		return false
	}
	tr.failures = 0
	switch state {
	case fillReady:
		return true
	case fillWait:
		t.caughtUp(tr, now)
		if tr.seg.speaking && now.Sub(tr.grewAt) >= stalled {
			t.flush(tr, tr.cursor, now)
		}
	case fillOver:
		if !t.flush(tr, tr.last, now) {
			t.over(tr)
		}
	}
	return false
}

// closing reports whether the source has had its time after End.
func (t *Transcriber) closing(tr *track, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return !tr.endAsked.IsZero() && now.Sub(tr.endAsked) >= endGrace
}

// sourceFailed waits before the source is asked again, and takes the stream as
// over when it has failed too often.
func (t *Transcriber) sourceFailed(tr *track, now time.Time, err error) {
	tr.failures++
	tr.retryAt = now.Add(readRetry)
	log := t.log.With("call_id", tr.CallID, "stream", tr.StreamID, "error", err)
	if tr.failures < readAttempts {
		log.Warn("audio not readable, will try again")
		return
	}
	log.Error("audio not readable, transcript ends here", "position", tr.at(tr.cursor).Duration())
	if tr.last < 0 {
		tr.last = max(tr.cursor, tr.seg.cut)
	}
	if !t.flush(tr, tr.last, now) {
		t.over(tr)
	}
}

// caughtUp notes that there is no more to hear right now: the stream is live.
func (t *Transcriber) caughtUp(tr *track, now time.Time) {
	zero := now.Add(-tr.at(tr.cursor).Duration())
	t.mu.Lock()
	defer t.mu.Unlock()
	if !tr.live || zero.Before(tr.zeroAt) {
		tr.zeroAt = zero
	}
	tr.live = true
}

// flush ends the utterance under way and reports whether there was one.
func (t *Transcriber) flush(tr *track, end int64, now time.Time) bool {
	b, cut := tr.seg.flush(end)
	if cut {
		t.cut(tr, b, now)
	} else {
		t.silent(tr)
	}
	return cut
}

// cut queues an utterance and starts afresh at its end.
func (t *Transcriber) cut(tr *track, b bounds, now time.Time) {
	tr.rewind()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dropPartial(tr)
	tr.saying = -1
	tr.spans = append(tr.spans, &span{from: tr.at(b.from), to: tr.at(b.to), continues: b.continues, live: tr.live, cutAt: now})
	t.work.Signal()
}

// silent notes that nothing is being said, after all or any more.
func (t *Transcriber) silent(tr *track) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr.saying >= 0 {
		t.dropPartial(tr)
		tr.saying = -1
	}
}

// over notes the end of the stream.
func (t *Transcriber) over(tr *track) {
	t.silent(tr)
	t.mu.Lock()
	defer t.mu.Unlock()
	tr.ended, tr.end = true, max(tr.at(tr.last), tr.From)
	t.kick(tr, time.Now())
}

// follow asks for a partial of what is being said when enough of it is new.
func (t *Transcriber) follow(tr *track, now time.Time) {
	if !tr.seg.speaking {
		t.silent(tr)
		return
	}
	from := tr.at(tr.seg.start)
	t.mu.Lock()
	defer t.mu.Unlock()
	tr.saying = from
	if !tr.live || t.cfg.Partials < 0 || tr.cursor < tr.reach || tr.seg.voiced < tr.seg.minSpeech {
		return
	}
	to := tr.at(tr.cursor)
	if (tr.at(tr.seg.spoke) - max(from, tr.at(tr.partialTo))).Duration() < t.partialDue((to - from).Duration()) {
		return
	}
	tr.partialTo = tr.cursor
	t.dropPartial(tr)
	tr.partial = &partial{from: from, to: to, at: now}
	t.work.Signal()
}

// partialDue returns how much new speech of an utterance of a length makes a
// partial. The caller holds t.mu.
func (t *Transcriber) partialDue(length time.Duration) time.Duration {
	if t.cfg.Partials > 0 {
		return t.cfg.Partials
	}
	return max(autoPartial, length/4) * time.Duration(1+t.load)
}

// detect rates the window of each track, all of a rate at once.
func (t *Transcriber) detect(tracks []*track) {
	for _, rate := range []int{8000, 16000} {
		var of []*track
		for _, tr := range tracks {
			if tr.vadRate == rate {
				of = append(of, tr)
			}
		}
		if len(of) > 0 {
			t.detectRate(rate, of)
		}
	}
}

func (t *Transcriber) detectRate(rate int, tracks []*track) {
	states, windows := make([][]float32, len(tracks)), make([][]int16, len(tracks))
	probs := make([]float32, len(tracks))
	for i, tr := range tracks {
		states[i], windows[i] = tr.state, tr.window
	}
	err := t.vad.Detect(rate, states, windows, probs)
	if (err != nil) != t.vadFailed {
		t.vadFailed = err != nil
		t.log.Warn("voice activity detection changed", "working", err == nil, "error", err)
	}
	for i, tr := range tracks {
		if err != nil {
			probs[i] = loudAsSpeech(tr.energy())
		}
		tr.prob = probs[i]
	}
}

// loudAsSpeech stands in for the detector while it fails: rather noise is
// recognised than speech lost.
func loudAsSpeech(energy float64) float32 {
	const level = 300 // -41 dB
	if energy >= level*level {
		return 1
	}
	return 0
}
