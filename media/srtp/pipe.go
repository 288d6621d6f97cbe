package srtp

import (
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/transport/v5/deadline"
)

// pipeLength is how many datagrams wait for the handshake; more are lost, and
// come again.
const pipeLength = 32

// pipe is the socket of one association: what others read from the real one.
type pipe struct {
	peer net.Addr
	send func([]byte) error
	in   chan []byte
	over chan struct{}
	once sync.Once
	read *deadline.Deadline
}

var _ net.PacketConn = (*pipe)(nil)

func newPipe(peer netip.AddrPort, send func([]byte) error) *pipe {
	return &pipe{
		peer: net.UDPAddrFromAddrPort(peer), send: send,
		in: make(chan []byte, pipeLength), over: make(chan struct{}), read: deadline.New(),
	}
}

func (p *pipe) deliver(b []byte) {
	select {
	case p.in <- append([]byte(nil), b...):
	default:
	}
}

func (p *pipe) shut() { p.once.Do(func() { close(p.over) }) }

// ReadFrom implements net.PacketConn.
func (p *pipe) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case in := <-p.in:
		return copy(b, in), p.peer, nil
	case <-p.over:
		return 0, nil, io.EOF
	case <-p.read.Done():
		return 0, nil, p.read.Err()
	}
}

// WriteTo implements net.PacketConn. A datagram that cannot be sent is one that
// was lost on its way.
func (p *pipe) WriteTo(b []byte, _ net.Addr) (int, error) {
	_ = p.send(b)
	return len(b), nil
}

// Close implements net.PacketConn.
func (p *pipe) Close() error {
	p.shut()
	return nil
}

// LocalAddr implements net.PacketConn.
func (*pipe) LocalAddr() net.Addr { return &net.UDPAddr{} }

// SetDeadline implements net.PacketConn.
func (p *pipe) SetDeadline(t time.Time) error { return p.SetReadDeadline(t) }

// SetReadDeadline implements net.PacketConn.
func (p *pipe) SetReadDeadline(t time.Time) error {
	p.read.Set(t)
	return nil
}

// SetWriteDeadline implements net.PacketConn: nothing waits to be sent.
func (*pipe) SetWriteDeadline(time.Time) error { return nil }
