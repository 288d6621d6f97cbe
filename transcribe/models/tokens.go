package models

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
)

// TokenCount is the size of the llama vocabulary. Moonshine's identifiers from
// here to 32767 stand for no text.
const TokenCount = 32000

// tokensStart is how the vocabulary begins in moonshine.min.js: a string
// literal that is the base 64 of "<unk>\n<s>\n</s>\n<0x00>\n...".
const tokensStart = `"PHVuaz4KPHM+Cjwvcz4K`

// extractTokens takes the vocabulary out of the minified JavaScript: one token
// a line, the line's number being its identifier.
func extractTokens(js []byte) ([]byte, error) {
	start := bytes.Index(js, []byte(tokensStart))
	if start < 0 {
		return nil, errors.New("no vocabulary")
	}
	literal := js[start+1:]
	before, _, ok := bytes.Cut(literal, []byte{'"'})
	if !ok {
		return nil, errors.New("vocabulary has no end")
	}
	text, err := base64.StdEncoding.AppendDecode(nil, before)
	if err != nil {
		return nil, fmt.Errorf("decode vocabulary: %w", err)
	}
	if n := bytes.Count(text, []byte("\n")) + 1; n != TokenCount {
		return nil, fmt.Errorf("vocabulary of %d tokens instead of %d", n, TokenCount)
	}
	return text, nil
}
