package siprec

import (
	"bytes"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// single are the headers that say whose a message is and where it ends, of
// which it has one value (RFC 3261 7.3.1), by their short forms too.
var single = map[string]string{
	"call-id": "call-id", "i": "call-id", "cseq": "cseq", "from": "from", "f": "from", "to": "to", "t": "to",
	"content-length": "content-length", "l": "content-length", "content-type": "content-type", "c": "content-type",
}

// fault is why a message is answered before anything else looks at it, nil
// when it is sound.
type fault struct {
	status      int
	reason, why string
}

func malformedBy(why string) *fault { return &fault{400, "Bad Request", why} }

var forbidden = &fault{403, "Forbidden", "the sender is not among sip.peers"}

// judge decides whether the library gets to see a message. It makes a
// transaction of whatever request it sees, and looks up and calls the host of
// a Via when the connection is gone: not for strangers.
func (s *Server) judge(from net.Addr, message []byte) *fault {
	if !bytes.HasPrefix(message, []byte("SIP/")) && !s.allowed(from.String()) {
		return forbidden
	}
	return s.examine(message)
}

// turnAway answers a message that the library does not get to see, where it
// can be answered.
func (s *Server) turnAway(transport string, from net.Addr, message []byte, f *fault, write func([]byte) (int, error)) {
	if f == forbidden {
		s.m.strangers.Inc()
	} else {
		s.m.unparsable.Inc()
	}
	status := 0
	if res := answerTo(message, f); res != nil {
		s.m.responses.WithLabelValues(strconv.Itoa(f.status)).Inc()
		if _, err := write(res); err == nil {
			status = f.status
		}
	}
	if f == forbidden {
		return
	}
	s.trace.unparsable(transport, from, message, status, f.why)
}

// examine looks for what the library lets pass or gives up on without an
// answer (RFC 4475 3). A response that is not sound is only dropped.
func (s *Server) examine(message []byte) *fault {
	first, rest, _ := bytes.Cut(message, []byte("\r\n"))
	if !bytes.HasPrefix(first, []byte("SIP/")) {
		method, f := requestLine(string(first))
		if f == nil && method != "ACK" {
			f = headersOf(method, rest)
		}
		if f != nil {
			return f
		}
	}
	if _, err := s.parser.ParseSIP(message); err != nil {
		return malformedBy("the request can not be parsed")
	}
	return nil
}

// requestLine checks the first line (RFC 3261 7.1).
func requestLine(line string) (method string, f *fault) {
	fields := strings.Split(line, " ")
	version := fields[len(fields)-1]
	switch {
	case len(fields) < 3 || !strings.HasPrefix(version, "SIP/"):
		return "", malformedBy("the request can not be parsed")
	case version != "SIP/2.0":
		return fields[0], &fault{505, "Version Not Supported", "the version of SIP is not 2.0"}
	case len(fields) > 3:
		return fields[0], malformedBy("the request line has more than three parts")
	}
	scheme, _, found := strings.Cut(strings.ToLower(fields[1]), ":")
	if !found || strings.ContainsAny(scheme, "<>\"@") {
		return fields[0], malformedBy("the Request-URI is none")
	}
	if !slices.Contains([]string{"sip", "sips", "tel"}, scheme) {
		return fields[0], &fault{416, "Unsupported URI Scheme", "the Request-URI is not sip, sips or tel"}
	}
	return fields[0], nil
}

// headersOf checks the headers that every request has: one value each, and a
// CSeq of its own method (RFC 3261 8.1.1). A value that is repeated does no
// harm.
func headersOf(method string, rest []byte) *fault {
	seen := map[string]string{}
	last := ""
	for line := range bytes.Lines(rest) {
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			break
		}
		if text[0] == ' ' || text[0] == '\t' {
			if last != "" {
				seen[last] += " " + strings.TrimSpace(text)
			}
			continue
		}
		name, value, _ := strings.Cut(text, ":")
		last = single[strings.ToLower(strings.TrimSpace(name))]
		if last == "" {
			continue
		}
		value = strings.TrimSpace(value)
		if old, twice := seen[last]; twice && old != value {
			return malformedBy(last + " stands twice")
		}
		seen[last] = value
	}
	if cseq := strings.Fields(seen["cseq"]); len(cseq) == 2 && cseq[1] != method {
		return malformedBy("CSeq is of another method")
	}
	return nil
}

// checkAccept refuses who says that no answer of ours can be read (RFC 3261
// 21.4.7). Some clients name only the metadata there and mean no harm.
func checkAccept(req *sip.Request) *refusal {
	all := req.GetHeaders("Accept")
	if len(all) == 0 {
		return nil
	}
	for _, h := range all {
		for kind := range strings.SplitSeq(strings.ToLower(h.Value()), ",") {
			kind, _, _ = strings.Cut(strings.TrimSpace(kind), ";")
			kind = strings.TrimSpace(kind)
			if kind == "" || kind == "*/*" || strings.HasPrefix(kind, "application/") || strings.HasPrefix(kind, "multipart/") {
				return nil
			}
		}
	}
	return &refusal{406, "Not Acceptable", []string{"Warning", warning(399, "the answer is application/sdp")}}
}

// unreadable reports whether a Contact is there and names nobody. Without one
// (RFC 2543 allows that) and with one that only the library can't read,
// requests go to where the INVITE came from.
func unreadable(req *sip.Request) bool {
	value := headerOf(req, "Contact", "m")
	if value == "" || req.Contact() != nil {
		return false
	}
	_, rest, found := strings.Cut(value, "<")
	target, _, closed := strings.Cut(rest, ">")
	var uri sip.Uri
	return !found || !closed || sip.ParseUri(target, &uri) != nil
}

// answerTo makes the answer to a request that is not sound, from the headers
// that every response repeats (RFC 3261 8.2.6.2). It is nil for what is not a
// request, for an ACK, and without a Via to answer to.
func answerTo(data []byte, f *fault) []byte {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	at := strings.LastIndexByte(lines[0], ' ')
	if at < 0 || !strings.HasPrefix(lines[0][at+1:], "SIP/") || strings.HasPrefix(lines[0], "SIP/") || strings.HasPrefix(lines[0], "ACK ") {
		return nil
	}
	var b strings.Builder
	b.WriteString("SIP/2.0 " + strconv.Itoa(f.status) + " " + f.reason + "\r\n")
	via, repeated := false, false
	for _, line := range lines[1:] {
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if repeated {
				b.WriteString(line + "\r\n")
			}
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		repeated = true
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "via", "v":
			via = true
		case "to", "t":
			if !strings.Contains(value, "tag=") {
				line += ";tag=unparsable"
			}
		case "from", "f", "call-id", "i", "cseq":
		default:
			repeated = false
			continue
		}
		b.WriteString(line + "\r\n")
	}
	if !via {
		return nil
	}
	b.WriteString("Warning: " + warning(399, f.why) + "\r\nContent-Length: 0\r\n\r\n")
	return []byte(b.String())
}
