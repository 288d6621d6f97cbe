package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

func TestRetryTiming(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobDeliver, "a")
		var at []time.Time
		cfg := WorkersConfig{MaxAttempts: 8, Backoff: Backoff{Base: 4 * time.Second, Max: 20 * time.Second}}
		w, stop := startWorkers(t, store, cfg, func(w *Workers) {
			w.Handle(earshot.JobDeliver, func(context.Context, earshot.Job) (earshot.Commit, error) {
				at = append(at, time.Now())
				return earshot.Commit{}, errors.New("no answer")
			})
		})
		time.Sleep(10 * time.Minute)
		stop()
		j := store.job(1)
		if len(at) != 8 || j.State != earshot.JobDead || j.Attempts != 8 || j.LastError != "no answer" {
			t.Fatalf("%d attempts, job %+v", len(at), j)
		}
		for i, ceiling := range []time.Duration{4, 8, 16, 20, 20, 20, 20} {
			// The store is asked once a second, or when a shorter wait is over.
			if gap := at[i+1].Sub(at[i]); gap > ceiling*time.Second+pollInterval || gap <= 0 {
				t.Errorf("attempt %d came after %v, want at most %v s", i+2, gap, int(ceiling))
			}
		}
		if n := counterValue(t, w.metrics.dead.WithLabelValues("deliver")); n != 1 {
			t.Errorf("%v dead jobs counted", n)
		}
		if n := counterValue(t, w.metrics.retried.WithLabelValues("deliver")); n != 7 {
			t.Errorf("%v retries counted", n)
		}
	})
}

func TestShortRetryDoesNotWaitForThePoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, begin := newMemStore(), time.Now()
		store.addJobs(earshot.JobAssist, "a")
		var took time.Duration
		cfg := WorkersConfig{Backoff: Backoff{Base: 100 * time.Millisecond, Max: 100 * time.Millisecond}}
		_, stop := startWorkers(t, store, cfg, func(w *Workers) {
			w.Handle(earshot.JobAssist, func(_ context.Context, j earshot.Job) (earshot.Commit, error) {
				took = time.Since(begin)
				if j.Attempts < 3 {
					return earshot.Commit{}, errors.New("busy")
				}
				return earshot.Commit{}, nil
			})
		})
		time.Sleep(time.Minute)
		stop()
		if took > 300*time.Millisecond || store.job(1).State != earshot.JobDone {
			t.Errorf("took %v: %+v", took, store.job(1))
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for _, c := range []struct{ after, want time.Duration }{
		{90 * time.Second, 90 * time.Second},
		{1000 * time.Hour, maxRetryAfter},
	} {
		synctest.Test(t, func(t *testing.T) {
			store := newMemStore()
			store.addJobs(earshot.JobDeliver, "a")
			begin := time.Now()
			_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
				w.Handle(earshot.JobDeliver, func(context.Context, earshot.Job) (earshot.Commit, error) {
					err := &earshot.RetryAfterError{Err: errors.New("429"), After: c.after}
					return earshot.Commit{}, fmt.Errorf("deliver: %w", err)
				})
			})
			synctest.Wait()
			stop()
			if got := store.job(1).RunAt.Sub(begin); got != c.want {
				t.Errorf("runs again after %v, want %v", got, c.want)
			}
		})
	}
}

func TestWhatKillsAJob(t *testing.T) {
	for name, f := range map[string]JobFunc{
		"permanent error": func(context.Context, earshot.Job) (earshot.Commit, error) {
			return earshot.Commit{}, fmt.Errorf("deliver: %w", earshot.Permanent(errors.New("gone")))
		},
		"no handler": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := newMemStore()
				store.addJobs(earshot.JobDeliver, "a")
				_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
					if f != nil {
						w.Handle(earshot.JobDeliver, f)
					}
				})
				synctest.Wait()
				stop()
				if j := store.job(1); j.State != earshot.JobDead || j.Attempts != 1 {
					t.Errorf("job %+v", j)
				}
			})
		})
	}
}

func TestPanicIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobAssist, "a", "b")
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobAssist, func(_ context.Context, j earshot.Job) (earshot.Commit, error) {
				if j.Key == "a" && j.Attempts == 0 {
					panic("index out of range")
				}
				return earshot.Commit{}, nil
			})
		})
		time.Sleep(time.Minute)
		stop()
		for _, j := range store.all() {
			if j.State != earshot.JobDone {
				t.Errorf("job %+v", j)
			}
		}
		if e := store.job(1).LastError; !strings.Contains(e, "index out of range") {
			t.Errorf("last error %q", e)
		}
	})
}

func TestTimeoutByKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, begin := newMemStore(), time.Now()
		store.addJobs(earshot.JobDeliver, "a")
		var took time.Duration
		cfg := WorkersConfig{Kinds: map[earshot.JobKind]KindConfig{
			earshot.JobDeliver: {Timeout: 15 * time.Second, MaxAttempts: 1},
		}}
		_, stop := startWorkers(t, store, cfg, func(w *Workers) {
			w.Handle(earshot.JobDeliver, func(ctx context.Context, _ earshot.Job) (earshot.Commit, error) {
				<-ctx.Done()
				took = time.Since(begin)
				return earshot.Commit{}, ctx.Err()
			})
		})
		time.Sleep(time.Minute)
		stop()
		j := store.job(1)
		if took != 15*time.Second || j.State != earshot.JobDead || !strings.Contains(j.LastError, "timed out after 15s") {
			t.Errorf("took %v: %+v", took, j)
		}
	})
}

func TestStoreThatRefusesTheCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobDeliver, "a")
		var fails, calls int
		store.setApplyErr(func(c earshot.Commit) error {
			if fails++; fails < applyTries {
				return errors.New("disk is full")
			}
			return nil
		})
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobDeliver, func(context.Context, earshot.Job) (earshot.Commit, error) {
				calls++
				return earshot.Commit{}, nil
			})
		})
		time.Sleep(time.Minute)
		stop()
		if j := store.job(1); calls != 1 || j.State != earshot.JobDone {
			t.Errorf("%d calls, job %+v", calls, j)
		}
	})
}

func TestStoreThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobDeliver, "a")
		full := errors.New("disk is full")
		store.setApplyErr(func(earshot.Commit) error { return full })
		store.retryErr = func() error { return full }
		var calls atomic.Int32
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobDeliver, func(context.Context, earshot.Job) (earshot.Commit, error) {
				calls.Add(1)
				return earshot.Commit{}, nil
			})
		})
		time.Sleep(10 * time.Minute)
		if n := calls.Load(); n != 1 {
			t.Errorf("job ran %d times while nothing could be stored", n)
		}
		store.setApplyErr(nil)
		store.mu.Lock()
		store.retryErr = nil
		store.mu.Unlock()
		time.Sleep(time.Minute)
		stop()
		if j := store.job(1); j.State != earshot.JobDone || j.Attempts != 1 {
			t.Errorf("job %+v", j)
		}
	})
}

func TestBackoff(t *testing.T) {
	b := Backoff{}.withDefaults(Backoff{Base: time.Second, Max: 10 * time.Minute})
	for n, want := range map[int]time.Duration{1: 1, 2: 2, 5: 16, 10: 512, 11: 600, 12: 600, 1000: 600} {
		if got := b.ceiling(n); got != want*time.Second {
			t.Errorf("ceiling(%d) = %v", n, got)
		}
	}
	var sum time.Duration
	for range 2000 {
		d := b.Delay(5)
		if d <= 0 || d > 16*time.Second {
			t.Fatalf("Delay(5) = %v", d)
		}
		sum += d
	}
	if mean := sum / 2000; mean < 7*time.Second || mean > 9*time.Second {
		t.Errorf("mean of Delay(5) is %v, want about 8 s", mean)
	}
}

func TestClip(t *testing.T) {
	s := clip(strings.Repeat("é", maxErrorText))
	if len(s) > maxErrorText+3 || !strings.HasSuffix(s, "é...") {
		t.Errorf("clip = %q", s)
	}
}

func TestJobThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobDeliver, "a")
		w, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobDeliver, func(context.Context, earshot.Job) (earshot.Commit, error) {
				store.mu.Lock()
				clear(store.jobs)
				store.mu.Unlock()
				return earshot.Commit{}, errors.New("no answer")
			})
		})
		synctest.Wait()
		if lanes := w.busy(); len(lanes) != 0 {
			t.Errorf("lanes %v are busy for ever", lanes)
		}
		stop()
	})
}
