package summarize

import (
	"strings"

	"earshot"
	"earshot/spoken"
)

// How far into the customer's part of a call the reason is looked for, and how
// long it may be.
const (
	reasonSentences = 16
	reasonWords     = 48
)

// reason returns why the customer called, in their own words: the first
// statement of a purpose, with the sentence after it if that says more. If the
// customer states none, it is what the agent says to call about.
func reason(list []*turn) string {
	byCustomer, weight := reasonOf(ofCustomer(list))
	if weight < 3 {
		if r := outbound(list[:min(len(list), outboundTurns)]); r != "" {
			return r
		}
	}
	if byCustomer != "" {
		return byCustomer
	}
	for _, t := range list {
		if t.role != earshot.RoleAgent {
			continue
		}
		for _, s := range t.sentences() {
			if at, weight := s.purpose(); weight >= 3 && !isOffer(s.terms) {
				return s.wording(at)
			}
		}
	}
	return ""
}

// outboundTurns is how soon an agent who calls says why.
const outboundTurns = 6

// outbound returns why an agent says to call.
func outbound(list []*turn) string {
	for _, t := range list {
		if t.role != earshot.RoleAgent {
			continue
		}
		for _, s := range t.sentences() {
			if len(s.terms) < 5 || s.terms[0] != "i" && s.terms[0] != "we" {
				continue
			}
			switch strings.Join(s.terms[1:4], " ") {
			case "am calling about", "am calling because", "am calling to", "am calling regarding", "are calling about", "are calling because", "are calling to":
				return s.wording(0)
			}
		}
	}
	return ""
}

// ofCustomer returns the turns that may be the customer's. Without roles these
// are all but those of the party that greets as an agent does.
func ofCustomer(list []*turn) []*turn {
	agents := map[earshot.StreamID]bool{}
	known := false
	for _, t := range list {
		known = known || t.role == earshot.RoleCustomer
		if t.role == earshot.RoleUnknown && spoken.GreetsAsAgent(spoken.Canonical(t.text)) {
			agents[t.parts[0].u.StreamID] = true
		}
	}
	var out, others []*turn
	for _, t := range list {
		if t.role == earshot.RoleUnknown && !spoken.GreetsAsAgent(spoken.Canonical(t.text)) {
			others = append(others, t)
		}
		if t.role == earshot.RoleCustomer || !known && t.role != earshot.RoleAgent && !agents[t.parts[0].u.StreamID] {
			out = append(out, t)
		}
	}
	if len(out) == 0 { // all speak on the stream of who greeted
		return others
	}
	return out
}

// isOffer tells an agent's courtesies from a purpose.
func isOffer(terms []string) bool {
	return spoken.GreetsAsAgent(strings.Join(terms, " "))
}

// reasonOf finds the reason in the customer's turns, and how surely it is one.
func reasonOf(list []*turn) (reason string, sure int) {
	var all []sentence
	for _, t := range list {
		all = append(all, t.sentences()...)
		if len(all) >= reasonSentences {
			break
		}
	}
	best, at, weight := -1, 0, 0
	for i := range all {
		p, w := all[i].purpose()
		if w == 1 && all[i].opens(all[0].t) {
			w++ // what they begin with is what they call for
		}
		if w > 0 && all[i].identifies() && w < 3 {
			continue
		}
		if w > weight && (weight < 2 || w == 3 && i < 5) {
			best, at, weight = i, p, w
		}
	}
	if best < 0 {
		best = longest(all)
		if best < 0 {
			return "", 0
		}
	}
	if best > 0 && (content(all[best].terms) < 3 || weight == 2) {
		// "I'd like to exchange it" says less than the sentence before it, and
		// what is wrong less than how it came about.
		if prev := &all[best-1]; prev.t == all[best].t && content(prev.terms) >= 3 && !prev.identifies() {
			best, at = best-1, 0
		}
	}
	text := all[best].wording(at)
	if best+1 < len(all) {
		next := &all[best+1]
		if next.t == all[best].t && !next.identifies() && content(next.terms) >= 1 &&
			len(strings.Fields(text))+next.to-next.from <= reasonWords {
			text += " " + next.wording(0)
		}
	}
	return text, weight
}

// opens reports whether the sentence is a statement of the customer's first turn
// that says something.
func (s *sentence) opens(first *turn) bool {
	const enough = 4 // words that carry meaning
	return s.t == first && content(s.terms) >= enough && !s.identifies()
}

// longest returns the first of the customer's sentences that says enough, if
// none states a purpose.
func longest(all []sentence) int {
	for least := 4; least >= 2; least-- {
		for i := range all[:min(len(all), 8)] {
			if content(all[i].terms) >= least && !all[i].identifies() {
				return i
			}
		}
	}
	return -1
}

