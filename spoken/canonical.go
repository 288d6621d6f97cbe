package spoken

import (
	"strconv"
	"strings"
)

// Canonical brings a text to the form in which two ways of saying the same are
// equal: lower case, no punctuation, contractions written out, quantities in
// digits, codes joined, single spaces. "I'll need thirty-five." becomes
// "i will need 35", "A B 4 5 7" becomes "ab457".
func Canonical(text string) string {
	return strings.Join(Terms(Words(text)), " ")
}

// Terms returns the words in their canonical form.
func Terms(words []Word) []string {
	list, _ := TermsAt(words)
	return list
}

// TermsAt returns the words in their canonical form and, for each, the index
// of the word it begins at.
func TermsAt(words []Word) (terms []string, at []int) {
	add := func(i int, list ...string) {
		for _, t := range list {
			terms, at = append(terms, t), append(at, i)
		}
	}
	for i := 0; i < len(words); {
		if n, to, ok := ReadOrdinal(words, i); ok && words[i].Norm != "second" {
			add(i, Ordinal(n))
			i = to
			continue
		}
		if value, to, ok := readTermNumber(words, i); ok {
			add(i, value)
			i = to
			continue
		}
		add(i, expand(words[i].Norm)...)
		i++
	}
	return terms, at
}

// readTermNumber reads a code of several pieces, or a quantity.
func readTermNumber(words []Word, i int) (string, int, bool) {
	n, isNumber := ReadNumber(words, i)
	c, isCode := ReadCode(words, i)
	if isCode && len(c.Groups) > 1 && (!isNumber || c.To > n.To) {
		return strings.ToLower(c.Value), c.To, true
	}
	if isNumber {
		return n.Value, n.To, true
	}
	return "", i, false
}

// Ordinal writes an ordinal in digits: "3rd".
func Ordinal(n int) string {
	suffix := "th"
	if n < 10 || n > 20 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// expand writes a contraction out. What the recogniser leaves of one without
// its apostrophe is known too, where it is no word of its own.
func expand(w string) []string {
	switch w {
	case "can't", "cannot", "cant":
		return []string{"can", "not"}
	case "won't", "wont":
		return []string{"will", "not"}
	case "shan't":
		return []string{"shall", "not"}
	case "ain't":
		return []string{"is", "not"}
	case "dont", "doesnt", "didnt", "isnt", "arent", "wasnt", "werent", "havent", "hasnt", "hadnt", "wouldnt", "couldnt", "shouldnt":
		return []string{strings.TrimSuffix(w, "nt"), "not"}
	case "im":
		return []string{"i", "am"}
	case "ive", "youve", "weve", "theyve":
		return []string{strings.TrimSuffix(w, "ve"), "have"}
	case "youre", "theyre":
		return []string{strings.TrimSuffix(w, "re"), "are"}
	case "youll", "theyll", "itll":
		return []string{strings.TrimSuffix(w, "ll"), "will"}
	case "gonna":
		return []string{"going", "to"}
	case "wanna":
		return []string{"want", "to"}
	case "gotta":
		return []string{"got", "to"}
	case "e-mail", "e-mails", "e-mailed":
		return []string{strings.Replace(w, "-", "", 1)}
	case "per cent":
		return []string{"percent"}
	}
	at := strings.IndexByte(w, '\'')
	if at <= 0 {
		return expandSign(w)
	}
	head, tail := w[:at], w[at+1:]
	switch tail {
	case "t":
		return []string{strings.TrimSuffix(head, "n"), "not"}
	case "m":
		return []string{head, "am"}
	case "re":
		return []string{head, "are"}
	case "ve":
		return []string{head, "have"}
	case "ll":
		return []string{head, "will"}
	case "d":
		return []string{head, "would"}
	case "s":
		return possessive(head)
	case "":
		return []string{head}
	}
	return []string{head + tail}
}

// expandSign says the sign of a quantity: "$25" is "25 dollars", "10%" is "10
// percent".
func expandSign(w string) []string {
	for _, s := range [...]struct{ before, after, word string }{
		{before: "$", word: "dollars"}, {before: "€", word: "euros"}, {before: "£", word: "pounds"}, {after: "%", word: "percent"},
	} {
		body := strings.TrimSuffix(strings.TrimPrefix(w, s.before), s.after)
		if value, _, ok := digitsToken(body); ok && body != w {
			return []string{value, s.word}
		}
	}
	return []string{strings.TrimSuffix(w, "%")}
}

// possessive tells "it's" from "Anna's".
func possessive(head string) []string {
	switch head {
	case "it", "that", "there", "what", "where", "who", "how", "he", "she", "when", "here":
		return []string{head, "is"}
	case "let":
		return []string{"let", "us"}
	}
	return []string{head}
}

// Holds reports whether a value was said in a text: both in canonical form and
// as whole words, or, for values with digits, without the spaces that depend on
// how a code was grouped.
func Holds(text, value string) bool {
	t, v := Canonical(text), Canonical(value)
	if v == "" {
		return false
	}
	if strings.Contains(" "+t+" ", " "+v+" ") {
		return true
	}
	vc := strings.ReplaceAll(v, " ", "")
	if len(vc) < 4 || !strings.ContainsAny(vc, "0123456789") {
		return false
	}
	return holdsCompact(t, vc)
}

// holdsCompact looks for a code that begins and ends with words of the text.
func holdsCompact(text, code string) bool {
	terms := strings.Fields(text)
	for i := range terms {
		rest := code
		for _, t := range terms[i:] {
			var ok bool
			if rest, ok = strings.CutPrefix(rest, t); !ok {
				break
			}
			if rest == "" {
				return true
			}
		}
	}
	return false
}
