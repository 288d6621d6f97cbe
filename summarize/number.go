package summarize

import (
	"slices"
	"strings"

	"earshot"
	"earshot/spoken"
)

// cue is what the words around a number say it is.
type cue int

const (
	cueNone   cue = iota
	cueWeak       // "number" alone
	cueID         // an order, an account, a reference
	cuePhone      // something to call
	cueSecret     // never written down
	cueName       // a name being spelled
)

// numbers finds identifiers and phone numbers, and names that are spelled.
func numbers(t *turn) []span {
	var out []span
	for i := 0; i < len(t.words); {
		if t.used[i] {
			i++
			continue
		}
		c, ok := spoken.ReadCode(t.words[:t.limit(i)], i)
		if !ok {
			i++
			continue
		}
		if s, ok := t.classify(c); ok {
			out = append(out, s)
		}
		t.coded = c.To
		i = c.To
	}
	return out
}

// limit returns the first word from i on that is part of a fact already.
func (t *turn) limit(i int) int {
	for i < len(t.used) && !t.used[i] {
		i++
	}
	return i
}

// classify decides what a code is, if anything worth keeping.
func (t *turn) classify(c spoken.Code) (span, bool) {
	s := span{from: c.From, to: c.To, value: c.Value, kind: earshot.FactNumber}
	hint := t.cueFor(c)
	if hint == cueSecret {
		return s, false
	}
	if c.Digits == 0 {
		return t.classifyLetters(c, hint)
	}
	if plus := t.words[c.From].Text; c.Letters == 0 && isPhone(t, c, hint) {
		s.kind = earshot.FactPhone
		if strings.HasPrefix(plus, "+") || t.norm(c.From-1) == "plus" {
			s.value = "+" + strings.TrimPrefix(s.value, "+")
		}
		return s, true
	}
	if isUnit(t.norm(c.To)) || cueIn(t.words[max(0, c.From-9):c.From]) != cueID && t.isStreet(c.To) {
		return s, false
	}
	return s, isIdentifier(t, c, hint)
}

// isIdentifier reports whether a code with digits is worth keeping: with words
// that name it from four signs on (three right behind "number"), without from
// five.
func isIdentifier(t *turn, c spoken.Code, hint cue) bool {
	n := c.Digits + c.Letters
	if t.norm(c.From-1) == "in" && spoken.Stem(t.norm(c.From-2)) == "end" {
		return false // a number that is told by how it ends
	}
	switch hint {
	case cueID:
		return n >= 4 || n == 3 && t.namedBefore(c.From)
	case cueWeak:
		return n >= 4 && !c.Magnitude
	}
	if c.Magnitude || n < 5 {
		return false
	}
	if c.Letters > 0 {
		return c.Digits >= 2 && c.Letters <= 5
	}
	return true
}

// isPhone reports whether digits are a phone number.
func isPhone(t *turn, c spoken.Code, hint cue) bool {
	if c.Magnitude && len(c.Groups) < 3 {
		return false
	}
	plus := strings.HasPrefix(t.words[c.From].Text, "+") || t.norm(c.From-1) == "plus"
	switch {
	case c.Digits < 7 || c.Digits > 15:
		return false
	case plus || hint == cuePhone:
		return true
	case hint == cueID:
		return false
	}
	return c.Digits == 10 || c.Digits == 11 && c.Value[0] <= '1' ||
		c.Digits == 7 && (len(c.Groups) == 2 && c.Groups[0] == 3 || ownNumber(t.words[max(0, c.From-4):c.From]) || ownNumber(t.asked))
}

// ownNumber reports whether words speak of somebody's number and no more: "my
// number is", "what's your number?".
func ownNumber(words []spoken.Word) bool {
	for i := range words {
		if words[i].Norm != "number" {
			continue
		}
		if owner := normAt(words, i-1); owner == "my" || owner == "your" || owner == "best" {
			return true
		}
	}
	return false
}

// classifyLetters takes letters said one by one for a spelled name or a code.
func (t *turn) classifyLetters(c spoken.Code, hint cue) (span, bool) {
	s := span{from: c.From, to: c.To, value: c.Value, kind: earshot.FactNumber}
	if c.Spelled != len(c.Groups) || c.Letters < 3 {
		return s, false
	}
	spells := func(w spoken.Word) bool { return strings.EqualFold(w.Text, c.Value) }
	if hint == cueName || slices.ContainsFunc(t.words, spells) {
		s.kind, s.value = earshot.FactName, titleCase(strings.ToLower(c.Value))
		return s, true
	}
	return s, hint == cueID && c.Letters >= 4
}

