package app

import (
	"context"
	"fmt"
	"time"

	"earshot"
	"earshot/store/sqlite"
	"earshot/web"
)

// wrapUp is what agents do when a call is over.
type wrapUp struct {
	store        *sqlite.Store
	dispositions []string
	wake         func() // the workers
}

var _ web.WrapUp = wrapUp{}

func (w wrapUp) Dispositions() []string { return w.dispositions }

// SummaryRevision returns a revision of the call's summary, the newest for 0.
func (w wrapUp) SummaryRevision(ctx context.Context, id earshot.CallID, revision int) (earshot.Summary, error) {
	if revision > 0 {
		return w.store.SummaryRevision(ctx, id, revision)
	}
	s, err := w.store.Summary(ctx, id)
	if err == nil && s == nil {
		err = fmt.Errorf("summary of call %s: %w", id, earshot.ErrNotFound)
	}
	if err != nil {
		return earshot.Summary{}, err
	}
	return *s, nil
}

// EditSummary writes the next revision of the summary of a call that is over. The
// notes follow it as they follow all revisions.
func (w wrapUp) EditSummary(ctx context.Context, id earshot.CallID, revision int, e earshot.SummaryEdit, by string) (earshot.Summary, error) {
	call, err := w.store.Call(ctx, id)
	switch {
	case err != nil:
		return earshot.Summary{}, err
	case !call.State.Ended() || call.Summary == nil:
		return earshot.Summary{}, earshot.ErrNotEnded
	case call.Summary.Revision != revision:
		return earshot.Summary{}, earshot.ErrChanged
	}
	s := call.Summary.Edited(e, by, time.Now().UTC().Truncate(time.Microsecond))
	_, err = w.store.Apply(ctx, summarized(revision, s))
	return s, err
}

func (w wrapUp) RetryNotes(ctx context.Context, id earshot.CallID) (int, error) {
	defer w.wake()
	return w.store.ReplayNotes(ctx, id)
}

// summarized is the commit of the revisions after one; others are told of the
// last.
func summarized(after int, list ...earshot.Summary) earshot.Commit {
	newest := list[len(list)-1]
	e := earshot.NewEvent(earshot.EventSummaryCreated, newest.CallID, newest)
	e.ID = fmt.Sprintf("%s.summary.%d", newest.CallID, newest.Revision)
	return earshot.Commit{
		Follows:   []earshot.SummaryRevision{{CallID: newest.CallID, Revision: after}},
		Summaries: list, Events: []earshot.Event{e},
	}
}

// lastFound returns the newest revision up to s that nobody edited.
func lastFound(ctx context.Context, store *sqlite.Store, s earshot.Summary) (earshot.Summary, error) {
	for s.EditedBy != "" {
		before, err := store.SummaryRevision(ctx, s.CallID, s.Revision-1)
		if err != nil {
			return s, err
		}
		s = before
	}
	return s, nil
}
