package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
)

// JobStore is where jobs live. Methods are called concurrently.
type JobStore interface {
	// DueJobs returns at most limit pending jobs whose RunAt is not after now
	// and whose lane is not busy, in rising ID.
	DueJobs(ctx context.Context, now time.Time, limit int, busyLanes []string) ([]earshot.Job, error)
	// RetryJob counts one more attempt, notes why it failed and lets the job
	// run again at runAt. A job that is not pending is earshot.ErrNotFound.
	RetryJob(ctx context.Context, id int64, runAt time.Time, msg string) error
	// KillJob counts one more attempt and makes the job dead. A job that is not
	// pending is earshot.ErrNotFound.
	KillJob(ctx context.Context, id int64, msg string) error
	// Apply commits what a job brought about together with its end.
	Apply(ctx context.Context, c earshot.Commit) ([]earshot.Event, error)
}

// JobFunc does one attempt at a job. It runs at least once per job, so what it
// does outside the Commit it returns must bear doing twice. It obeys ctx. An
// error is tried again later unless it is a [earshot.PermanentError]; a
// [earshot.RetryAfterError] says when.
type JobFunc func(ctx context.Context, j earshot.Job) (earshot.Commit, error)

// KindConfig is how jobs of one kind are run. Zero fields take the value of
// the WorkersConfig.
type KindConfig struct {
	// Concurrency is how many jobs of the kind run at once, 0 as many as there
	// are workers. It keeps slow ones from taking all the workers.
	Concurrency int
	// Timeout of one attempt.
	Timeout time.Duration
	// MaxAttempts after which a job is dead.
	MaxAttempts int
	Backoff     Backoff
}

// WorkersConfig sizes the workers. Zero fields take the defaults named.
type WorkersConfig struct {
	Concurrency int           // jobs at once, default 8
	Timeout     time.Duration // of one attempt, default 1 min
	MaxAttempts int           // default 10
	Backoff     Backoff
	Kinds       map[earshot.JobKind]KindConfig
	// StopTimeout is how long jobs may go on once Run is told to stop, before
	// their context is cancelled; default 10 s.
	StopTimeout time.Duration
	// CountDead counts the dead jobs in the store for a gauge; nil for none.
	CountDead func(ctx context.Context) (int, error)
}

func (c WorkersConfig) withDefaults() WorkersConfig {
	c.Concurrency = cmp.Or(c.Concurrency, 8)
	c.Timeout = cmp.Or(c.Timeout, time.Minute)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 10)
	c.StopTimeout = cmp.Or(c.StopTimeout, 10*time.Second)
	c.Backoff = c.Backoff.withDefaults(Backoff{Base: time.Second, Max: 10 * time.Minute})
	return c
}

func (c WorkersConfig) kind(k earshot.JobKind) KindConfig {
	kc := c.Kinds[k]
	kc.Concurrency = cmp.Or(kc.Concurrency, c.Concurrency)
	kc.Timeout = cmp.Or(kc.Timeout, c.Timeout)
	kc.MaxAttempts = cmp.Or(kc.MaxAttempts, c.MaxAttempts)
	kc.Backoff = kc.Backoff.withDefaults(c.Backoff)
	return kc
}

// duePage is how many jobs are asked for beyond those that can start, so that
// kinds at their limit do not hide the others behind them.
const duePage = 32

// Workers run jobs: several at once, those of one lane one after another.
type Workers struct {
	cfg      WorkersConfig
	store    JobStore
	log      *slog.Logger
	handlers map[earshot.JobKind]JobFunc
	wake     chan struct{}
	metrics  workerMetrics

	mu      sync.Mutex
	lanes   map[string]earshot.JobKind // busy lanes and what runs there
	kinds   map[earshot.JobKind]int    // running jobs
	failing bool                       // owned by the polling goroutine
}

// NewWorkers makes workers without handlers.
func NewWorkers(store JobStore, cfg WorkersConfig, log *slog.Logger) *Workers {
	w := &Workers{
		cfg: cfg.withDefaults(), store: store, log: log,
		handlers: map[earshot.JobKind]JobFunc{},
		wake:     make(chan struct{}, 1),
		lanes:    map[string]earshot.JobKind{},
		kinds:    map[earshot.JobKind]int{},
	}
	w.metrics = newWorkerMetrics(w.cfg.CountDead)
	return w
}

// Handle sets who does the jobs of a kind. It is called before Run and panics
// when the kind has somebody already. A job of a kind nobody handles is dead at
// once.
func (w *Workers) Handle(kind earshot.JobKind, f JobFunc) {
	if w.handlers[kind] != nil {
		panic(fmt.Sprintf("pipeline: jobs of kind %s have a handler", kind))
	}
	w.handlers[kind] = f
}

// Wake says that there may be jobs to run. It never blocks.
func (w *Workers) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run runs jobs until ctx ends. Then no more are started, those that run have
// StopTimeout to come to their end, then their context is cancelled. What does
// not end well stays pending. Run returns nil once all have returned.
func (w *Workers) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var running sync.WaitGroup
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		w.note(w.start(ctx, work, &running))
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-w.wake:
		}
	}
	late := time.AfterFunc(w.cfg.StopTimeout, func() {
		w.log.Warn("jobs are cancelled", "lanes", w.busy())
		stop()
	})
	defer late.Stop()
	running.Wait()
	return nil
}

// note logs when the store starts and ends to fail, not each time.
func (w *Workers) note(err error) {
	err = ignoreCancel(err)
	if err != nil && !w.failing {
		w.log.Warn("workers wait for the store", "error", err)
	} else if err == nil && w.failing {
		w.log.Info("workers go on")
	}
	w.failing = err != nil
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// start starts all due jobs there is room for.
func (w *Workers) start(ctx, work context.Context, running *sync.WaitGroup) error {
	busy := w.busy() // grows by the lanes looked at, so that each page is new
	for {
		room := w.room()
		if room <= 0 {
			return nil
		}
		limit := room + duePage
		jobs, err := w.store.DueJobs(ctx, time.Now().UTC(), limit, busy)
		if err != nil {
			return err
		}
		seen := len(busy)
		for _, j := range jobs {
			if slices.Contains(busy[seen:], j.Lane) {
				continue
			}
			busy = append(busy, j.Lane)
			if w.take(j) {
				running.Go(func() { w.run(work, j) })
			}
		}
		if len(jobs) < limit || len(busy) == seen {
			return nil
		}
	}
}

func (w *Workers) room() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cfg.Concurrency - len(w.lanes)
}

func (w *Workers) busy() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.lanes))
}

// take claims the lane of a job if there is room for its kind.
func (w *Workers) take(j earshot.Job) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, taken := w.lanes[j.Lane]
	if taken || len(w.lanes) >= w.cfg.Concurrency || w.kinds[j.Kind] >= w.cfg.kind(j.Kind).Concurrency {
		return false
	}
	w.lanes[j.Lane] = j.Kind
	w.kinds[j.Kind]++
	w.metrics.running.WithLabelValues(string(j.Kind)).Inc()
	return true
}

// release frees the lane of a job and looks for the next.
func (w *Workers) release(j earshot.Job) {
	w.mu.Lock()
	delete(w.lanes, j.Lane)
	w.kinds[j.Kind]--
	w.mu.Unlock()
	w.metrics.running.WithLabelValues(string(j.Kind)).Dec()
	w.Wake()
}
