// Package phone reads telephone numbers as calls and CRMs spell them, and says
// whether two spellings are of the same number.
package phone

import (
	"net/url"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// Number is one telephone number.
type Number struct {
	// E164 is the number as ITU-T E.164 has it, "+4930901820"; "" for one that
	// only means something inside a telephone system, such as an extension.
	E164 string
	// Raw is how it came, without scheme, host and parameters.
	Raw string

	national string
	region   string
}

// anonymous are the user parts that stand for no number (RFC 3323 4.1.1.3, and
// what trunks send instead).
var anonymous = map[string]bool{
	"": true, "anonymous": true, "unknown": true, "private": true, "restricted": true, "unavailable": true,
	"withheld": true, "nobody": true, "asserted-id": true, "null": true,
}

// ValidRegion reports whether region is one that numbers can be of, an
// ISO 3166-1 code such as "DE".
func ValidRegion(region string) bool {
	return phonenumbers.GetSupportedRegions()[region]
}

// Parse reads the number of a SIP or tel URI (RFC 3966), or a number as people
// write it. National numbers are taken for ones of the region. ok is false for
// an anonymous caller and for what holds no digits.
func Parse(address, region string) (n Number, ok bool) {
	user := userOf(address)
	if Anonymous(address) || !strings.ContainsAny(user, "0123456789") {
		return Number{}, false
	}
	n = Number{Raw: user, region: region}
	parsed, err := phonenumbers.Parse(user, region)
	if err != nil || !phonenumbers.IsValidNumber(parsed) {
		parsed, err = phonenumbers.Parse("+"+Digits(user), region)
		if err != nil || len(Digits(user)) < 10 || !phonenumbers.IsValidNumber(parsed) {
			return n, true
		}
	}
	n.E164 = phonenumbers.Format(parsed, phonenumbers.E164)
	n.national = phonenumbers.Format(parsed, phonenumbers.NATIONAL)
	return n, true
}

// Anonymous reports whether an address is one of a caller who does not show
// their number (RFC 3323 4.1.1.3), or none at all.
func Anonymous(address string) bool { return anonymous[strings.ToLower(userOf(address))] }

// userOf returns the user part of a URI, or the text itself.
func userOf(address string) string {
	address = strings.TrimSpace(address)
	if _, after, found := strings.Cut(address, "<"); found {
		address, _, _ = strings.Cut(after, ">")
	}
	for _, scheme := range []string{"sips:", "sip:", "tel:"} {
		if len(address) >= len(scheme) && strings.EqualFold(address[:len(scheme)], scheme) {
			address = address[len(scheme):]
			break
		}
	}
	address, _, _ = strings.Cut(address, "@")
	address, _, _ = strings.Cut(address, ";")
	if plain, err := url.PathUnescape(address); err == nil {
		address = plain
	}
	return strings.TrimSpace(address)
}

// Spellings returns how the number may be written in a search, the surest
// first: E.164, its digits, the national form with and without what separates
// its parts. One without E.164 has only itself.
func (n Number) Spellings() []string {
	if n.E164 == "" {
		return []string{n.Raw}
	}
	list := []string{n.E164, n.E164[1:], n.national}
	if plain := Digits(n.national); plain != n.E164[1:] {
		list = append(list, plain)
	}
	return list
}

// Suffix returns the last seven digits, or all there are: what every spelling
// of the number ends in, once its separators are gone.
func (n Number) Suffix() string {
	digits := Digits(n.Raw)
	if n.E164 != "" {
		digits = n.E164[1:]
	}
	return digits[max(0, len(digits)-7):]
}

// Significant returns the digits that come in this order in every spelling of the
// number, whatever separates them: those that E.164 and the national form end in.
func (n Number) Significant() string {
	if n.E164 == "" {
		return Digits(n.Raw)
	}
	whole, national := n.E164[1:], Digits(n.national)
	same := 0
	for same < min(len(whole), len(national)) && whole[len(whole)-1-same] == national[len(national)-1-same] {
		same++
	}
	return whole[len(whole)-same:]
}

// Same reports whether written is the same number: the same E.164, or the same
// digits for one that has none.
func (n Number) Same(written string) bool {
	o, ok := Parse(written, n.region)
	if !ok || n.Raw == "" {
		return false
	}
	if n.E164 == "" || o.E164 == "" {
		return n.E164 == o.E164 && Digits(n.Raw) == Digits(o.Raw)
	}
	return n.E164 == o.E164
}

// Digits returns the digits of a text.
func Digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}
