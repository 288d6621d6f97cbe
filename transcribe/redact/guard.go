package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot"
	"earshot/transcribe/line"
)

// How long, in utterances of the same stream, what was heard makes a guard
// careful.
const (
	carefulAfterCard = 4
	carefulAfterTalk = 6
)

// Guard masks the utterances of one stream with what was said before in mind.
// It is not safe for concurrent use. Its memory is short and is not kept over
// a restart.
type Guard struct {
	// patterns are masked besides cards.
	patterns *Patterns
	// talk and code count down the utterances after a card or a code was
	// spoken of, by either party.
	talk, code int
	// tail is the end of what was masked last, where it ends in digits: a number
	// may go on in the next utterance.
	tail string
}

// NewGuard returns a guard that masks patterns besides cards; they may be nil.
func NewGuard(p *Patterns) Guard { return Guard{patterns: p} }

// Heard tells the guard what the other party said: whoever is asked for a
// card number or a security code answers with bare digits. Who is asked for
// another number then answers with that.
func (g *Guard) Heard(text string) {
	atoms := scan([]string{text})
	for i, a := range atoms {
		next := ""
		if i+1 < len(atoms) {
			next = atoms[i+1].word
		}
		switch {
		case isCardWord(a.word):
			g.talk = carefulAfterTalk
		case isOtherWord(a.word) || isPlaceWord(a.word):
			g.talk = 0
		}
		if isSecurityCode(a.word, next) || isExpiry(a.word, next) || isBack(atoms, i) {
			g.code = carefulAfterCard
		}
	}
}

// isBack reports whether the digits on the back of a card are spoken of.
func isBack(atoms []atom, i int) bool {
	switch atoms[i].word {
	case "digit", "digits", "code", "number", "numbers", counted:
	default:
		return false
	}
	end := min(len(atoms), i+4)
	on := slices.IndexFunc(atoms[i:end], func(a atom) bool { return a.word == "on" })
	return on > 0 && slices.ContainsFunc(atoms[i+on:end], func(a atom) bool { return a.word == "back" || a.word == "front" })
}

// Hold returns how many of the last texts, the pending utterances of the
// stream in order, must wait for the next one: those that the digits at the
// very end, which may be the beginning of a card number, are spread over.
func (g *Guard) Hold(texts []string) int {
	const (
		least = 3
		most  = 2 * maxCard
	)
	atoms := scan(append([]string{g.tail}, texts...))
	r, ok := lastRun(atoms)
	if !ok || len(r.digits) < least || len(r.digits) > most || hasCard(atoms, r) && len(r.digits) >= 16 {
		return 0
	}
	any := g.talk > 0 || g.patterns != nil && len(g.patterns.list) > 0
	if !any && !mayBegin(r.digits) && !talkBefore(atoms, r.first) {
		return 0
	}
	return min(len(texts), len(texts)+1-atoms[r.first].text)
}

// lastRun returns the run that only fillers follow.
func lastRun(atoms []atom) (run, bool) {
	all := runs(atoms)
	if len(all) == 0 {
		return run{}, false
	}
	r := all[len(all)-1]
	for _, a := range atoms[r.last+1:] {
		if !isFiller(a.word) {
			return run{}, false
		}
	}
	return r, true
}

// Mask masks the next utterances of the stream, which belong together as
// [Guard.Hold] said, each a line of words that may be empty.
func (g *Guard) Mask(lines [][]earshot.Word) [][]earshot.Word {
	texts := textsOf(lines)
	edits, whole := g.cards(texts)
	out := apply(lines, edits)
	rest := textsOf(out)
	out = apply(out, g.patterns.find(rest))
	for i := range out {
		if len(out[i]) == 0 {
			continue
		}
		masked := line.Text(out[i])
		if g.code > 0 {
			out[i] = line.Apply(out[i], bareCode(masked))
		}
		g.talk, g.code = max(0, g.talk-1), max(0, g.code-1)
		g.Heard(texts[i])
		if strings.Contains(masked, CardNumber) {
			g.talk = carefulAfterTalk
		}
		if whole[i] {
			g.code = carefulAfterCard
		}
	}
	g.remember(texts)
	return out
}

func textsOf(lines [][]earshot.Word) []string {
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = line.Text(l)
	}
	return texts
}

func apply(lines [][]earshot.Word, edits [][]line.Edit) [][]earshot.Word {
	out := make([][]earshot.Word, len(lines))
	for i := range lines {
		out[i] = line.Apply(lines[i], edits[i])
	}
	return out
}

