package app

import (
	"context"
	"time"

	"earshot"
	"earshot/measure"
	"earshot/web"
)

// summaryWithin is how long a language model may take for a summary that
// somebody waits for; after that the rules' is good enough.
const summaryWithin = 4 * time.Second

// insight is what is worked out of a call when somebody asks.
type insight struct{ derived *derived }

var _ web.Insight = insight{}

func (i insight) Measures(ctx context.Context, id earshot.CallID) (earshot.Measures, error) {
	call, us, err := i.derived.transcript(ctx, id)
	if err != nil {
		return earshot.Measures{}, err
	}
	return measure.Of(&call, us, time.Now()), nil
}

func (i insight) Summary(ctx context.Context, id earshot.CallID) (earshot.Summary, error) {
	call, us, err := i.derived.transcript(ctx, id)
	if err != nil {
		return earshot.Summary{}, err
	}
	return i.derived.summarizer.SummarizeWithin(ctx, summaryWithin, call, us, !call.TranscriptComplete)
}

func (i insight) Checklist(ctx context.Context, id earshot.CallID) ([]earshot.ChecklistItem, error) {
	if _, err := i.derived.store.Call(ctx, id); err != nil {
		return nil, err
	}
	made, err := i.derived.store.Suggestions(ctx, id)
	if err != nil {
		return nil, err
	}
	return i.derived.assistant.Checklist(made), nil
}

func (i insight) Ask(ctx context.Context, q web.Question) ([]earshot.FoundPassage, error) {
	return Ask(ctx, i.derived.store, Question(q))
}
