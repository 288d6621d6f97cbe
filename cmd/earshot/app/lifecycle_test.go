package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopRunsLastInFirstOut(t *testing.T) {
	l := &lifecycle{log: slog.New(slog.DiscardHandler)}
	var order []string
	for _, name := range []string{"store", "media", "signalling"} {
		l.onStop(name, func(context.Context) error {
			order = append(order, name)
			if name == "media" {
				return errors.New("disk gone")
			}
			return nil
		})
	}
	err := l.stop(t.Context())
	if want := []string{"signalling", "media", "store"}; !slices.Equal(order, want) {
		t.Errorf("stopped %v, want %v", order, want)
	}
	if err == nil || !strings.Contains(err.Error(), "stop media: disk gone") {
		t.Errorf("error = %v, want it to name media", err)
	}
	if err := l.stop(t.Context()); err != nil || len(order) != 3 {
		t.Errorf("second stop ran again: %v %v", order, err)
	}
}

func TestStopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lifecycle{log: slog.New(slog.DiscardHandler)}
		release, stopped := make(chan struct{}), false
		l.onStop("store", func(context.Context) error { stopped = true; return nil })
		l.onStop("stuck", func(context.Context) error { <-release; return nil })
		began := time.Now()
		if err := l.stop(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want deadline exceeded", err)
		}
		if waited := time.Since(began); waited != stopTimeout {
			t.Errorf("waited %v, want %v", waited, stopTimeout)
		}
		if !stopped {
			t.Error("the store was not stopped after the stuck one")
		}
		close(release)
	})
}

func TestBackgroundEndsBeforeWhatItUses(t *testing.T) {
	l := &lifecycle{log: slog.New(slog.DiscardHandler)}
	open := true
	l.onStop("store", func(context.Context) error { open = false; return nil })
	usedClosed := false
	l.background("worker", func(ctx context.Context) error {
		<-ctx.Done()
		usedClosed = !open
		return ctx.Err()
	})
	if err := l.stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if usedClosed {
		t.Error("the store was closed while the worker still ran")
	}
}
