package media

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"

	"earshot"
)

// receiveBuffer is what the kernel may hold of a socket: seconds of speech, so
// that a busy machine loses nothing.
const receiveBuffer = 512 << 10

// ports hands out pairs of an even RTP port and the odd one after it
// (RFC 3550 11). It goes round the range, so that the port of a closed stream
// is the last to be used again and stray packets reach nobody. It begins
// anywhere, but two streams side by side: tools that replay captures (SIPp)
// count on the ports of a call being neighbours.
type ports struct {
	min, pairs int // the first even port and how many pairs there are

	mu   sync.Mutex
	next int
	used map[int]bool
}

func newPorts(low, high int) (*ports, error) {
	low += low % 2
	n := (high - low + 1) / 2
	if low < 2 || high > 65535 || n < 1 {
		return nil, fmt.Errorf("no pair of RTP ports between %d and %d", low, high)
	}
	return &ports{min: low, pairs: n, next: 2 * rand.IntN((n+1)/2), used: map[int]bool{}}, nil
}

// socketPair is two bound sockets.
type socketPair struct {
	port      int
	rtp, rtcp int
}

func (p socketPair) close() {
	_ = unix.Close(p.rtp)
	_ = unix.Close(p.rtcp)
}

// any binds the next free pair.
func (p *ports) any(ip netip.Addr) (socketPair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range p.pairs {
		port := p.min + 2*p.next
		p.next = (p.next + 1) % p.pairs
		if p.used[port] {
			continue
		}
		pair, err := bindPair(ip, port)
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			return pair, err
		}
		p.used[port] = true
		return pair, nil
	}
	return socketPair{}, earshot.ErrNoPorts
}

// take binds a certain pair; it may lie outside the range.
func (p *ports) take(ip netip.Addr, port int) (socketPair, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used[port] {
		return socketPair{}, fmt.Errorf("port %d: %w", port, earshot.ErrNoPorts)
	}
	pair, err := bindPair(ip, port)
	if errors.Is(err, unix.EADDRINUSE) {
		return pair, fmt.Errorf("port %d: %w", port, earshot.ErrNoPorts)
	}
	if err == nil {
		p.used[port] = true
	}
	return pair, err
}

func (p *ports) release(port int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, port)
}

// inUse returns how many pairs are taken, and how many there are.
func (p *ports) inUse() (used, all int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.used), p.pairs
}

func bindPair(ip netip.Addr, port int) (socketPair, error) {
	rtp, err := bindUDP(netip.AddrPortFrom(ip, uint16(port)))
	if err != nil {
		return socketPair{}, err
	}
	rtcp, err := bindUDP(netip.AddrPortFrom(ip, uint16(port+1)))
	if err != nil {
		_ = unix.Close(rtp)
		return socketPair{}, err
	}
	return socketPair{port: port, rtp: rtp, rtcp: rtcp}, nil
}

// bindUDP returns a non-blocking socket whose packets carry their time of
// arrival.
func bindUDP(local netip.AddrPort) (int, error) {
	family := unix.AF_INET
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	if err := setUp(fd, local); err != nil {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("bind %s: %w", local, err)
	}
	return fd, nil
}

func setUp(fd int, local netip.AddrPort) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return err
	}
	// Past net.core.rmem_max only with CAP_NET_ADMIN; less will do as well.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receiveBuffer) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
			return err
		}
	}
	return unix.Bind(fd, sockaddr(local))
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
