package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/store/sqlite"
	"earshot/web"
)

// feedback keeps what agents make of suggestions.
type feedback struct {
	store  *sqlite.Store
	rating sync.Mutex // one verdict at a time, so that each change is told once
	rated  *prometheus.CounterVec
}

var _ web.Feedback = (*feedback)(nil)

func newFeedback(a *App) *feedback {
	f := &feedback{store: a.store, rated: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "earshot_assist_feedback_total", Help: "Verdicts on suggestions, by the rule or article they stand on.",
	}, []string{"verdict", "rule", "article"})}
	a.metrics.MustRegister(f.rated)
	return f
}

// Rate keeps a verdict and tells of it. One that stands already changes nothing.
func (f *feedback) Rate(ctx context.Context, call earshot.CallID, id earshot.SuggestionID, v earshot.Verdict, by string) (earshot.Feedback, error) {
	f.rating.Lock()
	defer f.rating.Unlock()
	list, err := f.store.Suggestions(ctx, call)
	if err != nil {
		return earshot.Feedback{}, err
	}
	i := slices.IndexFunc(list, func(s earshot.Suggestion) bool { return s.ID == id })
	if i < 0 {
		return earshot.Feedback{}, fmt.Errorf("suggestion %s: %w", id, earshot.ErrNotFound)
	}
	s := list[i]
	if s.Feedback != nil && s.Feedback.Verdict == v {
		return *s.Feedback, nil
	}
	out := earshot.FeedbackOf(s, v, by, time.Now().UTC())
	_, err = f.store.Apply(ctx, earshot.Commit{
		Feedback: []earshot.Feedback{out}, Events: []earshot.Event{earshot.NewEvent(earshot.EventSuggestionRated, call, out)},
	})
	if err != nil {
		return earshot.Feedback{}, err
	}
	f.rated.WithLabelValues(string(v), out.Rule, out.Article).Inc()
	return out, nil
}

// FeedbackCounts counts the verdicts of all calls.
func (f *feedback) FeedbackCounts(ctx context.Context) ([]earshot.FeedbackCount, error) {
	return f.store.FeedbackCounts(ctx)
}
