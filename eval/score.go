package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/spoken"
	"earshot/transcribe/wer"
)

// count is what was found of what was wanted, and what was found at all.
type count struct{ hit, wanted, found int }

func (c count) recall() float64    { return share(c.hit, c.wanted) }
func (c count) precision() float64 { return share(c.hit, c.found) }

// share is 1 of nothing: who wants nothing misses nothing.
func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (c count) plus(o count) count {
	return count{c.hit + o.hit, c.wanted + o.wanted, c.found + o.found}
}

// score is how far what was derived of calls is what a person notes of them.
type score struct {
	calls                                              int
	facts, actions, dues, dispositions, reasons, moods count
	suggestions                                        count
	falseAlarms                                        int
	errors                                             wer.Result      // of the words that were recognised
	latencies                                          []time.Duration // from a final utterance to its suggestions
	missed                                             []string        // in words, for who tunes
}

func (s *score) add(o score) {
	s.calls += o.calls
	s.facts, s.actions, s.dues = s.facts.plus(o.facts), s.actions.plus(o.actions), s.dues.plus(o.dues)
	s.dispositions, s.reasons, s.moods = s.dispositions.plus(o.dispositions), s.reasons.plus(o.reasons), s.moods.plus(o.moods)
	s.suggestions, s.falseAlarms = s.suggestions.plus(o.suggestions), s.falseAlarms+o.falseAlarms
	s.errors = s.errors.Add(o.errors)
	s.latencies, s.missed = append(s.latencies, o.latencies...), append(s.missed, o.missed...)
}

func (s *score) miss(format string, args ...any) {
	s.missed = append(s.missed, fmt.Sprintf(format, args...))
}

// slowest returns the latency that 95 of 100 stay within.
func (s *score) slowest() time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	list := slices.Sorted(slices.Values(s.latencies))
	return list[(len(list)*95+99)/100-1]
}

// judge compares a summary with the notes of the script.
func (s *script) judge(got earshot.Summary) score {
	out := score{calls: 1}
	s.judgeFacts(got.Facts, &out)
	s.judgeActions(got.Actions, &out)
	s.judgeOutcome(got, &out)
	if len(s.reason) > 0 {
		out.reasons = one(holds(got.Reason, s.reason))
		if out.reasons.hit == 0 {
			out.miss("%s: reason %q lacks %v", s.name, got.Reason, s.reason)
		}
	}
	return out
}

// judgeOutcome compares the disposition and how the customer sounded.
func (s *script) judgeOutcome(got earshot.Summary, out *score) {
	if s.disposition != "" {
		out.dispositions = one(got.Disposition == s.disposition)
		if out.dispositions.hit == 0 {
			out.miss("%s: disposition %q, not %q", s.name, got.Disposition, s.disposition)
		}
	}
	if s.mood != "" {
		mood := fmt.Sprintf("%s %s %s", earshot.RoleCustomer, got.Sentiment.Mood, got.Sentiment.Trend)
		out.moods = one(mood == s.mood)
		if out.moods.hit == 0 {
			out.miss("%s: %s (%.2f), not %s", s.name, mood, got.Sentiment.Score, s.mood)
		}
	}
}

// one counts a single thing that is right or wrong.
func one(right bool) count {
	if right {
		return count{1, 1, 1}
	}
	return count{0, 1, 1}
}

func (s *script) judgeFacts(got []earshot.Fact, out *score) {
	out.facts = count{wanted: len(s.facts), found: len(got)}
	left := map[string]int{}
	for _, f := range s.facts {
		left[key(f)]++
	}
	for _, f := range got {
		if left[key(f)] == 0 {
			out.miss("%s: fact too many: %s %s (%q)", s.name, f.Kind, f.Value, f.Said)
			continue
		}
		left[key(f)]--
		out.facts.hit++
	}
	for _, f := range s.facts {
		if left[key(f)] > 0 {
			out.miss("%s: fact missed: %s %s", s.name, f.Kind, f.Value)
		}
	}
}

// key makes two ways of writing a fact equal.
func key(f earshot.Fact) string { return string(f.Kind) + " " + strings.ToLower(f.Value) }

func (s *script) judgeActions(got []earshot.Action, out *score) {
	out.actions = count{wanted: len(s.actions), found: len(got)}
	left := slices.Clone(got)
	for _, want := range s.actions {
		i := slices.IndexFunc(left, func(a earshot.Action) bool { return a.Owner == want.owner && holds(a.Text, want.words) })
		if i < 0 {
			out.miss("%s: action missed: %s %v", s.name, want.owner, want.words)
			continue
		}
		out.actions.hit++
		if want.due != "" {
			right := strings.EqualFold(left[i].Due, want.due)
			out.dues = out.dues.plus(one(right))
			if !right {
				out.miss("%s: action %q is due %q, not %q", s.name, left[i].Text, left[i].Due, want.due)
			}
		}
		left = slices.Delete(left, i, i+1)
	}
	for _, a := range left {
		out.miss("%s: action too many: %s %q", s.name, a.Owner, a.Text)
	}
}

// holds reports whether a text has all of the words, inflected or not.
func holds(text string, words []string) bool {
	terms := spoken.Terms(spoken.Words(text))
	for _, w := range words {
		alike := func(term string) bool { return spoken.Stem(term) == spoken.Stem(strings.ToLower(w)) }
		if !slices.ContainsFunc(terms, alike) {
			return false
		}
	}
	return true
}

// lateMS is how long after the line it belongs to a suggestion still helps.
const lateMS = 5000

// judgeSuggestions compares cards, answers and alerts with those wanted: the
// right one, at the right moment.
func (s *script) judgeSuggestions(p performance, got []earshot.Suggestion, out *score) {
	type wish struct {
		wantedSuggestion
		at   span
		used bool
	}
	var wishes []wish
	for i, l := range s.lines {
		for _, w := range l.suggestions {
			wishes = append(wishes, wish{wantedSuggestion: w, at: p.spans[i]})
			if !w.optional {
				out.suggestions.wanted++
			}
		}
	}
	slices.SortStableFunc(wishes, func(a, b wish) int { return cmp.Compare(btoi(a.optional), btoi(b.optional)) })
	for _, g := range got {
		if g.Kind != "card" && g.Kind != "answer" && g.Kind != "alert" {
			continue
		}
		i := slices.IndexFunc(wishes, func(w wish) bool {
			return !w.used && w.kind == g.Kind && w.source == sourceOf(g) && g.AtMS >= w.at.from && g.AtMS <= w.at.to+lateMS
		})
		switch {
		case i < 0:
			out.falseAlarms++
			out.suggestions.found++
			out.miss("%s: false alarm at %d s: %s %s (%s)", s.name, g.AtMS/1000, g.Kind, sourceOf(g), g.Title)
		case !wishes[i].optional:
			out.suggestions.found++
			out.suggestions.hit++
			fallthrough
		default:
			wishes[i].used = true
		}
	}
	for _, w := range wishes {
		if !w.used && !w.optional {
			out.miss("%s: suggestion missed at %d s: %s %s", s.name, w.at.to/1000, w.kind, w.source)
		}
	}
}

// sourceOf returns the rule of a suggestion or the article of an answer.
func sourceOf(s earshot.Suggestion) string {
	if s.Source != nil {
		return s.Source.Article
	}
	return s.Rule
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
