package siprec

import (
	"bytes"
	"fmt"
	"strings"
)

// redactBody hides the keys of SDP and, unless they are wanted, the metadata;
// of any other body it says what it was.
func redactBody(kind string, body []byte, mode Trace) string {
	if len(body) == 0 {
		return ""
	}
	media, _, _ := strings.Cut(kind, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); {
	case media == "application/sdp":
		return redactSDP(body, mode)
	case strings.HasPrefix(media, "multipart/"):
		return redactParts(kind, body, mode)
	case strings.HasPrefix(media, "application/rs-metadata"):
		if mode == TraceFull {
			return string(body)
		}
		return fmt.Sprintf("[rs-metadata, %d bytes]\r\n", len(body))
	default:
		return fmt.Sprintf("[%s, %d bytes]\r\n", media, len(body))
	}
}

func redactSDP(body []byte, mode Trace) string {
	var b strings.Builder
	for line := range bytes.Lines(body) {
		text := strings.TrimRight(string(line), "\r\n")
		low := strings.ToLower(text)
		switch {
		case strings.HasPrefix(low, "a=crypto:"):
			text = mediaKey.ReplaceAllString(text, "${1}"+hidden)
		case strings.HasPrefix(low, "k="), strings.HasPrefix(low, "a=ice-pwd:"), strings.HasPrefix(low, "a=key-mgmt:"):
			at := strings.IndexAny(text, ":=") + 1
			if low[0] == 'a' {
				at = strings.IndexByte(text, ':') + 1
			}
			text = text[:at] + hidden
		case mode == TraceFull:
		case strings.HasPrefix(low, "e="), strings.HasPrefix(low, "p="), strings.HasPrefix(low, "i="), strings.HasPrefix(low, "s="):
			text = text[:2] + mask(text[2:])
		case strings.HasPrefix(low, "o="):
			user, rest, _ := strings.Cut(text[2:], " ")
			text = "o=" + mask(user) + " " + rest
		case strings.HasPrefix(low, "a=x-") || strings.HasPrefix(low, "u="):
			text = longNumber.ReplaceAllStringFunc(redactURIs(text, mode), mask)
		}
		b.WriteString(text + "\r\n")
	}
	return b.String()
}

// redactParts does the same with each part of a multipart body. Without a
// boundary in the Content-Type the first line that looks like one is it.
func redactParts(kind string, body []byte, mode Trace) string {
	fence := ""
	if m := boundaryOf.FindStringSubmatch(kind); m != nil {
		fence = "--" + m[1] + m[2]
	}
	var b strings.Builder
	var part []byte
	partKind, inHead, preamble := "", false, true
	for line := range bytes.Lines(body) {
		text := strings.TrimRight(string(line), "\r\n \t")
		if fence == "" && strings.HasPrefix(text, "--") {
			fence = text
		}
		switch {
		case fence != "" && (text == fence || text == fence+"--"):
			b.WriteString(redactBody(partKind, part, mode) + text + "\r\n")
			part, partKind, preamble, inHead = nil, "", false, true
		case preamble:
		case inHead && text == "":
			inHead = false
			b.WriteString("\r\n")
		case inHead:
			name, value, _ := strings.Cut(text, ":")
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "content-type" || name == "c" {
				partKind = value
			}
			b.WriteString(redactValue(name, text, mode) + "\r\n")
		default:
			part = append(part, line...)
		}
	}
	return b.String() + redactBody(partKind, part, mode)
}
