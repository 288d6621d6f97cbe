package summarize

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot"
	"earshot/spoken"
)

// actions finds what was promised: not what was refused, made to depend on
// something, asked, reported of others, or done while the call lasts.
func actions(list []*turn) []earshot.Action {
	out := []earshot.Action{}
	for _, t := range list {
		for _, s := range t.sentences() {
			for _, a := range s.actions() {
				out = addAction(out, a)
			}
		}
	}
	return out
}

// sentence is words [from, to) of a turn, in canonical terms.
type sentence struct {
	t        *turn
	from, to int
	terms    []string
	at       []int // the word of the turn each term begins at
}

func (t *turn) sentences() []sentence {
	var out []sentence
	for from := 0; from < len(t.words); {
		to := from + 1
		for to < len(t.words) && !t.words[to-1].Stop {
			to++
		}
		s := sentence{t: t, from: from, to: to}
		s.terms, s.at = spoken.TermsAt(t.words[from:to])
		for i := range s.at {
			s.at[i] += from
		}
		out = append(out, s)
		from = to
	}
	return out
}

// term returns term i, or "" outside the sentence.
func (s *sentence) term(i int) string {
	if i < 0 || i >= len(s.terms) {
		return ""
	}
	return s.terms[i]
}

// promise is where a promise begins and its verb stands, in terms.
type promise struct {
	from, verb int
	owner      earshot.Role
	// sure promises are known to outlast the call already.
	sure bool
}

func (s *sentence) actions() []earshot.Action {
	var found []promise
	for i := range s.terms {
		if p, ok := s.promiseAt(i); ok && (len(found) == 0 || p.from > found[len(found)-1].verb) {
			found = append(found, p)
		}
	}
	var out []earshot.Action
	for i, p := range found {
		end := len(s.terms)
		if i+1 < len(found) {
			end = found[i+1].from
		}
		end = s.clauseEnd(p, end)
		for _, part := range s.parts(p, end) {
			if s.binding(part.promise, part.end) {
				out = append(out, s.action(part.promise, part.end))
			}
		}
	}
	return out
}

// promisePart is one of the things promised in one go, up to term end.
type promisePart struct {
	promise
	end int
}

// parts cuts a promise in two where the first has its own time: "I'll mail it
// today and call you on Thursday".
func (s *sentence) parts(p promise, end int) []promisePart {
	for i := p.verb + 1; i+1 < end; i++ {
		if s.terms[i] == "and" && isSending(s.terms[i+1]) && s.due(p.verb, i) != "" && s.due(i+1, end) != "" {
			second := promise{from: i + 1, verb: i + 1, owner: p.owner, sure: p.sure}
			return []promisePart{{p, i}, {second, end}}
		}
	}
	return []promisePart{{p, end}}
}

// binding reports whether the promise in terms [p.from, end) holds as it is.
func (s *sentence) binding(p promise, end int) bool {
	if s.asked() || s.reported(p.from) || s.conditional(p, end) {
		return false
	}
	due := s.due(p.verb, end)
	if p.sure {
		return true
	}
	if s.t.role == earshot.RoleCustomer {
		return isCustomerAct(s.terms[p.verb:end], due)
	}
	return isAct(s.terms[p.verb:end], due)
}

// asked reports whether the sentence is a question, "okay?" aside.
func (s *sentence) asked() bool {
	if !s.t.words[s.to-1].Question {
		return false
	}
	switch s.terms[len(s.terms)-1] {
	case "ok", "okay", "alright", "right", "good", "fine", "you":
		return false
	}
	return true
}

// reported reports whether the promise is somebody's words or a supposition.
func (s *sentence) reported(from int) bool {
	for i := max(0, from-8); i < from; i++ {
		switch s.terms[i] {
		case "said", "says", "told", "promised", "thought", "think", "guess", "hope", "hoping", "assume", "wonder", "wondering", "suppose", "claimed", "doubt":
			return true
		}
	}
	return false
}

