package redact

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot/spoken"
)

// atom is the smallest piece of text that stands for digits, or a word that
// stands for none.
type atom struct {
	// text is the index of the text the atom is in, start and end its place.
	text, start, end int
	// word is the lower-case word; empty for a numeral.
	word string
	// digits are what the atom stands for; empty for other words.
	digits string
	// maybe is the digit that a word sounds like: "for" may be a four.
	maybe string
	// apart is what "thirty five" stands for if it is thirty and five.
	apart string
	// joined says that only what may stand within a number lies between the
	// atom before and this one.
	joined bool
}

// isFiller reports whether people say the word within a number.
func isFiller(word string) bool {
	switch word {
	case "and", "then", "okay", "ok", "yeah", "yes", "right", "so", "now", "next", "again", "dash", "hyphen", "minus", "slash", "space", "dot", "comma", counted:
		return true
	}
	return spoken.IsHesitation(word)
}

// unit returns the digit a word names. An "o" counts only next to other
// digits; see dropLoneOh.
func unit(word string) string {
	if d, ok := spoken.Digit(word); ok {
		return strconv.Itoa(d)
	}
	return ""
}

// scan splits the texts, one after the other, into words and numerals and
// reads the number words.
func scan(texts []string) []atom {
	atoms := make([]atom, 0, 8*len(texts))
	for i, s := range texts {
		atoms = append(atoms, split(i, s, len(atoms) > 0)...)
	}
	return dropLoneOh(readNumbers(dropCounts(atoms)))
}

// split finds the words and numerals of one text. An apostrophe is part of a
// word.
func split(index int, s string, follows bool) []atom {
	var atoms []atom
	joined := follows
	for at := 0; at < len(s); {
		r, size := utf8.DecodeRuneInString(s[at:])
		if !isWord(r) {
			joined = joined && mayJoin(r)
			at += size
			continue
		}
		var end int
		if isDigit(r) {
			end = spanOf(s, at, isDigit)
			atoms = append(atoms, atom{text: index, start: at, end: end, digits: s[at:end], joined: joined})
		} else {
			end = spanOf(s, at, func(r rune) bool { return isWord(r) && !isDigit(r) || r == '\'' || r == '\u2019' })
			atoms = append(atoms, atom{text: index, start: at, end: end, word: strings.ToLower(s[at:end]), joined: joined})
		}
		at, joined = end, true
	}
	return atoms
}

