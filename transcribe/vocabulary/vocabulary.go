// Package vocabulary corrects names and products that the recogniser does not
// know: what sounds like one of the terms of a deployment is written as that
// term. Everyday words are left alone unless the recogniser was unsure of them
// and the words around make the term likely.
package vocabulary

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// DefaultInterval is how often the file is looked at.
const DefaultInterval = 2 * time.Second

// Vocabulary is the terms of a file, which may change while they are used. It
// is safe for concurrent use.
type Vocabulary struct {
	file  string
	every time.Duration
	log   *slog.Logger
	now   atomic.Pointer[list]

	errors, corrections prometheus.Counter

	mu         sync.Mutex // guards what follows
	read, seen stamp
}

// New reads a file of terms; "" has none. One that can't be used is logged and
// counted: nobody's call is to wait for a typing mistake. A zero interval is
// the default.
func New(file string, every time.Duration, log *slog.Logger) *Vocabulary {
	if every == 0 {
		every = DefaultInterval
	}
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "vocabulary", Name: name, Help: help})
	}
	v := &Vocabulary{
		file: file, every: every, log: log,
		errors:      counter("errors_total", "Times that the file of the vocabulary could not be used; what was known stayed."),
		corrections: counter("corrections_total", "Words and names that were corrected in finals and partials."),
	}
	v.now.Store(newList(nil))
	if file != "" {
		v.read = stampOf(file)
		v.seen = v.read
		v.load()
	}
	return v
}

// Correct returns the words with what was likely misheard corrected. The
// confidence is that of the utterance, between 0 and 1; names are those of the
// people in the call. Words that became one have the time of all.
func (v *Vocabulary) Correct(words []earshot.Word, confidence float64, names []string) []earshot.Word {
	out, n := correct(words, confidence, v.now.Load(), nameList(names))
	v.corrections.Add(float64(n))
	return out
}

// Follow takes over changes of the file until ctx is done.
func (v *Vocabulary) Follow(ctx context.Context) error {
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			v.look()
		}
	}
}

// look reads a file that has changed. One that still changes is being written:
// half of it is not to be read.
func (v *Vocabulary) look() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.file == "" {
		return
	}
	is := stampOf(v.file)
	if is == v.seen && is != v.read {
		v.read = is
		v.load()
	}
	v.seen = is
}

func (v *Vocabulary) load() {
	terms, err := ReadFile(v.file)
	if err != nil {
		v.errors.Inc()
		v.log.Error("vocabulary not taken, what was known stays", "error", err)
		return
	}
	v.now.Store(newList(terms))
	v.log.Info("vocabulary read", "terms", len(terms))
}

// Collectors returns the metrics, to be registered once.
func (v *Vocabulary) Collectors() []prometheus.Collector {
	return []prometheus.Collector{v.errors, v.corrections, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "vocabulary", Name: "terms", Help: "Terms of the vocabulary.",
	}, func() float64 { return float64(len(v.now.Load().terms)) })}
}

// stamp is how a file looks from outside.
type stamp struct {
	modified time.Time
	size     int64
}

// stampOf returns the zero stamp for a file that is not there.
func stampOf(name string) stamp {
	info, err := os.Stat(name)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
