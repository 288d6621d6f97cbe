package sqlite

import (
	"strings"
	"unicode"
)

const (
	// maxTerms bounds what one query costs.
	maxTerms = 32
	maxQuery = 2000 // bytes
)

// term is one word, phrase or beginning to look for.
type term struct {
	text   string
	prefix bool
}

// String writes the term as an FTS5 string, in which nothing is special but
// the quote.
func (t term) String() string {
	s := `"` + strings.ReplaceAll(t.text, `"`, `""`) + `"`
	if t.prefix && len(t.text) > 1 { // not half of the dictionary
		s += "*"
	}
	return s
}

// matchAll turns what a user typed into an FTS5 query that any text makes
// valid: all words and phrases must occur. It is "" when there is no word.
func matchAll(text string) string { return join(parseTerms(text), " ") }

// matchAny is the same, but one word is enough.
func matchAny(text string) string {
	var words []term
	seen := map[string]bool{}
	for _, t := range parseTerms(strings.ReplaceAll(text, `"`, " ")) {
		key := strings.ToLower(t.text)
		if !seen[key] {
			seen[key] = true
			words = append(words, term{text: t.text})
		}
	}
	return join(words, " OR ")
}

func join(terms []term, sep string) string {
	parts := make([]string, len(terms))
	for i, t := range terms {
		parts[i] = t.String()
	}
	return strings.Join(parts, sep)
}

// parseTerms splits text into words and "phrases"; either may end in * for a
// beginning. A phrase that is not closed goes on to the end. Operators and
// column names of FTS5 are words like all others.
func parseTerms(text string) []term {
	if len(text) > maxQuery {
		text = text[:maxQuery]
	}
	text = strings.Map(printable, strings.ToValidUTF8(text, " "))
	var terms []term
	for text != "" && len(terms) < maxTerms {
		var t term
		t, text = nextTerm(text)
		if strings.ContainsFunc(t.text, isWordRune) {
			terms = append(terms, t)
		}
	}
	return terms
}

// nextTerm takes one term off the text.
func nextTerm(text string) (t term, rest string) {
	if phrase, ok := strings.CutPrefix(text, `"`); ok {
		t.text, rest, _ = strings.Cut(phrase, `"`)
		rest, t.prefix = strings.CutPrefix(rest, "*")
		return t, rest
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r == '"' || unicode.IsSpace(r) })
	switch end {
	case -1:
		t.text = text
	case 0:
		return t, text[1:] // printable has made all space one byte
	default:
		t.text, rest = text[:end], text[end:]
	}
	t.text, t.prefix = strings.CutSuffix(t.text, "*")
	return t, rest
}

// printable makes a space of what separates words or ends a C string.
func printable(r rune) rune {
	if unicode.IsSpace(r) || unicode.IsControl(r) {
		return ' '
	}
	return r
}

// isWordRune reports whether the tokenizer may see a word in it: letters,
// numbers and private use, the categories L*, N* and Co.
func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Co, r)
}
