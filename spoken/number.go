package spoken

import (
	"strconv"
	"strings"
)

// Number is a quantity: "twenty five", "1,250", "two point five".
type Number struct {
	// Value is in digits, with a dot before decimals and nothing between
	// thousands: "1250", "2.5".
	Value string
	// To is the index of the word behind the number.
	To int
	// Magnitude says that hundred, thousand or million was said, or that the
	// thousands were separated.
	Magnitude bool
}

// Int returns the value of a whole number, and -1 of others.
func (n Number) Int() int {
	v, err := strconv.Atoi(n.Value)
	if err != nil {
		return -1
	}
	return v
}

// ReadNumber reads the quantity that begins at words[i]. Digits said one by
// one are not a quantity: of "four five" it reads 4.
func ReadNumber(words []Word, i int) (Number, bool) {
	n, ok := readWhole(words, i)
	if !ok {
		return Number{}, false
	}
	if n.To < len(words) && (words[n.To].Norm == "point") && !strings.Contains(n.Value, ".") {
		n = readDecimals(words, n)
	}
	return n, true
}

// readDecimals appends the digits said after "point".
func readDecimals(words []Word, n Number) Number {
	digits, to := "", n.To+1
	for to < len(words) && len(digits) < 6 {
		w := words[to].Norm
		if d, ok := unit(w); ok {
			digits += strconv.Itoa(d)
		} else if allDigits(w) {
			digits += w
		} else if m, ok := readSmall(words, to); ok && digits == "" {
			digits, to = strconv.Itoa(m.value), m.to
			break
		} else {
			break
		}
		to++
	}
	if digits == "" {
		return n
	}
	n.Value += "." + digits
	n.To = to
	return n
}

// small is a number below one hundred.
type small struct{ value, to int }

// readSmall reads a number below one hundred said in words.
func readSmall(words []Word, i int) (small, bool) {
	if i >= len(words) {
		return small{}, false
	}
	w := words[i].Norm
	if n, ok := unit(w); ok && w != "o" && w != "oh" {
		return small{n, i + 1}, true
	}
	if n, ok := teen(w); ok {
		return small{n, i + 1}, true
	}
	n, ok := tens(w)
	if !ok {
		return small{}, false
	}
	if i+1 < len(words) && !words[i].Stop && !words[i].Comma {
		if u, ok := unit(words[i+1].Norm); ok && u > 0 {
			return small{n + u, i + 2}, true
		}
	}
	return small{n, i + 1}, true
}

// readWhole reads groups below one thousand with their magnitudes, or a number
// in digits with a magnitude behind it.
func readWhole(words []Word, i int) (Number, bool) {
	if i >= len(words) {
		return Number{}, false
	}
	if value, sep, ok := digitsToken(words[i].Norm); ok {
		return scale(words, Number{Value: value, To: i + 1, Magnitude: sep})
	}
	total, at, magnitude, limit := 0, i, false, 1_000_000_000
	for {
		group, to, hundred, ok := readGroup(words, at)
		if !ok {
			break
		}
		m := 1
		if to < len(words) {
			m = magnitudeOf(words[to].Norm)
		}
		if m >= limit || (m == 1 && limit == 1) {
			break
		}
		magnitude = magnitude || hundred || m > 1
		total += group * m
		limit, at = m, to
		if m == 1 {
			break
		}
		at++
		next := skipAnd(words, at)
		if _, _, _, ok := readGroup(words, next); !ok {
			break
		}
		at = next
	}
	if at == i {
		return Number{}, false
	}
	return Number{Value: strconv.Itoa(total), To: at, Magnitude: magnitude}, true
}

func magnitudeOf(w string) int {
	switch w {
	case "thousand", "grand":
		return 1000
	case "million":
		return 1_000_000
	}
	return 1
}

// readGroup reads a number below one thousand, or "twelve hundred".
func readGroup(words []Word, i int) (value, to int, hundred, ok bool) {
	if i >= len(words) {
		return 0, 0, false, false
	}
	s, found := readSmall(words, i)
	if !found {
		if words[i].Norm != "a" || i+1 >= len(words) || words[i+1].Norm != "hundred" && magnitudeOf(words[i+1].Norm) == 1 {
			return 0, 0, false, false
		}
		s = small{1, i + 1}
	}
	if s.to >= len(words) || words[s.to].Norm != "hundred" || s.value == 0 {
		return s.value, s.to, false, true
	}
	value, to = s.value*100, s.to+1
	if words[s.to].Stop {
		return value, to, true, true
	}
	if rest, found := readSmall(words, skipAnd(words, to)); found && rest.value > 0 && !digitFollows(words, rest) {
		return value + rest.value, rest.to, true, true
	}
	return value, to, true, true
}

// digitFollows reports whether a single digit after "hundred" belongs to a row
// of digits instead: "eight hundred five five five".
func digitFollows(words []Word, rest small) bool {
	if rest.value > 9 || rest.to >= len(words) {
		return false
	}
	w := words[rest.to].Norm
	_, spoken := unit(w)
	return spoken || allDigits(w)
}

func skipAnd(words []Word, i int) int {
	if i < len(words) && words[i].Norm == "and" {
		return i + 1
	}
	return i
}

// digitsToken reads "1250", "1,250" or "49.99".
func digitsToken(w string) (value string, separated, ok bool) {
	whole, frac, dot := strings.Cut(w, ".")
	if dot && !allDigits(frac) {
		return "", false, false
	}
	if groups := strings.Split(whole, ","); len(groups) > 1 {
		for i, g := range groups {
			if !allDigits(g) || i > 0 && len(g) != 3 || len(g) > 3 {
				return "", false, false
			}
		}
		whole, separated = strings.Join(groups, ""), true
	}
	if !allDigits(whole) || len(whole) > 15 {
		return "", false, false
	}
	if dot {
		whole += "." + frac
	}
	return whole, separated, true
}

// scale applies a magnitude behind a number in digits: "1.5 million".
func scale(words []Word, n Number) (Number, bool) {
	m := 1
	if n.To < len(words) && words[n.To].Norm == "hundred" {
		m = 100
	} else if n.To < len(words) {
		m = magnitudeOf(words[n.To].Norm)
	}
	if m == 1 {
		return n, true
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if err != nil || v > 1e9 {
		return n, true
	}
	n.Value = strconv.FormatFloat(v*float64(m), 'f', -1, 64)
	n.To++
	n.Magnitude = true
	return n, true
}

// ReadOrdinal reads "third", "twenty-first" or "3rd" at words[i], up to 31, and
// returns the index of the word behind it.
func ReadOrdinal(words []Word, i int) (n, to int, ok bool) {
	if i >= len(words) {
		return 0, 0, false
	}
	w := words[i].Norm
	if n, ok := ordinal(w); ok {
		return n, i + 1, true
	}
	if len(w) > 2 && allDigits(w[:len(w)-2]) {
		switch w[len(w)-2:] {
		case "st", "nd", "rd", "th":
			n, err := strconv.Atoi(w[:len(w)-2])
			return n, i + 1, err == nil && n >= 1 && n <= 31
		}
	}
	t, ok := tens(w)
	if !ok || t > 30 || i+1 >= len(words) {
		return 0, 0, false
	}
	u, ok := ordinal(words[i+1].Norm)
	if !ok || u > 9 || t+u > 31 {
		return 0, 0, false
	}
	return t + u, i + 2, true
}
