package redact

import "strings"

// run is a stretch of atoms that may be one number: digits with nothing
// between them but what people say or write within a number.
type run struct {
	// first and last are indexes of atoms; both have digits.
	first, last int
	digits      string
	// heard is digits with the words among them that sound like digits.
	heard string
}

// long reports whether a run has so many digits, in either reading.
func (r run) long(least, most int) bool {
	n, h := len(r.digits), len(r.heard)
	return n >= least && n <= most || h >= least && h <= most
}

// runs finds all runs of the atoms.
func runs(atoms []atom) []run {
	var out []run
	for i := 0; i < len(atoms); i++ {
		if atoms[i].digits == "" {
			continue
		}
		r := grow(atoms, i)
		out = append(out, r)
		i = r.last
	}
	return out
}

// grow extends the run that starts at atom i, over at most two fillers at a
// time.
func grow(atoms []atom, i int) run {
	const mostFillers = 2
	r := run{first: i, last: i}
	skipped := 0
	for k := i + 1; k < len(atoms) && atoms[k].joined; k++ {
		switch {
		case atoms[k].digits != "":
			r.last, skipped = k, 0
		case isBetween(atoms[k]) && skipped < mostFillers:
			skipped++
		default:
			k = len(atoms)
		}
	}
	r.digits, r.heard = digitsOf(atoms[i:r.last+1], false), digitsOf(atoms[i:r.last+1], true)
	return r
}

// digitsOf returns the digits of atoms, with what sounds like digits or
// without.
func digitsOf(atoms []atom, heard bool) string {
	var b strings.Builder
	for _, a := range atoms {
		b.WriteString(a.digits)
		if heard && a.digits == "" {
			b.WriteString(a.maybe)
		}
	}
	return b.String()
}

// The lengths of card numbers (ISO/IEC 7812-1).
const (
	minCard = 13
	maxCard = 19
)

// hasCard reports whether a run is or contains a card number, in either
// reading. The whole run needs only a right check digit; a part of it must also
// begin and be as long as the cards of a scheme, and keep the groups whole in
// runs that are short enough to be something else.
func hasCard(atoms []atom, r run) bool {
	if len(r.heard) < minCard-3 {
		return false
	}
	return hasCardIn(atoms, r, r.digits, false) || r.heard != r.digits && hasCardIn(atoms, r, r.heard, true) ||
		(&readings{left: mostReadings}).haveCard(atoms[r.first:r.last+1], "")
}

// mostReadings bounds how many ways to read a number are tried. Tens are said a
// few times in one, and words that sound like digits; texts may be made to
// have many more.
const mostReadings = 500

type readings struct{ left int }

// haveCard reports whether the digits read so far and one of the readings of the
// atoms are the number of a card of a scheme.
func (n *readings) haveCard(atoms []atom, digits string) bool {
	for i, a := range atoms {
		if n.left--; n.left < 0 || len(digits) > maxCard {
			return false
		}
		if a.apart != "" && n.haveCard(atoms[i+1:], digits+a.apart) || a.digits == "" && a.maybe != "" && n.haveCard(atoms[i+1:], digits+a.maybe) {
			return true
		}
		digits += a.digits
	}
	return scheme(digits) && luhn(digits)
}

func hasCardIn(atoms []atom, r run, digits string, heard bool) bool {
	if n := len(digits); n < minCard {
		return false
	} else if n <= maxCard {
		return luhn(digits) || hasGroupedCard(atoms, r, heard)
	}
	for i := range digits {
		for n := minCard; n <= maxCard && i+n <= len(digits); n++ {
			if part := digits[i : i+n]; scheme(part) && luhn(part) {
				return true
			}
		}
	}
	return false
}

// hasGroupedCard looks for a card number made of whole groups.
func hasGroupedCard(atoms []atom, r run, heard bool) bool {
	for i := r.first; i <= r.last; i++ {
		for k := i; k <= r.last; k++ {
			digits := digitsOf(atoms[i:k+1], heard)
			if scheme(digits) && luhn(digits) {
				return true
			}
		}
	}
	return false
}

// luhn checks the check digit of ISO/IEC 7812-1 annex B. A row of zeros has a
// right one and is no card.
func luhn(digits string) bool {
	sum := 0
	for i := range digits {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			d *= 2
			if d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0 && strings.Trim(digits, "0") != ""
}

// scheme reports whether a number begins and is as long as the cards of one
// of the payment schemes.
func scheme(digits string) bool {
	n := len(digits)
	if n < minCard || n > maxCard {
		return false
	}
	switch two := digits[:2]; {
	case two == "34" || two == "37": // American Express
		return n == 15
	case two == "36" || two == "38" || two == "39" || two == "30": // Diners Club
		return n == 14 || n == 16
	case digits[0] == '4': // Visa
		return n == 13 || n == 16 || n == 19
	case two >= "51" && two <= "55", two >= "22" && two <= "27": // Mastercard
		return n == 16
	case digits[0] == '5', digits[0] == '6', two == "35": // Maestro, Discover, UnionPay, JCB
		return n >= 16
	}
	return false
}

// mayBegin reports whether a card number may begin with these digits.
func mayBegin(digits string) bool {
	switch digits[0] {
	case '3', '4', '5', '6':
		return true
	case '2':
		return len(digits) == 1 || digits[1] >= '2' && digits[1] <= '7'
	}
	return false
}
