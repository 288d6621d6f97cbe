package calls

import (
	"net/netip"
	"strings"

	"earshot"
)

// side is where a participant seems to be, as seen from the contact centre.
type side int

const (
	unclear side = iota
	inside
	outside
)

// split says who is the agent when some are clearly inside and all others
// outside.
func split(ev *evidence, p *party, sure float64, source earshot.RoleSource, where func(*party) side) guess {
	count := map[side]int{}
	for _, other := range ev.parties {
		count[where(other)]++
	}
	if count[inside] == 0 || count[outside] == 0 {
		return guess{}
	}
	switch where(p) {
	case inside:
		return guess{earshot.RoleAgent, sure, source}
	case outside:
		return guess{earshot.RoleCustomer, sure, source}
	default:
		return guess{}
	}
}

// shape tells inside from outside by the user part of the address: whole
// numbers are outside, short ones and names inside.
func shape(p *party) side {
	user, _, _ := earshot.SplitAOR(p.AOR)
	digits := earshot.NumberKey(user)
	switch {
	case user == "" || strings.EqualFold(user, "anonymous") || strings.EqualFold(user, "unknown"):
		return unclear
	case digits == "":
		return inside
	case len(digits) >= wholeNumber || strings.HasPrefix(user, "+"):
		return outside
	}
	return inside
}

// ownDomains are the registered domains of the session's From and To: the
// recording client's and ours. Addresses that are numbers say nothing, for
// those of a border controller's two sides are both its own.
func ownDomains(offer earshot.SessionOffer) []string {
	var out []string
	for _, uri := range []string{offer.To, offer.From} {
		_, host, ok := earshot.SplitAOR(uri)
		if !ok { // a URI without user has its host in its place
			host, _, _ = earshot.SplitAOR(uri)
		}
		if d := registered(host); d != "" {
			out = append(out, d)
		}
	}
	return out
}

// registered returns the part of a host that somebody registered: the last two
// labels, or three where the last two look like co.uk.
func registered(host string) string {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	labels := strings.Split(host, ".")
	n := 2
	if len(labels) >= 3 && len(labels[len(labels)-1]) == 2 && len(labels[len(labels)-2]) <= 3 {
		n = 3
	}
	if len(labels) < n {
		return ""
	}
	return strings.Join(labels[len(labels)-n:], ".")
}
