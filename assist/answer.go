package assist

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/spoken"
)

// How sure an answer must be. Confidence is the share of a question's words,
// weighted by how rare they are, that the passage or its heading has. Below
// minConfidence nothing is shown: better silent than wrong. A model may look at
// passages from minCandidate on and decide by itself.
const (
	minConfidence = 0.6
	minCandidate  = 0.35
	candidates    = 8
)

// match is a passage that may answer a question.
type match struct {
	passage    earshot.Passage
	question   question
	confidence float64
	covered    int
	inHeading  int
}

// answer looks up what was asked and returns what to show, or nil.
func (a *Assistant) answer(ctx context.Context, call earshot.Call, s *speech, history []earshot.Utterance, u earshot.Utterance, made []earshot.Suggestion) (*earshot.Suggestion, error) {
	if a.cfg.Knowledge == "" {
		return nil, nil
	}
	matches, err := a.retrieve(ctx, s)
	if err != nil || len(matches) == 0 {
		return nil, err
	}
	best := matches[0]
	out := &earshot.Suggestion{
		ID: suggestionID(call.ID, u.ID, "answer"), CallID: call.ID, Kind: "answer", UtteranceID: u.ID, AtMS: u.EndMS, CreatedAt: time.Now().UTC(),
	}
	if a.completer != nil && !call.State.Ended() {
		p := a.prompt.Load()
		var w *worded
		err := a.follow(ctx, call, u, func(ctx context.Context) (err error) {
			w, err = a.word(ctx, p.text, matches, s, history)
			return err
		})
		out.Prompt = p.version
		switch {
		case errors.Is(err, errMoved), errors.Is(err, errEnded):
			a.dropped.WithLabelValues(err.Error()).Inc()
			return nil, nil
		case err == nil && w == nil:
			return nil, nil // the model says that no passage answers
		case err == nil:
			out.By, out.Text, out.Reply, best = a.cfg.Model, w.text, w.reply, w.match
			if w.mute {
				a.dropped.WithLabelValues("reply not borne out").Inc()
			}
			if w.rejected != nil {
				out.By, out.Fallback = byRules, w.rejected.Error()
				a.fellBack(call, u, w.rejected)
			}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		default:
			out.Fallback = err.Error()
			a.fellBack(call, u, err)
		}
	}
	if out.By == "" {
		if !best.sure() || ambiguous(matches) {
			return nil, nil
		}
		out.By, out.Text = byRules, bestSentences(best, a.knowledge.corpus())
	}
	if shown(made, best.passage, u.ID) {
		return nil, nil
	}
	p := best.passage
	out.Title, out.Confidence = lastHeading(p.Heading), best.confidence
	out.Source = &earshot.Citation{Article: p.Article, Heading: p.Heading, Passage: p.Text}
	return out, nil
}

func (a *Assistant) fellBack(call earshot.Call, u earshot.Utterance, err error) {
	a.fallbacks.Inc()
	a.log.Warn("answer falls back to the passage's words", "call_id", call.ID, "utterance_id", u.ID, "error", err)
}

// retrieve returns the passages that may answer the speech, the best first.
func (a *Assistant) retrieve(ctx context.Context, s *speech) ([]match, error) {
	c := a.knowledge.corpus()
	var out []match
	for _, q := range questions(s, c) {
		list, err := a.knowledge.search(ctx, strings.Join(widen(q.terms), " "), candidates)
		if err != nil {
			return nil, err
		}
		for _, p := range list {
			m := rate(q, p, c)
			i := slices.IndexFunc(out, func(o match) bool { return o.passage.ID == p.ID })
			switch {
			case m.confidence < minCandidate || m.covered < 2 && m.inHeading == 0:
			case i < 0:
				out = append(out, m)
			case m.better(out[i]) > 0:
				out[i] = m
			}
		}
	}
	slices.SortStableFunc(out, func(x, y match) int { return y.better(x) })
	return out[:min(len(out), candidates)], nil
}

// better compares two matches: positive if m is the better one.
func (m match) better(o match) int {
	score := func(m match) float64 {
		s := m.confidence + 0.04*float64(m.covered) + 0.08*float64(m.inHeading)
		if !m.sure() {
			s -= 1
		}
		return s
	}
	switch d := score(m) - score(o); {
	case d > 0:
		return 1
	case d < 0:
		return -1
	}
	return 0
}

// rate says how much of the question a passage covers.
func rate(q question, p earshot.Passage, c *corpus) match {
	heading, text := stems(p.Heading), stems(p.Text)
	m := match{passage: p, question: q}
	var all, covered float64
	for _, s := range q.stems {
		w := c.weight(s)
		all += w
		inHeading := holdsLike(heading, s)
		if inHeading || holdsLike(text, s) {
			covered += w
			m.covered++
		}
		if inHeading {
			m.inHeading++
		}
	}
	if all > 0 {
		m.confidence = covered / all
	}
	return m
}

// sure reports whether the match may be shown without a model's judgement: a
// single word in common is enough only if it is what the passage is about, half
// of its own heading.
func (m match) sure() bool {
	if m.confidence < minConfidence {
		return false
	}
	return m.covered >= 2 || len(m.question.stems) == 1 && m.inHeading == 1 && m.titled()
}

// titled reports whether the only word of the question is at least half of the
// words of the passage's heading that carry meaning.
func (m match) titled() bool {
	words := 0
	for _, w := range spoken.Terms(spoken.Words(lastHeading(m.passage.Heading))) {
		if !spoken.IsStop(w) {
			words++
		}
	}
	return words <= 2
}

// ambiguous reports whether a single word is all there is to choose between two
// passages that are both about it.
func ambiguous(matches []match) bool {
	return len(matches) > 1 && matches[0].covered < 2 && matches[0].better(matches[1]) == 0
}

func stems(text string) map[string]bool {
	out := map[string]bool{}
	for _, w := range spoken.Terms(spoken.Words(text)) {
		out[spoken.Stem(w)] = true
	}
	return out
}

// longAnswer is how many words an answer may have to take a second sentence in.
const longAnswer = 45

// bestSentences returns the sentence of the passage that has most of the
// question, with a neighbour if it is short.
func bestSentences(m match, c *corpus) string {
	list := sentencesOf(m.passage.Text)
	if len(list) == 0 {
		return m.passage.Text
	}
	best, score := 0, -1.0
	for i, sentence := range list {
		have, s := stems(sentence), 0.0
		for _, stem := range m.question.stems {
			if have[stem] {
				s += c.weight(stem)
			}
		}
		if s > score {
			best, score = i, s
		}
	}
	out, n := list[best], len(strings.Fields(list[best]))
	if best+1 < len(list) && n+len(strings.Fields(list[best+1])) <= longAnswer {
		return out + " " + list[best+1]
	}
	return out
}

// shown reports whether the call has seen the passage, by another utterance.
func shown(made []earshot.Suggestion, p earshot.Passage, u earshot.UtteranceID) bool {
	return slices.ContainsFunc(made, func(m earshot.Suggestion) bool {
		return m.Kind == "answer" && m.Source != nil && m.Source.Article == p.Article &&
			(m.Source.Passage == p.Text || m.UtteranceID == u)
	})
}

func lastHeading(h string) string {
	if i := strings.LastIndex(h, " \u203a "); i >= 0 {
		return h[i+len(" \u203a "):]
	}
	return h
}
