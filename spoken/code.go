package spoken

import (
	"strconv"
	"strings"
)

// Code is a row of digits and letters, however it was said: "45817", "4-5-8",
// "A B as in boy forty five double one".
type Code struct {
	// Value is the digits and capital letters without anything between.
	Value string
	// From and To are the words [From, To) it was said in.
	From, To int
	// Digits and Letters count the signs of Value.
	Digits, Letters int
	// Groups are the lengths of the pieces it was said in.
	Groups []int
	// Spelled counts the pieces that are one digit or one letter.
	Spelled int
	// Magnitude says that it was said as a quantity: "four hundred twelve".
	Magnitude bool
}

// piece is what one or a few words add to a code.
type piece struct {
	value     string
	to        int
	magnitude bool
	// weak pieces count only among others: "oh", the letters of a spelling
	// alphabet, one-letter words.
	weak bool
}

// ReadCode reads the code that begins at words[i]. It returns false when there
// is none; a single number, in words or digits, is a code of one group.
func ReadCode(words []Word, i int) (Code, bool) {
	c := Code{From: i, To: i}
	strong := 0
	for at := i; at < len(words); {
		p, ok := readPiece(words, at, &c)
		if !ok || at > i && !joins(words, &c, at, p) {
			break
		}
		c.add(p)
		if !p.weak {
			strong++
		}
		at = skipBetween(words, p.to)
	}
	if c.Value == "" || strong == 0 && len(c.Groups) < 3 {
		return Code{}, false
	}
	return c, true
}

func (c *Code) add(p piece) {
	c.Value += p.value
	c.To = p.to
	c.Groups = append(c.Groups, len(p.value))
	c.Magnitude = c.Magnitude || p.magnitude
	if len(p.value) == 1 {
		c.Spelled++
	}
	for i := range len(p.value) {
		if isDigit(p.value[i]) {
			c.Digits++
		} else {
			c.Letters++
		}
	}
}

// last returns the length of the last group, 0 before the first.
func (c *Code) last() int {
	if len(c.Groups) == 0 {
		return 0
	}
	return c.Groups[len(c.Groups)-1]
}

// joins reports whether the piece at words[at] goes on with the code over the
// punctuation before it: a full stop ends one unless signs are being spelled,
// a comma ends one after a long group.
func joins(words []Word, c *Code, at int, p piece) bool {
	for k := c.To - 1; k < at; k++ {
		if words[k].Stop && words[at].Norm == "a" && c.Digits > 0 {
			return false // "8 2 0 4. A technician"
		}
		if words[k].Stop && len(words[k].Norm) == 1 && len(words[at].Norm) > 1 && c.Digits == 0 && !isDigit(p.value[0]) {
			return false // "K I. November twenty second"
		}
		if words[k].Stop && !(c.last() <= 3 && len(p.value) <= 4 && len(c.Groups)+c.last() > 2) {
			return false
		}
		if words[k].Comma && c.last() > 4 {
			return false
		}
	}
	return true
}

// skipBetween steps over what people say between the pieces of a code.
func skipBetween(words []Word, i int) int {
	for k := i; k < len(words) && k < i+3; k++ {
		w := words[k].Norm
		switch {
		case w == "dash" || w == "hyphen" || w == "slash" || w == "then" || w == "space" || IsHesitation(w):
		case w == "and" && k+1 < len(words) && words[k+1].Norm == "then":
		default:
			return k
		}
	}
	return i
}

// readPiece reads the next piece of a code of which c is read already.
func readPiece(words []Word, i int, c *Code) (piece, bool) {
	w := words[i].Norm
	if p, ok := readLetterAs(words, i); ok {
		return p, true
	}
	if n := times(w); n > 0 && i+1 < len(words) {
		if s, ok := oneSign(words[i+1].Norm); ok {
			return piece{value: strings.Repeat(s, n), to: i + 2}, true
		}
	}
	if len(c.Groups) == 0 {
		w = strings.TrimPrefix(w, "+")
	}
	if value, separated, ok := digitsToken(w); ok {
		if strings.Contains(value, ".") {
			return readDotted(value, i, c)
		}
		return piece{value: value, to: i + 1, magnitude: separated}, true
	}
	if w == "oh" || w == "o" && (c.Digits > 0 || !letterAt(words, i+1)) {
		return readOh(words, i, c)
	}
	if d, ok := homophone(w); ok && c.takesHomophone(words, i) {
		return piece{value: strconv.Itoa(d), to: i + 1, weak: true}, true
	}
	if value, to, hundred, ok := readGroup(words, i); ok && w != "a" {
		return piece{value: strconv.Itoa(value), to: to, magnitude: hundred}, true
	}
	if isMixed(w) {
		return piece{value: strings.ToUpper(w), to: i + 1}, true
	}
	return readLetters(words, i, c)
}

// takesHomophone reports whether a word that sounds like a digit stands among
// digits said one by one, or between two of them and a written row: "two to
// 5816".
func (c *Code) takesHomophone(words []Word, i int) bool {
	if c.Spelled != len(c.Groups) || !digitAt(words, i+1) || words[i].Stop {
		return false
	}
	const row = 3 // digits that are no quantity of their own
	if len(c.Groups) >= 3 && c.Letters < c.Digits {
		return true
	}
	return len(c.Groups) >= 2 && c.Digits > 0 && !words[i-1].Comma && len(words[i+1].Norm) > row && allDigits(words[i+1].Norm)
}

