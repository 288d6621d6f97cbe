package normal

import (
	"strconv"
	"strings"

	"earshot/spoken"
)

// readNumber reads a quantity that no sentence or comma breaks up.
func (r *reader) readNumber(i int) (spoken.Number, bool) {
	n, ok := spoken.ReadNumber(r.words, i)
	if !ok || r.broken(i, n.To) || r.isPoint(i, n) {
		return spoken.Number{}, false
	}
	return n, true
}

// isPoint reports whether "point" is a noun: "at one point five people".
func (r *reader) isPoint(i int, n spoken.Number) bool {
	if r.norm(i) != "one" || r.norm(i+1) != "point" || n.To == i+1 {
		return false
	}
	switch r.norm(i - 1) {
	case "at", "that", "this", "the", "some", "any", "to", "from":
		return true
	}
	return false
}

// number writes numbers from ten on, and decimals, in digits. It leaves those
// beside another number, and "a hundred".
func (r *reader) number(i int) int {
	n, ok := r.readNumber(i)
	if !ok {
		return i
	}
	decimal := strings.Contains(n.Value, ".")
	switch {
	case decimal && r.norm(n.To) == "point": // a version, an address
		return n.To
	case r.norm(i) == "a", !decimal && n.Int() < 10, r.isNumeral(i-1) && r.joined(i), r.pairs(i, n.To), isFraction(r.norm(n.To)):
		return n.To
	case r.joined(n.To) && r.isNumeral(n.To) && !(decimal && isMagnitude(r.norm(n.To))):
		return n.To
	case r.norm(n.To) == "second" && n.Int() < 100 && n.Int()%10 == 0: // or "twenty-second"
		return n.To
	}
	r.write(i, n.To, group(n.Value))
	return n.To
}

func (r *reader) isNumeral(i int) bool {
	w := r.norm(i)
	switch w {
	case "":
		return false
	case "billion", "trillion", "hundreds", "thousands":
		return true
	}
	return spoken.IsNumeral(w) && w != "second" || w[0] >= '0' && w[0] <= '9'
}

func isMagnitude(w string) bool { return w == "million" || w == "billion" || w == "trillion" }

// isFraction reports whether a word makes a fraction of the number before it.
func isFraction(w string) bool {
	switch w {
	case "thirds", "fourths", "fifths", "sixths", "sevenths", "eighths", "ninths", "tenths", "hundredth", "hundredths", "thousandth", "thousandths":
		return true
	}
	return false
}

// pairs reports whether words [from, to) are said together with a number that
// stays a word: "nine or ten".
func (r *reader) pairs(from, to int) bool {
	isSmall := func(i int) bool {
		_, ok := spoken.Digit(r.norm(i))
		_, after := spoken.Digit(r.norm(i + 1))
		_, larger := spoken.Tens(r.norm(i - 1))
		return ok && !after && !larger
	}
	return isPairing(r.norm(from-1)) && isSmall(from-2) || isPairing(r.norm(to)) && isSmall(to+1)
}

func isPairing(w string) bool { return w == "or" || w == "to" || w == "and" }

// group separates the thousands of a number in digits.
func group(value string) string {
	whole, frac, dot := strings.Cut(value, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + frac
	}
	return whole
}

// ordinal writes "twenty first" as "21st"; first to ninth stay words.
func (r *reader) ordinal(i int) int {
	n, to, ok := spoken.ReadOrdinal(r.words, i)
	if !ok || n < 10 || r.broken(i, to) || r.norm(to-1) == "second" || r.isNumeral(i-1) || r.norm(i-1) == "a" {
		return i
	}
	r.write(i, to, spoken.Ordinal(n))
	return to
}

// percent writes "ten percent" as "10%".
func (r *reader) percent(i int) int {
	n, ok := r.readNumber(i)
	if !ok || r.norm(i) == "a" || r.isNumeral(i-1) && r.joined(i) || !r.joined(n.To) {
		return i
	}
	switch {
	case r.norm(n.To) == "percent":
		r.write(i, n.To+1, group(n.Value)+"%")
		return n.To + 1
	case r.norm(n.To) == "per" && r.norm(n.To+1) == "cent":
		r.write(i, n.To+2, group(n.Value)+"%")
		return n.To + 2
	}
	return i
}

// amount writes "twenty five dollars and ten cents" as "$25.10". Pounds may be
// a weight and stay, unless pence are said with them.
func (r *reader) amount(i int) int {
	n, ok := r.readNumber(i)
	if !ok || r.isNumeral(i-1) && r.joined(i) || !r.joined(n.To) || r.words[min(n.To, len(r.words)-1)].Glued {
		return i
	}
	sign, coins := currency(r.norm(n.To))
	if sign == "" {
		return i
	}
	value, to := n.Value, n.To+1
	c, end, ok := r.readCoins(to, coins)
	switch {
	case ok && !strings.Contains(value, "."):
		value, to = value+"."+c, end
	case r.joined(to) && r.isNumeral(to): // more of a number than is understood
		return to
	case sign == "£":
		return i
	}
	if _, frac, dot := strings.Cut(value, "."); dot && len(frac) == 1 {
		value += "0"
	}
	r.write(i, to, sign+group(value))
	return to
}

// currency returns the sign of a currency and what its coins are called.
func currency(w string) (sign, coins string) {
	switch w {
	case "dollar", "dollars":
		return "$", "cent"
	case "euro", "euros":
		return "\u20ac", "cent"
	case "pound", "pounds":
		return "£", "pence"
	}
	return "", ""
}

// readCoins reads "and ten cents" behind an amount, or "fifty" at the end of a
// phrase.
func (r *reader) readCoins(i int, coins string) (value string, to int, ok bool) {
	if !r.joined(i) {
		return "", i, false
	}
	if r.norm(i) == "and" {
		i++
	}
	n, ok := r.readNumber(i)
	v := n.Int()
	if !ok || v < 0 || v > 99 {
		return "", i, false
	}
	value = strconv.Itoa(v/10) + strconv.Itoa(v%10)
	if strings.TrimSuffix(r.norm(n.To), "s") == coins && r.joined(n.To) {
		return value, n.To + 1, true
	}
	return value, n.To, v >= 10 && r.norm(i-1) != "and" && !r.joined(n.To)
}
