package transcribe

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/transcribe/redact"
	"earshot/transcribe/resample"
)

// warmUp is how many windows before the last cut are heard again, so that
// detection has settled there: about a second.
const warmUp = 31

// Patience with a source, by the clock.
const (
	// stalled is how long no audio comes before an utterance is taken as over.
	stalled = 1500 * time.Millisecond
	// endGrace is how long after End the source may take to say so itself.
	endGrace = 5 * time.Second
	// readRetry and readAttempts bound how long a source that fails is asked.
	readRetry    = time.Second
	readAttempts = 10
)

// span is one utterance on its way to being committed. All fields are guarded
// by the Transcriber.
type span struct {
	from, to earshot.Position
	// continues says that it was cut off at the length limit.
	continues bool
	// live says that the stream was heard in real time when this was cut.
	live  bool
	cutAt time.Time
	state spanState
	// attempts counts the failed ones, retryAt is when the next is due.
	attempts int
	retryAt  time.Time
	heard    earshot.Recognition
	late     bool
	doneAt   time.Time
}

type spanState int

const (
	spanQueued spanState = iota
	spanRunning
	spanDone
)

// partial is a request to recognise what there is of an utterance.
type partial struct {
	from, to earshot.Position
	at       time.Time
}

// track is one stream being recognised.
type track struct {
	Track
	rate int
	// order is the number of the track; a newer one has a higher.
	order int

	// These belong to the listener.
	seg     segmenter
	state   []float32
	vadRate int
	// filter brings other rates to what voice-activity detection knows; margin
	// is what it needs on each side of a window.
	filter *resample.Filter
	margin int
	raw    []int16
	window []int16
	prob   float32
	// cursor is the next sample to hear, reach the furthest that was heard.
	cursor, reach int64
	grewAt        time.Time
	partialTo     int64
	failures      int
	retryAt       time.Time
	// last is the number of samples of the stream, once known, else -1.
	last int64
	// heardTo is reach for others.
	heardTo atomic.Int64

	// These are guarded by the Transcriber.
	live bool
	// zeroAt is when position 0 was heard, as far as known.
	zeroAt     time.Time
	endAsked   time.Time
	ended      bool
	end        earshot.Position
	saying     earshot.Position // start of the utterance under way, or -1
	spans      []*span
	partial    *partial
	partialRun bool
	committing bool
	guard      redact.Guard
	position   earshot.Position
	finals     int
}

// newTrack prepares a stream from its watermark on.
func newTrack(in Track, cfg Config, stateLen int, now time.Time) (*track, error) {
	t := &track{
		Track: in, rate: in.Source.Rate(), state: make([]float32, stateLen), guard: redact.NewGuard(cfg.Mask),
		grewAt: now, saying: -1, last: -1,
	}
	if t.rate < 8000 || t.rate%125 != 0 || earshot.MediaClock%t.rate != 0 {
		return nil, fmt.Errorf("stream %s: %d samples per second: not a rate of telephony", in.StreamID, t.rate)
	}
	t.vadRate = t.rate
	if t.rate != 8000 && t.rate != 16000 {
		var err error
		t.vadRate = 16000
		if t.filter, err = resample.New(t.rate, t.vadRate); err != nil {
			return nil, fmt.Errorf("stream %s: %w", in.StreamID, err)
		}
		// A whole number of milliseconds is a whole number of samples at both rates.
		ms := t.rate / 1000
		t.margin = (t.filter.Reach()/ms + 1) * ms
	}
	t.seg = newSegmenter(cfg, t.rate, in.From.Samples(t.rate))
	t.raw = make([]int16, int(t.seg.window)+2*t.margin)
	t.position, t.finals = in.From, in.Finals
	t.rewind()
	return t, nil
}

// rewind starts detection afresh shortly before the cut.
func (t *track) rewind() {
	clear(t.state)
	t.cursor = t.seg.cut - min(warmUp, t.seg.cut/t.seg.window)*t.seg.window
	t.partialTo = t.seg.cut
}