// conditional reports whether "if" ties the promise to something. The "if" of
// "I'll check if it has arrived" does not.
func (s *sentence) conditional(p promise, end int) bool {
	for i, w := range s.terms {
		if w != "if" && w != "unless" && w != "otherwise" || i > end {
			continue
		}
		if i < p.from {
			if i > 0 && isInquiry(s.terms[i-1]) || slices.Contains(s.terms[i:p.from], "but") {
				continue
			}
			return true
		}
		if i > p.from && !isInquiry(s.terms[i-1]) && s.term(i+1) != "possible" && !isCourtesyIf(s.terms[i+1:]) {
			return true
		}
	}
	return false
}

func isInquiry(w string) bool {
	switch w {
	case "see", "check", "know", "out", "ask", "verify", "confirm", "wonder", "wondering", "asking", "sure":
		return true
	}
	return false
}

// isCourtesyIf reports whether "if" leads to words of courtesy only: "if that
// is okay".
func isCourtesyIf(rest []string) bool {
	text := strings.Join(rest, " ")
	for _, s := range [...]string{"that is ok", "that is okay", "that is alright", "that is all right", "that is fine", "you do not mind", "that works"} {
		if strings.HasPrefix(text, s) {
			return true
		}
	}
	return false
}

// promiseAt reports whether a promise begins at term i.
func (s *sentence) promiseAt(i int) (promise, bool) {
	p := promise{from: i, owner: s.t.role}
	switch s.term(i) {
	case "i", "we":
		p.verb = s.afterWill(i + 1)
		return p, p.verb > 0
	case "you":
		verb := s.afterWill(i + 1)
		if verb == 0 && s.term(i+1) == "should" {
			verb = s.skipAdverbs(i + 2)
		}
		p.verb, p.sure = verb, true
		return p, verb > 0 && s.t.role != earshot.RoleCustomer && isReceiving(s.terms[verb:])
	case "will":
		if s.t.role == earshot.RoleCustomer || i == 0 || isPronoun(s.term(i-1)) {
			return p, false
		}
		p.from = s.subject(i)
		p.verb, p.sure = s.skipAdverbs(i+1), true
		return p, p.from < i && p.verb < len(s.terms) && isThirdAct(s.terms[p.verb:])
	}
	return p, false
}

func isPronoun(w string) bool {
	switch w {
	case "i", "we", "you", "that", "this", "there", "what", "which", "who", "how", "when", "not", "and", "or":
		return true
	}
	return false
}

// subject returns the first term of the subject before "will" at i: up to four
// terms back to an article, a possessive or "someone".
func (s *sentence) subject(i int) int {
	switch s.term(i - 1) {
	case "it", "they", "he", "she", "someone", "somebody":
		return i - 1
	}
	for k := i - 1; k >= max(0, i-8); k-- {
		switch s.terms[k] {
		case "a", "an", "the", "our", "your", "my", "someone", "somebody", "one", "that":
			if k < 2 || !isOfWord(s.terms[k-1]) {
				return k
			}
		}
		if k == i-5 && !slices.ContainsFunc(s.terms[k:i], isOfWord) {
			break
		}
	}
	return i
}

// isOfWord reports whether a word ties a second thing to a subject: "a colleague
// from the network team".
func isOfWord(w string) bool { return w == "from" || w == "of" || w == "at" || w == "in" }

// afterWill returns the verb behind "will", "shall", "am going to" or a present
// such as "am sending" at i, or 0 if there is none or it is denied.
func (s *sentence) afterWill(i int) int {
	verb := 0
	switch s.term(i) {
	case "will", "shall":
		verb = s.skipAdverbs(i + 1)
	case "promise":
		if s.term(i+1) == "to" {
			verb = s.skipAdverbs(i + 2)
		}
	case "need", "have":
		// "I need to ask and get back to you" promises the second.
		if v := s.skipAdverbs(i + 2); s.term(i+1) == "to" && v < len(s.terms) && isReport(s.terms[v:]) {
			verb = v
		}
	case "am", "are":
		k := s.skipAdverbs(i + 1)
		if s.term(k) == "going" && s.term(k+1) == "to" {
			verb = s.skipAdverbs(k + 2)
		} else if isSendingNow(s.term(k)) {
			verb = k
		}
	}
	if verb >= len(s.terms) || verb > 0 && (s.terms[verb] == "not" || s.terms[verb] == "never") {
		return 0
	}
	return verb
}

