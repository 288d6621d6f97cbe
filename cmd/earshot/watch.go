package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// residentMetric is what the server says of its memory.
const residentMetric = "process_resident_memory_bytes"

// sampleEvery is how often a load test looks at the server's memory, and
// tellEvery how often it says on a terminal how far it is.
const (
	sampleEvery = time.Second
	tellEvery   = 3
)

// watch looks at the server during a load test.
type watch struct {
	cmd      loadCmd
	w        io.Writer
	terminal bool

	live, begun, failed atomic.Int64
	// Of the goroutine that looks, until it has ended.
	resident float64 // the most there was, in octets
	calls    int64   // the most at a time
}

func newWatch(cmd loadCmd, w io.Writer) *watch {
	f, ok := w.(*os.File)
	return &watch{cmd: cmd, w: w, terminal: ok && isTerminal(f)}
}

// start looks until the function it returns is called.
func (w *watch) start(ctx context.Context, resident float64) (stop func()) {
	w.resident = resident
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		began := time.Now()
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			w.look(ctx)
			if w.terminal && n%tellEvery == 0 {
				w.tell(time.Since(began))
			}
		}
	}()
	return func() {
		cancel()
		<-done
		if w.terminal {
			fmt.Fprint(w.w, "\r\x1b[K")
		}
	}
}

func (w *watch) look(ctx context.Context) {
	w.calls = max(w.calls, w.live.Load())
	if now, ok := metricsOf(ctx, w.cmd.API); ok {
		w.resident = max(w.resident, now[residentMetric])
	}
}

// tell writes over the line it wrote before.
func (w *watch) tell(since time.Duration) {
	fmt.Fprintf(w.w, "\r\x1b[K%s: %d of %d calls begun, %d up, %d failed, server %.1f MiB",
		since.Round(time.Second), w.begun.Load(), w.cmd.N, w.live.Load(), w.failed.Load(), w.resident/(1<<20))
}

// print says what memory the calls took.
func (w *watch) print(before float64) {
	fmt.Fprintf(w.w, "server memory %.1f MiB at its peak, %.1f before", w.resident/(1<<20), before/(1<<20))
	if w.calls > 0 {
		fmt.Fprintf(w.w, ": %.1f KiB per call of %d at a time", (w.resident-before)/(1<<10)/float64(w.calls), w.calls)
	}
	fmt.Fprintln(w.w)
}
