package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// stopTimeout bounds each single clean-up.
const stopTimeout = 10 * time.Second

// lifecycle runs what was started, and stops it last in, first out.
type lifecycle struct {
	log *slog.Logger

	mu       sync.Mutex
	cleanups []cleanup
}

type cleanup struct {
	name string
	stop func(ctx context.Context) error
}

// onStop registers a clean-up. A step that returns only when its work is done
// makes the next one safe.
func (l *lifecycle) onStop(name string, stop func(ctx context.Context) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cleanups = append(l.cleanups, cleanup{name, stop})
}

// background runs work until it is stopped; its context is cancelled first.
func (l *lifecycle) background(name string, work func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := work(ctx); err != nil && !errors.Is(err, context.Canceled) {
			l.log.Error("background work ended", "name", name, "error", err)
		}
	}()
	l.onStop(name, func(ctx context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// stop runs the clean-ups, each bounded by stopTimeout and all by ctx. One
// that fails does not keep the others from running. It may be called twice.
func (l *lifecycle) stop(ctx context.Context) error {
	l.mu.Lock()
	cleanups := l.cleanups
	l.cleanups = nil
	l.mu.Unlock()
	var errs []error
	for _, c := range slices.Backward(cleanups) {
		if err := runBounded(ctx, c); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}

func runBounded(ctx context.Context, c cleanup) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- c.stop(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
