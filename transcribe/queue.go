package transcribe

import "time"

// partialPatience is how long a partial may wait; then it is of no use.
const partialPatience = 2 * time.Second

// job is what a worker does next: a span, or else a partial.
type job struct {
	track   *track
	span    *span
	partial *partial
}

// take waits for a job. It returns false when the Transcriber is closed.
func (t *Transcriber) take() (job, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.closed {
		if j, ok := t.pick(time.Now()); ok {
			return j, true
		}
		t.work.Wait()
	}
	return job{}, false
}

// pick chooses the next job: first finals of live streams, the longest waiting
// first; then what is behind of streams that go on, so that their finals come in
// time again soon; then in turn partials, again the longest waiting, and the rest
// of the backlog. The caller holds t.mu.
func (t *Transcriber) pick(now time.Time) (job, bool) {
	var live, behind, early job
	for _, tr := range t.tracks {
		t.expirePartial(tr, now)
		if p := tr.partial; p != nil && !tr.partialRun && (early.track == nil || p.at.Before(early.partial.at)) {
			early = job{track: tr, partial: p}
		}
		s := tr.firstQueued(now)
		switch {
		case s == nil:
		case s.live && now.Sub(s.cutAt) < t.cfg.LateAfter:
			if live.track == nil || s.cutAt.Before(live.span.cutAt) {
				live = job{track: tr, span: s}
			}
		case behind.track == nil || tr.before(behind.track):
			behind = job{track: tr, span: s}
		}
	}
	switch {
	case live.track != nil:
		live.span.state = spanRunning
		return live, true
	case early.track != nil && (behind.track == nil || t.partialNext && !behind.track.goesOn()):
		t.partialNext = false
		early.track.partial, early.track.partialRun = nil, true
		return early, true
	case behind.track != nil:
		t.partialNext = true
		behind.span.state = spanRunning
		return behind, true
	}
	return job{}, false
}

// before reports whether what is behind of a stream goes before that of another:
// that of streams that go on first, since their next finals wait for it, then
// that of the newest stream, at last what is recognised again.
func (tr *track) before(other *track) bool {
	if going := tr.goesOn(); going != other.goesOn() {
		return going
	}
	if tr.Again != other.Again {
		return other.Again
	}
	return tr.order > other.order
}

// goesOn reports whether more of the stream will be heard in real time.
func (tr *track) goesOn() bool { return tr.live && !tr.ended }

// firstQueued returns the first span of the stream that is due.
func (tr *track) firstQueued(now time.Time) *span {
	for _, s := range tr.spans {
		if s.state == spanQueued && !now.Before(s.retryAt) {
			return s
		}
	}
	return nil
}

// dropPartial withdraws the partial that waits. The caller holds t.mu.
func (t *Transcriber) dropPartial(tr *track) {
	if tr.partial != nil {
		tr.partial = nil
		t.counts.partialsSkipped++
	}
}

// expirePartial withdraws the partial that has waited too long. The caller
// holds t.mu.
func (t *Transcriber) expirePartial(tr *track, now time.Time) {
	if tr.partial != nil && now.Sub(tr.partial.at) >= partialPatience {
		t.dropPartial(tr)
	}
}
