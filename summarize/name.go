package summarize

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot"
	"earshot/spoken"
)

// names finds who people say they are.
func names(t *turn) []span {
	var out []span
	cased := hasCapitals(t.words)
	for i := range t.words {
		from, strength, ok := t.nameCue(i)
		if !ok {
			continue
		}
		for spoken.IsTitle(t.norm(from)) {
			from++
		}
		to := t.nameEnd(from, strength, cased)
		if to == from || !t.free(from, to) || !t.nameFollowed(to, strength, cased) {
			continue
		}
		if strength == inFull && (!cased || to < from+2) {
			continue
		}
		out = append(out, t.nameSpan(from, to))
	}
	out = append(out, t.speakingNames(cased)...)
	if s, ok := t.answeredName(cased); ok {
		out = append(out, s)
	}
	if t.role == earshot.RoleAgent && cased {
		out = append(out, t.addressedNames()...)
	}
	return out
}

// strength is how surely a name follows the words before it.
type strength int

const (
	// likely: "this is", "I'm": a capital and what follows must bear it out.
	likely strength = iota + 1
	// inFull: "the booking for": only a first and a last name are one.
	inFull
	// certain: "my name is".
	certain
)

// nameCue reports whether words from i on lead to a name, and where it begins.
func (t *turn) nameCue(i int) (int, strength, bool) {
	switch t.norm(i) {
	case "name":
		return t.afterName(i)
	case "name's":
		return i + 1, certain, t.ofPerson(i)
	case "surname":
		return t.afterIs(i + 1), certain, true
	case "this":
		if t.norm(i+1) == "is" {
			return i + 2, likely, true
		}
	case "i'm", "im":
		return i + 1, likely, true
	case "i":
		if t.norm(i+1) == "am" {
			return i + 2, likely, true
		}
	case "speaking", "talking":
		if n := t.norm(i + 1); n == "with" || n == "to" {
			return i + 2, likely, t.norm(i+2) != "me" && (t.norm(i-1) != "i" || t.norm(i-2) == "am")
		}
	case "call":
		if t.norm(i+1) == "me" {
			return i + 2, likely, true
		}
	case "under":
		if t.norm(i+1) == "the" && t.norm(i+2) == "name" {
			return t.afterIs(i + 3), certain, true
		}
		return i + 1, inFull, true
	case "for":
		return i + 1, inFull, isKeptForOne(t.norm(i - 1))
	case "it's":
		return i + 1, inFull, true
	case "through":
		return i + 2, likely, t.norm(i+1) == "to"
	case "son", "daughter", "wife", "husband", "mother", "father", "brother", "sister", "partner", "colleague":
		return i + 1, inFull, t.words[i].Comma && (t.norm(i-1) == "my" || t.norm(i-1) == "our")
	}
	return 0, 0, false
}

// isKeptForOne reports whether a thing is in somebody's name.
func isKeptForOne(w string) bool {
	switch w {
	case "booking", "reservation", "appointment", "account", "policy", "order", "table", "room", "contract", "file", "card":
		return true
	}
	return false
}

// afterName handles "my name is", "first name", "the name on the account is",
// and passes over names of things.
func (t *turn) afterName(i int) (int, strength, bool) {
	if !t.ofPerson(i) {
		return 0, 0, false
	}
	switch prev := t.norm(i - 1); {
	case t.norm(i+1) == "is" || t.norm(i+1) == "was":
		return i + 2, certain, true
	case prev == "first" || prev == "last" || prev == "full" || prev == "maiden" || prev == "middle":
		return t.afterIs(i + 1), certain, true
	case t.norm(i+1) == "of":
		return i + 2, certain, prev == "the"
	}
	for k := i + 1; k < min(i+7, len(t.words)); k++ {
		if t.norm(k) == "is" {
			return k + 1, certain, true
		}
		if t.words[k].Stop || !isNameFiller(t.norm(k)) {
			break
		}
	}
	return 0, 0, false
}

