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
	mended := mendLineEnds(data)
	if _, err := sip.ParseMessage(mended); err == nil {
		return mended, nil
	}
	s.m.unparsable.Inc()
	if res := badRequest(mended); res != nil && s.allowed(info.RemoteAddr.String()) {
		s.writeRaw(res, info.RemoteAddr)
	}
	return nil, nil
}

func (s *Server) writeRaw(res []byte, to net.Addr) {
	if _, err := s.udp.WriteTo(res, to); err == nil {
		s.m.responses.WithLabelValues("400").Inc()
	}
}

// mendLineEnds makes the line ends of the header CRLF. The body stays as it
// is, so that its length does.
func mendLineEnds(data []byte) []byte {
	end := bytes.Index(data, []byte("\n\n"))
	if crlf := bytes.Index(data, []byte("\r\n\r\n")); end < 0 || (crlf >= 0 && crlf < end) {
		return data
	}
	head := bytes.ReplaceAll(data[:end], []byte("\r\n"), []byte("\n"))
	out := bytes.ReplaceAll(head, []byte("\n"), []byte("\r\n"))
	return append(append(out, "\r\n\r\n"...), data[end+2:]...)
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
