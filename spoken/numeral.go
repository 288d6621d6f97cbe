package spoken

// Digit returns the digit that a word, as in [Word.Norm], names: "zero" to
// "nine".
func Digit(w string) (int, bool) { return unit(w) }

// Teen returns ten to nineteen.
func Teen(w string) (int, bool) { return teen(w) }

// Tens returns twenty to ninety.
func Tens(w string) (int, bool) { return tens(w) }

// Homophone returns the digit that a word, as in [Word.Norm], sounds like: "for"
// among digits may be a four.
func Homophone(w string) (int, bool) { return homophone(w) }

// Times returns how often "double" and its like say the next digit, else 0.
func Times(w string) int { return times(w) }

// IsNumeral reports whether a word, as in [Word.Norm], is a number or a part
// of one.
func IsNumeral(w string) bool {
	switch w {
	case "hundred", "thousand", "million", "double", "triple", "treble":
		return true
	}
	_, isDigit := unit(w)
	_, isTeen := teen(w)
	_, isTens := tens(w)
	_, isOrdinal := ordinal(w)
	return isDigit || isTeen || isTens || isOrdinal
}

// IsLetter reports whether a word, as in [Word.Norm], is one letter, or a word
// of a spelling alphabet.
func IsLetter(w string) bool {
	_, ok := spelling(w)
	return ok || len(w) == 1 && isLetter(w[0])
}

// ReadBelowHundred reads a number below one hundred said in words, and returns
// the index of the word behind it.
func ReadBelowHundred(words []Word, i int) (n, to int, ok bool) {
	s, ok := readSmall(words, i)
	return s.value, s.to, ok
}
