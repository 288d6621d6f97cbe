package summarize

import (
	"slices"
	"strings"

	"earshot"
	"earshot/spoken"
)

// turn is one or more utterances of one speaker that belong together: a number
// read out with pauses is several utterances.
type turn struct {
	role  earshot.Role
	text  string
	words []spoken.Word
	parts []part
	// used marks the words that are part of a fact already.
	used []bool
	// coded is the word behind the last code read.
	coded int
	// asked is what the other party said last before this turn.
	asked []spoken.Word
}

// part is where an utterance begins in the text of its turn.
type part struct {
	u     earshot.Utterance
	start int
}

// maxPause is the longest pause in milliseconds within a number read out.
const maxPause = 4000

// turns orders the utterances by time and joins those that a pause cut apart.
func turns(utterances []earshot.Utterance) []*turn {
	list := slices.Clone(utterances)
	slices.SortStableFunc(list, func(a, b earshot.Utterance) int { return int(a.StartMS - b.StartMS) })
	var out []*turn
	for _, u := range list {
		if strings.TrimSpace(u.Text) == "" {
			continue
		}
		if t := openTurn(out, u); t != nil {
			t.join(u)
			continue
		}
		t := &turn{role: u.Role, asked: lastOfOthers(out, u)}
		t.join(u)
		out = append(out, t)
	}
	return out
}

// openTurn returns the turn that u goes on with, or nil. The other party may
// have said "okay" in between.
func openTurn(out []*turn, u earshot.Utterance) *turn {
	for i := len(out) - 1; i >= max(0, len(out)-3); i-- {
		t := out[i]
		last := t.parts[len(t.parts)-1].u
		if last.StreamID == u.StreamID && last.Role == u.Role {
			if u.StartMS-last.EndMS <= maxPause && (last.Continues || goesOn(t, u)) {
				return t
			}
			return nil
		}
		if len(t.words) > 2 {
			return nil
		}
	}
	return nil
}

// goesOn reports whether t ends within a number that u begins with, or within
// a sentence.
func goesOn(t *turn, u earshot.Utterance) bool {
	if len(t.words) == 0 || len(t.words) > 80 {
		return false
	}
	next := spoken.Words(u.Text)
	if len(next) == 0 {
		return false
	}
	last := t.words[len(t.words)-1]
	if isSign(t.words, len(t.words)-1) && isSign(next, 0) {
		return true
	}
	return !last.Stop && endsOpen(last.Norm)
}

// isSign reports whether a word is a digit, a number or a letter.
func isSign(words []spoken.Word, i int) bool {
	w := words[i].Norm
	if len(w) == 1 && w != "a" && w != "i" {
		return true
	}
	if _, ok := spoken.ReadNumber(words, i); ok {
		return true
	}
	c, ok := spoken.ReadCode(words, i)
	return ok && c.Digits > 0
}

// endsOpen reports whether nobody ends a sentence with this word.
func endsOpen(w string) bool {
	switch w {
	case "the", "a", "an", "your", "our", "is", "are", "to", "and", "of", "for", "with", "i'll", "we'll", "it's", "on", "at", "in", "by", "about", "because", "my":
		return true
	}
	return false
}

func (t *turn) join(u earshot.Utterance) {
	text := strings.TrimSpace(u.Text)
	if len(t.parts) > 0 {
		t.text = strings.TrimRight(t.text, " .,;") + " "
	}
	t.parts = append(t.parts, part{u: u, start: len(t.text)})
	t.text += text
	t.words = spoken.Words(t.text)
	t.used = make([]bool, len(t.words))
}

// lastOfOthers returns the words of the last turn of another stream shortly
// before u, with what went before it if it was only a few words.
func lastOfOthers(out []*turn, u earshot.Utterance) []spoken.Word {
	const near = 20_000 // milliseconds
	var words []spoken.Word
	for i := len(out) - 1; i >= max(0, len(out)-4); i-- {
		last := out[i].parts[len(out[i].parts)-1].u
		if u.StartMS-last.EndMS > near {
			break
		}
		if last.StreamID == u.StreamID {
			if len(out[i].words) > 4 {
				break
			}
			continue
		}
		words = append(slices.Clone(out[i].words), words...)
		if len(words) > 5 {
			break
		}
	}
	if n := len(words); n > 30 {
		words = words[n-30:]
	}
	return words
}

// partAt returns the utterance that holds a byte of the turn's text.
func (t *turn) partAt(at int) part {
	p := t.parts[0]
	for _, next := range t.parts[1:] {
		if next.start <= at {
			p = next
		}
	}
	return p
}

// msAt estimates when a byte of the text was said, from the length of speech.
func (t *turn) msAt(at int) int64 {
	p := t.partAt(at)
	n := len(p.u.Text)
	if n == 0 || p.u.EndMS <= p.u.StartMS {
		return p.u.StartMS
	}
	share := min(float64(at-p.start)/float64(n), 1)
	return p.u.StartMS + int64(share*float64(p.u.EndMS-p.u.StartMS))
}

// said returns words [from, to) as they stand in the text.
func (t *turn) said(from, to int) string {
	return t.text[t.words[from].Start:t.words[to-1].End]
}

// free reports whether words [from, to) are part of no fact.
func (t *turn) free(from, to int) bool {
	return !slices.Contains(t.used[from:to], true)
}

// take marks words [from, to) as part of a fact.
func (t *turn) take(from, to int) {
	for i := from; i < to; i++ {
		t.used[i] = true
	}
}

// norm returns the word at i, or "" outside the turn.
func (t *turn) norm(i int) string { return normAt(t.words, i) }

func normAt(words []spoken.Word, i int) string {
	if i < 0 || i >= len(words) {
		return ""
	}
	return words[i].Norm
}
