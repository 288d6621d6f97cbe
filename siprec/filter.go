package siprec

import (
	"bytes"
	"strings"

	"github.com/emiago/sipgo/sip"
)

// filter looks at each datagram before the library does: it mends line ends,
// and answers where the library would say nothing.
func (s *Server) filter(info sip.TransportReadProps, data []byte) ([]byte, error) {
	if !strings.EqualFold(info.Transport, "udp") || len(bytes.TrimSpace(data)) == 0 {
		return data, nil
	}
	mended := mendHeader(data)
	f := s.judge(info.RemoteAddr, mended)
	if f == nil {
		return mended, nil
	}
	s.turnAway("UDP", info.RemoteAddr, mended, f, func(res []byte) (int, error) { return s.udp.WriteTo(res, info.RemoteAddr) })
	return nil, nil
}

// mendHeader makes the line ends of the header CRLF, joins folded lines
// (RFC 3261 7.3.1), takes the blanks out of the headers that a transaction is
// known by, and leaves out lines that are no header. The body stays as it is,
// so that its length does.
func mendHeader(data []byte) []byte {
	end := headerEnd(data)
	if end < 0 {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	begin := 0 // of the present line in out
	for line := range bytes.Lines(data[:end]) {
		// A CR alone ends no line here, but might where the header is repeated.
		line = bytes.ReplaceAll(bytes.TrimRight(line, "\r\n"), []byte("\r"), []byte(" "))
		first := len(out) == 0
		folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t')
		switch {
		case first:
			out = append(out, bytes.TrimRight(line, " \t")...)
		case folded && begin > 0:
			out = append(append(out[:len(out)-2], ' '), bytes.TrimLeft(line, " \t")...)
			out = append(out[:begin], tidy(out[begin:])...)
		case len(line) > 0 && bytes.IndexByte(line, ':') < 1:
			continue
		default:
			begin = len(out)
			out = append(out, tidy(line)...)
		}
		out = append(out, "\r\n"...)
	}
	return append(out, data[end:]...)
}

// tidy takes the blanks around separators out of a Via, From or To, which the
// grammar allows there (RFC 3261 25.1) and the library takes for a part of
// names. What is quoted or in angle brackets stays.
func tidy(line []byte) []byte {
	name, value, _ := bytes.Cut(line, []byte(":"))
	switch strings.ToLower(string(bytes.TrimSpace(name))) {
	case "via", "v", "from", "f", "to", "t":
	default:
		return line
	}
	if !bytes.ContainsAny(bytes.TrimSpace(value), " \t") {
		return line
	}
	out := append(make([]byte, 0, len(line)), line[:len(name)+1]...)
	quoted, angle := false, false
	for i := len(name) + 1; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quoted && i+1 < len(line):
			out = append(out, c)
			i++
			c = line[i]
		case c == '"' && !angle:
			quoted = !quoted
		case quoted:
		case c == '<' || c == '>':
			angle = c == '<'
		case angle:
		case strings.IndexByte(";=/,", c) >= 0:
			out = bytes.TrimRight(out, " \t")
		case (c == ' ' || c == '\t') && strings.IndexByte(";=/,", out[len(out)-1]) >= 0:
			continue
		}
		out = append(out, c)
	}
	return out
}