// at returns the position of a sample.
func (t *track) at(sample int64) earshot.Position { return earshot.At(sample, t.rate) }

// fill says what the source has for the next window.
type fill int

const (
	fillReady fill = iota
	fillWait
	fillOver
)

// read fills the window at the cursor. Past the end of the stream it is
// silence.
func (t *track) read(closing bool) (fill, error) {
	clear(t.raw)
	before := min(int64(t.margin), t.cursor)
	into := t.raw[int64(t.margin)-before:]
	n, err := t.Source.ReadAt(into, t.at(t.cursor-before))
	if err == nil && n < len(into) {
		// A source may say only behind its end that it is over.
		var more int
		more, err = t.Source.ReadAt(into[n:], t.at(t.cursor-before+int64(n)))
		n += more
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fillWait, err
	}
	if n < len(into) {
		if err == nil && !closing {
			return fillWait, nil
		}
		if t.last < 0 {
			t.last = max(t.cursor-before+int64(n), t.seg.cut)
		}
		if t.cursor >= t.last {
			return fillOver, nil
		}
	}
	t.window = t.raw
	if t.filter != nil {
		t.resample()
	}
	return fillReady, nil
}

// resample makes the detector's window of the raw one.
func (t *track) resample() {
	all := t.filter.Floats(t.raw)
	skip := t.margin * t.vadRate / t.rate
	size := t.vadRate * int(windowLength/time.Millisecond) / 1000
	t.window = make([]int16, size)
	for i, s := range all[skip : skip+size] {
		t.window[i] = int16(max(-32768, min(32767, math.Round(float64(s)*32768))))
	}
}

// energy returns the mean square of the window.
func (t *track) energy() float64 {
	sum := 0.0
	for _, s := range t.window {
		sum += float64(s) * float64(s)
	}
	return sum / float64(len(t.window))
}

// hear moves on by one window with the detector's result for it.
func (t *track) hear(now time.Time) (bounds, bool) {
	b, cut := t.seg.push(t.cursor, float64(t.prob), t.energy())
	t.cursor += t.seg.window
	if t.cursor > t.reach {
		t.reach, t.grewAt = t.cursor, now
		t.heardTo.Store(t.cursor)
	}
	if t.last >= 0 {
		b.to = min(b.to, t.last)
	}
	return b, cut
}

// clip is the PCM of a span, read when it is recognised.
func (t *track) clip(from, to earshot.Position) ([]int16, error) {
	first := from.Samples(t.rate)
	pcm := make([]int16, to.Samples(t.rate)-first)
	for got := 0; got < len(pcm); {
		n, err := t.Source.ReadAt(pcm[got:], t.at(first+int64(got)))
		got += n
		if errors.Is(err, io.EOF) {
			return pcm[:got], nil
		}
		if err != nil {
			return nil, fmt.Errorf("read audio: %w", err)
		}
		if n == 0 {
			return nil, fmt.Errorf("read audio: only %d of %d samples are there", got, len(pcm))
		}
	}
	return pcm, nil
}

// skip goes on to what is the end by now without reading, if the source knows
// it: of a stream that nobody recognises only the end matters.
func (t *track) skip() bool {
	s, ok := t.Source.(interface{ End() earshot.Position })
	if ok {
		t.cursor = max(t.cursor, s.End().Samples(t.rate))
	}
	return ok
}

// uncut returns how much of a stream that is not live is not heard yet, if its
// source knows its end. The caller holds the Transcriber's mutex.
func (t *track) uncut() time.Duration {
	s, ok := t.Source.(interface{ End() earshot.Position })
	if !ok || t.live || t.ended {
		return 0
	}
	return max(0, s.End()-max(t.From, t.at(t.heardTo.Load()))).Duration()
}

// duration is the length of a span.
func (s *span) duration() time.Duration { return (s.to - s.from).Duration() }
