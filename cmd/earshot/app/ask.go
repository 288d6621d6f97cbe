package app

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"earshot"
	"earshot/spoken"
	"earshot/store/sqlite"
)

const (
	// askedTerms is how many words of a question are looked for, and askedHits
	// how many utterances with each of them.
	askedTerms = 12
	askedHits  = 200
	// leastAnswer is the share of a question's weight that a passage must hold:
	// below it, it has a word in common and answers nothing.
	leastAnswer = 0.5
	// unsaid is the weight of a word that nobody said: it may belong to the way
	// of asking.
	unsaid = 0.4
	// replyMS is how soon a reply comes.
	replyMS = 8000
)

// Question is asked of everything that was said.
type Question struct {
	Text string
	// CallID restricts it to one call unless empty.
	CallID earshot.CallID
	// Audience restricts it to the calls that somebody may see.
	Audience earshot.Audience
	Limit    int
}

// Ask finds the passages that answer a question best, by the words they have in
// common with it; rare words count more. Every passage cites what was said
// when, nothing is made up, and there may be none.
func Ask(ctx context.Context, store *sqlite.Store, q Question) ([]earshot.FoundPassage, error) {
	found := map[earshot.UtteranceID]*candidate{}
	total := 0.0
	for _, term := range asked(q.Text) {
		hits, _, err := store.Search(ctx, sqlite.SearchQuery{
			Text: term, CallID: q.CallID, Audience: q.Audience, Rank: true, Limit: askedHits,
		})
		if err != nil {
			return nil, fmt.Errorf("ask: %w", err)
		}
		weight := 1 / (1 + math.Log(1+float64(len(hits))))
		if len(hits) == 0 {
			weight = unsaid
		}
		total += weight
		for _, h := range hits {
			c := found[h.Utterance.ID]
			if c == nil {
				c = &candidate{hit: h}
				found[h.Utterance.ID] = c
			}
			c.weight += weight
		}
	}
	return passages(ctx, store, best(found, total, q.Limit), total)
}

// candidate is an utterance with the weight of the question's words in it.
type candidate struct {
	hit    sqlite.SearchHit
	weight float64
}

// asked returns what to look for: the words of a question that mean something,
// in all their forms.
func asked(text string) []string {
	var out []string
	for _, w := range spoken.Words(text) {
		term := w.Norm
		if spoken.IsStop(term) || strings.ContainsAny(term, `"*`) {
			continue
		}
		if stem := spoken.Stem(term); len(stem) >= 4 && strings.HasPrefix(term, stem) {
			term = stem + "*"
		}
		if !slices.Contains(out, term) && len(out) < askedTerms {
			out = append(out, term)
		}
	}
	return out
}

// best returns the candidates that hold enough of the question, the best first
// and of equal ones the newest.
func best(found map[earshot.UtteranceID]*candidate, total float64, limit int) []*candidate {
	var out []*candidate
	for _, c := range found {
		if c.weight >= leastAnswer*total {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), b.hit.CallStartedAt.Compare(a.hit.CallStartedAt),
			cmp.Compare(a.hit.Utterance.StartMS, b.hit.Utterance.StartMS), cmp.Compare(a.hit.Utterance.ID, b.hit.Utterance.ID))
	})
	return out[:min(len(out), limit)]
}

// passages reads what was replied to each of the candidates.
func passages(ctx context.Context, store *sqlite.Store, list []*candidate, total float64) ([]earshot.FoundPassage, error) {
	out := make([]earshot.FoundPassage, 0, len(list))
	for _, c := range list {
		u := c.hit.Utterance
		p := earshot.FoundPassage{
			Score: c.weight / total, CallID: u.CallID, CallStartedAt: c.hit.CallStartedAt,
			Utterances: []earshot.Utterance{u}, UtteranceID: u.ID, AtMS: u.StartMS, Speaker: c.hit.Speaker,
		}
		all, err := store.Utterances(ctx, u.CallID)
		if err != nil {
			return nil, fmt.Errorf("read transcript: %w", err)
		}
		reply := slices.IndexFunc(all, func(o earshot.Utterance) bool {
			return o.StreamID != u.StreamID && o.StartMS >= u.StartMS && o.StartMS <= u.EndMS+replyMS
		})
		if reply >= 0 {
			p.Utterances = append(p.Utterances, all[reply])
		}
		out = append(out, p)
	}
	return out, nil
}
