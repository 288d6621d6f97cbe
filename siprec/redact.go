package siprec

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// Trace is how much of the SIP messages the ladder of a call keeps.
type Trace string

// The settings of the ladder. Digest answers and media keys are never kept.
const (
	// TraceRedacted leaves out whom the call was with: the users of URIs and
	// display names but for their last three characters, and the metadata.
	TraceRedacted Trace = "redacted"
	// TraceFull keeps both.
	TraceFull Trace = "full"
	// TraceOff keeps nothing.
	TraceOff Trace = "off"
)

const (
	// maxTraceText is the most that is kept of one message in octets.
	maxTraceText = 16 << 10
	// shown is how many characters of a number stay readable.
	shown  = 3
	hidden = "[hidden]"
)

var (
	// Up to the @ all is user, since a user may hold nearly any sign (RFC 3261 25.1).
	sipUser     = regexp.MustCompile(`(?i)\b(sips?:)([^\s@<>"]+)@`)
	telNumber   = regexp.MustCompile(`(?i)\b(tel:)([^\s<>;,"?]+)`)
	bareUser    = regexp.MustCompile(`[^\s@<>;,:="?&]+@`)
	addrParam   = regexp.MustCompile(`(?i)([a-z-]*(?:addr|number)=)([^;>,\s"&?]+)`)
	displayName = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)
	longNumber  = regexp.MustCompile(`\b\d[\d\-()]{5,}\d\b`)
	mediaKey    = regexp.MustCompile(`(?i)(inline:)[^|\s;]+`)
	boundaryOf  = regexp.MustCompile(`(?i)boundary=(?:"([^"]+)"|([^;\s"]+))`)
)

// structural are headers that name no one; a long number in them is a tag, a
// time or a length.
var structural = set("via", "v", "cseq", "call-id", "i", "content-type", "c", "content-length", "l", "content-disposition",
	"content-encoding", "e", "max-forwards", "require", "supported", "k", "allow", "accept", "accept-encoding",
	"accept-language", "unsupported", "proxy-require", "mime-version", "date", "timestamp", "expires", "min-expires",
	"session-expires", "x", "min-se", "retry-after", "rseq", "rack", "user-agent", "server", "warning", "session-id",
	"www-authenticate", "proxy-authenticate", "reason", "recv-info", "allow-events", "u", "event", "o")

// secret are headers that prove who sends.
var secret = set("authorization", "proxy-authorization", "authentication-info", "proxy-authentication-info", "identity", "y",
	"x-api-key", "cookie")

// personal are headers whose value is opaque and may be about a customer.
var personal = set("user-to-user", "x-user-to-user", "subject", "s", "call-info", "geolocation")

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// redact returns the text of a message as the ladder keeps it. The message
// need not be one that can be parsed.
func redact(message []byte, mode Trace) string {
	end := headerEnd(message)
	body := []byte(nil)
	head := message
	if end >= 0 {
		head, body = message[:end], message[end:]
	}
	var b strings.Builder
	kind, name := "", ""
	first := true
	for line := range bytes.Lines(head) {
		text := strings.TrimRight(string(line), "\r\n")
		folded := !first && text != "" && (text[0] == ' ' || text[0] == '\t')
		switch {
		case first:
			text = redactURIs(text, mode)
		case folded:
			text = " " + redactValue(name, text[1:], mode)
		default:
			n, value, ok := strings.Cut(text, ":")
			if !ok {
				text = redactValue("", text, mode)
				break
			}
			name = strings.ToLower(strings.TrimSpace(n))
			if name == "content-type" || name == "c" {
				kind = value
			}
			text = n + ":" + redactValue(name, value, mode)
		}
		first = false
		b.WriteString(text + "\r\n")
		if b.Len() > maxTraceText {
			return cutText(b.String())
		}
	}
	b.WriteString(redactBody(kind, body, mode))
	return cutText(b.String())
}

func cutText(s string) string {
	if len(s) > maxTraceText {
		s = s[:maxTraceText] + "[cut]"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// redactValue hides what a header must not show.
func redactValue(name, value string, mode Trace) string {
	switch {
	case secret[name]:
		scheme, _, found := strings.Cut(strings.TrimLeft(value, " \t"), " ")
		if !found || strings.ContainsAny(scheme, `=",`) {
			return " " + hidden
		}
		return " " + scheme + " " + hidden
	case mode == TraceFull:
		return value
	case personal[name]:
		return fmt.Sprintf(" [%d bytes]", len(value))
	case structural[name]:
		return value
	}
	value = displayName.ReplaceAllStringFunc(value, func(q string) string {
		inner := strings.Trim(q, `"`)
		return `"` + mask(inner) + `"`
	})
	value = redactURIs(value, mode)
	value = redactDisplay(value)
	if numbersAreTags(name) {
		return value
	}
	return longNumber.ReplaceAllStringFunc(value, mask)
}

// numbersAreTags says that a long number outside of the URI of a header is
// no telephone number, but what the dialog is known by.
func numbersAreTags(name string) bool {
	switch name {
	case "from", "f", "to", "t", "contact", "m", "route", "record-route":
		return true
	}
	return false
}

// redactDisplay hides a display name without quotes before a <.
func redactDisplay(value string) string {
	at := strings.IndexByte(value, '<')
	if at < 0 {
		return value
	}
	name := strings.TrimSpace(value[:at])
	if name == "" || strings.HasPrefix(name, `"`) {
		return value
	}
	return " " + mask(name) + " " + value[at:]
}

// redactURIs hides the users of URIs and what a parameter calls an address.
func redactURIs(text string, mode Trace) string {
	if mode == TraceFull {
		return text
	}
	text = sipUser.ReplaceAllStringFunc(text, func(uri string) string {
		scheme, user, _ := strings.Cut(strings.TrimSuffix(uri, "@"), ":")
		user, _, _ = strings.Cut(user, ";")
		user, _, _ = strings.Cut(user, ":") // a password
		return scheme + ":" + mask(user) + "@"
	})
	text = telNumber.ReplaceAllStringFunc(text, func(uri string) string {
		scheme, number, _ := strings.Cut(uri, ":")
		return scheme + ":" + mask(number)
	})
	text = addrParam.ReplaceAllStringFunc(text, func(param string) string {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(name, "maddr") { // a host (RFC 3261 19.1.1)
			return param
		}
		return name + "=" + mask(value)
	})
	return bareUser.ReplaceAllStringFunc(text, func(user string) string {
		return mask(strings.TrimSuffix(user, "@")) + "@"
	})
}

// mask makes an x of all but the last characters. Masking twice changes
// nothing.
func mask(s string) string {
	runes := []rune(s)
	for i := range max(0, len(runes)-shown) {
		if r := runes[i]; r != '+' && r != ' ' {
			runes[i] = 'x'
		}
	}
	return string(runes)
}
