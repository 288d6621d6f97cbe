package failover

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// When an engine is left alone, and for how long.
const (
	// mostFailures in a row open the breaker.
	mostFailures = 2
	// firstPause doubles with each probe that fails, up to lastPause.
	firstPause = 5 * time.Second
	lastPause  = time.Minute
	// probeWait is when to come back while another utterance is the probe.
	probeWait = time.Second
)

// breaker keeps utterances from an engine that fails. It logs when that begins
// and when it ends, never in between.
type breaker struct {
	up  prometheus.Gauge
	log *slog.Logger

	mu       sync.Mutex
	failures int
	open     bool
	probing  bool
	pause    time.Duration
	until    time.Time
}

// admit returns 0 if the engine may be asked, after which report or withdraw
// must follow, and otherwise how long not.
func (b *breaker) admit(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.open:
		return 0
	case now.Before(b.until):
		return b.until.Sub(now)
	case b.probing:
		return probeWait
	}
	b.probing = true
	return 0
}

// withdraw says that nothing came of the question, for reasons of ours.
func (b *breaker) withdraw() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// report says what came of the question. An engine that names a time to come
// back is left alone at once.
func (b *breaker) report(now time.Time, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err == nil {
		b.failures, b.pause, b.probing = 0, 0, false
		if b.open {
			b.open = false
			b.up.Set(1)
			b.log.Info("speech engine is used again")
		}
		return
	}
	b.failures++
	later, asked := errors.AsType[*earshot.RetryAfterError](err)
	if b.failures < mostFailures && !asked || b.open && !b.probing {
		return // or it was asked before the breaker opened
	}
	b.pause = min(max(firstPause, 2*b.pause), lastPause)
	wait := b.pause
	if asked {
		wait = max(wait, later.After)
	}
	b.until, b.probing = now.Add(wait), false
	if !b.open {
		b.open = true
		b.up.Set(0)
		b.log.Warn("speech engine fails and is left alone for a while", "wait", wait, "error", err)
	}
}