// cueFor looks for the nearest words that say what a code is: before it, right
// behind it ("... is my order number"), then in what the other party asked.
func (t *turn) cueFor(c spoken.Code) cue {
	before := cueIn(t.words[max(0, c.From-9):c.From])
	if before > cueWeak {
		return before
	}
	if before == cueWeak && t.coded <= c.From && cueIn(t.words[max(t.coded, c.From-9):c.From]) == cueNone {
		before = cueNone // "number" was of the code before
	}
	behind := t.words[c.To:min(len(t.words), c.To+6)]
	if len(behind) > 0 && (behind[0].Norm == "is" || behind[0].Norm == "that's" || behind[0].Norm == "as") {
		if k := cueIn(behind); k > cueWeak {
			return k
		}
	}
	const question = 14 // words of it that matter
	if asked := cueIn(t.asked[max(0, len(t.asked)-question):]); asked > cueWeak && (c.From < 12 || before == cueWeak) {
		return asked
	}
	return before
}

// cueIn returns the last cue among words.
func cueIn(words []spoken.Word) cue {
	weak := cueNone
	for i := range slices.Backward(words) {
		switch k := cueOf(words, i); k {
		case cueNone:
		case cueWeak:
			weak = cueWeak
		default:
			return k
		}
	}
	return weak
}

func cueOf(words []spoken.Word, i int) cue {
	switch strings.TrimSuffix(words[i].Norm, "'s") {
	case "pin", "password", "passcode", "cvv", "cvc", "ssn", "passphrase", "card", "debit", "expiry", "expiration":
		return cueSecret
	case "security":
		if n := normAt(words, i+1); n == "code" || n == "number" || n == "answer" {
			return cueSecret
		}
	case "order", "account", "reference", "ref", "confirmation", "ticket", "case", "tracking", "invoice", "policy", "claim", "customer", "member",
		"membership", "booking", "reservation", "serial", "contract", "id", "code", "model", "registration", "plate", "license", "licence", "meter",
		"postcode", "zip", "postal", "locator", "file", "quote", "receipt", "transaction", "employee", "badge", "patient", "student", "imei",
		"prescription", "voucher", "subscription", "extension", "part", "complaint", "incident", "application", "shipment", "ending", "identifier":
		if normAt(words, i-1) == "security" {
			return cueSecret
		}
		return cueID
	case "phone", "telephone", "cell", "cellphone", "mobile", "callback", "reach", "reached", "dial", "landline", "whatsapp", "fax":
		return cuePhone
	case "line":
		if prev := normAt(words, i-1); prev == "direct" || prev == "land" || prev == "home" {
			return cuePhone
		}
	case "call", "ring", "contact", "text":
		return phoneAfter(words, i)
	case "name", "surname", "spell", "spelled", "spelling", "spelt":
		return cueName
	case "number", "numbers", "digits":
		return cueWeak
	}
	return cueNone
}

// phoneAfter reads "call me back at", "contact number", "text me on".
func phoneAfter(words []spoken.Word, i int) cue {
	for k := i + 1; k < min(i+5, len(words)); k++ {
		switch words[k].Norm {
		case "at", "on", "number":
			return cuePhone
		}
	}
	return cueNone
}

// namedBefore reports whether "number", "code" or the like stands right before.
func (t *turn) namedBefore(from int) bool {
	for k := from - 1; k >= max(0, from-3); k-- {
		switch t.norm(k) {
		case "number", "code", "id", "extension", "reference":
			return true
		}
	}
	return false
}

// isStreet reports whether a street follows within three words: "1420 Oak Lane".
func (t *turn) isStreet(i int) bool {
	for k := i; k < min(i+4, len(t.words)); k++ {
		switch t.norm(k) {
		case "street", "st", "avenue", "ave", "road", "rd", "lane", "drive", "boulevard", "blvd", "court", "way", "place", "square", "terrace", "highway", "close":
			return k > i
		}
		if t.words[k].Stop {
			return false
		}
	}
	return false
}
