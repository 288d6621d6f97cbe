package normal

import (
	"strings"

	"earshot/spoken"
)

// code writes what was spelled as one word, "AB123", and phone numbers with
// hyphens. Numbers that stand side by side for another reason stay words.
func (r *reader) code(i int) int {
	c, ok := spoken.ReadCode(r.words, i)
	if !ok || len(c.Groups) < 2 {
		return i
	}
	if sign, _ := currency(r.norm(c.To)); sign != "" || r.norm(c.To) == "percent" || r.norm(c.To) == "point" {
		return c.To
	}
	from := i
	value := c.Value
	switch plus := r.norm(i-1) == "plus" && c.Letters == 0 && c.Digits >= 8; {
	case plus:
		from, value = i-1, "+"+value
	case r.isPhone(i, c):
		value = hyphens(value)
	case !r.isCode(i, c):
		return c.To
	}
	r.write(from, c.To, value)
	return c.To
}

// isCode reports whether pieces said in a row are one code for certain.
func (r *reader) isCode(i int, c spoken.Code) bool {
	named := r.nears(i, isIdentifier)
	switch {
	case c.Magnitude, strings.HasSuffix(c.Value, "AM"), strings.HasSuffix(c.Value, "PM"):
		return false
	case c.Digits == 0:
		return c.Letters >= 3 && c.Spelled == len(c.Groups) && named // names that are spelled stay
	case c.Letters > 0:
		return c.Digits+c.Letters >= 4 || c.Spelled >= 3 && named
	case counts(c.Value):
		return named
	}
	return c.Spelled >= 3 || c.Digits >= 4 && r.within(4, i, isIdentifier) && !leadsToTime(r.norm(i-1))
}

// counts reports whether digits go up from one, as when somebody counts.
func counts(digits string) bool { return len(digits) < 10 && strings.HasPrefix("123456789", digits) }

// isIdentifier reports whether a word names what has a number.
func isIdentifier(w string) bool {
	switch strings.TrimSuffix(w, "s") {
	case "number", "order", "account", "code", "extension", "zip", "id", "reference", "policy", "tracking", "invoice", "ticket",
		"case", "serial", "member", "pin", "passcode", "confirmation", "plate", "flight", "booking", "postcode", "part", "model", "digit":
		return true
	}
	return isPhoneWord(w)
}

func isPhoneWord(w string) bool {
	switch w {
	case "phone", "telephone", "mobile", "cell", "call", "callback", "dial", "reach", "fax":
		return true
	}
	return false
}

// isPhone reports whether digits are a number of the North American numbering
// plan: area code and office code begin with 2 to 9. Seven digits are one only
// where a phone is spoken of, ten are none where another number is.
func (r *reader) isPhone(i int, c spoken.Code) bool {
	if c.Letters > 0 {
		return false
	}
	opens := func(at int) bool { return c.Value[at] >= '2' }
	other := func(w string) bool { return isIdentifier(w) && !isPhoneWord(w) && w != "number" && w != "digits" }
	phone := r.nears(i, isPhoneWord)
	switch c.Digits {
	case 7:
		return phone && opens(0) && c.Spelled >= 3
	case 10:
		return opens(0) && (phone || opens(3) && !r.nears(i, other))
	case 11:
		return c.Value[0] == '1' && opens(1) && (phone || opens(4) && !r.nears(i, other))
	}
	return false
}

// hyphens groups a phone number: 555-123-4567.
func hyphens(digits string) string {
	n := len(digits)
	out := digits[n-7:n-4] + "-" + digits[n-4:]
	if n >= 10 {
		out = digits[n-10:n-7] + "-" + out
	}
	if n == 11 {
		out = digits[:1] + "-" + out
	}
	return out
}
