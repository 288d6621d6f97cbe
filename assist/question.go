package assist

import (
	"slices"
	"strings"

	"earshot/spoken"
)

// question is what to look up: the words of an utterance that carry meaning.
type question struct {
	terms []string // distinct, as they would be written
	stems []string
}

// questions returns what of the speech asks for an answer: each sentence that
// holds a question, an objection or an intent, alone and with the sentence
// before it. It is empty if nothing does.
func questions(s *speech, c *corpus) []question {
	sentences := sentenceTerms(s.text)
	var out []question
	for i, terms := range sentences {
		if !asks(terms.words, terms.question) {
			continue
		}
		out = appendQuestion(out, terms.words, c)
		for _, clause := range clauses(terms.words) {
			if asks(clause, terms.question) {
				out = appendQuestion(out, clause, c)
			}
		}
		if i > 0 {
			out = appendQuestion(out, append(slices.Clone(sentences[i-1].words), terms.words...), c)
		}
	}
	return out
}

// clauses cuts a sentence where a new statement begins: "my internet is down and
// I work from home". One without is no clauses.
func clauses(terms []string) [][]string {
	var out [][]string
	from := 0
	for i := 1; i+1 < len(terms); i++ {
		switch terms[i] {
		case "and", "but", "because", "so":
		default:
			continue
		}
		switch terms[i+1] {
		case "i", "we", "it", "my", "our", "they", "the", "he", "she", "there", "what", "how", "can", "could", "do", "is", "that":
			out = append(out, terms[from:i])
			from = i + 1
		}
	}
	if from == 0 {
		return nil
	}
	return append(out, terms[from:])
}

type spokenSentence struct {
	words    []string
	question bool
}

// sentenceTerms cuts a text into sentences. A recogniser that writes no full
// stops yields one.
func sentenceTerms(text string) []spokenSentence {
	words := spoken.Words(text)
	var out []spokenSentence
	for from := 0; from < len(words); {
		to := from + 1
		for to < len(words) && !words[to-1].Stop {
			to++
		}
		out = append(out, spokenSentence{spoken.Terms(words[from:to]), words[to-1].Question})
		from = to
	}
	return out
}

// mostTerms bounds a question: whoever says more tells a story.
const mostTerms = 14

func appendQuestion(out []question, terms []string, c *corpus) []question {
	var q question
	for _, w := range terms {
		if spoken.IsStop(w) || len(w) < 2 || w == "back" {
			continue
		}
		w = c.heard(w)
		stem := spoken.Stem(w)
		if !slices.Contains(q.stems, stem) {
			q.terms, q.stems = append(q.terms, w), append(q.stems, stem)
		}
	}
	if len(q.terms) == 0 || len(q.terms) > mostTerms {
		return out
	}
	return append(out, q)
}

// asks reports whether a sentence holds a question, an objection or an intent.
// terms are in canonical form: "I'd" is "i would", "can't" is "can not".
func asks(terms []string, question bool) bool {
	if question {
		return true
	}
	if len(terms) < 2 {
		return false
	}
	for i := range min(len(terms), 4) {
		if opensQuestion(terms, i) {
			return true
		}
		if !isOpening(terms[i]) {
			break
		}
	}
	text := " " + strings.Join(terms, " ") + " "
	return slices.ContainsFunc(cues(), func(c string) bool { return strings.Contains(text, " "+c+" ") })
}

// opensQuestion reports whether a question begins at term i.
func opensQuestion(terms []string, i int) bool {
	next := ""
	if i+1 < len(terms) {
		next = terms[i+1]
	}
	switch terms[i] {
	case "what", "how", "when", "where", "why", "which", "who", "whose":
		return true
	case "can", "could", "will", "would", "do", "does", "did", "is", "are", "am", "was", "have", "has", "should", "may", "must":
		switch next {
		case "i", "you", "we", "it", "there", "that", "this", "they", "my", "your", "the", "he", "she", "a", "an", "any":
			return true
		}
	}
	return false
}

func isOpening(w string) bool {
	return spoken.IsHesitation(w) || slices.Contains([]string{"and", "so", "but", "okay", "ok", "well", "yes", "no", "oh", "also", "then", "hi", "hello", "right", "yeah"}, w)
}

// cues are phrases of objections and intents in canonical form.
func cues() []string {
	return []string{
		"how do i", "how can i", "how long", "how much", "how many", "can i", "can you", "could i", "could you", "do you", "do i", "is there", "are there", "is it", "what is", "what are", "what if", "what happens", "whether", "tell me",
		"i would like", "i want", "i wanted", "i need", "i have to", "i am looking", "i am trying", "i was trying", "i was looking", "i am wondering", "i was wondering", "wondering if", "i wonder", "i am interested", "i am thinking", "i plan to", "we want", "we need", "we would like", "we are looking", "calling about", "calling because", "calling to", "question about", "help with", "asking about", "i am going to", "i might",
		"too expensive", "expensive", "too much", "too high", "cheaper", "overpriced", "not sure", "do not want", "do not understand", "do not know", "not happy", "unhappy", "not working", "does not work", "do not work", "did not work", "not work", "stopped working", "broken", "broke", "damaged", "faulty", "wrong", "problem", "issue", "trouble", "can not", "could not", "never", "have not", "has not", "did not", "is not", "still waiting", "missing", "lost", "late", "error", "forgot", "complain", "complaint", "refund", "cancel", "charged", "overcharged", "is down", "been down", "went down", "is out", "been out", "went out", "no signal", "no internet", "no connection", "do not recognize", "do not recognise", "not arrived", "not come", "my money", "money back", "keeps", "slow", "stuck", "offline", "frozen", "blinking", "dead", "crashes", "disconnects",
	}
}