// content counts the terms that carry meaning.
func content(terms []string) int {
	n := 0
	for _, w := range terms {
		if !spoken.IsStop(w) {
			n++
		}
	}
	return n
}

// identifies reports whether the sentence only says who speaks.
func (s *sentence) identifies() bool {
	const most = 20 // terms; a longer one says more
	if len(s.terms) > most {
		return false
	}
	text := " " + strings.Join(s.terms, " ") + " "
	for _, p := range [...]string{
		" my name is ", " name is ", " date of birth ", " number is ", " email is ", " address is ", " postcode is ", " zip code ", " speaking ", " this is ",
		" born ", " spelled ", " line is ", " phone number ",
	} {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// purposeCues are phrases in canonical form with their weights, the surest
// first.
func purposeCues() []struct {
	weight int
	list   []string
} {
	return []struct {
		weight int
		list   []string
	}{
		{3, []string{
			"i am calling about", "i am calling because", "i am calling to", "i am calling regarding", "i am calling for", "i am calling in", "i am calling on", "calling with regard", "i was calling", "the reason", "reason i",
			"i am phoning", "i am ringing", "calling about", "calling because", "calling to", "calling regarding", "i would like to", "i want to", "i wanted to", "i have a problem", "i am having", "i have an issue", "i have a question",
			"i have got a problem", "i have been having", "problem with", "trouble with", "issue with", "question about", "i need to", "i need help", "complain", "complaint", "i would like a", "it is about", "i got a letter", "i got an email", "i received a",
			"i have received a", "i got a", "following up", "follow up on",
		}},
		{2, []string{
			"i need", "i want", "wondering", "trying to", "can not", "not working", "does not work", "stopped working", "has not", "have not", "never", "did not", "was charged", "been charged", "charged me", "overcharged", "how do i", "how can i",
			"is it possible", "looking for", "looking to", "broken", "damaged", "missing", "wrong", "refund", "cancel", "interested in", "there is a", "there is an", "keeps", "is down", "went down", "supposed to", "still waiting", "too high", "increase", "would like",
			"error", "i get a", "i get an", "we get a", "we get an", "stopped", "nobody came", "nobody called", "no one came", "no one called", "left me", "can you", "could you", "can i", "could i", "do you",
		}},
		{1, []string{"my", "problem", "question", "issue", "order", "bill", "account", "appointment"}},
	}
}

// purpose returns how surely the sentence states a purpose and at which term
// the statement begins.
func (s *sentence) purpose() (at, weight int) {
	text := " " + strings.Join(s.terms, " ") + " "
	n := content(s.terms)
	for _, c := range purposeCues() {
		for _, p := range c.list {
			i := strings.Index(text, " "+p+" ")
			if i < 0 || n < 2 && (c.weight < 3 || n == 0) {
				continue
			}
			at := strings.Count(text[:i+1], " ") - 1
			if c.weight < 3 || at+3 > len(s.terms) {
				at = 0
			}
			if lead := (&sentence{terms: s.terms[:at]}); content(s.terms[at:]) < 2 || content(lead.terms) >= 2 && !lead.identifies() {
				at = 0
			}
			return at, c.weight
		}
	}
	return 0, 0
}

// wording returns the words of the sentence from a term on, without the fillers
// people begin with.
func (s *sentence) wording(term int) string {
	from := s.from
	if term > 0 && !strings.HasPrefix(s.terms[term], "problem") && s.subjectAt(term) {
		from = s.at[term]
	}
	for start := from; from < s.to-1; from++ {
		w := s.t.words[from]
		named := from > start && w.Comma && isUpper(w.Text) && !strings.HasPrefix(w.Norm, "i")
		if !isLeadIn(w.Norm) && !named {
			break
		}
	}
	to := min(s.to, from+reasonWords)
	text := sentenceCase(s.t.said(from, to))
	if s.t.words[s.to-1].Question {
		return text + "?"
	}
	return text + "."
}

// subjectAt reports whether a statement may begin at the term.
func (s *sentence) subjectAt(term int) bool {
	switch s.terms[term] {
	case "i", "it", "the", "calling", "we":
		return s.term(term-1) != "reason" && s.term(term-1) != "because"
	}
	return false
}

func isLeadIn(w string) bool {
	switch w {
	case "hi", "hello", "hey", "yes", "yeah", "um", "uh", "so", "well", "okay", "ok", "good", "morning", "afternoon", "evening", "thanks", "sure", "oh", "right", "and", "er", "erm", "there", "alright", "but":
		return true
	}
	return false
}
