package redact

import (
	"strings"

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
}

// NewGuard returns a guard that masks patterns besides cards; they may be nil.
func NewGuard(p *Patterns) Guard { return Guard{patterns: p} }

// Heard tells the guard what the other party said: whoever is asked for a
// card number or a security code answers with bare digits.
func (g *Guard) Heard(text string) {
	atoms := scan([]string{text})
	for i, a := range atoms {
		next := ""
		if i+1 < len(atoms) {
			next = atoms[i+1].word
		}
		if isCardWord(a.word) {
			g.talk = carefulAfterTalk
		}
		if isSecurityCode(a.word, next) || isExpiry(a.word, next) {
			g.code = carefulAfterCard
		}
	}
}

// Hold returns how many of the last texts, the pending utterances of the
// stream in order, must wait for the next one: those that the digits at the
// very end, which may be the beginning of a card number, are spread over.
func (g *Guard) Hold(texts []string) int {
	const (
		least = 3
		most  = 2 * maxCard
	)
	atoms := scan(texts)
	r, ok := lastRun(atoms)
	if !ok || len(r.digits) < least || len(r.digits) > most || hasCard(atoms, r) && len(r.digits) >= 16 {
		return 0
	}
	if g.patterns != nil && len(g.patterns.list) > 0 {
		return len(texts) - atoms[r.first].text
	}
	if !mayBegin(r.digits) && g.talk == 0 && !talkBefore(atoms, r.first) {
		return 0
	}
	return len(texts) - atoms[r.first].text
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
	texts := make([]string, len(lines))
	for i, l := range lines {
		texts[i] = line.Text(l)
	}
	edits := cards(texts, g.talk > 0)
	out := make([][]earshot.Word, len(lines))
	rest := make([]string, len(lines))
	for i := range lines {
		out[i] = line.Apply(lines[i], edits[i])
		rest[i] = line.Text(out[i])
	}
	edits = g.patterns.find(rest)
	for i := range lines {
		out[i] = line.Apply(out[i], edits[i])
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
			g.talk, g.code = carefulAfterTalk, carefulAfterCard
		}
	}
	return out
}

// bareCode finds a security code or an expiry date that is nearly all of the
// text.
func bareCode(text string) []line.Edit {
	atoms, r, ok := bare(text)
	if !ok {
		return nil
	}
	out := make([][]line.Edit, 1)
	switch len(r.digits) {
	case 3, 4:
		cover(out, atoms, r, SecurityCode)
	case 6:
		cover(out, atoms, r, Expiry)
	}
	return out[0]
}

// bare returns the only run of a text that has few other words.
func bare(text string) ([]atom, run, bool) {
	const mostWords = 5
	atoms := scan([]string{text})
	others := 0
	for _, a := range atoms {
		if a.digits == "" && !isFiller(a.word) {
			others++
		}
	}
	all := runs(atoms)
	if others > mostWords || len(all) != 1 || nearest(atoms, all[0].first, isOtherWord) >= 0 {
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
	texts := append(append([]string{}, pending...), text)
	for i, edits := range cards(texts, g.talk > 0) {
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
		n := len(r.digits)
		if n >= most || n >= mostAtEnd && open && r.first == last.first {
			cover(edits, atoms, r, InProgress)
		}
	}
	return replace(texts[now], edits[now])
}