func isNameFiller(w string) bool {
	switch w {
	case "on", "the", "account", "policy", "order", "booking", "my", "file", "for", "contract", "here", "reservation":
		return true
	}
	return false
}

// ofPerson tells the name of the speaker from one of a company or of others.
func (t *turn) ofPerson(i int) bool {
	switch t.norm(i - 1) {
	case "your", "company", "business", "user", "brand", "domain", "street", "product", "network", "file", "whose", "what", "bank", "pet", "store", "shop":
		return false
	}
	return true
}

func (t *turn) afterIs(i int) int {
	for t.norm(i) == "is" || t.norm(i) == "it's" || t.norm(i) == "of" {
		i++
	}
	return i
}

// nameEnd returns where the name that begins at from ends; from if there is
// none.
func (t *turn) nameEnd(from int, s strength, cased bool) int {
	most := 3
	if !cased {
		most = 2
	}
	to := from
	for to < len(t.words) && to-from < most {
		w := t.words[to]
		if !isNameWord(w) || cased && !isUpper(w.Text) || !cased && isFunction(w.Norm) {
			break
		}
		to++
		if !cased && s == likely {
			break
		}
		if w.Stop || w.Comma {
			break
		}
	}
	return to
}

// nameFollowed reports whether what follows lets a likely name be one.
func (t *turn) nameFollowed(to int, s strength, cased bool) bool {
	if s == certain {
		return true
	}
	if !cased {
		switch t.norm(to) {
		case "from", "speaking", "calling", "how":
			return true
		}
		return false
	}
	if to >= len(t.words) {
		return true
	}
	if last := t.words[to-1]; last.Stop || last.Comma {
		return true
	}
	switch t.norm(to) {
	case "from", "speaking", "calling", "with", "here", "and", "again", "at", "in", "how", "i", "i'm", "i'll", "my", "on", "of":
		return true
	}
	return false
}

// speakingNames reads "Anna speaking" and "Anna Berg here".
func (t *turn) speakingNames(cased bool) []span {
	var out []span
	for i := 1; i < len(t.words); i++ {
		if w := t.norm(i); !cased || w != "speaking" && w != "here" {
			continue
		}
		from := i
		for from > max(0, i-2) && isUpper(t.words[from-1].Text) && isNameWord(t.words[from-1]) && !t.words[from-1].Stop && (from == i || !t.words[from-1].Comma) {
			from--
		}
		if from < i && t.free(from, i) && (from == 0 || t.words[from-1].Stop || t.words[from-1].Comma) {
			out = append(out, t.nameSpan(from, i))
		}
	}
	return out
}

// addressedNames reads "thank you, Mr. Berg".
func (t *turn) addressedNames() []span {
	var out []span
	for i := range t.words {
		if !spoken.IsTitle(t.norm(i)) {
			continue
		}
		if to := t.nameEnd(i+1, certain, true); to > i+1 && t.free(i+1, to) {
			s := t.nameSpan(i+1, to)
			s.addressed = true
			out = append(out, s)
		}
	}
	return out
}

func (t *turn) nameSpan(from, to int) span {
	parts := make([]string, 0, to-from)
	for _, w := range t.words[from:to] {
		parts = append(parts, titleCase(strings.TrimSuffix(w.Text, "'s")))
	}
	return span{kind: earshot.FactName, value: strings.Join(parts, " "), from: from, to: to}
}

// answeredName reads a name that answers "may I have your name?".
func (t *turn) answeredName(cased bool) (span, bool) {
	if !asksName(t.asked) {
		return span{}, false
	}
	from := 0
	for from < len(t.words) && isAnswerLead(t.norm(from)) {
		from++
	}
	for spoken.IsTitle(t.norm(from)) {
		from++
	}
	to := t.nameEnd(from, certain, cased)
	if to == from || !t.free(from, to) {
		return span{}, false
	}
	const short = 12 // words of an answer that is little but the name
	if len(t.words) > short && !(cased && t.nameStands(from, to)) {
		return span{}, false
	}
	if last := t.words[to-1]; to-from < 2 && to < len(t.words) && !last.Stop && !last.Comma && len(t.norm(to)) > 1 {
		return span{}, false
	}
	return t.nameSpan(from, to), true
}

