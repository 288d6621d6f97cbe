package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
	"unicode/utf8"

	"earshot"
)

const (
	// applyTries is how often a commit is offered to a store that refuses it.
	applyTries = 5
	// stopGrace is what a job that ended during the stop has for its commit.
	stopGrace = 5 * time.Second
	// maxRetryAfter bounds what a receiver may ask for.
	maxRetryAfter = 24 * time.Hour
	maxErrorText  = 500
)

// run does one attempt at a job and brings its outcome to the store.
func (w *Workers) run(ctx context.Context, j earshot.Job) {
	defer w.release(j)
	begin := time.Now()
	commit, err := w.attempt(ctx, j)
	if err == nil {
		commit.Done = append(commit.Done, j.ID)
		err = w.apply(ctx, commit)
	}
	w.metrics.seconds.WithLabelValues(string(j.Kind)).Observe(time.Since(begin).Seconds())
	switch {
	case err == nil:
		w.metrics.done.WithLabelValues(string(j.Kind)).Inc()
	case ctx.Err() != nil:
		w.log.Info("job stays pending", "job_id", j.ID, "kind", j.Kind, "call_id", j.CallID)
	default:
		w.failed(ctx, j, err)
	}
}

// attempt calls the handler within its time; a panic is an error.
func (w *Workers) attempt(ctx context.Context, j earshot.Job) (c earshot.Commit, err error) {
	f := w.handlers[j.Kind]
	if f == nil {
		return c, earshot.Permanent(fmt.Errorf("no handler for jobs of kind %.40q", j.Kind))
	}
	limit := w.cfg.kind(j.Kind).Timeout
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("job panicked", "job_id", j.ID, "kind", j.Kind, "call_id", j.CallID,
				"stack", string(debug.Stack()))
			c, err = earshot.Commit{}, fmt.Errorf("job panicked: %v", p)
		}
	}()
	c, err = f(ctx, j)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("timed out after %v: %w", limit, err)
	}
	return c, err
}

// apply commits a job's outcome. What the job did outside may have been dear,
// so a store that refuses is asked again before the job is run again; but what
// has changed meanwhile stays changed.
func (w *Workers) apply(ctx context.Context, c earshot.Commit) error {
	wait := 50 * time.Millisecond
	for try := 1; ; try++ {
		err := w.call(ctx, func(ctx context.Context) error {
			_, err := w.store.Apply(ctx, c)
			return err
		})
		var permanent *earshot.PermanentError
		if err == nil || errors.As(err, &permanent) || errors.Is(err, earshot.ErrChanged) || try == applyTries || !pause(ctx, wait) {
			return wrap("commit job", err)
		}
		wait *= 4
	}
}

// failed has the job run again or makes it dead. It does not give up before
// the store has taken that, for the job would run again at once.
func (w *Workers) failed(ctx context.Context, j earshot.Job, cause error) {
	attempt, kc := j.Attempts+1, w.cfg.kind(j.Kind)
	var permanent *earshot.PermanentError
	dead := errors.As(cause, &permanent) || attempt >= kc.MaxAttempts
	delay := w.delay(kc, attempt, cause)
	runAt, text := time.Now().UTC().Add(delay), clip(cause.Error())
	wait := 50 * time.Millisecond
	for {
		err := w.call(ctx, func(ctx context.Context) error {
			if dead {
				return w.store.KillJob(ctx, j.ID, text)
			}
			return w.store.RetryJob(ctx, j.ID, runAt, text)
		})
		if err == nil {
			break
		}
		if errors.Is(err, earshot.ErrNotFound) {
			return // somebody else has dealt with the job
		}
		w.log.Warn("job outcome is not stored yet", "job_id", j.ID, "kind", j.Kind, "error", err)
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, 5*time.Second)
	}
	w.report(j, attempt, dead, delay, text)
	if !dead && delay < pollInterval {
		time.AfterFunc(delay, w.Wake)
	}
}

func (w *Workers) report(j earshot.Job, attempt int, dead bool, delay time.Duration, text string) {
	log := w.log.With("job_id", j.ID, "kind", j.Kind, "call_id", j.CallID, "attempt", attempt, "error", text)
	if dead {
		w.metrics.dead.WithLabelValues(string(j.Kind)).Inc()
		log.Error("job is dead")
		return
	}
	w.metrics.retried.WithLabelValues(string(j.Kind)).Inc()
	log.Warn("job is tried again", "in", delay)
}

// delay is how long the job waits: what the other side asked for, and at least
// the backoff, or one that goes on saying "in a second" would use up the
// attempts of days within a minute.
func (w *Workers) delay(kc KindConfig, attempt int, cause error) time.Duration {
	delay := kc.Backoff.Delay(attempt)
	if after, ok := errors.AsType[*earshot.RetryAfterError](cause); ok {
		delay = max(delay, min(after.After, maxRetryAfter))
	}
	return delay
}

// call makes one call to the store. It is let through during the stop, with
// a time of its own.
func (w *Workers) call(ctx context.Context, f func(context.Context) error) error {
	if ctx.Err() == nil {
		return f(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	return f(ctx)
}

// pause waits for d and reports whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// clip keeps an error's text at a length fit for the store.
func clip(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	cut := maxErrorText
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "..."
}
