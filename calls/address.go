package calls

import "strings"

// stripScheme returns the address without scheme and URI parameters.
func stripScheme(aor string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(aor) >= len(scheme) && strings.EqualFold(aor[:len(scheme)], scheme) {
			aor = aor[len(scheme):]
			break
		}
	}
	address, _, _ := strings.Cut(aor, ";")
	return address
}

// userOf returns the user part of an address, which may be the whole of it.
func userOf(aor string) string {
	user, _, _ := strings.Cut(stripScheme(aor), "@")
	return strings.TrimSpace(user)
}

// hostOf returns the host of an address, without port; "" if it has none.
func hostOf(aor string) string {
	_, host, _ := strings.Cut(stripScheme(aor), "@")
	if i := strings.LastIndexByte(host, ':'); i > 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(host)
}

// digitsOf returns the digits of a number without its visual separators; ""
// for a name.
func digitsOf(aor string) string {
	digits := strings.Map(func(r rune) rune {
		if strings.ContainsRune("+-.() ", r) {
			return -1
		}
		return r
	}, userOf(aor))
	if strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return digits
}

// sameNumber reports whether two addresses are of one number: the same user,
// or numbers of which one is the end of the other, as national and
// international forms are.
func sameNumber(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	if strings.EqualFold(userOf(a), userOf(b)) {
		return true
	}
	x, y := strings.TrimLeft(digitsOf(a), "0"), strings.TrimLeft(digitsOf(b), "0")
	const enough = 7
	return min(len(x), len(y)) >= enough && (strings.HasSuffix(x, y) || strings.HasSuffix(y, x))
}

// addressIn returns the URI of a name-addr or addr-spec (RFC 3261 20.10).
func addressIn(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		uri, _, _ := strings.Cut(rest, ">")
		return strings.TrimSpace(uri)
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}
