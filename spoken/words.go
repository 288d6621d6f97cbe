package spoken

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Word is one word of a text.
type Word struct {
	// Text is the word as written, without the punctuation around it; a currency
	// sign before and a per cent sign behind belong to it.
	Text string
	// Norm is Text in lower case with plain apostrophes and, in abbreviations
	// such as "p.m.", without dots.
	Norm string
	// Start and End are the bytes of Text in the text.
	Start, End int
	// Glued says that nothing but a hyphen stands before the word: "555-0142".
	Glued bool
	// Comma and Stop say that a comma or the end of a sentence follows. Question
	// is set when that end is a question mark.
	Comma, Stop, Question bool
}

// Words cuts a text into words. Hyphens separate words, but not those of
// addresses such as "e-mail" or "jo-ann@example.com".
func Words(text string) []Word {
	out := make([]Word, 0, len(text)/5+1)
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(r) || isDash(r) && r != '-' {
			i += n
			continue
		}
		end := i
		for end < len(text) {
			r, n := utf8.DecodeRuneInString(text[end:])
			if unicode.IsSpace(r) || isDash(r) && r != '-' {
				break
			}
			end += n
		}
		out = appendToken(out, text, i, end)
		i = end
	}
	return out
}

func isDash(r rune) bool { return r == '-' || r == '\u2013' || r == '\u2014' }

// appendToken appends the words of text[start:end], which has no white space.
func appendToken(out []Word, text string, start, end int) []Word {
	token := text[start:end]
	if strings.ContainsRune(token, '@') {
		return appendWord(out, text, start, end, false)
	}
	if low := strings.ToLower(strings.TrimLeft(token, "(\"'")); strings.HasPrefix(low, "e-mail") {
		return appendWord(out, text, start, end, false)
	}
	if isISODate(token) || isOldDay(token) {
		return appendWord(out, text, start, end, false)
	}
	glued := false
	for at := start; at < end; {
		cut := strings.IndexAny(text[at:end], "-\u2026")
		if dots := strings.Index(text[at:end], ".."); dots >= 0 && (cut < 0 || dots < cut) {
			cut = dots
		}
		if comma := digitComma(text[at:end]); comma >= 0 && (cut < 0 || comma < cut) {
			cut = comma
		}
		stop := end
		if cut >= 0 {
			stop = at + cut
		}
		if stop > at {
			before := len(out)
			out = appendWord(out, text, at, stop, glued)
			if len(out) > before && stop < end && strings.HasPrefix(text[stop:], "..") {
				out[len(out)-1].Comma = true
			}
		}
		if stop == end {
			break
		}
		glued = text[stop] == '-' && stop > start
		_, n := utf8.DecodeRuneInString(text[stop:])
		at = stop + n
	}
	return out
}

// digitComma finds the first comma of a list of single digits: "4,5,8". The
// comma of "1,250" is part of the number.
func digitComma(s string) int {
	for i := 1; i+1 < len(s); i++ {
		if s[i] != ',' || !isDigit(s[i-1]) || !isDigit(s[i+1]) {
			continue
		}
		rest := s[i+1:]
		n := 0
		for n < len(rest) && isDigit(rest[n]) {
			n++
		}
		if n != 3 {
			return i
		}
	}
	return -1
}

// isOldDay reports whether a token is "to-day", "to-morrow" or "to-night", as
// recognisers that were taught with old books write them.
func isOldDay(s string) bool {
	switch strings.ToLower(strings.TrimRight(s, ".,;:?!")) {
	case "to-day", "to-morrow", "to-night", "to-day's", "to-morrow's":
		return true
	}
	return false
}

func isISODate(s string) bool {
	s = strings.TrimRight(s, ".,;?!")
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	return allDigits(s[:4]) && allDigits(s[5:7]) && allDigits(s[8:])
}

func appendWord(out []Word, text string, start, end int, glued bool) []Word {
	whole := text[start:end]
	for start < end {
		r, n := utf8.DecodeRuneInString(text[start:end])
		if isWordRune(r) || isCurrency(r) || r == '+' {
			break
		}
		start += n
	}
	w := Word{Start: start, Glued: glued}
	stop := end
	for stop > start {
		r, n := utf8.DecodeLastRuneInString(text[start:stop])
		if isWordRune(r) || r == '%' || isCurrency(r) {
			break
		}
		switch r {
		case '.', '!', '?', ':':
			w.Stop = w.Stop || r != ':'
			w.Comma = w.Comma || r == ':'
			w.Question = w.Question || r == '?'
		case ',', ';':
			w.Comma = true
		}
		stop -= n
	}
	if stop <= start {
		return closeWord(out, whole)
	}
	w.Text, w.End = text[start:stop], stop
	w.Norm = normWord(w.Text)
	w.Stop = w.Stop && !IsTitle(w.Norm)
	return append(out, w)
}

// IsTitle reports whether a word, as in [Word.Norm], stands before a surname and
// may have a full stop that ends nothing.
func IsTitle(w string) bool {
	switch w {
	case "mr", "mrs", "ms", "dr", "prof":
		return true
	}
	return false
}

// closeWord lets punctuation that stands alone count for the word before it.
func closeWord(out []Word, marks string) []Word {
	if len(out) == 0 {
		return out
	}
	last := &out[len(out)-1]
	last.Stop = last.Stop || strings.ContainsAny(marks, ".!?")
	last.Question = last.Question || strings.Contains(marks, "?")
	last.Comma = last.Comma || strings.ContainsAny(marks, ",;:")
	return out
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '\u2022'
}

func isCurrency(r rune) bool { return r == '$' || r == '€' || r == '£' || r == '¥' || r == '₹' }

func normWord(s string) string {
	s = strings.ToLower(strings.Map(func(r rune) rune {
		if r == '\u2019' || r == '\u2018' || r == '\u02bc' {
			return '\''
		}
		return r
	}, s))
	if isOldDay(s) {
		return strings.Replace(s, "-", "", 1)
	}
	if isAbbreviation(s) {
		s = strings.ReplaceAll(s, ".", "")
	}
	return s
}

// isAbbreviation reports whether s is single letters with dots between: "p.m".
func isAbbreviation(s string) bool {
	if len(s) < 3 || len(s)%2 == 0 {
		return false
	}
	for i := range len(s) {
		if letter := s[i] >= 'a' && s[i] <= 'z'; letter != (i%2 == 0) || !letter && s[i] != '.' {
			return false
		}
	}
	return true
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }

func allDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}
