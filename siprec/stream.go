package siprec

import (
	"bytes"
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"
)

const (
	// maxStreamMessage is the largest message taken from a connection.
	maxStreamMessage = 256 << 10
	// strangerPatience is how long a connection of a stranger may stay silent,
	// maxStrangers how many of them there may be at a time.
	strangerPatience = 10 * time.Second
	maxStrangers     = 64
	// maxStranger is the largest message taken from a stranger.
	maxStranger = 16 << 10
)

var errFraming = errors.New("end of SIP message is not known")

// newParser parses only the headers that no request can do without. The
// others are read where they are used, so that one that is malformed and not
// needed does not cost the message (RFC 3261 8.2.2).
func newParser() *sip.Parser {
	headers := maps.Clone(sip.DefaultHeadersParser())
	for _, name := range []string{"contact", "m", "route", "record-route", "refer-to", "referred-by", "max-forwards"} {
		delete(headers, name)
	}
	p := sip.NewParser(sip.WithHeadersParsers(headers))
	p.MaxMessageLength = maxStreamMessage
	return p
}

// streamListener gives the library connections of which each message is
// whole and can be parsed: a message that can't be would close the connection
// without an answer.
type streamListener struct {
	net.Listener
	s      *Server
	secure bool // with TLS
}

func (l streamListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &streamConn{Conn: conn, s: l.s, chunk: make([]byte, 16<<10)}
		if !l.s.allowed(conn.RemoteAddr().String()) {
			if l.s.guests.Add(1) > maxStrangers {
				l.s.guests.Add(-1)
				l.s.m.strangers.Inc()
				_ = conn.Close()
				continue
			}
			c.guest = true
			_ = conn.SetDeadline(time.Now().Add(strangerPatience))
		}
		if l.secure {
			c.Conn = l.s.secure(conn)
		}
		return c, nil
	}
}

// streamConn is one connection. Only its one reader touches the buffers.
type streamConn struct {
	net.Conn
	s      *Server
	guest  bool // of a stranger
	gone   sync.Once
	shaken bool // the TLS handshake is over
	chunk  []byte
	in     []byte // received, not yet a whole message
	out    []byte // a mended message, not yet handed on
}

// Read hands out messages that parse.
func (c *streamConn) Read(b []byte) (int, error) {
	if err := c.handshake(); err != nil {
		return 0, err
	}
	for len(c.out) == 0 {
		c.pong()
		message, rest, err := cutMessage(c.in)
		if err != nil {
			c.refuse(c.in, malformedBy("the end of the message is not known"))
			return 0, err
		}
		c.in = rest
		if message == nil {
			n, err := c.Conn.Read(c.chunk)
			if err != nil {
				return 0, err
			}
			c.in = append(c.in, c.chunk[:n]...)
			if c.guest && len(c.in) > maxStranger {
				return 0, errFraming
			}
			continue
		}
		mended := mendHeader(message)
		if f := c.s.judge(c.RemoteAddr(), mended); f != nil {
			c.refuse(mended, f)
			continue
		}
		c.out = mended
		c.received(mended)
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

// Close forgets who the client is.
func (c *streamConn) Close() error {
	c.gone.Do(func() {
		c.s.clients.Delete(c.RemoteAddr().String())
		if c.guest {
			c.s.guests.Add(-1)
		}
	})
	return c.Conn.Close()
}

// pong answers a keep-alive between messages (RFC 5626 4.4.1).
func (c *streamConn) pong() {
	if string(c.in) == "\r\n\r\n" {
		c.in = nil
		_, _ = c.Write([]byte("\r\n"))
	}
}

func (c *streamConn) refuse(message []byte, f *fault) {
	c.s.turnAway(c.transport(), c.RemoteAddr(), mendHeader(message), f, c.Write)
}

// cutMessage takes the first message off a stream, as long as its
// Content-Length says; nil while it is not whole. An error means that the
// stream can't be read any further.
func cutMessage(in []byte) (message, rest []byte, err error) {
	in = toStartLine(in)
	head := headerEnd(in)
	if head < 0 {
		if len(in) > maxStreamMessage {
			return nil, in, errFraming
		}
		return nil, in, nil
	}
	length, ok := contentLength(mendHeader(in[:head])) // as the library will see it
	if !ok || head+length > maxStreamMessage {
		return nil, in, errFraming
	}
	if len(in) < head+length {
		return nil, in, nil
	}
	return bytes.Clone(in[:head+length]), in[head+length:], nil
}

// toStartLine drops whole lines before a start-line: empty ones (RFC 3261
// 7.5), and what is left of a message that was longer than it said.
func toStartLine(in []byte) []byte {
	if len(in) <= 4 {
		return in // may be a keep-alive
	}
	for {
		line, rest, whole := bytes.Cut(in, []byte("\n"))
		text := bytes.TrimRight(line, " \t\r")
		version := text[bytes.LastIndexByte(text, ' ')+1:]
		if !whole || len(version) < len(text) && bytes.HasPrefix(version, []byte("SIP/")) || bytes.HasPrefix(text, []byte("SIP/2.0 ")) {
			return in
		}
		in = rest
	}
}

// headerEnd is where the body begins, -1 while the empty line is not there.
func headerEnd(data []byte) int {
	at := 0
	for line := range bytes.Lines(data) {
		at += len(line)
		if line[len(line)-1] == '\n' && len(bytes.TrimRight(line, "\r\n")) == 0 {
			return at
		}
	}
	return -1
}

func contentLength(head []byte) (int, bool) {
	for line := range bytes.Lines(head) {
		name, value, ok := strings.Cut(string(line), ":")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "content-length", "l":
			n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31)
			return int(n), ok && err == nil
		}
	}
	return 0, false
}
