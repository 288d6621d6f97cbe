package siprec

import (
	"crypto/tls"
	"net"
)

// tracedPackets is the socket of UDP, whose datagrams the trace sees.
type tracedPackets struct {
	net.PacketConn
	trace *trace
}

// ReadFrom implements [net.PacketConn].
func (c tracedPackets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := c.PacketConn.ReadFrom(b)
	if err == nil {
		c.trace.see(false, "UDP", from, c.LocalAddr(), b[:n])
	}
	return n, from, err
}

// WriteTo implements [net.PacketConn].
func (c tracedPackets) WriteTo(b []byte, to net.Addr) (int, error) {
	c.trace.see(true, "UDP", to, c.LocalAddr(), b) // first, since the answer may be here before we are back
	return c.PacketConn.WriteTo(b, to)
}

// Write sends a message, of which the library makes one write.
func (c *streamConn) Write(b []byte) (int, error) {
	c.s.trace.see(true, c.transport(), c.RemoteAddr(), c.LocalAddr(), b)
	return c.Conn.Write(b)
}

// received tells the trace of a message that was read.
func (c *streamConn) received(message []byte) {
	c.s.trace.see(false, c.transport(), c.RemoteAddr(), c.LocalAddr(), message)
}

func (c *streamConn) transport() string {
	if _, secure := c.Conn.(*tls.Conn); secure {
		return "TLS"
	}
	return "TCP"
}
