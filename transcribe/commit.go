package transcribe

import (
	"time"

	"earshot"
	"earshot/transcribe/line"
)

// Waiting between the attempts at a commit.
const (
	firstCommitRetry = 100 * time.Millisecond
	lastCommitRetry  = 5 * time.Second
)

// batch is what is committed at once.
type batch struct {
	utterances []earshot.Utterance
	watermark  earshot.Watermark
	spans      int
}

// kick starts committing what is ready of a stream unless that is under way.
// The caller holds t.mu.
func (t *Transcriber) kick(tr *track, now time.Time) {
	if tr.committing || t.closed || t.tracks[tr.StreamID] != tr {
		return
	}
	b, ok := t.collect(tr, now)
	if !ok {
		return
	}
	tr.committing = true
	t.wg.Go(func() { t.commit(tr, b) })
}

// collect takes what is ready of a stream, in order: spans that are done and
// need not wait for more digits. Spans without text at the front go with the
// next commit. The caller holds t.mu.
func (t *Transcriber) collect(tr *track, now time.Time) (batch, bool) {
	t.passSilent(tr)
	lines := t.ready(tr, now)
	completes := tr.ended && len(lines) == len(tr.spans)
	if len(lines) == 0 && !completes {
		return batch{}, false
	}
	b := batch{spans: len(lines), watermark: earshot.Watermark{StreamID: tr.StreamID, Position: tr.position, Finals: tr.finals}}
	for i, words := range lines {
		s := tr.spans[i]
		b.watermark.Position = s.to
		if len(words) > 0 {
			b.utterances = append(b.utterances, tr.utterance(s, words))
		}
	}
	b.watermark.Finals += len(b.utterances)
	if completes {
		b.watermark.Completed = true
		b.watermark.Position = max(tr.end, b.watermark.Position)
	}
	return b, true
}

// passSilent moves on over spans at the front in which nothing was said.
func (t *Transcriber) passSilent(tr *track) {
	for len(tr.spans) > 0 && tr.spans[0].state == spanDone && tr.spans[0].heard.Text == "" {
		tr.position = tr.spans[0].to
		tr.spans = tr.spans[1:]
	}
}

// ready returns the masked words of the spans at the front that may be
// committed. Which are masked together is what it is when they come one by one:
// it must not depend on how many were recognised by now.
func (t *Transcriber) ready(tr *track, now time.Time) [][]earshot.Word {
	var lines, masked [][]earshot.Word
	var texts []string
	for _, s := range tr.spans {
		if s.state != spanDone {
			break
		}
		lines, texts = append(lines, s.heard.Words), append(texts, s.heard.Text)
		from := len(masked)
		if to := len(lines) - tr.guard.Hold(texts[from:]); to > from {
			masked = append(masked, tr.guard.Mask(lines[from:to])...)
		}
	}
	held, done := len(masked) < len(lines), len(lines)
	idle := done == len(tr.spans) && tr.saying < 0
	if held && idle && (tr.ended || now.Sub(tr.spans[done-1].doneAt) >= t.cfg.HoldDigits) {
		masked = append(masked, tr.guard.Mask(lines[len(masked):])...)
	}
	return masked
}

func (tr *track) utterance(s *span, words []earshot.Word) earshot.Utterance {
	return earshot.Utterance{
		ID: earshot.UtteranceIDFor(tr.StreamID, s.from), CallID: tr.CallID, StreamID: tr.StreamID,
		Text: line.Text(words), Words: words, Confidence: s.heard.Confidence, Language: s.heard.Language, Engine: s.heard.Engine,
		Final: true, Late: s.late, Continues: s.continues, From: s.from, To: s.to,
	}
}

// commit commits a batch and whatever is ready after it.
func (t *Transcriber) commit(tr *track, b batch) {
	for ok := true; ok; {
		for i := range b.utterances {
			t.readable(&b.utterances[i])
		}
		if !t.deliver(tr, b) {
			return
		}
		t.mu.Lock()
		tr.spans = tr.spans[b.spans:]
		tr.position, tr.finals = b.watermark.Position, b.watermark.Finals
		t.counts.finals += uint64(len(b.utterances))
		if b.watermark.Completed {
			delete(t.tracks, tr.StreamID)
			t.mu.Unlock()
			return
		}
		b, ok = t.collect(tr, time.Now())
		tr.committing = ok
		t.mu.Unlock()
	}
}

// deliver hands a batch to the sink until it takes it. It returns false when
// the Transcriber is closed before.
func (t *Transcriber) deliver(tr *track, b batch) bool {
	wait := firstCommitRetry
	for {
		err := t.sink.Final(t.ctx, b.utterances, b.watermark)
		if err == nil {
			return true
		}
		if t.ctx.Err() != nil {
			return false
		}
		t.log.Warn("utterances not committed, will try again", "call_id", tr.CallID, "stream", tr.StreamID,
			"wait", wait, "error", err)
		t.mu.Lock()
		t.counts.commitErrors++
		t.mu.Unlock()
		select {
		case <-t.ctx.Done():
			return false
		case <-time.After(wait):
		}
		wait = min(2*wait, lastCommitRetry)
	}
}

// releaseHeld commits what has waited for more digits long enough.
func (t *Transcriber) releaseHeld(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, tr := range t.tracks {
		if len(tr.spans) > 0 && tr.spans[0].state == spanDone {
			t.kick(tr, now)
		}
	}
}
