package spoken

import "strings"

// unit returns the digit a word says, "zero" to "nine".
func unit(w string) (int, bool) {
	switch w {
	case "zero", "oh", "o", "nought", "naught", "aught", "nil":
		return 0, true
	case "one":
		return 1, true
	case "two":
		return 2, true
	case "three":
		return 3, true
	case "four":
		return 4, true
	case "five":
		return 5, true
	case "six":
		return 6, true
	case "seven":
		return 7, true
	case "eight":
		return 8, true
	case "nine", "niner":
		return 9, true
	}
	return 0, false
}

// teen returns ten to nineteen.
func teen(w string) (int, bool) {
	list := [...]string{
		"ten", "eleven", "twelve", "thirteen", "fourteen",
		"fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	for i, s := range list {
		if s == w {
			return 10 + i, true
		}
	}
	return 0, false
}

// tens returns twenty to ninety.
func tens(w string) (int, bool) {
	switch w {
	case "twenty":
		return 20, true
	case "thirty":
		return 30, true
	case "forty", "fourty":
		return 40, true
	case "fifty":
		return 50, true
	case "sixty":
		return 60, true
	case "seventy":
		return 70, true
	case "eighty":
		return 80, true
	case "ninety":
		return 90, true
	}
	return 0, false
}

// ordinal returns first to nineteenth and the tens, twentieth and thirtieth.
func ordinal(w string) (int, bool) {
	switch w {
	case "first":
		return 1, true
	case "second":
		return 2, true
	case "third":
		return 3, true
	case "fifth":
		return 5, true
	case "eighth":
		return 8, true
	case "ninth":
		return 9, true
	case "twelfth":
		return 12, true
	case "twentieth":
		return 20, true
	case "thirtieth":
		return 30, true
	}
	stem, ok := strings.CutSuffix(w, "th")
	if !ok {
		return 0, false
	}
	if n, ok := unit(stem); ok && n > 0 {
		return n, true
	}
	return teen(stem)
}

// homophone returns the digit that the recogniser may have written as another
// word of the same sound.
func homophone(w string) (int, bool) {
	switch w {
	case "to", "too":
		return 2, true
	case "for", "fore":
		return 4, true
	case "ate":
		return 8, true
	case "won":
		return 1, true
	case "sex", "sics":
		return 6, true
	}
	return 0, false
}

// spelling returns the letter that a word of the ICAO spelling alphabet means.
func spelling(w string) (string, bool) {
	switch w {
	case "alpha", "alfa":
		return "A", true
	case "juliet", "juliett":
		return "J", true
	case "xray", "x-ray":
		return "X", true
	case "zee", "zed":
		return "Z", true
	case "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india",
		"kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra",
		"tango", "uniform", "victor", "whiskey", "whisky", "yankee", "zulu":
		return strings.ToUpper(w[:1]), true
	}
	return "", false
}

// times returns how often "double" and its like say the next sign.
func times(w string) int {
	switch w {
	case "double":
		return 2
	case "triple", "treble":
		return 3
	case "quadruple":
		return 4
	}
	return 0
}

// IsHesitation reports whether a word, as in [Word.Norm], carries no meaning.
func IsHesitation(w string) bool {
	switch w {
	case "uh", "um", "er", "erm", "ah", "hm", "hmm", "mm", "uhm", "eh":
		return true
	}
	return false
}
