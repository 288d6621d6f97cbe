package siprec

import (
	"bytes"
	"net"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// filter looks at each datagram before the library does: it mends line ends,
// and answers 400 where the library would say nothing.
func (s *Server) filter(info sip.TransportReadProps, data []byte) ([]byte, error) {
	if !strings.EqualFold(info.Transport, "udp") || len(bytes.TrimSpace(data)) == 0 {
		return data, nil
	}
	mended := mendHeader(data)
	if _, err := s.parser.ParseSIP(mended); err == nil {
		return mended, nil
	}
	s.m.unparsable.Inc()
	status := 0
	if res := badRequest(mended); res != nil && s.allowed(info.RemoteAddr.String()) {
		s.writeRaw(res, info.RemoteAddr)
		status = 400
	}
	s.trace.unparsable("UDP", info.RemoteAddr, mended, status)
	return nil, nil
}

func (s *Server) writeRaw(res []byte, to net.Addr) {
	if _, err := s.udp.WriteTo(res, to); err == nil {
		s.m.responses.WithLabelValues("400").Inc()
	}
}

// mendHeader makes the line ends of the header CRLF and leaves out lines that
// are no header. The body stays as it is, so that its length does.
func mendHeader(data []byte) []byte {
	end := headerEnd(data)
	if end < 0 {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for line := range bytes.Lines(data[:end]) {
		line = bytes.TrimRight(line, "\r\n")
		first := len(out) == 0
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		if len(line) > 0 && !first && !folded && bytes.IndexByte(line, ':') < 1 {
			continue
		}
		out = append(append(out, line...), "\r\n"...)
	}
	return append(out, data[end:]...)
}

// badRequest answers a request that can't be parsed, from the headers that
// every response repeats (RFC 3261 8.2.6.2). It is nil for what is not a
// request, for an ACK, and without a Via to answer to.
func badRequest(data []byte) []byte {
	head, _, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	if !strings.HasSuffix(lines[0], " SIP/2.0") || strings.HasPrefix(lines[0], "ACK ") {
		return nil
	}
	var b strings.Builder
	b.WriteString("SIP/2.0 400 Bad Request\r\n")
	via := false
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "via", "v":
			via = true
		case "to", "t":
			if !strings.Contains(value, "tag=") {
				line += ";tag=unparsable"
			}
		case "from", "f", "call-id", "i", "cseq":
		default:
			continue
		}
		b.WriteString(line + "\r\n")
	}
	if !via {
		return nil
	}
	b.WriteString("Warning: 399 earshot \"the request can not be parsed\"\r\nContent-Length: 0\r\n\r\n")
	return []byte(b.String())
}
