package normal

import (
	"strings"

	"earshot/spoken"
)

// addresses writes e-mail addresses and the names of hosts. What stands before
// "at" is part of an address where dots or signs tie it together, or where
// one word stands alone and an address is spoken of: "look at example dot com"
// is none.
func (r *reader) addresses() {
	for i := 1; i < len(r.words); i++ {
		if r.taken[i] {
			continue
		}
		if e, ok := spoken.ReadEmail(r.words, i); ok && r.isEmail(e) {
			r.take(e.From, e.To, e.Value)
			i = e.To - 1
			continue
		}
		if r.norm(i) == "dot" {
			i = r.host(i)
		}
	}
}

func (r *reader) isEmail(e spoken.Email) bool {
	if strings.Contains(r.norm(e.At), "@") {
		return e.To > e.At+1 // the rest of it was said
	}
	return e.Tied || e.At-e.From == 1 && r.nears(e.From, isMail)
}

func isMail(w string) bool { return w == "email" || w == "e-mail" || w == "mail" || w == "address" }

// host writes the name of a host, one label before the dot at words[i] and the
// "w w w" before that. It returns the last word looked at.
func (r *reader) host(i int) int {
	domain, to, ok := spoken.ReadDomain(r.words, i-1)
	if !ok || r.taken[i-1] || !isTop(domain) || r.broken(i-1, to) {
		return i
	}
	from := i - 1
	if r.norm(from) == "w" && r.norm(from-1) == "w" && r.norm(from-2) == "w" {
		from, domain = from-2, "ww"+domain
	}
	r.take(from, to, domain)
	return to - 1
}

// isTop reports whether a name ends in a top-level domain that people say.
func isTop(domain string) bool {
	switch domain[strings.LastIndexByte(domain, '.')+1:] {
	case "com", "org", "net", "edu", "gov", "info", "biz", "io", "app", "dev", "uk", "ca", "au", "de", "eu":
		return true
	}
	return false
}

func (r *reader) take(from, to int, by string) {
	r.replace(from, to, by)
	for k := from; k < to; k++ {
		r.taken[k] = true
	}
}
