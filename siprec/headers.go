package siprec

import (
	"net/textproto"
	"strings"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// HeaderSpace is the namespace of what header fields say about a call.
const HeaderSpace = "sip"

// Limits of the header fields that are kept of a request.
const (
	maxHeaders     = 32
	maxHeaderValue = 512
)

// tellingHeaders say something about the communication session: who called
// whom, by which way, and what others call it. Those that begin with X- do
// too. None of them carries credentials.
var tellingHeaders = map[string]string{
	"user-to-user": "User-to-User", // RFC 7433
	"cisco-gucid":  "Cisco-Gucid", "cisco-guid": "Cisco-Guid",
	"session-id":          "Session-ID",   // RFC 7989
	"diversion":           "Diversion",    // RFC 5806
	"history-info":        "History-Info", // RFC 7044
	"p-asserted-identity": "P-Asserted-Identity", "p-called-party-id": "P-Called-Party-ID",
	"remote-party-id": "Remote-Party-ID", "call-info": "Call-Info", "organization": "Organization",
}

// secretWords are the words that no kept X- header has in its name: some
// clients put credentials of their own into such.
var secretWords = []string{"auth", "token", "secret", "password", "key", "cookie", "credential"}

// headersOfCall returns the header fields of a request that say something
// about the communication session, values as they came but on one line.
func headersOfCall(req *sip.Request) []earshot.Extension {
	var out []earshot.Extension
	for _, h := range req.Headers() {
		name := tellingName(h.Name())
		value := strings.Join(strings.Fields(h.Value()), " ")
		if name == "" || value == "" || len(value) > maxHeaderValue {
			continue
		}
		if out = append(out, earshot.Extension{Space: HeaderSpace, Name: name, Value: value}); len(out) == maxHeaders {
			break
		}
	}
	return out
}

// tellingName returns the name of a header that is kept as it is always
// written; "" for others.
func tellingName(name string) string {
	lower := strings.ToLower(name)
	if known := tellingHeaders[lower]; known != "" {
		return known
	}
	if !strings.HasPrefix(lower, "x-") {
		return ""
	}
	for _, word := range secretWords {
		if strings.Contains(lower, word) {
			return ""
		}
	}
	return textproto.CanonicalMIMEHeaderKey(name)
}
