package vocabulary

import (
	"slices"
	"strings"

	"earshot"
	"earshot/spoken"
	"earshot/transcribe/line"
)

// How alike what was heard and a term must sound.
const (
	alikeUnknown = 0.78 // words that are no everyday words
	alikeMixed   = 0.86 // some of them are
	alikeCommon  = 0.86 // all of them are: only if unsure and where the term fits
)

// unsure is the confidence of an utterance below which its everyday words may
// be misheard terms.
const unsure = 0.8

// correct makes the corrections of both lists and returns how many.
func correct(words []earshot.Word, confidence float64, lists ...*list) ([]earshot.Word, int) {
	text := line.Text(words)
	m := matcher{text: text, words: spoken.Words(text), confidence: confidence, lists: lists}
	if slices.ContainsFunc(lists, func(l *list) bool { return len(l.terms) > 0 }) {
		for i := 0; i < len(m.words); {
			i = m.at(i)
		}
	}
	return line.Apply(words, m.edits), len(m.edits)
}

// matcher looks for terms in one text.
type matcher struct {
	text       string
	words      []spoken.Word
	confidence float64
	lists      []*list
	edits      []line.Edit
}

// at corrects what begins at words[i] and returns the word behind it.
func (m *matcher) at(i int) int {
	if to := m.form(i); to > i {
		return to
	}
	var best *entry
	bestTo, bestLike := i, 0.0
	for _, l := range m.lists {
		for to := i + 1; to <= min(len(m.words), i+l.most) && m.together(i, to); to++ {
			if e, like := m.sounding(l, i, to); e != nil && like > bestLike {
				best, bestTo, bestLike = e, to, like
			}
		}
	}
	if best == nil {
		return i + 1
	}
	m.write(i, bestTo, best.text)
	return bestTo
}

// form replaces a form that is always replaced, the longest that is there.
func (m *matcher) form(i int) int {
	for _, l := range m.lists {
		for to := min(len(m.words), i+l.most); to > i; to-- {
			if !m.together(i, to) {
				continue
			}
			if e := l.forms[m.key(i, to)]; e != nil {
				m.write(i, to, e.text)
				return to
			}
		}
	}
	return i
}

// together reports whether no sentence or comma ends within words [from, to),
// and none of them is masked.
func (m *matcher) together(from, to int) bool {
	for k := from; k < to; k++ {
		if k < to-1 && (m.words[k].Stop || m.words[k].Comma) {
			return false
		}
		if start := m.words[k].Start; start > 0 && m.text[start-1] == '[' || m.words[k].End < len(m.text) && m.text[m.words[k].End] == ']' {
			return false
		}
	}
	return true
}

func (m *matcher) key(from, to int) string {
	norms := make([]string, 0, to-from)
	for _, w := range m.words[from:to] {
		norms = append(norms, w.Norm)
	}
	return strings.Join(norms, " ")
}

// sounding returns the term that words [from, to) sound like most, if that is
// enough.
func (m *matcher) sounding(l *list, from, to int) (*entry, float64) {
	everyday := 0
	for _, w := range m.words[from:to] {
		if isCommon(bare(w.Norm)) {
			everyday++
		}
	}
	n := to - from
	if everyday == n && m.confidence >= unsure {
		return nil, 0
	}
	said := m.key(from, to)
	heard := sound(bare(said))
	var best *entry
	bestLike := 0.0
	for _, e := range l.terms {
		if e.everyday || len(e.sound) < leastSounds || e.not[said] || n > e.words+1 || from+e.words > to+1 {
			continue
		}
		least := alikeUnknown
		switch {
		case everyday == n:
			if !m.fits(e, from, to) {
				continue
			}
			least = alikeCommon
		case everyday > 0:
			least = alikeMixed
		}
		if like := likeness(heard, e.sound); like >= least && like > bestLike && closeEnough(said, e.text) {
			best, bestLike = e, like
		}
	}
	return best, bestLike
}

// closeEnough compares lengths: however alike the sounds are, a term is not
// written in place of much less or more.
func closeEnough(said, term string) bool {
	a, b := len(letters(said)), len(letters(term))
	return 3*a >= 2*b && 3*b >= 2*a
}

// bare takes a possessive ending off.
func bare(w string) string { return strings.TrimSuffix(w, "'s") }

// fits reports whether the words around make a term likely: words that are
// named with it, or, for the name of somebody in the call, words that names
// follow.
func (m *matcher) fits(e *entry, from, to int) bool {
	const reach = 8
	for k := max(0, from-reach); k < min(len(m.words), to+reach); k++ {
		if (k < from || k >= to) && e.near[spoken.Stem(m.words[k].Norm)] {
			return true
		}
	}
	if !e.isName || from == 0 {
		return false
	}
	switch m.words[from-1].Norm {
	case "mister", "mr", "mrs", "ms", "miss", "doctor", "dr", "i'm", "name's", "hi", "hello", "dear":
		return true
	case "is":
		return from > 1 && (m.words[from-2].Norm == "name" || m.words[from-2].Norm == "this")
	case "to", "with":
		return from > 1 && (m.words[from-2].Norm == "speaking" || m.words[from-2].Norm == "speak" || m.words[from-2].Norm == "talking")
	}
	return false
}

// write replaces words [from, to) by a term, with the possessive ending they
// have.
func (m *matcher) write(from, to int, term string) {
	e := line.Edit{Start: m.words[from].Start, End: m.words[to-1].End, By: term}
	if last := m.words[to-1].Norm; strings.HasSuffix(last, "'s") && !strings.HasSuffix(term, "'s") {
		e.By += "'s"
	}
	if m.text[e.Start:e.End] != e.By {
		m.edits = append(m.edits, e)
	}
}
