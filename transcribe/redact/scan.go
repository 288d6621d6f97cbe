package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
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
	// joined says that only what may stand within a number lies between the
	// atom before and this one.
	joined bool
}

// isFiller reports whether people say the word within a number.
func isFiller(word string) bool {
	switch word {
	case "uh", "um", "er", "erm", "ah", "hm", "and", "then", "okay", "ok", "yeah", "yes", "dash", "space", "dot":
		return true
	}
	return false
}

// unit returns the digit a word names. An "o" counts only next to other
// digits; see dropLoneOh.
func unit(word string) string {
	switch word {
	case "zero", "oh", "o", "nought":
		return "0"
	case "one":
		return "1"
	case "two":
		return "2"
	case "three":
		return "3"
	case "four":
		return "4"
	case "five":
		return "5"
	case "six":
		return "6"
	case "seven":
		return "7"
	case "eight":
		return "8"
	case "nine":
		return "9"
	}
	return ""
}

// teen returns the two digits of a number word from ten to nineteen.
func teen(word string) string {
	switch word {
	case "ten":
		return "10"
	case "eleven":
		return "11"
	case "twelve":
		return "12"
	case "thirteen":
		return "13"
	case "fourteen":
		return "14"
	case "fifteen":
		return "15"
	case "sixteen":
		return "16"
	case "seventeen":
		return "17"
	case "eighteen":
		return "18"
	case "nineteen":
		return "19"
	}
	return ""
}

// ten returns the first digit of a number word from twenty to ninety.
func ten(word string) string {
	switch word {
	case "twenty":
		return "2"
	case "thirty":
		return "3"
	case "forty", "fourty":
		return "4"
	case "fifty":
		return "5"
	case "sixty":
		return "6"
	case "seventy":
		return "7"
	case "eighty":
		return "8"
	case "ninety":
		return "9"
	}
	return ""
}

// times returns how often the digit after the word is meant.
func times(word string) int {
	switch word {
	case "double":
		return 2
	case "triple", "treble":
		return 3
	case "quadruple":
		return 4
	}
	return 0
}

// scan splits the texts, one after the other, into words and numerals and
// reads the number words.
func scan(texts []string) []atom {
	atoms := make([]atom, 0, 8*len(texts))
	for i, s := range texts {
		atoms = append(atoms, split(i, s, len(atoms) > 0)...)
	}
	return dropLoneOh(readNumbers(atoms))
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
		a.digits, used = number(a, next, len(out) > 0 && out[len(out)-1].digits != "")
		if used == 2 {
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
	if n := times(a.word); n > 0 {
		if d := oneDigit(next); d != "" {
			return strings.Repeat(d, n), 2
		}
		return "", 1
	}
	if t := ten(a.word); t != "" {
		if d := oneDigit(next); d != "" && d != "0" {
			return t + d, 2
		}
		return t + "0", 1
	}
	switch {
	case unit(a.word) != "":
		return unit(a.word), 1
	case teen(a.word) != "":
		return teen(a.word), 1
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

// dropLoneOh takes the digit from an "oh" that has no digits beside it.
func dropLoneOh(atoms []atom) []atom {
	for i := range atoms {
		if w := atoms[i].word; w != "oh" && w != "o" {
			continue
		}
		before := i > 0 && atoms[i].joined && atoms[i-1].digits != ""
		after := i+1 < len(atoms) && atoms[i+1].joined && atoms[i+1].digits != ""
		if !before && !after {
			atoms[i].digits = ""
		}
	}
	return atoms
}
