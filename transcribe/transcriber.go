// Package transcribe turns the streams of calls into partial and final
// utterances. One listener reads all streams in 32 ms windows, asks the voice
// activity detector and cuts utterances; an utterance is a span of a stream,
// and bounded workers recognise spans, reading their audio when they get to
// them. The same way serves live streams, the backlog and recordings of
// streams that are over. Finals of a stream are committed in order together
// with how far the stream is done, so that recognition can be taken up again
// at that position after a restart: cutting starts afresh at each cut, which
// makes it come out the same.
package transcribe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"earshot"
)

// Source is the audio of one stream, as recorded: mono at the stream's own
// rate. Its methods are safe for concurrent use, also with the writing side.
type Source interface {
	// Rate returns the samples per second: 8000, 12000, 16000, 24000 or 48000.
	Rate() int
	// ReadAt fills pcm with the samples from a position on and returns how many
	// it could. Fewer than asked for with no error means that the rest may still
	// come; io.EOF, at the latest for a position behind the end, that the stream
	// is over there.
	ReadAt(pcm []int16, pos earshot.Position) (n int, err error)
}

// VAD detects voice activity. It is called by one goroutine at a time.
type VAD interface {
	// StateLen is the length of the state of one channel; all zeros is a fresh
	// one.
	StateLen() int
	// Detect rates one window of 32 ms of each channel, 8000 or 16000 samples
	// per second: probs[i] is how likely windows[i] has speech in it. It updates
	// states[i], and keeps none of the slices.
	Detect(rate int, states [][]float32, windows [][]int16, probs []float32) error
}

// Recogniser turns one utterance into text. It is safe for concurrent use. No
// text means that nothing is said. An error is tried again unless it is an
// [earshot.PermanentError].
type Recogniser interface {
	Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error)
}

// Follower is a Recogniser that is sent what somebody says while it is said. It
// is asked about live streams, one utterance after the other, and must bear
// that a part comes twice, or after its utterance is over.
type Follower interface {
	Recogniser
	// Follow returns what is heard of an utterance so far; pcm is all there is of
	// it since it began, somewhat more than the time before.
	Follow(ctx context.Context, h earshot.Hearing, pcm []int16, rate int) (earshot.Recognition, error)
}

// Sink takes what was recognised. It is called by many goroutines at a time,
// but for Final only by one per stream.
type Sink interface {
	// Partial takes an utterance that is still being said. It must not block.
	Partial(earshot.Utterance)
	// Final commits finals and how far their stream is done, both or nothing. On
	// an error it is called again with the same, until it succeeds or the
	// Transcriber is closed. The times of words count from the utterance's start.
	Final(context.Context, []earshot.Utterance, earshot.Watermark) error
	// Missed hears of a part of a stream that has no text and will have none. It
	// may hear of it again, under the same ID.
	Missed(earshot.StreamID, earshot.StreamMark)
}

// Track is one stream to recognise.
type Track struct {
	CallID   earshot.CallID
	StreamID earshot.StreamID
	Source   Source
	// From is the stream's watermark: everything before it is done.
	From earshot.Position
	// Finals is the number of finals committed so far.
	Finals int
	// Recogniser is asked for this stream; nil is that of the Transcriber.
	Recogniser Recogniser
	// Again says that there is a transcript already: all other streams go first,
	// and nothing of this one is given up because it waits.
	Again bool
}

// ErrClosed says that the Transcriber is closed.
var ErrClosed = errors.New("transcriber is closed")

// Transcriber recognises streams until each is over.
type Transcriber struct {
	cfg  Config
	vad  VAD
	rec  Recogniser
	sink Sink
	log  *slog.Logger

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	work   sync.Cond // something may be ready for a worker
	tracks map[earshot.StreamID]*track
	added  int
	closed bool
	// partialNext says that a partial is before the backlog this time.
	partialNext bool
	// load is how many streams have something waiting, per worker.
	load   int
	counts counts

	// vadFailed and shedAt belong to the listener.
	vadFailed bool
	shedAt    time.Time
}

// New makes a Transcriber. A nil Recogniser recognises nothing: streams are
// read and completed without text.
func New(cfg Config, vad VAD, rec Recogniser, sink Sink, log *slog.Logger) (*Transcriber, error) {
	if sink == nil || log == nil || vad == nil && rec != nil {
		return nil, errors.New("new transcriber: a part is missing")
	}
	t := &Transcriber{
		cfg: cfg.withDefaults(), vad: vad, rec: rec, sink: sink, log: log,
		tracks: map[earshot.StreamID]*track{},
	}
	t.work.L = &t.mu
	t.ctx, t.cancel = context.WithCancel(context.Background())
	return t, nil
}

// Start starts the listener and the workers.
func (t *Transcriber) Start() {
	t.wg.Go(t.listen)
	if t.rec != nil {
		for range t.cfg.Workers {
			t.wg.Go(t.worker)
		}
	}
}

// Close stops everything and waits for it. What is not committed by then is
// left to the next start. It may be called twice.
func (t *Transcriber) Close() error {
	t.mu.Lock()
	t.closed = true
	t.cancel()
	t.work.Broadcast()
	t.mu.Unlock()
	t.wg.Wait()
	return nil
}

// Add takes up a stream. The last call of Sink.Final for it has Completed set;
// then the Transcriber has forgotten it.
func (t *Transcriber) Add(in Track) error {
	stateLen := 0
	if t.vad != nil {
		stateLen = t.vad.StateLen()
	}
	tr, err := newTrack(in, t.cfg, stateLen, time.Now())
	if err != nil {
		return fmt.Errorf("transcribe: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	if t.tracks[in.StreamID] != nil {
		return fmt.Errorf("transcribe stream %s: already at it", in.StreamID)
	}
	t.added++
	tr.order = t.added
	t.tracks[in.StreamID] = tr
	return nil
}

// End says that no more audio of a stream will come. The source says so
// itself with io.EOF; if it has not within five seconds, what it has by then
// is all.
func (t *Transcriber) End(id earshot.StreamID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if tr := t.tracks[id]; tr != nil && tr.endAsked.IsZero() {
		tr.endAsked = time.Now()
	}
}
