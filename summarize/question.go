package summarize

import (
	"slices"
	"strings"

	"earshot"
)

// openQuestions returns what the customer asked and was not told: the next that
// the agent said puts it off, or there is nothing.
func openQuestions(list []*turn) []earshot.OpenQuestion {
	out := []earshot.OpenQuestion{}
	for i, t := range list {
		if t.role != earshot.RoleCustomer {
			continue
		}
		for _, s := range t.sentences() {
			if !s.asks() || content(s.terms) < 2 && len(s.terms) < 4 {
				continue
			}
			if answeredBy(list[i+1:]) {
				continue
			}
			at := t.words[s.from].Start
			out = append(out, earshot.OpenQuestion{Text: s.wording(0), UtteranceID: t.partAt(at).u.ID, AtMS: t.msAt(at)})
		}
	}
	return out
}

// asks reports whether the sentence is a question, by its sign or, since
// recognisers leave it out, by how it begins.
func (s *sentence) asks() bool {
	if s.t.words[s.to-1].Question {
		return true
	}
	if len(s.terms) < 3 {
		return false
	}
	return slices.Contains([]string{
		"when will", "when can", "when do", "how long", "how much", "how do", "how can", "what is", "what about", "why is", "why did", "why do", "where is", "who is", "is there", "do you", "can you", "will you", "will i", "could you", "is it",
	}, s.terms[0]+" "+s.terms[1])
}

// answeredBy reports whether the agent has an answer in what comes next.
func answeredBy(next []*turn) bool {
	for _, t := range next {
		if t.role == earshot.RoleCustomer {
			continue
		}
		for _, s := range t.sentences() {
			text := " " + strings.Join(s.terms, " ") + " "
			for _, p := range [...]string{
				" i do not know ", " i am not sure ", " i can not say ", " i can not tell ", " have to check ", " need to check ", " have to ask ", " need to ask ", " find out ", " get back to you ", " no idea ", " do not have that information ", " will have to look ",
			} {
				if strings.Contains(text, p) {
					return false
				}
			}
		}
		return true
	}
	return false
}
