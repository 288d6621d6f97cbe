package assist

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"earshot"
	"earshot/spoken"
)

// maxPlaybook bounds a playbook file in bytes.
const maxPlaybook = 1 << 20

// Playbook is a list of rules: when something like this is said or happens, do
// that.
type Playbook struct {
	Rules []Rule
	// Opening is how long a call opens, and closing what is said when it closes.
	Opening time.Duration
	closing []phrase
}

// Rule fires on an utterance, or at a moment of the call, and makes one
// suggestion.
type Rule struct {
	// ID is unique in the playbook and stays the same over edits; cooldown and
	// the most per call are kept by it.
	ID   string
	Line int
	When When
	// Cooldown is how long the rule keeps quiet after it fired, in call time.
	Cooldown time.Duration
	// MaxPerCall is how often it fires in one call; 1 if the file says nothing,
	// 0 for no limit.
	MaxPerCall int
	// Kind is "card", "checklist", "alert", "tag" or "field"; Title and Text are
	// what it shows, of a field its name and value.
	Kind, Title, Text string
}

// When is what must be said, or not said, or happen. Of phrases and patterns one
// is enough; one of not is enough to forbid it.
type When struct {
	// Speaker is who must say it. An utterance of unknown role passes for any
	// party: without roles a customer's rules run on both.
	Speaker  string
	phrases  []phrase
	patterns []*regexp.Regexp
	not      []phrase
	// Stages are where in the call it counts; none is anywhere.
	Stages []Stage
	// Missing is the time in the call by which the words must have been said.
	Missing time.Duration
	// Silence and Hold are how long nobody has spoken, and how long a party has
	// been on hold.
	Silence, Hold time.Duration
	// Overtalk is how long of the last minute several spoke at the same time.
	Overtalk time.Duration
	// Mood is what the speaker sounds like.
	Mood earshot.Mood
}

// Timed reports whether it is time that makes it true, not an utterance.
func (w *When) Timed() bool { return w.Missing > 0 || w.Silence > 0 || w.Hold > 0 }

// Problem is something wrong in a playbook.
type Problem struct {
	Line    int
	Message string
}

// PlaybookError lists all that is wrong in a playbook, by line.
type PlaybookError struct {
	Problems []Problem
}

func (e *PlaybookError) Error() string {
	lines := make([]string, 0, len(e.Problems))
	for _, p := range e.Problems {
		lines = append(lines, fmt.Sprintf("line %d: %s", p.Line, p.Message))
	}
	return "playbook: " + strings.Join(lines, "; ")
}

// ReadPlaybook reads a playbook file. What is wrong in it comes as a
// *[PlaybookError].
func ReadPlaybook(file string) (*Playbook, error) {
	book, _, err := loadPlaybook(file)
	return book, err
}

// ParsePlaybook reads a playbook. What is wrong comes as a *[PlaybookError].
func ParsePlaybook(data []byte) (*Playbook, error) {
	if len(data) > maxPlaybook {
		return nil, &PlaybookError{[]Problem{{1, fmt.Sprintf("file is larger than %d bytes", maxPlaybook)}}}
	}
	root, err := decodeYAML(data)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	book := &Playbook{Opening: defaultOpening}
	top := r.mapping(root, "playbook", "version", "stages", "rules")
	if v := top["version"]; v != nil && v.Value != "1" {
		r.fail(v, "version %q is not known; this is version 1", v.Value)
	}
	r.stages(top["stages"], book)
	rules := r.sequence(top["rules"], "rules")
	if top["rules"] == nil && root != nil {
		r.fail(root, "rules are missing")
	}
	for _, n := range rules {
		if rule, ok := r.rule(n); ok {
			if i := slices.IndexFunc(book.Rules, func(o Rule) bool { return o.ID == rule.ID }); i >= 0 {
				r.fail(n, "rule %q is there already, on line %d", rule.ID, book.Rules[i].Line)
			}
			book.Rules = append(book.Rules, rule)
		}
	}
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
		return nil, &PlaybookError{r.problems}
	}
	return book, nil
}

// rule reads one rule.
func (r *reader) rule(n *yaml.Node) (Rule, bool) {
	before := len(r.problems)
	f := r.mapping(n, "rule", "id", "when", "cooldown", "max_per_call", "card", "checklist", "alert", "tag", "field")
	if f == nil {
		return Rule{}, false
	}
	rule := Rule{Line: n.Line, ID: r.text(f["id"], "id"), MaxPerCall: 1}
	if f["id"] == nil {
		r.fail(n, "rule has no id")
	}
	if f["when"] == nil {
		r.fail(n, "rule has no when")
	} else {
		rule.When = r.when(f["when"])
	}
	if c := f["cooldown"]; c != nil {
		rule.Cooldown = r.duration(c, "cooldown")
	}
	if m := f["max_per_call"]; m != nil {
		rule.MaxPerCall = r.count(m)
	}
	r.action(n, f, &rule)
	return rule, len(r.problems) == before
}