// nameStands reports whether words [from, to) at the beginning of a long answer
// are a name: set off by punctuation, and two words or the surname asked for.
func (t *turn) nameStands(from, to int) bool {
	last := t.words[to-1]
	if !last.Stop && !last.Comma {
		return false
	}
	return to-from > 1 || slices.ContainsFunc(t.asked, func(w spoken.Word) bool { return w.Norm == "last" || w.Norm == "surname" })
}

func asksName(words []spoken.Word) bool {
	for i := range words {
		switch words[i].Norm {
		case "name":
			switch normAt(words, i-1) {
			case "your", "full", "first", "last":
				return true
			case "what", "which":
				return normAt(words, i+1) == "is"
			}
			return normAt(words, i+1) == "please"
		case "speaking":
			if n := normAt(words, i+1); (n == "with" || n == "to") && i > 1 && normAt(words, i-2) == "am" {
				return true
			}
		}
	}
	return false
}

func isAnswerLead(w string) bool {
	switch w {
	case "yes", "yeah", "sure", "of", "course", "it's", "it", "is", "its", "uh", "um", "okay", "ok", "well", "hi", "hello", "that's", "this", "my", "name", "so", "oh", "certainly", "absolutely", "i'm":
		return true
	}
	return false
}

func isNameWord(w spoken.Word) bool {
	letters := 0
	for _, r := range w.Norm {
		if !unicode.IsLetter(r) && r != '\'' {
			return false
		}
		letters++
	}
	if _, day := weekday(w.Norm); day {
		return false
	}
	return letters >= 2 && !isNeverName(w.Norm)
}

// isNeverName holds words that recognisers capitalise and that stand where a
// name would.
func isNeverName(w string) bool {
	switch w {
	case "i'm", "i'll", "i've", "i'd", "okay", "ok", "yes", "no", "hi", "hello", "thanks", "thank", "sorry", "please", "the", "my", "your", "our",
		"customer", "support", "service", "services", "sales", "billing", "not", "just", "so", "and", "but", "it's", "well", "what", "how", "that", "this", "internet":
		return true
	}
	return false
}

// isFunction holds words that end a name in text without capitals.
func isFunction(w string) bool {
	switch w {
	case "and", "from", "calling", "with", "speaking", "here", "is", "on", "at", "how", "i", "a", "an", "in", "to", "for", "of", "because", "about", "can", "may",
		"could", "would", "was", "are", "you", "we", "it", "if", "or", "by", "like", "do", "have", "has", "will", "am", "me", "really", "very", "calls", "call", "need":
		return true
	}
	return false
}

func hasCapitals(words []spoken.Word) bool {
	for i, w := range words {
		if isUpper(w.Text) && (w.Norm != "i" && !strings.HasPrefix(w.Norm, "i'")) && i > 0 && !words[i-1].Stop {
			return true
		}
		if i == 0 && isUpper(w.Text) {
			return true
		}
	}
	return false
}

func isUpper(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsUpper(r)
}

func titleCase(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if s == strings.ToUpper(s) && len(s) > 2 {
		s = s[:n] + strings.ToLower(s[n:])
	}
	return string(unicode.ToUpper(r)) + s[n:]
}

// correctNames writes the names of participants as the metadata has them where
// a first name was heard right and the rest was not. It reports whether it
// changed one.
func correctNames(facts []earshot.Fact, parties []earshot.Participant) bool {
	changed := false
	for i := range facts {
		if facts[i].Kind != earshot.FactName {
			continue
		}
		heard, rest, _ := strings.Cut(facts[i].Value, " ")
		for _, p := range parties {
			first, _, _ := strings.Cut(p.Name, " ")
			if rest != "" && strings.EqualFold(first, heard) && p.Name != facts[i].Value {
				facts[i].Value, changed = p.Name, true
			}
		}
	}
	return changed
}
