package calls

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"earshot"
)

// matches compares an address with a pattern: with @ it is one of the whole
// address, as 2000-2099 it is a range of numbers, else one of the user part or
// of its digits.
func matches(pattern, aor string) bool {
	user, host, _ := earshot.SplitAOR(aor)
	digits := earshot.NumberKey(user)
	if from, to, ok := strings.Cut(pattern, "-"); ok && earshot.NumberKey(from) == from && earshot.NumberKey(to) == to {
		return inRange(digits, from, to)
	}
	subjects := []string{user, digits, "+" + digits}
	if strings.Contains(pattern, "@") {
		subjects = []string{user + "@" + host}
	}
	return slices.ContainsFunc(subjects, func(s string) bool {
		ok, err := path.Match(pattern, s)
		return ok && err == nil && s != "" && s != "+"
	})
}

// inRange reports whether a number of as many digits lies between two others.
func inRange(digits, from, to string) bool {
	n, err := strconv.ParseUint(digits, 10, 64)
	a, errA := strconv.ParseUint(from, 10, 64)
	b, errB := strconv.ParseUint(to, 10, 64)
	return err == nil && errA == nil && errB == nil && len(digits) >= len(from) && len(digits) <= len(to) && a <= n && n <= b
}