// isReport reports whether terms end in telling the other party later.
func isReport(terms []string) bool {
	text := " " + strings.Join(terms, " ") + " "
	for _, p := range [...]string{" get back to you ", " call you ", " let you know ", " come back to you "} {
		if at := strings.Index(text, p); at > 0 {
			return true
		}
	}
	return false
}

func isSendingNow(w string) bool {
	switch w {
	case "sending", "shipping", "mailing", "emailing", "issuing", "dispatching", "booking", "scheduling", "arranging", "escalating", "ordering", "crediting", "refunding":
		return true
	}
	return false
}

// skipAdverbs steps over words between "will" and what is promised.
func (s *sentence) skipAdverbs(i int) int {
	for i < len(s.terms) {
		switch s.terms[i] {
		case "just", "also", "then", "definitely", "certainly", "gladly", "personally", "now", "still", "probably", "quickly", "immediately", "actually", "of", "course", "uh", "um", "simply", "always", "both":
			i++
		case "go":
			if s.term(i+1) != "ahead" {
				return i
			}
			i += 2
			if s.term(i) == "and" {
				i++
			}
		case "be":
			if s.term(i+1) == "sure" && s.term(i+2) == "to" || s.term(i+1) == "able" && s.term(i+2) == "to" {
				i += 3
				continue
			}
			return i
		case "have", "need":
			if s.term(i+1) != "to" {
				return i
			}
			i += 2
		default:
			return i
		}
	}
	return i
}

// clauseEnd returns where the promise ends, at most at term end.
func (s *sentence) clauseEnd(p promise, end int) int {
	for i := p.verb + 1; i < end; i++ {
		switch s.terms[i] {
		case "but", "because", "unless", "although", "okay", "ok", "alright":
			return i
		case "if":
			if !isInquiry(s.terms[i-1]) {
				return i
			}
		case "and", "so", "then":
			if isSubject(s.term(i+1)) && !(s.terms[i] == "so" && s.term(i+1) == "that") {
				return i
			}
			if i+1 >= end {
				return i
			}
		case "is", "does", "would", "will", "can":
			if n := s.term(i + 1); (n == "that" || n == "you" || n == "there") && i > p.verb+2 {
				return i
			}
		}
	}
	return end
}

func isSubject(w string) bool {
	switch w {
	case "i", "you", "we", "it", "that", "this", "they", "he", "she", "there", "is", "if", "please", "what", "someone", "then":
		return true
	}
	return false
}

func (s *sentence) action(p promise, end int) earshot.Action {
	from, to := s.at[p.from], s.to
	if end < len(s.terms) {
		to = s.at[end]
	}
	const mostWords = 32
	to = min(to, from+mostWords)
	at := s.t.words[from].Start
	return earshot.Action{
		Text: sentenceCase(s.t.said(from, max(to, from+1))), Owner: p.owner, Due: s.due(p.verb, end),
		UtteranceID: s.t.partAt(at).u.ID, AtMS: s.t.msAt(at),
	}
}

// addAction appends a promise, or completes the same one made before.
func addAction(list []earshot.Action, a earshot.Action) []earshot.Action {
	for i := range list {
		if list[i].Owner != a.Owner || !samePromise(list[i].Text, a.Text) {
			continue
		}
		if list[i].Due == "" {
			list[i].Due = a.Due
		}
		return list
	}
	return append(list, a)
}

// samePromise reports whether two texts share most of their content words.
func samePromise(a, b string) bool {
	wa, wb := contentStems(a), contentStems(b)
	both := 0
	for w := range wa {
		if wb[w] {
			both++
		}
	}
	few := min(len(wa), len(wb))
	return few > 0 && both*10 >= few*8 && both*2 >= max(len(wa), len(wb))
}

func sentenceCase(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), ",;.!?")
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}
