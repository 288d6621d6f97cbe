package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"earshot"
	"earshot/pipeline"
)

// diskBackoff goes on for some three days: that long a full disk may stay full
// until what waits for room is given up.
var diskBackoff = pipeline.Backoff{Base: time.Second, Max: 5 * time.Minute}

func isNotFound(err error) bool { return errors.Is(err, earshot.ErrNotFound) }

// startBus brings up the bus and the relay that publishes what the store has.
func (a *App) startBus(context.Context) error {
	bus, err := pipeline.NewBus(pipeline.BusConfig{URL: a.cfg.Bus.URL, Dir: busDir(a.cfg)}, a.log)
	if err != nil {
		return err
	}
	a.bus = bus
	a.onStop("bus", func(context.Context) error { bus.Close(); return nil })
	a.metrics.MustRegister(bus.Collectors()...)
	a.relay = pipeline.NewRelay(a.store, bus, a.log)
	return nil
}

// startJobs wires events to jobs and jobs to their handlers. A handler of an
// event only says which jobs it makes; what is slow is a job.
func (a *App) startJobs(ctx context.Context) error {
	d, err := newDerived(ctx, a)
	if err != nil {
		return err
	}
	a.derived = d
	router := pipeline.NewRouter(a.bus, a.store, a.log)
	router.Handle(earshot.EventUtteranceFinal, "assist", d.onUtterance)
	router.Handle(earshot.EventUtteranceFinal, "watch-silence", d.onQuiet)
	router.Handle(earshot.EventCallStarted, "watch", d.onStart)
	router.Handle(earshot.EventCallMarked, "watch-hold", d.onMark)
	router.Handle(earshot.EventCallStarted, "match", d.onCall)
	router.Handle(earshot.EventCallUpdated, "match", d.onCall)
	router.Handle(earshot.EventCallUpdated, "hand-over", d.onCallUpdated)
	router.Handle(earshot.EventCallEnded, "summary-deadline", d.onCallEnded)
	router.Handle(earshot.EventTranscriptCompleted, "summary", d.onTranscript)
	router.Handle(earshot.EventSummaryCreated, "notes", d.onSummary)

	a.workers = pipeline.NewWorkers(a.store, pipeline.WorkersConfig{
		// Those that wait for other systems leave the others eight.
		Concurrency: 20,
		Kinds: map[earshot.JobKind]pipeline.KindConfig{
			earshot.JobRender:    {Concurrency: 2, Timeout: 10 * time.Minute, MaxAttempts: 1000, Backoff: diskBackoff},
			earshot.JobOpus:      {Concurrency: 1, Timeout: 2 * time.Hour, MaxAttempts: 1000, Backoff: diskBackoff},
			earshot.JobAgain:     {Concurrency: 1, Timeout: 24 * time.Hour, MaxAttempts: 5},
			earshot.JobSummarize: {Concurrency: 2, Timeout: 2 * time.Minute},
			earshot.JobMatch:     {Concurrency: 4, Timeout: 10 * time.Second, Backoff: pipeline.Backoff{Base: time.Second, Max: 30 * time.Second}},
			earshot.JobDeliver: {
				// For some three days, and soon after a receiver is up again.
				Concurrency: 8, Timeout: 30 * time.Second, MaxAttempts: 450,
				Backoff: pipeline.Backoff{Base: 5 * time.Second, Max: 10 * time.Minute},
			},
		},
		CountDead: a.countDead,
	}, a.log)
	a.workers.Handle(earshot.JobRender, a.calls.Render)
	a.workers.Handle(earshot.JobOpus, a.calls.Opus)
	a.workers.Handle(earshot.JobSettle, a.calls.Settle)
	a.workers.Handle(earshot.JobAgain, a.again.handle)
	a.workers.Handle(earshot.JobAssist, d.assist)
	a.workers.Handle(earshot.JobWatch, d.watch)
	a.workers.Handle(earshot.JobSummarize, d.summarize)
	a.workers.Handle(earshot.JobMatch, d.matcher.Handle)
	a.workers.Handle(earshot.JobNote, d.compose.Handle)
	a.workers.Handle(earshot.JobDeliver, d.delivery.Handle)
	a.workers.Handle(earshot.JobPoison, router.Replay)

	a.store.OnCommit(a.committed)
	a.background("workers", a.workers.Run)
	a.background("router", router.Run)
	a.background("relay", a.relay.Run)
	a.background("calls", a.calls.Run)
	a.background("live events", d.live.Run)
	a.metrics.MustRegister(a.workers.Collectors()...)
	a.metrics.MustRegister(router.Collectors()...)
	a.metrics.MustRegister(a.relay.Collectors()...)
	return nil
}

// countDead counts the jobs that were given up, up to a thousand.
func (a *App) countDead(ctx context.Context) (int, error) {
	jobs, err := a.store.Jobs(ctx, earshot.JobDead, 1000)
	return len(jobs), err
}

// committed is called by the store after each commit.
func (a *App) committed(events []earshot.Event) {
	a.workers.Wake()
	if len(events) == 0 {
		return
	}
	a.relay.Wake()
	a.broker.Publish(events)
	a.derived.live.Publish(events)
}

func (d *derived) onUtterance(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	u, err := decode[earshot.Utterance](e)
	if err != nil || d.assistant == nil || u.Text == "" {
		return nil, err
	}
	key := string(u.ID) + "." + strconv.Itoa(u.Revision)
	return []earshot.Job{earshot.NewJob(earshot.JobAssist, e.CallID, key, assistPayload{u.ID})}, nil
}

func (d *derived) onCallEnded(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	c, err := decode[earshot.Call](e)
	if err != nil {
		return nil, err
	}
	job := earshot.NewJob(earshot.JobSummarize, e.CallID,
		fmt.Sprintf("%s:deadline:%d", e.CallID, len(c.Segments)), summaryPayload{})
	job.RunAt = c.EndedAt.Add(d.app.cfg.Calls.SummaryDeadline)
	return []earshot.Job{job}, nil
}

func (d *derived) onTranscript(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	t, err := decode[earshot.TranscriptCompleted](e)
	if err != nil {
		return nil, err
	}
	return []earshot.Job{earshot.NewJob(earshot.JobSummarize, e.CallID,
		fmt.Sprintf("%s:complete:%d:%d", e.CallID, len(t.Streams), t.Revision), summaryPayload{Expect: t.Streams, Revision: t.Revision})}, nil
}

func decode[T any](e earshot.Event) (T, error) {
	var v T
	if err := unmarshal(e.Data, &v); err != nil {
		return v, earshot.Permanent(fmt.Errorf("decode %s: %w", e.Type, err))
	}
	return v, nil
}
