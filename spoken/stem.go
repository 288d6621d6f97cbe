package spoken

import "strings"

// Stem strips the inflection from an English word in its canonical form, so
// that "cancelled", "cancelling" and "cancel" or "deliveries" and "delivery"
// are the same. It is a light stemmer: it takes plurals, tenses and -ly off,
// and leaves derived words apart. Irregular verbs that calls are full of are
// brought to their infinitive.
func Stem(w string) string {
	if len(w) < 3 || strings.ContainsAny(w, "0123456789") {
		return w
	}
	if s, ok := irregular(w); ok {
		return s
	}
	w = stemPlural(w)
	w = stemTense(w)
	if s, ok := strings.CutSuffix(w, "ly"); ok && len(s) > 3 {
		w = s
	}
	if s, ok := strings.CutSuffix(w, "ment"); ok && len(s) > 2 && s != "com" {
		w = s // "payment" and "pay", "shipment" and "ship"
	}
	if len(w) > 3 {
		w = strings.TrimSuffix(w, "e")
	}
	if n := len(w); n > 2 && w[n-1] == 'y' && !isVowel(w[n-2]) {
		w = w[:n-1] + "i"
	}
	return undouble(w)
}

func stemPlural(w string) string {
	switch {
	case strings.HasSuffix(w, "sses"), strings.HasSuffix(w, "xes"), strings.HasSuffix(w, "ches"), strings.HasSuffix(w, "shes"):
		return w[:len(w)-2]
	case strings.HasSuffix(w, "ies") && len(w) > 4:
		return w[:len(w)-3] + "y"
	case strings.HasSuffix(w, "ss"), strings.HasSuffix(w, "us"), strings.HasSuffix(w, "is"), len(w) < 4:
		return w
	}
	return strings.TrimSuffix(w, "s")
}

func stemTense(w string) string {
	if s, ok := strings.CutSuffix(w, "ied"); ok && len(s) > 1 {
		return s + "y"
	}
	for _, suffix := range [...]string{"ing", "ed"} {
		s, ok := strings.CutSuffix(w, suffix)
		if ok && len(s) > 2 && hasVowel(s) && !strings.HasSuffix(s, "e") {
			return s
		}
	}
	return w
}

// undouble makes "cancell" of "cancelled" and "cancel" the same.
func undouble(w string) string {
	n := len(w)
	if n > 3 && w[n-1] == w[n-2] && !isVowel(w[n-1]) && w[n-1] != 's' {
		return w[:n-1]
	}
	return w
}

func hasVowel(s string) bool {
	for i := range len(s) {
		if isVowel(s[i]) || s[i] == 'y' && i > 0 {
			return true
		}
	}
	return false
}

func isVowel(b byte) bool { return strings.IndexByte("aeiou", b) >= 0 }

func irregular(w string) (string, bool) {
	switch w {
	case "paid":
		return "pay", true
	case "sent":
		return "send", true
	case "bought":
		return "buy", true
	case "sold":
		return "sell", true
	case "got", "gotten":
		return "get", true
	case "went", "gone":
		return "go", true
	case "broke", "broken":
		return "break", true
	case "lost":
		return "los", true
	case "left":
		return "leav", true
	case "came":
		return "com", true
	case "told":
		return "tell", true
	case "said":
		return "sai", true
	case "made":
		return "mak", true
	case "took", "taken":
		return "tak", true
	case "gave", "given":
		return "giv", true
	case "charged", "charges", "charge", "charging":
		return "charg", true
	case "bills", "billing", "billed":
		return "bill", true
	case "something", "nothing", "anything", "everything", "during", "morning", "evening", "string", "spring", "need", "feed", "speed":
		return w, true
	case "news", "always", "perhaps", "this", "thus", "does", "was", "has", "is", "as", "his":
		return w, true
	case "bill":
		return "bill", true
	}
	return "", false
}

// Alike reports whether two words may be the same word, one of them misheard
// by a letter: equal stems or, for words of six letters or more with the same
// first one, stems or words that one letter changed, added or missing tells
// apart.
func Alike(a, b string) bool {
	if a == b {
		return true
	}
	sa, sb := Stem(a), Stem(b)
	if sa == sb {
		return true
	}
	if len(a) < 6 || len(b) < 6 || a[0] != b[0] || distinct(sa, sb) || strings.ContainsAny(a+b, "0123456789") {
		return false
	}
	return withinOne(a, b) || len(sa) >= 6 && len(sb) >= 6 && withinOne(sa, sb)
}

// distinct reports whether two stems are different words of everyday calls
// that one letter tells apart.
func distinct(a, b string) bool {
	switch min(a, b) + " " + max(a, b) {
	case "chang charg", "contact contract", "counter country", "quiet quit", "letter litter":
		return true
	}
	return false
}

// withinOne reports whether one insertion, deletion or substitution of a byte
// makes b of a.
func withinOne(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
