package moonshine

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// firstText is the lowest identifier that stands for text; below it are
// unknown, beginning and end.
const firstText = 3

// endToken ends an utterance, startToken begins it.
const (
	startToken = 1
	endToken   = 2
)

// vocabulary turns token identifiers into text.
type vocabulary struct {
	// pieces are the bytes a token stands for, by identifier.
	pieces []string
}

// newVocabulary reads one token a line, the line's number being its
// identifier. U+2581 stands for a space, <0xNN> for a single byte.
func newVocabulary(lines []byte) (*vocabulary, error) {
	if !utf8.Valid(lines) {
		return nil, errors.New("tokens: not UTF-8")
	}
	v := &vocabulary{pieces: strings.Split(string(lines), "\n")}
	if len(v.pieces) <= firstText {
		return nil, fmt.Errorf("tokens: only %d lines", len(v.pieces))
	}
	for i, p := range v.pieces {
		if i < firstText {
			v.pieces[i] = ""
			continue
		}
		if b, ok := byteToken(p); ok {
			v.pieces[i] = string([]byte{b})
			continue
		}
		v.pieces[i] = strings.ReplaceAll(p, "\u2581", " ")
	}
	return v, nil
}

// byteToken reads "<0xNN>".
func byteToken(s string) (byte, bool) {
	hex, ok := strings.CutPrefix(s, "<0x")
	if !ok || len(hex) != 3 || hex[2] != '>' {
		return 0, false
	}
	n, err := strconv.ParseUint(hex[:2], 16, 8)
	return byte(n), err == nil
}

// text joins the tokens. Identifiers beyond the vocabulary carry no text;
// bytes that are not UTF-8 are left out; runs of white space become one space.
func (v *vocabulary) text(ids []int64) string {
	var b strings.Builder
	for _, id := range ids {
		if id >= 0 && id < int64(len(v.pieces)) {
			b.WriteString(v.pieces[id])
		}
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(b.String(), "")), " ")
}

// digits reports whether the tokens are digits, with no more than blanks and
// punctuation around them.
func (v *vocabulary) digits(ids []int64) bool {
	found := false
	for _, r := range v.text(ids) {
		if unicode.IsLetter(r) {
			return false
		}
		found = found || unicode.IsDigit(r)
	}
	return found
}
