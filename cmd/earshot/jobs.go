package main

import (
	"fmt"
	"time"

	"earshot"
)

type jobsCmd struct {
	List   jobsListCmd   `cmd:"" default:"withargs" help:"List jobs, those that failed for good unless told otherwise."`
	Replay jobsReplayCmd `cmd:"" help:"Run failed jobs again."`
}

type jobsListCmd struct {
	State string `enum:"dead,pending,done" default:"dead" help:"dead, pending or done."`
	Limit int    `default:"100" help:"How many at the most."`
}

func (c jobsListCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	jobs, err := store.Jobs(e.ctx, earshot.JobState(c.State), c.Limit)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		fmt.Fprintf(e.stdout, "%d  %s  %s  call %s  %d attempts  %s\n", j.ID, j.CreatedAt.Local().Format(time.DateTime),
			j.Kind, j.CallID, j.Attempts, j.LastError)
	}
	fmt.Fprintf(e.stdout, "%d %s jobs\n", len(jobs), c.State)
	return nil
}

type jobsReplayCmd struct {
	ID  int64 `arg:"" optional:"" help:"ID of the job."`
	All bool  `help:"All jobs that failed for good."`
}

// Run marks jobs as pending again; a server that is up takes them within a
// second, one that is not at its next start.
func (c jobsReplayCmd) Run(e *env) error {
	if (c.ID == 0) == !c.All {
		return fmt.Errorf("say which: an ID, or --all")
	}
	store, err := e.writer()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	if c.All {
		n, err := store.ReplayDead(e.ctx)
		fmt.Fprintf(e.stdout, "%d jobs will run again\n", n)
		return err
	}
	return store.ReplayJob(e.ctx, c.ID)
}
