package summarize

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/spoken"
)

// Completer asks a language model for one JSON answer that follows the schema
// and decodes it into out. It is safe for concurrent use, and its errors are
// fit to be stored and shown.
type Completer interface {
	Complete(ctx context.Context, system, user, schemaName string, schema json.RawMessage, out any) error
}

// Config is how calls are summarised.
type Config struct {
	// Model is the name a summary of the Completer carries.
	Model string
	// Budget bounds the transcript a model is sent, in characters; 24,000, some
	// 40 minutes of talk. Of a longer one the first two fifths of the budget and
	// the last three are sent: reasons come early, promises late.
	Budget int
	// Dispositions are the outcomes to choose from: names of [Dispositions], or
	// "name: a phrase; another phrase"; nil is all of [Dispositions].
	Dispositions []string
}

// Extractive is who a summary is by that the rules wrote.
const Extractive = "extractive"

// Summarizer writes summaries. It is safe for concurrent use.
type Summarizer struct {
	cfg       Config
	completer Completer // nil = rules only
	log       *slog.Logger
	outcomes  []disposition
	made      *prometheus.CounterVec
	fallbacks prometheus.Counter
	dropped   prometheus.Counter
}

// New returns a summariser; completer may be nil.
func New(cfg Config, completer Completer, log *slog.Logger) (*Summarizer, error) {
	if cfg.Budget < 0 {
		return nil, errors.New("summarize: budget is negative")
	}
	if cfg.Budget == 0 {
		cfg.Budget = 24_000
	}
	if cfg.Model == "" {
		cfg.Model = "model"
	}
	outcomes, err := parseDispositions(cfg.Dispositions)
	if err != nil {
		return nil, err
	}
	return &Summarizer{
		cfg: cfg, completer: completer, log: log, outcomes: outcomes,
		made: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_summarize_summaries_total", Help: "Summaries written, by rules or by a model.",
		}, []string{"by"}),
		fallbacks: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_summarize_fallbacks_total", Help: "Summaries the rules wrote because the model failed.",
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_summarize_unsupported_total", Help: "Statements of a model dropped because the transcript does not bear them out.",
		}),
	}, nil
}

// Outcomes returns the names of the dispositions that calls are given.
func (s *Summarizer) Outcomes() []string {
	out := make([]string, len(s.outcomes))
	for i, d := range s.outcomes {
		out[i] = d.name
	}
	return out
}

// Collectors returns the metrics of the summariser.
func (s *Summarizer) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.made, s.fallbacks, s.dropped}
}

// Summarize writes the summary of a call from its final utterances. It fails
// only when ctx is done: a model that fails is replaced by the rules.
func (s *Summarizer) Summarize(ctx context.Context, call earshot.Call, utterances []earshot.Utterance, incomplete bool) (earshot.Summary, error) {
	return s.SummarizeWithin(ctx, 0, call, utterances, incomplete)
}

// SummarizeWithin is Summarize for somebody who waits: after a time the model is
// given up for the rules. 0 is no bound but the model's own.
func (s *Summarizer) SummarizeWithin(ctx context.Context, within time.Duration, call earshot.Call, utterances []earshot.Utterance, incomplete bool) (earshot.Summary, error) {
	if err := ctx.Err(); err != nil {
		return earshot.Summary{}, err
	}
	modelCtx := ctx
	if within > 0 {
		var cancel context.CancelFunc
		modelCtx, cancel = context.WithTimeout(ctx, within)
		defer cancel()
	}
	out := extract(utterances)
	out.Disposition = outcome(s.outcomes, turns(utterances), out.Actions)
	rules := out
	if correctNames(out.Facts, call.Participants) {
		out.Text = compose(out.Reason, out.Facts, out.Actions)
	}
	if s.completer != nil && len(utterances) > 0 {
		byModel, err := s.complete(modelCtx, utterances, out)
		switch {
		case err == nil:
			out = byModel
			out.Disposition, out.OpenQuestions, out.Sentiment = rules.Disposition, rules.OpenQuestions, rules.Sentiment
		case ctx.Err() != nil:
			return earshot.Summary{}, ctx.Err()
		default:
			s.fallbacks.Inc()
			s.log.Warn("summary falls back to rules", "call_id", call.ID, "error", err)
			out.Fallback = err.Error()
		}
	}
	by := "rules"
	if out.By != Extractive {
		by = "model"
	}
	s.made.WithLabelValues(by).Inc()
	out.CallID, out.Incomplete, out.CreatedAt = call.ID, incomplete, time.Now().UTC()
	out.RolesUnsure = slices.ContainsFunc(utterances, func(u earshot.Utterance) bool {
		return u.Role != earshot.RoleAgent && u.Role != earshot.RoleCustomer
	})
	return out, nil
}

// extract writes a summary by rules alone.
func extract(utterances []earshot.Utterance) earshot.Summary {
	list := turns(utterances)
	out := earshot.Summary{
		By: Extractive, Reason: reason(list), Facts: facts(list), Actions: actions(list),
		OpenQuestions: openQuestions(list), Sentiment: customerMood(utterances),
	}
	out.Text = compose(out.Reason, out.Facts, out.Actions)
	return out
}

// customerMood rates what the customer said.
func customerMood(utterances []earshot.Utterance) earshot.Sentiment {
	var ratings []float64
	for _, u := range utterances {
		if u.Role != earshot.RoleCustomer {
			continue
		}
		if rating, ok := spoken.Sentiment(u.Text); ok {
			ratings = append(ratings, rating)
		}
	}
	return spoken.MoodOf(ratings)
}
