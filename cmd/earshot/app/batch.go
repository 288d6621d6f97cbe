package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"earshot"
	"earshot/cmd/earshot/config"
	"earshot/transcribe"
	"earshot/transcribe/models"
	"earshot/transcribe/vad"
	"earshot/transcribe/vocabulary"
)

// Sound is the audio of one stream that is all there, mono.
type Sound struct {
	StreamID earshot.StreamID
	PCM      []int16
	// Hertz is 8000, 12000, 16000, 24000 or 48000 samples per second.
	Hertz int
}

var _ transcribe.Source = Sound{}

// Rate implements [transcribe.Source].
func (s Sound) Rate() int { return s.Hertz }

// End returns the length of the sound.
func (s Sound) End() earshot.Position { return earshot.At(int64(len(s.PCM)), s.Hertz) }

// ReadAt implements [transcribe.Source].
func (s Sound) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	from := pos.Samples(s.Hertz)
	if from < 0 || from >= int64(len(s.PCM)) {
		return 0, io.EOF
	}
	n := copy(pcm, s.PCM[from:])
	if n < len(pcm) {
		return n, io.EOF
	}
	return n, nil
}

// Batch recognises sounds outside of the server, with the settings of live
// recognition: the same cuts, text for reading, vocabulary and masks.
type Batch struct {
	Config config.Config
	Log    *slog.Logger
	CallID earshot.CallID
	// Names are those of the people, which recognition may mishear.
	Names []string
	// Engine is the one that is asked; "" is the built-in one.
	Engine string
	// Progress is told the share that is done, from 0 to 1; it must not block.
	Progress func(done float64)
}

// Run returns the utterances by their start, with times from the beginning of
// the sounds, and how many parts could not be recognised. It ends early with
// the error of ctx.
func (b Batch) Run(ctx context.Context, sounds []Sound) (us []earshot.Utterance, missed int, err error) {
	cfg, err := b.settings()
	if err != nil {
		return nil, 0, err
	}
	dir, err := models.Find(b.Config.Transcribe.Model)
	if err != nil {
		return nil, 0, err
	}
	detector, err := vad.New(dir)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, detector.Close()) }()
	engine, closeEngine, err := newEngine(b.Config, cmp.Or(b.Engine, builtIn), dir)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, closeEngine()) }()
	total := time.Duration(0)
	for _, s := range sounds {
		total += s.End().Duration()
	}
	sink := newCollector(len(sounds), total, b.Progress)
	t, err := transcribe.New(cfg, detector, engine, sink, b.Log)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	t.Start()
	for _, s := range sounds {
		if err := t.Add(transcribe.Track{CallID: b.CallID, StreamID: s.StreamID, Source: s}); err != nil {
			return nil, 0, err
		}
	}
	select {
	case <-sink.all:
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	us, missed = sink.result()
	return us, missed, nil
}

func (b Batch) settings() (transcribe.Config, error) {
	set := b.Config.Transcribe
	patterns, err := set.Patterns()
	if err != nil {
		return transcribe.Config{}, err
	}
	return transcribe.Config{
		Workers: set.Workers, EndSilence: set.EndSilence, MaxUtterance: set.MaxUtterance, Partials: -1,
		Vocabulary: vocabulary.New(set.Vocabulary, 0, b.Log), Mask: patterns,
		Names: func(earshot.StreamID) []string { return b.Names },
	}, nil
}

// collector is the sink of streams whose transcript is taken as a whole.
type collector struct {
	progress func(float64)
	total    time.Duration
	all      chan struct{} // closed when every stream is done

	mu         sync.Mutex
	utterances []earshot.Utterance
	missed     map[string]bool
	reached    map[earshot.StreamID]time.Duration
	open       int
}

var _ transcribe.Sink = (*collector)(nil)

// newCollector waits for a number of streams of a total length. progress may
// be nil.
func newCollector(streams int, total time.Duration, progress func(float64)) *collector {
	c := &collector{
		progress: progress, total: total, all: make(chan struct{}), open: streams,
		missed: map[string]bool{}, reached: map[earshot.StreamID]time.Duration{},
	}
	if streams == 0 {
		close(c.all)
	}
	return c
}

// Partial implements [transcribe.Sink]; a batch has none.
func (c *collector) Partial(earshot.Utterance) {}

// Missed implements [transcribe.Sink].
func (c *collector) Missed(id earshot.StreamID, mark earshot.StreamMark) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed[string(id)+fmt.Sprint(mark.ID)] = true
}

// Final implements [transcribe.Sink].
func (c *collector) Final(_ context.Context, us []earshot.Utterance, mark earshot.Watermark) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, u := range us {
		u.StartMS, u.EndMS = u.From.Duration().Milliseconds(), u.To.Duration().Milliseconds()
		u.Words = slices.Clone(u.Words)
		for i := range u.Words {
			u.Words[i].StartMS += u.StartMS
			u.Words[i].EndMS += u.StartMS
		}
		c.utterances = append(c.utterances, u)
	}
	c.reached[mark.StreamID] = mark.Position.Duration()
	if c.progress != nil {
		c.progress(c.done())
	}
	if mark.Completed {
		if c.open--; c.open == 0 {
			close(c.all)
		}
	}
	return nil
}

// completed reports whether all is heard.
func (c *collector) completed() bool {
	select {
	case <-c.all:
		return true
	default:
		return false
	}
}

// share returns how much is recognised, from 0 to 1.
func (c *collector) share() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done()
}

// done is share for who holds the mutex.
func (c *collector) done() float64 {
	done := time.Duration(0)
	for _, d := range c.reached {
		done += d
	}
	if c.total <= 0 {
		return 0
	}
	return min(1, done.Seconds()/c.total.Seconds())
}

func (c *collector) result() ([]earshot.Utterance, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	slices.SortStableFunc(c.utterances, func(x, y earshot.Utterance) int { return cmp.Compare(x.StartMS, y.StartMS) })
	return c.utterances, len(c.missed)
}
