package transcribe

import (
	"runtime"
	"time"

	"earshot"
	"earshot/transcribe/redact"
	"earshot/transcribe/vocabulary"
)

// The defaults of Config.
const (
	DefaultEndSilence   = 600 * time.Millisecond
	DefaultMinSpeech    = 96 * time.Millisecond
	DefaultPadBefore    = 192 * time.Millisecond
	DefaultPadAfter     = 128 * time.Millisecond
	DefaultMaxUtterance = 15 * time.Second
	DefaultLateAfter    = 5 * time.Second
	DefaultHoldDigits   = 6 * time.Second
	DefaultAttempts     = 8
)

// autoPartial is how much new speech makes a partial when there is little to
// do.
const autoPartial = time.Second

// Config sets how speech is cut and recognised. A zero field takes its
// default.
type Config struct {
	// Workers is how many utterances are recognised at a time, each on a thread
	// of its own, of low priority: by default as many as there are processors.
	Workers int
	// EndSilence is how long nobody speaks before an utterance is over.
	EndSilence time.Duration
	// MinSpeech is the least speech an utterance consists of.
	MinSpeech time.Duration
	// PadBefore and PadAfter are how much of what surrounds the speech is
	// recognised with it, so that soft beginnings and ends are not lost. More
	// silence than that costs accuracy: 250 ms each made 12 % wrong where 120 ms
	// made 10 %.
	PadBefore, PadAfter time.Duration
	// MaxUtterance is the longest span recognised at once; speech that goes on
	// is cut at its quietest moment before.
	MaxUtterance time.Duration
	// Partials is how much new speech makes a partial. 0 is what the load allows:
	// a second, but a quarter of the utterance's length if that is more, and as
	// many times as much as there are streams waiting for each worker. Negative:
	// no partials.
	Partials time.Duration
	// LateAfter is how long after it was heard an utterance may be recognised
	// without being late and part of the backlog.
	LateAfter time.Duration
	// BacklogAge is how long ago something may have been said that is still
	// recognised, BacklogLimit how much may wait for it in all; of more the oldest
	// streams are given up. 0 is no bound. What is given up is marked on the
	// call's timeline.
	BacklogAge, BacklogLimit time.Duration
	// HoldDigits is how long an utterance that ends in digits waits for the next
	// one, because a card number may go on.
	HoldDigits time.Duration
	// Vocabulary corrects names and products; nil corrects nothing.
	Vocabulary *vocabulary.Vocabulary
	// Names returns the names of the people in a stream's call, which are
	// corrected too; nil knows none.
	Names func(earshot.StreamID) []string
	// Mask are the patterns masked besides cards; nil has none.
	Mask *redact.Patterns
	// Attempts is how often a span is tried before it is committed without
	// text.
	Attempts int
}

// withDefaults resolves the zero fields.
func (c Config) withDefaults() Config {
	if c.Workers <= 0 {
		c.Workers = runtime.NumCPU()
	}
	for _, d := range []struct {
		value *time.Duration
		def   time.Duration
	}{
		{&c.EndSilence, DefaultEndSilence},
		{&c.MinSpeech, DefaultMinSpeech},
		{&c.PadBefore, DefaultPadBefore},
		{&c.PadAfter, DefaultPadAfter},
		{&c.MaxUtterance, DefaultMaxUtterance},
		{&c.LateAfter, DefaultLateAfter},
		{&c.HoldDigits, DefaultHoldDigits},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
	}
	if c.Attempts <= 0 {
		c.Attempts = DefaultAttempts
	}
	return c
}
