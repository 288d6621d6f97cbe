// Package normal writes what was said the way people write it: amounts, dates,
// times, phone numbers, e-mail addresses and spelled identifiers in digits and
// signs, larger numbers in digits. It is inverse text normalisation of English
// telephone speech, by rules.
//
// It is careful rather than complete: what can be read in two ways stays as it
// was said, small numbers in prose stay words, and what the recogniser wrote in
// digits passes unchanged.
package normal

import (
	"slices"
	"strings"

	"earshot"
	"earshot/spoken"
	"earshot/transcribe/line"
)

// Words returns the words of an utterance with numbers and the like written
// out. Words that became one have the time of all.
func Words(words []earshot.Word) []earshot.Word {
	return line.Apply(words, edits(line.Text(words)))
}

// Text does the same for a text.
func Text(text string) string { return line.Text(Words(line.Split(text))) }

// reader reads one text.
type reader struct {
	text  string
	words []spoken.Word
	// taken are words that are part of an address.
	taken []bool
	edits []line.Edit
}

// edits returns how to write a text.
func edits(text string) []line.Edit {
	r := reader{text: text, words: spoken.Words(text)}
	r.taken = make([]bool, len(r.words))
	r.addresses()
	rules := []func(int) int{r.amount, r.percent, r.clock, r.date, r.code, r.ordinal, r.number}
	for i := 0; i < len(r.words); {
		i = r.next(i, rules)
	}
	slices.SortFunc(r.edits, func(a, b line.Edit) int { return a.Start - b.Start })
	return r.edits
}

// next applies the first rule that fits words[i] and returns the word behind
// what it read. A rule returns i when it does not fit.
func (r *reader) next(i int, rules []func(int) int) int {
	if r.taken[i] || !r.begins(i) {
		return i + 1
	}
	for _, rule := range rules {
		if to := rule(i); to > i {
			return to
		}
	}
	return i + 1
}

// begins reports whether a rule may begin at words[i].
func (r *reader) begins(i int) bool {
	w := r.words[i].Norm
	return spoken.IsNumeral(w) || spoken.IsLetter(w) || month(w) || strings.ContainsAny(w, "0123456789")
}

// write replaces words [from, to), unless all of it is written in digits and
// signs already, or some are part of an address.
func (r *reader) write(from, to int, by string) {
	apart := strings.ContainsAny(r.text[r.words[from].Start:r.words[to-1].End], " ")
	isSaid := func(w spoken.Word) bool {
		number := spoken.IsNumeral(w.Norm) && w.Norm != "thousand" && !isMagnitude(w.Norm)
		return number || apart && spoken.IsLetter(w.Norm)
	}
	if slices.ContainsFunc(r.words[from:to], isSaid) && !slices.Contains(r.taken[from:to], true) {
		r.replace(from, to, by)
	}
}

func (r *reader) replace(from, to int, by string) {
	e := line.Edit{Start: r.words[from].Start, End: r.words[to-1].End, By: by}
	// The last dot of an abbreviation may be the full stop that is there.
	if strings.HasSuffix(by, ".") && strings.HasPrefix(r.text[e.End:], ".") {
		e.By = strings.TrimSuffix(by, ".")
	}
	if r.text[e.Start:e.End] != e.By {
		r.edits = append(r.edits, e)
	}
}

// norm returns the word at i, "" where there is none.
func (r *reader) norm(i int) string {
	if i < 0 || i >= len(r.words) {
		return ""
	}
	return r.words[i].Norm
}

// broken reports whether a sentence ends, or a comma stands, within words
// [from, to).
func (r *reader) broken(from, to int) bool {
	return slices.ContainsFunc(r.words[from:to-1], func(w spoken.Word) bool { return w.Stop || w.Comma })
}

// joined reports whether words[i] goes on from the word before it with nothing
// between.
func (r *reader) joined(i int) bool {
	return i > 0 && i < len(r.words) && !r.words[i-1].Stop && !r.words[i-1].Comma
}

// nears reports whether one of the words shortly before i is in a list.
func (r *reader) nears(i int, is func(string) bool) bool {
	return r.within(8, i, is)
}

// within reports whether one of the n words before i is in a list.
func (r *reader) within(n, i int, is func(string) bool) bool {
	for k := i - 1; k >= max(0, i-n); k-- {
		if is(r.words[k].Norm) {
			return true
		}
	}
	return false
}
