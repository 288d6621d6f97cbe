package media

import (
	"encoding/binary"
	"net/netip"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	batchSize    = 32
	datagramSize = 2048 // anything longer is not telephony
	controlSize  = 64
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// batch receives up to 32 datagrams by one system call, into memory of its
// own. It belongs to one goroutine.
type batch struct {
	clock    clock
	headers  [batchSize]mmsghdr
	iovecs   [batchSize]unix.Iovec
	names    [batchSize]unix.RawSockaddrInet6
	controls [batchSize][controlSize]byte
	data     [batchSize][datagramSize]byte
}

func newBatch(c clock) *batch {
	b := &batch{clock: c}
	for i := range b.headers {
		b.iovecs[i].Base = &b.data[i][0]
		b.iovecs[i].SetLen(datagramSize)
		h := &b.headers[i].header
		h.Name = (*byte)(unsafe.Pointer(&b.names[i]))
		h.Iov = &b.iovecs[i]
		h.SetIovlen(1)
		h.Control = &b.controls[i][0]
	}
	return b
}

// datagram is one of a batch.
type datagram struct {
	data    []byte
	from    netip.AddrPort
	arrival int64 // by the engine's clock
	cut     bool  // longer than the buffer
}

// receive takes what is waiting in the socket. 0 means that nothing is; an
// error reported by ICMP is passed over.
func (b *batch) receive(fd int) int {
	for i := range b.headers {
		h := &b.headers[i].header
		h.Namelen = unix.SizeofSockaddrInet6
		h.SetControllen(controlSize)
		h.Flags = 0
	}
	for range 3 {
		n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.headers[0])),
			batchSize, unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n)
		case unix.EAGAIN:
			return 0
		}
	}
	return 0
}

// datagram returns number i of the last receive.
func (b *batch) datagram(i int, now time.Time) datagram {
	h := &b.headers[i]
	return datagram{
		data:    b.data[i][:h.length],
		from:    b.from(i),
		arrival: b.clock.at(now) - b.age(i, now),
		cut:     h.header.Flags&unix.MSG_TRUNC != 0,
	}
}

func (b *batch) from(i int) netip.AddrPort {
	raw := &b.names[i]
	port := binary.BigEndian.Uint16((*[2]byte)(unsafe.Pointer(&raw.Port))[:])
	if raw.Family == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4((*unix.RawSockaddrInet4)(unsafe.Pointer(raw)).Addr), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16(raw.Addr).Unmap(), port)
}

// age returns for how long the datagram has waited in the socket, by the
// kernel's own time stamp. Taking the difference keeps steps of the wall clock
// out of the timeline.
func (b *batch) age(i int, now time.Time) int64 {
	if b.headers[i].header.Controllen < uint64(unix.CmsgSpace(int(unsafe.Sizeof(unix.Timespec{})))) {
		return 0
	}
	c := (*unix.Cmsghdr)(unsafe.Pointer(&b.controls[i][0]))
	if c.Level != unix.SOL_SOCKET || c.Type != unix.SO_TIMESTAMPNS {
		return 0
	}
	stamp := (*unix.Timespec)(unsafe.Pointer(&b.controls[i][unix.CmsgLen(0)]))
	age := now.UnixNano() - stamp.Nano()
	if age < 0 || age > int64(time.Minute) {
		return 0
	}
	return age
}
