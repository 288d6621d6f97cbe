package summarize

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"earshot"
	"earshot/spoken"
)

// checker holds what a model says against the transcript.
type checker struct {
	utterances []earshot.Utterance
	turns      []*turn
	all        string // everything that was said
	dropped    int
}

func newChecker(utterances []earshot.Utterance) *checker {
	c := &checker{utterances: utterances, turns: turns(utterances)}
	var b strings.Builder
	for _, t := range c.turns {
		b.WriteString(t.text + ". ")
	}
	c.all = b.String()
	return c
}

// summary keeps what holds. It is an error if the model had something to say
// and nothing of it holds.
func (c *checker) summary(a answer, rules earshot.Summary) (earshot.Summary, error) {
	out := earshot.Summary{Facts: []earshot.Fact{}, Actions: []earshot.Action{}}
	for _, f := range a.Facts {
		if fact, ok := c.fact(f); ok {
			out.Facts = append(out.Facts, fact)
		}
	}
	out.Facts = distinctFacts(out.Facts)
	for _, x := range a.Actions {
		if action, ok := c.action(x); ok {
			out.Actions = addAction(out.Actions, action)
		}
	}
	reason, text := c.prose(a.Reason, 600), c.prose(a.Text, 2000)
	if reason == "" && text == "" && len(out.Facts) == 0 && len(out.Actions) == 0 {
		return out, errUnsupported
	}
	out.Reason, out.Text = reason, text
	if reason == "" {
		out.Reason = rules.Reason
	}
	if text == "" {
		out.Text = compose(out.Reason, out.Facts, out.Actions)
	}
	return out, nil
}

// utterance finds the utterance a model cites, with the turn it is part of.
func (c *checker) utterance(id string) (earshot.Utterance, *turn, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "u"))
	if err != nil || n < 1 || n > len(c.utterances) {
		c.dropped++
		return earshot.Utterance{}, nil, false
	}
	u := c.utterances[n-1]
	i := slices.IndexFunc(c.turns, func(t *turn) bool {
		return slices.ContainsFunc(t.parts, func(p part) bool { return p.u.ID == u.ID })
	})
	if i < 0 {
		c.dropped++
		return earshot.Utterance{}, nil, false
	}
	return u, c.turns[i], true
}

// fact keeps a fact whose value was said in the utterance it cites.
func (c *checker) fact(f answerFact) (earshot.Fact, bool) {
	u, t, ok := c.utterance(f.Utterance)
	value := strings.TrimSpace(f.Value)
	if !ok || value == "" || !slices.Contains(kinds(), f.Kind) {
		return earshot.Fact{}, false
	}
	fresh := &turn{role: t.role, text: t.text, words: t.words, parts: t.parts, asked: t.asked, used: make([]bool, len(t.words))}
	for _, s := range fresh.spans() {
		if s.kind == f.Kind && compact(s.value) == compact(value) {
			fact := fresh.fact(s)
			fact.UtteranceID = u.ID
			return fact, true
		}
	}
	if !spoken.Holds(t.text, value) {
		c.dropped++
		return earshot.Fact{}, false
	}
	return earshot.Fact{Kind: f.Kind, Value: value, Said: value, UtteranceID: u.ID, AtMS: u.StartMS, Role: u.Role}, true
}

// compact makes two ways of writing a value equal.
func compact(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == '@' || r == '.' {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// action keeps a promise most of whose words were said in the utterance it
// cites, by the party that is to keep it or to it.
func (c *checker) action(a answerAction) (earshot.Action, bool) {
	u, t, ok := c.utterance(a.Utterance)
	if !ok || strings.TrimSpace(a.Text) == "" {
		return earshot.Action{}, false
	}
	want, have := contentStems(a.Text), contentStems(t.text)
	found := 0
	for w := range want {
		if have[w] {
			found++
		}
	}
	if found == 0 || found*2 < len(want) || !c.numbersIn(a.Text, t.text) {
		c.dropped++
		return earshot.Action{}, false
	}
	out := earshot.Action{Text: sentenceCase(a.Text), Owner: a.Owner, UtteranceID: u.ID, AtMS: u.StartMS}
	if spoken.Holds(t.text, a.Due) {
		out.Due = a.Due
	}
	if u.Role == earshot.RoleUnknown {
		out.Owner = earshot.RoleUnknown
	}
	return out, true
}

// prose returns the text of a model, or nothing if it is too long or has a
// number that was not said.
func (c *checker) prose(text string, most int) string {
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if len(text) > most || !c.numbersIn(text, c.all) || strings.Contains(text, "://") {
		c.dropped++
		return ""
	}
	return text
}

// numbersIn reports whether every number in text was said.
func (c *checker) numbersIn(text, said string) bool {
	for _, w := range spoken.Terms(spoken.Words(text)) {
		digits := strings.Trim(w, "$€£¥₹%")
		if strings.ContainsAny(digits, "0123456789") && len(digits) > 1 && !spoken.Holds(said, digits) && !c.isValue(digits) {
			return false
		}
	}
	return true
}

// isValue reports whether a number is part of a fact read by the rules, whose
// values are written otherwise than they are said: "49.99".
func (c *checker) isValue(number string) bool {
	for _, t := range c.turns {
		fresh := &turn{role: t.role, text: t.text, words: t.words, parts: t.parts, asked: t.asked, used: make([]bool, len(t.words))}
		for _, s := range fresh.spans() {
			if strings.Contains(" "+strings.NewReplacer("$", " ", "€", " ", "£", " ", "@", " ").Replace(strings.ToLower(s.value))+" ", number) {
				return true
			}
		}
	}
	return false
}
