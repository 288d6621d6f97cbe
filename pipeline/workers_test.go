package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

// addJobs stores jobs of a kind, each in its own lane.
func (s *memStore) addJobs(kind earshot.JobKind, keys ...string) {
	for _, k := range keys {
		s.add(earshot.NewJob(kind, earshot.CallID(k), k, nil))
	}
}

func (s *memStore) add(j earshot.Job) {
	if _, err := s.Apply(context.Background(), earshot.Commit{Jobs: []earshot.Job{j}}); err != nil {
		panic(err)
	}
}

// startWorkers runs workers inside a bubble; stop waits until they are gone.
func startWorkers(t *testing.T, store JobStore, cfg WorkersConfig, handle func(*Workers)) (w *Workers, stop func()) {
	t.Helper()
	w = NewWorkers(store, cfg, testLog(t))
	handle(w)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	return w, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
}

func succeed(context.Context, earshot.Job) (earshot.Commit, error) { return earshot.Commit{}, nil }

func TestJobAndItsEndAreOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobSummarize, "a")
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobSummarize, func(_ context.Context, j earshot.Job) (earshot.Commit, error) {
				return earshot.Commit{Summaries: []earshot.Summary{{CallID: j.CallID}}}, nil
			})
		})
		synctest.Wait()
		stop()
		last := store.commits[len(store.commits)-1]
		if len(last.Summaries) != 1 || !slices.Equal(last.Done, []int64{1}) {
			t.Errorf("commit %+v", last)
		}
		if j := store.job(1); j.State != earshot.JobDone {
			t.Errorf("job %+v", j)
		}
	})
}

func TestJobsStoredByAJobRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, begin := newMemStore(), time.Now()
		store.addJobs(earshot.JobNote, "a")
		var ranAfter time.Duration
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobNote, func(_ context.Context, j earshot.Job) (earshot.Commit, error) {
				return earshot.Commit{Jobs: []earshot.Job{earshot.NewJob(earshot.JobDeliver, j.CallID, "d", nil)}}, nil
			})
			w.Handle(earshot.JobDeliver, func(context.Context, earshot.Job) (earshot.Commit, error) {
				ranAfter = time.Since(begin)
				return earshot.Commit{}, nil
			})
		})
		synctest.Wait()
		stop()
		if ranAfter != 0 || store.job(2).State != earshot.JobDone {
			t.Errorf("ran after %v: %+v", ranAfter, store.job(2))
		}
	})
}

func TestJobRunsWhenItIsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, begin := newMemStore(), time.Now()
		j := earshot.NewJob(earshot.JobSummarize, "a", "a", nil)
		j.RunAt = begin.Add(90 * time.Second)
		store.add(j)
		var ran time.Time
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) {
			w.Handle(earshot.JobSummarize, func(context.Context, earshot.Job) (earshot.Commit, error) {
				ran = time.Now()
				return earshot.Commit{}, nil
			})
		})
		time.Sleep(2 * time.Minute)
		stop()
		if late := ran.Sub(j.RunAt); late < 0 || late > time.Second {
			t.Errorf("ran %v late", late)
		}
	})
}

// TestLanes runs jobs of random length and looks that those of a lane run one
// after another, in order, and no more at once than there are workers.
func TestLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		for i := range 120 { // far more in a lane than are asked for at once
			for l := range 3 {
				j := earshot.NewJob(earshot.JobAssist, "c", fmt.Sprintf("%d/%d", l, i), nil)
				j.Lane = fmt.Sprint(l)
				store.add(j)
			}
		}
		store.addJobs(earshot.JobAssist, "x", "y", "z")
		var mu sync.Mutex
		busy, last, most := map[string]bool{}, map[string]int64{}, 0
		_, stop := startWorkers(t, store, WorkersConfig{Concurrency: 4}, func(w *Workers) {
			w.Handle(earshot.JobAssist, func(_ context.Context, j earshot.Job) (earshot.Commit, error) {
				mu.Lock()
				if busy[j.Lane] || last[j.Lane] > j.ID {
					t.Errorf("job %d beside or after job %d of its lane", j.ID, last[j.Lane])
				}
				busy[j.Lane], last[j.Lane] = true, j.ID
				most = max(most, len(busy))
				mu.Unlock()
				time.Sleep(time.Duration(1+j.ID%7) * time.Millisecond)
				mu.Lock()
				delete(busy, j.Lane)
				mu.Unlock()
				return earshot.Commit{}, nil
			})
		})
		time.Sleep(3 * time.Second)
		stop()
		for _, j := range store.all() {
			if j.State != earshot.JobDone {
				t.Fatalf("job %+v", j)
			}
		}
		if most != 4 {
			t.Errorf("%d jobs at once, want 4", most)
		}
	})
}

func TestLaterJobOfALaneIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		for i := range 2 {
			j := earshot.NewJob(earshot.JobSummarize, "c", fmt.Sprint(i), nil)
			if i == 0 {
				j.RunAt = j.RunAt.Add(time.Hour)
			}
			store.add(j)
		}
		_, stop := startWorkers(t, store, WorkersConfig{}, func(w *Workers) { w.Handle(earshot.JobSummarize, succeed) })
		synctest.Wait()
		stop()
		if a, b := store.job(1), store.job(2); a.State != earshot.JobPending || b.State != earshot.JobDone {
			t.Errorf("jobs %+v, %+v", a, b)
		}
	})
}

func TestSlowKindLeavesRoomForOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		for i := range 3 * duePage {
			store.addJobs(earshot.JobDeliver, fmt.Sprintf("d%d", i))
		}
		store.addJobs(earshot.JobAssist, "live")
		var delivering, most atomic.Int32
		cfg := WorkersConfig{Concurrency: 4, Kinds: map[earshot.JobKind]KindConfig{earshot.JobDeliver: {Concurrency: 2}}}
		_, stop := startWorkers(t, store, cfg, func(w *Workers) {
			w.Handle(earshot.JobAssist, succeed)
			w.Handle(earshot.JobDeliver, func(ctx context.Context, _ earshot.Job) (earshot.Commit, error) {
				if n := delivering.Add(1); n > most.Load() {
					most.Store(n)
				}
				defer delivering.Add(-1)
				select {
				case <-ctx.Done():
				case <-time.After(15 * time.Second):
				}
				return earshot.Commit{}, ctx.Err()
			})
		})
		synctest.Wait()
		if j := store.job(3*duePage + 1); j.State != earshot.JobDone {
			t.Errorf("job %+v waits behind slow ones", j)
		}
		time.Sleep(time.Minute)
		stop()
		if most.Load() != 2 {
			t.Errorf("%d deliveries at once, want 2", most.Load())
		}
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		store.addJobs(earshot.JobDeliver, "quick", "slow")
		store.addJobs(earshot.JobAssist, "later")
		begin := time.Now()
		w, stop := startWorkers(t, store, WorkersConfig{Concurrency: 2, StopTimeout: 5 * time.Second}, func(w *Workers) {
			w.Handle(earshot.JobAssist, succeed)
			w.Handle(earshot.JobDeliver, func(ctx context.Context, j earshot.Job) (earshot.Commit, error) {
				wait := 3 * time.Second
				if j.Key == "slow" {
					wait = time.Hour
				}
				select {
				case <-time.After(wait):
					return earshot.Commit{}, nil
				case <-ctx.Done():
					return earshot.Commit{}, ctx.Err()
				}
			})
		})
		synctest.Wait()
		stop()
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("stop took %v", took)
		}
		want := []earshot.JobState{earshot.JobDone, earshot.JobPending, earshot.JobPending}
		for i, j := range store.all() {
			if j.State != want[i] || j.Attempts != 0 {
				t.Errorf("job %+v, want %s", j, want[i])
			}
		}
		if n := len(w.busy()); n != 0 {
			t.Errorf("%d lanes still busy", n)
		}
	})
}

func TestIdleWorkersAskOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := newMemStore()
		_, stop := startWorkers(t, store, WorkersConfig{}, func(*Workers) {})
		time.Sleep(60*time.Second + time.Millisecond)
		stop()
		if store.dueCalls != 61 {
			t.Errorf("asked %d times in a minute", store.dueCalls)
		}
	})
}

func TestDefaultsAsDocumented(t *testing.T) {
	c := WorkersConfig{}.withDefaults()
	if c.Concurrency != 8 || c.Timeout != time.Minute || c.MaxAttempts != 10 || c.StopTimeout != 10*time.Second ||
		c.Backoff != (Backoff{Base: time.Second, Max: 10 * time.Minute}) {
		t.Errorf("defaults %+v", c)
	}
	c.Kinds = map[earshot.JobKind]KindConfig{earshot.JobAssist: {Timeout: time.Second, Backoff: Backoff{Max: time.Minute}}}
	want := KindConfig{Concurrency: 8, Timeout: time.Second, MaxAttempts: 10, Backoff: Backoff{time.Second, time.Minute}}
	if got := c.kind(earshot.JobAssist); got != want {
		t.Errorf("kind %+v", got)
	}
}

func TestDeadGauge(t *testing.T) {
	w := NewWorkers(newMemStore(), WorkersConfig{CountDead: func(context.Context) (int, error) { return 3, nil }}, testLog(t))
	if got := counterValue(t, w.metrics.deadNow); got != 3 {
		t.Errorf("gauge is %v", got)
	}
	if len(w.Collectors()) != 6 {
		t.Errorf("%d collectors", len(w.Collectors()))
	}
}
