package transcribe

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"earshot"
	"earshot/transcribe/line"
	"earshot/transcribe/timing"
)

// niceness puts recognition below the threads that receive media.
const niceness = 10

// Waiting between the attempts at a span.
const (
	firstRetry = 200 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// worker recognises one job after the other on a thread of its own, which ends
// with it.
func (t *Transcriber) worker() {
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness); err != nil {
		t.log.Warn("recognition runs at full priority", "error", err)
	}
	for {
		j, ok := t.take()
		if !ok {
			return
		}
		if j.span != nil {
			t.final(j.track, j.span)
		} else {
			t.partial(j.track, j.partial)
		}
	}
}

// recognise reads a span and recognises it; live says that it is heard in real
// time, final that it is all of the utterance.
func (t *Transcriber) recognise(tr *track, from, to earshot.Position, live, final bool) (heard earshot.Recognition, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("recogniser panicked: %v", v)
		}
	}()
	started := time.Now()
	pcm, err := tr.clip(from, to)
	if err != nil {
		return heard, err
	}
	if len(pcm) == 0 {
		return heard, nil
	}
	rec := t.rec
	if tr.Recogniser != nil {
		rec = tr.Recogniser
	}
	if f, ok := rec.(Follower); ok && live {
		heard, err = f.Follow(t.ctx, earshot.Hearing{StreamID: tr.StreamID, From: from, Final: final}, pcm, tr.rate)
	} else {
		heard, err = rec.Recognise(t.ctx, pcm, tr.rate)
	}
	t.mu.Lock()
	t.counts.busy += time.Since(started)
	t.mu.Unlock()
	heard.Words = timing.Words(heard, pcm, tr.rate)
	heard.Text = line.Text(heard.Words)
	return heard, err
}

// final recognises a span for good.
func (t *Transcriber) final(tr *track, s *span) {
	heard, err := t.recognise(tr, s.from, s.to, s.live, true)
	if t.ctx.Err() != nil {
		return
	}
	now := time.Now()
	if err != nil {
		if !t.giveUp(tr, s, now, err) {
			return
		}
		t.miss(tr, s, failed)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s.state, s.doneAt = spanDone, now
	s.late = !s.live || now.Sub(tr.zeroAt.Add(s.to.Duration())) > t.cfg.LateAfter
	if err == nil {
		s.heard = heard
		t.counts.recognised(now, s.duration())
		t.tellOthers(tr, heard.Text)
	}
	t.kick(tr, now)
}

// giveUp counts a failed attempt and reports whether it was the last. If not,
// the span is queued again.
func (t *Transcriber) giveUp(tr *track, s *span, now time.Time, err error) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.attempts++
	t.counts.errors++
	log := t.log.With("call_id", tr.CallID, "stream", tr.StreamID, "position", s.from.Duration(), "attempts", s.attempts,
		"error", err)
	var permanent *earshot.PermanentError
	if s.attempts >= t.cfg.Attempts || errors.As(err, &permanent) {
		t.counts.failed++
		log.Error("utterance not recognised, its text is missing")
		return true
	}
	wait := min(firstRetry<<(s.attempts-1), lastRetry)
	if later, ok := errors.AsType[*earshot.RetryAfterError](err); ok {
		wait = max(wait, min(later.After, lastRetry))
	}
	log.Warn("utterance not recognised, will try again", "wait", wait)
	s.state, s.retryAt = spanQueued, now.Add(wait)
	time.AfterFunc(wait, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.work.Signal()
	})
	return false
}

// tellOthers lets the guards of the call's other streams know what was said.
// The caller holds t.mu.
func (t *Transcriber) tellOthers(tr *track, text string) {
	for _, other := range t.tracks {
		if other != tr && other.CallID == tr.CallID {
			other.guard.Heard(text)
		}
	}
}

// partial recognises what there is of an utterance and passes it on if the
// utterance still goes on then.
func (t *Transcriber) partial(tr *track, p *partial) {
	heard, err := t.recognise(tr, p.from, p.to, true, false)
	t.mu.Lock()
	tr.partialRun = false
	t.work.Signal() // a newer one may wait
	if err != nil || tr.saying != p.from || heard.Text == "" {
		t.counts.partialsSkipped++
		t.mu.Unlock()
		return
	}
	text := tr.guard.Partial(tr.pendingTexts(), heard.Text)
	t.counts.partials++
	t.mu.Unlock()
	u := earshot.Utterance{
		ID: earshot.UtteranceIDFor(tr.StreamID, p.from), CallID: tr.CallID, StreamID: tr.StreamID,
		Text: text, Confidence: heard.Confidence, Language: heard.Language, Engine: heard.Engine, From: p.from, To: p.to,
	}
	t.readable(&u)
	t.sink.Partial(u)
}

// pendingTexts returns the texts that are recognised and not committed. The
// caller holds the Transcriber's mutex.
func (tr *track) pendingTexts() []string {
	var texts []string
	for _, s := range tr.spans {
		if s.state == spanDone {
			texts = append(texts, s.heard.Text)
		}
	}
	return texts
}
