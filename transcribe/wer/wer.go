// Package wer computes the word error rate of a transcript against what was
// said, blind to case, punctuation and the way numbers are written.
package wer

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Result counts the differences between a reference and a transcript.
type Result struct {
	// Words is the number of words of the reference.
	Words                                int
	Substitutions, Deletions, Insertions int
}

// Rate returns errors per word of the reference: 0 is perfect, and it may pass
// 1. Of an empty reference it is the number of words too many.
func (r Result) Rate() float64 {
	return float64(r.Substitutions+r.Deletions+r.Insertions) / float64(max(1, r.Words))
}

// Add adds the counts of another result.
func (r Result) Add(o Result) Result {
	return Result{r.Words + o.Words, r.Substitutions + o.Substitutions, r.Deletions + o.Deletions, r.Insertions + o.Insertions}
}

// Compare aligns the words of a transcript with those of the reference with
// the fewest errors.
func Compare(reference, transcript string) Result {
	return align(Words(reference), Words(transcript))
}

// align computes the edit distance and which edits make it.
func align(ref, hyp []string) Result {
	row := make([]Result, len(hyp)+1)
	for k := range row {
		row[k].Insertions = k
	}
	for i, word := range ref {
		diagonal := row[0]
		row[0] = Result{Deletions: i + 1}
		for k, heard := range hyp {
			best := diagonal
			if word != heard {
				best.Substitutions++
			}
			if deleted := row[k+1]; cost(deleted)+1 < cost(best) {
				best = deleted
				best.Deletions++
			}
			if inserted := row[k]; cost(inserted)+1 < cost(best) {
				best = inserted
				best.Insertions++
			}
			diagonal, row[k+1] = row[k+1], best
		}
	}
	out := row[len(hyp)]
	out.Words = len(ref)
	return out
}

func cost(r Result) int { return r.Substitutions + r.Deletions + r.Insertions }

// Words splits a text into the words that are compared: lower case, without
// punctuation and names of currencies, numbers digit by digit.
func Words(text string) []string {
	var out []string
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '\'' && r != '\u2019' && r != ','
	})
	split := make([]string, 0, len(fields))
	for _, f := range fields {
		split = append(split, splitCommas(f)...)
	}
	for i := 0; i < len(split); {
		digits, n := number(split[i:])
		if n == 0 {
			out = append(out, plain(split[i])...)
			i++
			continue
		}
		for _, d := range digits {
			out = append(out, string(d))
		}
		i += n
	}
	return slices.DeleteFunc(out, func(w string) bool { return w == "" })
}

// splitCommas splits at commas but for those between thousands.
func splitCommas(s string) []string {
	parts := strings.Split(s, ",")
	out := parts[:1]
	for _, p := range parts[1:] {
		if last := out[len(out)-1]; len(p) == 3 && isNumeral(p) && len(last) > 0 && isNumeral(last) {
			out[len(out)-1] += p
			continue
		}
		out = append(out, p)
	}
	return out
}

func isNumeral(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// plain normalises a word that is no number.
func plain(w string) []string {
	w = strings.NewReplacer("'", "", "\u2019", "").Replace(w)
	switch w {
	case "dollar", "dollars", "cent", "cents", "pound", "pounds", "euro", "euros":
		return nil
	case "ok":
		return []string{"okay"}
	case "mr":
		return []string{"mister"}
	}
	return []string{w}
}

// number reads the number at the beginning of words. It returns its digits and
// how many words it is made of, none if there is no number.
func number(words []string) (digits string, n int) {
	if d := strings.TrimRight(words[0], "stndrh"); isNumeral(d) {
		if len(words) > 1 && (words[1] == "hundred" || words[1] == "thousand") && len(d) <= 3 {
			return scale(d, words)
		}
		return d, 1
	}
	value, n := small(words)
	if n == 0 {
		return "", 0
	}
	if n < len(words) && (words[n] == "hundred" || words[n] == "thousand") {
		return scale(strconv.Itoa(value), words[n-1:], n-1)
	}
	return strconv.Itoa(value), n
}

// scale reads what follows a number before "hundred" or "thousand", which is
// words[1]; more words came before.
func scale(first string, words []string, before ...int) (digits string, n int) {
	value, _ := strconv.Atoi(first)
	unit := 100
	if words[1] == "thousand" {
		unit = 1000
	}
	value *= unit
	used := 2
	rest := words[used:]
	if len(rest) > 1 && rest[0] == "and" {
		rest = rest[1:]
	}
	if len(rest) > 0 {
		if more, k := below(rest, unit); k > 0 {
			value += more
			used = len(words) - len(rest) + k
		}
	}
	for _, b := range before {
		used += b
	}
	return strconv.Itoa(value), used
}

// below reads a number smaller than unit.
func below(words []string, unit int) (value, n int) {
	digits, n := number(words)
	value, err := strconv.Atoi(digits)
	if n == 0 || err != nil || value >= unit || value == 0 {
		return 0, 0
	}
	return value, n
}

// small reads a number below a hundred.
func small(words []string) (value, n int) {
	if v, ok := unit(words[0]); ok {
		return v, 1
	}
	if v, ok := teen(words[0]); ok {
		return v, 1
	}
	t, ok := tens(words[0])
	if !ok {
		return 0, 0
	}
	if len(words) > 1 {
		if v, ok := unit(words[1]); ok && v > 0 {
			return t + v, 2
		}
	}
	return t, 1
}

func unit(w string) (int, bool) {
	v := slices.Index([]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}, w)
	if v < 0 {
		v = slices.Index([]string{"oh", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"}, w)
	}
	return v, v >= 0
}

func teen(w string) (int, bool) {
	v := slices.Index([]string{
		"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}, w)
	if v < 0 {
		v = slices.Index([]string{
			"tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth",
			"eighteenth", "nineteenth",
		}, w)
	}
	return v + 10, v >= 0
}

func tens(w string) (int, bool) {
	v := slices.Index([]string{"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}, w)
	if v < 0 {
		v = slices.Index([]string{"twentieth", "thirtieth", "fortieth", "fiftieth"}, w)
	}
	return 10*v + 20, v >= 0
}
