package media

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// maxBatches is how much of one socket is read in a tick, so that a flood at
// one port does not keep the others waiting.
const maxBatches = 4

// While keys are agreed on, packets are read as soon as they come: for so long
// after each step of a handshake the next one is awaited.
const (
	hurriedTick = 5 * time.Millisecond
	hurryFor    = time.Second
)

// socket is one bound socket of a stream.
type socket struct {
	fd     int
	stream *Stream
	rtcp   bool
}

// poller drains many sockets on one thread.
type poller struct {
	clock  clock
	tick   time.Duration
	epoll  int
	wake   int
	stamps int
	closed sync.Once
	// hurried is until when the poller hurries, in nanoseconds of its clock.
	hurried atomic.Int64

	mu      sync.Mutex
	sockets map[int32]*socket
}

func newPoller(c clock, tick time.Duration) (*poller, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, wake, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(wake)})
	}
	if err != nil {
		_ = unix.Close(epoll)
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{clock: c, tick: tick, epoll: epoll, wake: wake, stamps: keepStamping(), sockets: map[int32]*socket{}}, nil
}

// keepStamping holds a socket that asks for time stamps. The kernel begins to
// stamp packets a moment after the first socket asks, and stops after the last
// one: the first packets of the only stream would be stamped when they are
// read. -1 if there is no such socket, which is no harm.
func keepStamping() int {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1) != nil {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// add begins to drain the sockets.
func (p *poller) add(sockets ...*socket) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, s := range sockets {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(s.fd)}
		if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, s.fd, &event); err != nil {
			for _, s := range sockets[:i] {
				p.drop(s)
			}
			return fmt.Errorf("epoll: %w", err)
		}
		p.sockets[event.Fd] = s
	}
	return nil
}

// remove stops draining the sockets. A drain under way may still end.
func (p *poller) remove(sockets ...*socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range sockets {
		p.drop(s)
	}
}

func (p *poller) drop(s *socket) {
	_ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, s.fd, nil) // gone with the socket at the latest
	delete(p.sockets, int32(s.fd))
}

// run drains until stop. Packets wait in their sockets for up to a tick, so
// that each turn reads many; their time of arrival is the kernel's.
func (p *poller) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := newBatch(p.clock)
	events := make([]unix.EpollEvent, 512)
	for {
		n, err := unix.EpollWait(p.epoll, events, -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			panic(fmt.Sprintf("media: epoll_wait: %v", err)) // EBADF, EFAULT, EINVAL: a bug
		}
		started := time.Now()
		for _, e := range events[:max(n, 0)] {
			if e.Fd == int32(p.wake) {
				return
			}
			if s := p.socket(e.Fd); s != nil {
				s.stream.drain(s, b, maxBatches)
			}
		}
		if n < len(events) {
			rest := unix.NsecToTimespec(int64(p.rest() - time.Since(started)))
			_ = unix.Nanosleep(&rest, nil) // cut short by a signal, it is early only
		}
	}
}

// hurry makes the poller read often: a handshake is under way, and what is said
// before its end may be lost.
func (p *poller) hurry() { p.hurried.Store(p.clock.now() + int64(hurryFor)) }

// rest returns how long packets may gather.
func (p *poller) rest() time.Duration {
	if p.clock.now() < p.hurried.Load() {
		return hurriedTick
	}
	return p.tick
}

func (p *poller) socket(fd int32) *socket {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sockets[fd]
}

// stop ends run.
func (p *poller) stop() {
	_, _ = unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

func (p *poller) close() {
	p.closed.Do(func() {
		_ = unix.Close(p.epoll)
		_ = unix.Close(p.wake)
		if p.stamps >= 0 {
			_ = unix.Close(p.stamps)
		}
	})
}
