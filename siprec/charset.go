package siprec

import (
	"bytes"
	"encoding/binary"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var declaredEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']`)

// utf8Text returns a document in UTF-8. The charset of its MIME type goes
// before what the XML says of itself (RFC 7865 5.1, RFC 7303 3.2). What is said
// to be UTF-8 and is not is read as what old systems write instead: a name with
// an umlaut is not to cost the rest. Characters that XML does not know are
// blanks.
func utf8Text(body []byte, charset string) []byte {
	if text, ok := fromUTF16(body); ok {
		body = text
	} else {
		if m := declaredEncoding.FindSubmatch(body); charset == "" && m != nil {
			charset = string(m[1])
		}
		if singleOctet(charset) || !utf8.Valid(body) {
			body = fromWindows1252(body)
		}
	}
	return bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return ' '
		}
		return r
	}, body)
}

// singleOctet reports whether a charset has an octet for a character. Windows'
// own is what those who say ISO-8859-1 write.
func singleOctet(charset string) bool {
	switch strings.ToLower(strings.Trim(charset, `"' `)) {
	case "iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1", "windows-1252", "cp1252":
		return true
	}
	return false
}

// fromUTF16 reads a document that begins with a byte order mark of UTF-16.
func fromUTF16(body []byte) ([]byte, bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}):
		order = binary.LittleEndian
	case bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	default:
		return nil, false
	}
	units := make([]uint16, 0, len(body)/2)
	for i := 2; i+1 < len(body); i += 2 {
		units = append(units, order.Uint16(body[i:]))
	}
	return []byte(string(utf16.Decode(units))), true
}

// windows1252 are the characters from 0x80 to 0x9f; from 0xa0 on they are
// those of Unicode.
const windows1252 = "€\ufffd‚ƒ„…†‡ˆ‰Š‹Œ\ufffdŽ\ufffd\ufffd‘’“”•–—˜™š›œ\ufffdžŸ"

func fromWindows1252(body []byte) []byte {
	high := []rune(windows1252)
	out := make([]byte, 0, len(body)+len(body)/8)
	for _, c := range body {
		r := rune(c)
		if c >= 0x80 && c < 0xa0 {
			r = high[c-0x80]
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