// when reads what must be said or happen.
func (r *reader) when(n *yaml.Node) When {
	f := r.mapping(n, "when", "speaker", "phrases", "patterns", "not", "stage", "missing", "silence", "hold", "overtalk", "mood")
	w := When{Speaker: "customer"}
	if s := f["speaker"]; s != nil {
		w.Speaker = r.text(s, "speaker")
		if !slices.Contains([]string{"customer", "agent", "any"}, w.Speaker) {
			r.fail(s, "speaker %q is none of customer, agent, any", w.Speaker)
		}
	}
	w.phrases = r.phrases(f["phrases"], "phrases")
	w.not = r.phrases(f["not"], "not")
	for _, p := range r.sequence(f["patterns"], "patterns") {
		re, err := regexp.Compile("(?i)" + r.text(p, "pattern"))
		if err != nil {
			r.fail(p, "pattern: %v", err)
			continue
		}
		if re.MatchString("") {
			r.fail(p, "pattern matches everything")
		}
		w.patterns = append(w.patterns, re)
	}
	w.Stages = r.stageNames(f["stage"])
	r.happens(n, f, &w)
	return w
}

func (r *reader) phrases(n *yaml.Node, name string) []phrase {
	var out []phrase
	for _, item := range r.sequence(n, name) {
		text := r.text(item, "phrase")
		p := newPhrase(text)
		if len(p) == 0 && text != "" {
			r.fail(item, "phrase has no words")
			continue
		}
		out = append(out, p)
	}
	return out
}

// action reads the one thing the rule does.
func (r *reader) action(n *yaml.Node, f map[string]*yaml.Node, rule *Rule) {
	for _, kind := range []string{"card", "checklist", "alert", "tag", "field"} {
		a := f[kind]
		if a == nil {
			continue
		}
		if rule.Kind != "" {
			r.fail(a, "rule has both %s and %s; one is allowed", rule.Kind, kind)
			return
		}
		rule.Kind = kind
		switch kind {
		case "card":
			m := r.mapping(a, "card", "title", "text")
			rule.Title, rule.Text = r.need(a, m, "title"), r.need(a, m, "text")
		case "checklist":
			rule.Title = r.need(a, r.mapping(a, "checklist", "item"), "item")
		case "alert":
			rule.Title = r.need(a, r.mapping(a, "alert", "title"), "title")
		case "tag":
			rule.Title = r.text(a, "tag")
		case "field":
			m := r.mapping(a, "field", "name", "value")
			rule.Title, rule.Text = r.need(a, m, "name"), r.need(a, m, "value")
		}
	}
	if rule.Kind == "" {
		r.fail(n, "rule needs one of card, checklist, alert, tag, field")
	}
}

// Passes reports whether the party of that role may set the rule off.
func (w *When) Passes(role earshot.Role) bool {
	return w.Speaker == "any" || role == earshot.RoleUnknown || role == "" || string(role) == w.Speaker
}

// said reports whether the rule's words are in what was said, ending after
// term fresh: what an earlier utterance said fired already.
func (w *When) said(s *speech) bool {
	if slices.ContainsFunc(w.not, func(p phrase) bool { return p.in(s.terms, 0) }) {
		return false
	}
	if slices.ContainsFunc(w.phrases, func(p phrase) bool { return p.in(s.terms, s.fresh) }) {
		return true
	}
	return slices.ContainsFunc(w.patterns, func(re *regexp.Regexp) bool {
		return matchesAfter(re, s.text, s.freshByte) || matchesAfter(re, s.canonical, s.freshCanonical)
	})
}

// matchesAfter reports whether re matches a piece of text that ends after from.
func matchesAfter(re *regexp.Regexp, text string, from int) bool {
	for _, m := range re.FindAllStringIndex(text, 64) {
		if m[1] > from && m[1] > m[0] {
			return true
		}
	}
	return false
}

// speech is what is matched: an utterance, with the one before it if that was
// the beginning of the same sentence.
type speech struct {
	text, canonical string
	terms           []string
	// fresh is the first term of the utterance itself; the others are where it
	// begins in text and canonical.
	fresh, freshByte, freshCanonical int
}

func newSpeech(before, text string) *speech {
	s := &speech{text: text}
	if before != "" {
		s.text = before + " " + text
		s.freshByte = len(before) + 1
		head := spoken.Terms(spoken.Words(before))
		s.fresh, s.freshCanonical = len(head), len(strings.Join(head, " "))+1
	}
	s.terms = append(spoken.Terms(spoken.Words(before)), spoken.Terms(spoken.Words(text))...)
	s.canonical = strings.Join(s.terms, " ")
	return s
}