// readDotted takes "45.817" for a row of digits only within a longer code.
func readDotted(value string, i int, c *Code) (piece, bool) {
	if len(c.Groups) == 0 || c.Digits < 3 {
		return piece{}, false
	}
	return piece{value: strings.ReplaceAll(value, ".", ""), to: i + 1}, true
}

// readOh reads a zero said as a letter; alone it is an interjection.
func readOh(words []Word, i int, c *Code) (piece, bool) {
	p := piece{value: "0", to: i + 1, weak: true}
	if words[i].Comma || words[i].Stop {
		return p, c.Digits >= 2 && c.Spelled >= 2
	}
	if c.Digits > 0 || digitAt(words, i+1) && digitAt(words, i+2) {
		return p, true
	}
	return piece{}, false
}

// readLetterAs reads "B as in boy", "V for Victor", "D like dog".
func readLetterAs(words []Word, i int) (piece, bool) {
	if i+2 >= len(words) {
		return piece{}, false
	}
	w := words[i].Norm
	if len(w) != 1 || !isLetter(w[0]) {
		return piece{}, false
	}
	p := piece{value: strings.ToUpper(w), to: i + 3}
	switch words[i+1].Norm {
	case "as":
		if words[i+2].Norm == "in" && i+3 < len(words) {
			p.to = i + 4
			return p, true
		}
	case "for", "like":
	default:
		return piece{}, false
	}
	next := words[i+2].Norm
	return p, len(next) > 2 && next[0] == w[0]
}

// readLetters reads a single letter, a word of a spelling alphabet, or a few
// capitals before digits.
func readLetters(words []Word, i int, c *Code) (piece, bool) {
	w := words[i]
	if len(w.Norm) == 1 && isLetter(w.Norm[0]) {
		p := piece{value: strings.ToUpper(w.Norm), to: i + 1, weak: true}
		switch w.Norm {
		case "a", "i":
			capital := w.Text == p.value
			if len(c.Groups) > 0 {
				ends := c.Letters >= 3 && c.Digits == 0 && c.Spelled == len(c.Groups) && (w.Stop || w.Comma || i == len(words)-1)
				return p, signAt(words, i+1) || capital && w.Norm == "a" && c.Spelled > 0 || ends
			}
			if _, as := readLetterAs(words, i+1); as {
				return p, true
			}
			return p, signAt(words, i+1) && signAt(words, i+2) && (capital && w.Norm == "a" || letterAt(words, i+1))
		}
		return p, len(c.Groups) > 0 || signAt(words, i+1)
	}
	if letter, ok := spelling(w.Norm); ok {
		return piece{value: letter, to: i + 1, weak: true}, len(c.Groups) > 0 && c.Spelled > 0 || signAt(words, i+1)
	}
	if n := len(w.Text); n >= 2 && n <= 4 && allCapitals(w.Text) && isPrefixWord(w.Text) && digitAt(words, skipBetween(words, i+1)) {
		return piece{value: w.Text, to: i + 1, weak: true}, !w.Stop
	}
	return piece{}, false
}

// isPrefixWord excludes capitals that mean something else before a number.
func isPrefixWord(s string) bool {
	switch s {
	case "AM", "PM", "TV", "OK", "USD", "EUR", "GBP", "CAD", "IT", "UK", "US", "OF", "IS", "TO", "ID", "PIN", "THE", "MY", "AND":
		return false
	}
	return true
}

// oneSign returns the digit or letter that a word alone says.
func oneSign(w string) (string, bool) {
	if d, ok := unit(w); ok {
		return strconv.Itoa(d), true
	}
	if len(w) == 1 && (isDigit(w[0]) || isLetter(w[0])) {
		return strings.ToUpper(w), true
	}
	return spelling(w)
}

func signAt(words []Word, i int) bool {
	if i >= len(words) {
		return false
	}
	w := words[i].Norm
	if times(w) > 0 {
		return true
	}
	if _, ok := oneSign(w); ok {
		return true
	}
	return digitAt(words, i)
}

func letterAt(words []Word, i int) bool {
	if i >= len(words) {
		return false
	}
	w := words[i].Norm
	_, spelled := spelling(w)
	return spelled || len(w) == 1 && isLetter(w[0])
}

func digitAt(words []Word, i int) bool {
	if i >= len(words) {
		return false
	}
	w := words[i].Norm
	if allDigits(w) || w == "o" || w == "oh" {
		return true
	}
	_, ok := readSmall(words, i)
	return ok
}

// isMixed reports whether a word is a code by itself: letters and digits, not
// an ordinal, a clock time or a quantity with its unit.
func isMixed(w string) bool {
	digits, letters := 0, 0
	for i := range len(w) {
		switch {
		case isDigit(w[i]):
			digits++
		case isLetter(w[i]):
			letters++
		default:
			return false
		}
	}
	if digits == 0 || letters == 0 {
		return false
	}
	tail := strings.TrimLeft(w, "0123456789")
	switch tail {
	case "st", "nd", "rd", "th", "am", "pm", "k", "p", "g", "gb", "mb", "tb", "kg", "lb", "lbs", "km", "cm", "mm", "m",
		"hz", "mhz", "ghz", "kwh", "mbps", "gbps", "h", "hr", "hrs", "min", "mins", "s", "sec", "x", "ft", "in", "oz", "ml":
		return false
	}
	return true
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' }

func allCapitals(s string) bool {
	for i := range len(s) {
		if s[i] < 'A' || s[i] > 'Z' {
			return false
		}
	}
	return s != ""
}
