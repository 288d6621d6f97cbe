package spoken

import "strings"

// Email is an e-mail address, however it was said.
type Email struct {
	// Value is in lower case: "john.smith@example.com".
	Value string
	// From and To are the words [From, To) it was said in, At the one with its
	// sign.
	From, At, To int
	// Tied says that the part before the sign is one name for certain: dots or
	// other signs were said in it, or it was spelled, or is written.
	Tied bool
}

// ReadEmail reads the address whose sign is words[at]: "john dot smith at
// example dot com", or one that is written.
func ReadEmail(words []Word, at int) (Email, bool) {
	if head, domain, ok := strings.Cut(words[at].Norm, "@"); ok {
		value, to, ok := writtenEmail(words, at, head, domain)
		return Email{Value: value, From: at, At: at, To: to, Tied: true}, ok
	}
	if words[at].Norm != "at" || at == 0 {
		return Email{}, false
	}
	domain, to, ok := ReadDomain(words, at+1)
	if !ok {
		return Email{}, false
	}
	local, from := readLocal(words, at)
	e := Email{Value: local + "@" + domain, From: from, At: at, To: to}
	e.Tied = strings.ContainsAny(local, "._-+0123456789") || isSpelled(words[from:at])
	return e, local != ""
}

// isSpelled reports whether the words are single letters.
func isSpelled(words []Word) bool {
	for _, w := range words {
		if len(w.Norm) != 1 {
			return false
		}
	}
	return true
}

// writtenEmail reads an address with its sign; the domain may still be spoken.
func writtenEmail(words []Word, i int, local, domain string) (string, int, bool) {
	if local == "" || domain == "" {
		return "", 0, false
	}
	if validDomain(domain) {
		return local + "@" + domain, i + 1, true
	}
	rest, to, ok := readDots(words, i+1)
	return local + "@" + domain + rest, to, ok
}

// ReadDomain reads a name of hosts at words[i]: "example dot com", "my shop dot co dot uk", "example.com".
func ReadDomain(words []Word, i int) (string, int, bool) {
	const mostWords = 4
	label := ""
	for k := i; k < len(words) && k < i+mostWords; k++ {
		w := words[k]
		switch {
		case w.Norm == "dot":
			rest, to, ok := readDots(words, k)
			return label + rest, to, ok && label != ""
		case w.Norm == "dash" || w.Norm == "hyphen":
			label += "-"
			continue
		case strings.Contains(w.Norm, "."):
			label += w.Norm
			return label, k + 1, validDomain(label)
		case !isLabel(w.Norm):
			return "", 0, false
		}
		if w.Glued {
			label += "-"
		}
		label += w.Norm
	}
	return "", 0, false
}

// readDots reads "dot co dot uk" up to the last label.
func readDots(words []Word, i int) (string, int, bool) {
	var rest strings.Builder
	for normAt(words, i) == "dot" && i+1 < len(words) {
		label := words[i+1].Norm
		if !isLabel(label) && !validDomain(label) {
			break
		}
		rest.WriteString("." + label)
		i += 2
	}
	return rest.String(), i, validDomain("x" + rest.String())
}

func isLabel(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return false
		}
	}
	return s != ""
}

// validDomain reports whether s has labels and ends in one of letters.
func validDomain(s string) bool {
	labels := strings.Split(s, ".")
	for _, l := range labels {
		if !isLabel(l) {
			return false
		}
	}
	top := labels[len(labels)-1]
	return len(labels) > 1 && len(top) >= 2 && strings.Trim(top, "abcdefghijklmnopqrstuvwxyz") == ""
}

// readLocal reads the part before "at" backwards: a name, and all that dots,
// underscores, letters and digits said one by one tie to it.
func readLocal(words []Word, at int) (string, int) {
	from, plain, tied := at, 0, true
	for k := at - 1; k >= 0; k-- {
		w := words[k].Norm
		if k < at-1 && (words[k].Stop || words[k].Comma && len(w) > 1) {
			break
		}
		switch {
		case separator(w) != "":
			tied = true
			from = k
			continue
		case len(w) == 1 || isSignAt(words, k):
		case !tied && (isLocalStop(w) || plain >= 1 && !begins(words, k)):
			return localOf(words, from, at), from
		case isLocalStop(w) || !isLocalWord(w):
			return localOf(words, from, at), from
		default:
			plain++
		}
		tied = false
		from = k
		if plain == 2 && separator(normAt(words, k-1)) == "" {
			break
		}
	}
	return localOf(words, from, at), from
}

// begins reports whether the word before words[k] leads to an address.
func begins(words []Word, k int) bool {
	return k == 0 || isLocalStop(words[k-1].Norm) || words[k-1].Comma || words[k-1].Stop
}

func isLocalWord(w string) bool {
	return strings.Trim(w, "abcdefghijklmnopqrstuvwxyz0123456789._'") == ""
}

func isLocalStop(w string) bool {
	switch w {
	case "is", "it's", "its", "it", "email", "e-mail", "emails", "address", "to", "my", "the", "be", "on", "that's", "that", "so", "yes", "yeah",
		"okay", "ok", "sure", "um", "uh", "and", "me", "you", "use", "at", "for", "was", "of", "work", "would", "a", "his", "her", "our", "your", "under", "via", "by", "in", "with", "still", "then", "just", "as", "or", "please":
		return true
	}
	return false
}

func separator(w string) string {
	switch w {
	case "dot", "period", "point":
		return "."
	case "underscore":
		return "_"
	case "dash", "hyphen", "minus":
		return "-"
	case "plus":
		return "+"
	}
	return ""
}

// localOf writes words [from, at) as the local part of an address.
func localOf(words []Word, from, at int) string {
	var b strings.Builder
	for k := from; k < at; {
		if s := separator(words[k].Norm); s != "" {
			b.WriteString(s)
			k++
			continue
		}
		if c, ok := ReadCode(words[:at], k); ok {
			b.WriteString(strings.ToLower(c.Value))
			k = c.To
			continue
		}
		b.WriteString(strings.ReplaceAll(words[k].Norm, "'", ""))
		k++
	}
	return strings.Trim(b.String(), ".-")
}

// isSignAt reports whether what stands at words[i] may be part of a code.
func isSignAt(words []Word, i int) bool {
	if _, ok := ReadNumber(words, i); ok {
		return true
	}
	c, ok := ReadCode(words, i)
	return ok && c.Digits > 0
}

func normAt(words []Word, i int) string {
	if i < 0 || i >= len(words) {
		return ""
	}
	return words[i].Norm
}