// cards finds cards in the texts and what was said before them, and says which
// texts have a whole one or the end of one. While a card is spoken of whose
// number is not given yet, it finds pieces of numbers that come one by one.
func (g *Guard) cards(texts []string) (edits [][]line.Edit, whole []bool) {
	edits = cards(append([]string{g.tail}, texts...), g.talk > 0)[1:]
	whole = make([]bool, len(texts))
	given := g.code > 0
	for i, text := range texts {
		isCard := func(e line.Edit) bool { return e.By == CardNumber }
		whole[i] = slices.ContainsFunc(edits[i], isCard)
		given = given || whole[i]
		if g.talk > 0 && !given && len(edits[i]) == 0 {
			edits[i] = barePiece(text)
		}
	}
	return edits, whole
}

// remember keeps the end of the last text if a number may go on after it.
func (g *Guard) remember(texts []string) {
	const most = 200
	tail := g.tail
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			tail += " " + text
		}
	}
	atoms := scan([]string{tail})
	if r, ok := lastRun(atoms); !ok || len(r.digits) >= maxCard || hasCard(atoms, r) {
		tail = ""
	}
	if len(tail) > most {
		_, tail, _ = strings.Cut(tail[len(tail)-most:], " ")
	}
	g.tail = tail
}

// barePiece finds four digits and more that are nearly all of the text, as
// somebody answers who is asked for a card number. A year is none.
func barePiece(text string) []line.Edit {
	const least = 4
	atoms, r, ok := bare(text, isLeadIn)
	if !ok || len(r.digits) < least || len(r.digits) == 4 && (r.digits[:2] == "19" || r.digits[:2] == "20") {
		return nil
	}
	out := make([][]line.Edit, 1)
	cover(out, atoms, r, CardNumber)
	return out[0]
}

// isLeadIn reports whether people say the word before they give a number.
func isLeadIn(word string) bool {
	switch word {
	case "it", "it's", "it\u2019s", "its", "is", "that's", "the", "number", "sure", "my", "please", "thanks", "thank", "you", "of", "course":
		return true
	}
	return false
}

// shortDate is a month and a year as they stand on cards.
var shortDate = regexp.MustCompile(`\b(0?[1-9]|1[0-2]) ?/ ?(20)?\d{2}\b`)

// mostBare is how many words a text has at most that is nearly all digits.
const mostBare = 5

// bareCode finds a security code or an expiry date that is nearly all of the
// text.
func bareCode(text string) []line.Edit {
	if at := shortDate.FindStringIndex(text); at != nil && len(strings.Fields(text)) <= mostBare {
		return []line.Edit{{Start: at[0], End: at[1], By: Expiry}}
	}
	atoms, r, ok := bare(text, func(word string) bool { return !isOtherWord(word) })
	if !ok {
		return nil
	}
	out := make([][]line.Edit, 1)
	switch {
	case r.long(3, 4):
		cover(out, atoms, r, SecurityCode)
	case r.long(6, 6):
		cover(out, atoms, r, Expiry)
	}
	return out[0]
}

// bare returns the only run of a text that has few other words, all of them
// such as may be.
func bare(text string, may func(word string) bool) ([]atom, run, bool) {
	atoms := scan([]string{text})
	others := 0
	for _, a := range atoms {
		if a.digits != "" || isFiller(a.word) {
			continue
		}
		if others++; !may(a.word) && a.maybe == "" {
			return nil, run{}, false
		}
	}
	all := runs(atoms)
	if others > mostBare || len(all) != 1 {
		return nil, run{}, false
	}
	before := strings.TrimRight(text[:atoms[all[0].first].start], " ")
	if r, _ := utf8.DecodeLastRuneInString(before); unicode.Is(unicode.Sc, r) { // an amount
		return nil, run{}, false
	}
	return atoms, all[0], true
}

// Partial masks a text that is still being said, after the pending utterances
// of the stream. Besides cards it hides four digits and more at the end, which
// may become a card number, and eight and more anywhere; whatever turns out to
// be another number is readable in the final.
func (g *Guard) Partial(pending []string, text string) string {
	const (
		mostAtEnd = 4
		most      = 8
	)
	texts := append(slices.Clone(pending), text)
	found, _ := g.cards(texts)
	for i, edits := range found {
		texts[i] = replace(texts[i], edits)
	}
	for i, edits := range g.patterns.find(texts) {
		texts[i] = replace(texts[i], edits)
	}
	now := len(texts) - 1
	if g.code > 0 {
		texts[now] = replace(texts[now], bareCode(texts[now]))
	}
	atoms := scan(texts)
	last, open := lastRun(atoms)
	edits := make([][]line.Edit, len(texts))
	for _, r := range runs(atoms) {
		n := len(r.heard)
		if n >= most || n >= mostAtEnd && open && r.first == last.first {
			cover(edits, atoms, r, InProgress)
		}
	}
	return replace(texts[now], edits[now])
}