func spanOf(s string, at int, in func(rune) bool) int {
	for at < len(s) {
		r, size := utf8.DecodeRuneInString(s[at:])
		if !in(r) {
			break
		}
		at += size
	}
	return at
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// mayJoin reports whether a character may stand between the groups of a
// number. What marks an amount or a fraction may not.
func mayJoin(r rune) bool {
	return unicode.IsSpace(r) || strings.ContainsRune("-.,;:_?!()\u2010\u2011\u2012\u2013\u2014\u2026\u00b7\u2022*", r)
}

// readNumbers turns number words into digits. "Forty one" becomes 41, "double
// four" 44, "hundred" after digits two zeros.
func readNumbers(atoms []atom) []atom {
	out := atoms[:0]
	for i := 0; i < len(atoms); i++ {
		a := atoms[i]
		next := atom{}
		if i+1 < len(atoms) && atoms[i+1].joined && atoms[i+1].text == a.text {
			next = atoms[i+1]
		}
		used := 0
		if d, ok := spoken.Homophone(a.word); ok {
			a.maybe = strconv.Itoa(d)
		}
		a.digits, used = number(a, next, len(out) > 0 && out[len(out)-1].digits != "")
		if used == 2 {
			if t, ok := spoken.Tens(a.word); ok {
				a.apart = strconv.Itoa(t) + unit(next.word)
			}
			a.end = next.end
			i++
		}
		out = append(out, a)
	}
	return out
}

// number returns the digits of a word, alone or with the next one, and how
// many atoms they took.
func number(a, next atom, afterDigits bool) (digits string, used int) {
	if a.digits != "" {
		return a.digits, 1
	}
	if n := spoken.Times(a.word); n > 0 {
		if d := oneDigit(next); d != "" {
			return strings.Repeat(d, n), 2
		}
		return "", 1
	}
	if t, ok := spoken.Tens(a.word); ok {
		// "Sixty - nine" and "sixty, nine" are 60 and 9.
		if d := unit(next.word); d != "" && d != "0" && next.start == a.end+1 {
			return strconv.Itoa(t/10) + d, 2
		}
		return strconv.Itoa(t), 1
	}
	if t, ok := spoken.Teen(a.word); ok {
		return strconv.Itoa(t), 1
	}
	switch {
	case unit(a.word) != "":
		return unit(a.word), 1
	case a.word == "hundred" && afterDigits:
		return "00", 1
	case a.word == "thousand" && afterDigits:
		return "000", 1
	}
	return "", 1
}

func oneDigit(a atom) string {
	if len(a.digits) == 1 {
		return a.digits
	}
	return unit(a.word)
}

// counted is the word that stands for how many digits come next.
const counted = "four digits"

// dropCounts makes one filler of what says how many digits come next: "the
// last four are", "first four digits", "three digits".
func dropCounts(atoms []atom) []atom {
	out := atoms[:0]
	for i := 0; i < len(atoms); i++ {
		a := atoms[i]
		to := i
		switch a.word {
		case "first", "next", "last", "final", "other", "second", "third", "middle":
			to = countOf(atoms, i+1)
		default:
			if i+1 < len(atoms) && atoms[i+1].text == a.text && (atoms[i+1].word == "digits" || atoms[i+1].word == "numbers") {
				to = countOf(atoms, i)
			}
		}
		if to > i {
			a.word, a.end = counted, atoms[to].end
			if n := len(out); n > 0 && out[n-1].word == "the" && a.joined && out[n-1].text == a.text {
				a.start, a.joined = out[n-1].start, out[n-1].joined
				out = out[:n-1]
			}
			i = to
		}
		out = append(out, a)
	}
	return out
}

// countOf returns the last atom of "four digits are" at i, or 0.
func countOf(atoms []atom, i int) int {
	if i >= len(atoms) || i > 0 && (!atoms[i].joined || atoms[i].text != atoms[i-1].text) {
		return 0
	}
	switch unit(atoms[i].word) + atoms[i].digits {
	case "2", "3", "4", "5", "6":
	default:
		return 0
	}
	const most = 2
	for n := 0; n < most && i+1 < len(atoms) && atoms[i+1].text == atoms[i].text; n++ {
		switch atoms[i+1].word {
		case "digit", "digits", "number", "numbers", "are", "is":
			i++
		}
	}
	return i
}

// dropLoneOh takes the digit from an "oh" that has no digits beside it, over
// what people say within a number.
func dropLoneOh(atoms []atom) []atom {
	for i := range atoms {
		if !isOh(atoms[i].word) {
			continue
		}
		if !digitsBefore(atoms, i) && !digitsBehind(atoms, i) {
			atoms[i].digits = ""
		}
	}
	return atoms
}

func digitsBefore(atoms []atom, i int) bool {
	for i > 0 && atoms[i].joined && isBetween(atoms[i-1]) {
		i--
	}
	return i > 0 && atoms[i].joined && atoms[i-1].digits != ""
}

func digitsBehind(atoms []atom, i int) bool {
	for i++; i < len(atoms) && atoms[i].joined && (isBetween(atoms[i]) || isOh(atoms[i].word)); i++ {
		continue
	}
	return i < len(atoms) && atoms[i].joined && atoms[i].digits != ""
}

// isBetween reports whether an atom may stand between the digits of a number.
func isBetween(a atom) bool { return isFiller(a.word) || a.maybe != "" }

func isOh(word string) bool { return word == "oh" || word == "o" }
