package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"time"
)

const (
	nanoMagic  = 0xa1b23c4d // pcap with times in nanoseconds
	snapLength = 262144
	linkRaw    = 101 // packets begin with their IP header
	// maxSegment is the most of a TCP message in one packet: with its headers
	// it fits into the length field of IPv4.
	maxSegment  = 65000
	protocolTCP = 6
	protocolUDP = 17
)

// Writer writes packets. It is not safe for concurrent use.
type Writer struct {
	w *bufio.Writer
	// sent is how many octets each direction of a connection has carried.
	sent map[[2]netip.AddrPort]uint32
	buf  []byte
}

// NewWriter writes the header of the file.
func NewWriter(w io.Writer) (*Writer, error) {
	out := &Writer{w: bufio.NewWriterSize(w, 64<<10), sent: map[[2]netip.AddrPort]uint32{}}
	h := binary.LittleEndian.AppendUint32(nil, nanoMagic)
	h = binary.LittleEndian.AppendUint16(h, 2) // version 2.4
	h = binary.LittleEndian.AppendUint16(h, 4)
	h = append(h, make([]byte, 8)...)
	h = binary.LittleEndian.AppendUint32(h, snapLength)
	h = binary.LittleEndian.AppendUint32(h, linkRaw)
	if _, err := out.w.Write(h); err != nil {
		return nil, fmt.Errorf("write capture: %w", err)
	}
	return out, nil
}

// Flush writes what is buffered.
func (w *Writer) Flush() error {
	if err := w.w.Flush(); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// UDP writes a datagram. The payload stays the caller's.
func (w *Writer) UDP(at time.Time, from, to netip.AddrPort, payload []byte) error {
	h := binary.BigEndian.AppendUint16(w.buf[:0], from.Port())
	h = binary.BigEndian.AppendUint16(h, to.Port())
	h = binary.BigEndian.AppendUint16(h, uint16(8+len(payload)))
	h = append(append(h, 0, 0), payload...)
	w.buf = h
	return w.packet(at, from.Addr(), to.Addr(), protocolUDP, h, 6)
}

// TCP writes a part of what a connection carries. Handshakes and
// acknowledgements are left out; the sequence numbers show no gap.
func (w *Writer) TCP(at time.Time, from, to netip.AddrPort, payload []byte) error {
	for len(payload) > 0 {
		part := payload[:min(len(payload), maxSegment)]
		payload = payload[len(part):]
		h := binary.BigEndian.AppendUint16(w.buf[:0], from.Port())
		h = binary.BigEndian.AppendUint16(h, to.Port())
		h = binary.BigEndian.AppendUint32(h, 1+w.sent[[2]netip.AddrPort{from, to}])
		h = binary.BigEndian.AppendUint32(h, 1+w.sent[[2]netip.AddrPort{to, from}])
		h = append(h, 5<<4, 0x18)             // five words of header; PSH and ACK
		h = append(h, 0xff, 0xff, 0, 0, 0, 0) // window, checksum, urgent pointer
		h = append(h, part...)
		w.buf = h
		w.sent[[2]netip.AddrPort{from, to}] += uint32(len(part))
		if err := w.packet(at, from.Addr(), to.Addr(), protocolTCP, h, 16); err != nil {
			return err
		}
	}
	return nil
}

// packet writes an IP packet; the checksum of what it carries stands at an
// offset of the segment.
func (w *Writer) packet(at time.Time, from, to netip.Addr, protocol byte, segment []byte, checksumAt int) error {
	from, to = from.Unmap().WithZone(""), to.Unmap().WithZone("")
	if from.Is4() != to.Is4() {
		from, to = netip.AddrFrom16(from.As16()), netip.AddrFrom16(to.As16())
	}
	pseudo := sum(0, from.AsSlice())
	pseudo = sum(pseudo, to.AsSlice())
	pseudo += uint32(protocol) + uint32(len(segment))
	check := ^fold(sum(pseudo, segment))
	if check == 0 && protocol == protocolUDP {
		check = 0xffff // 0 means none (RFC 768)
	}
	binary.BigEndian.PutUint16(segment[checksumAt:], check)

	ip := header4(from, to, protocol, len(segment))
	if from.Is6() {
		ip = header6(from, to, protocol, len(segment))
	}
	record := binary.LittleEndian.AppendUint32(nil, uint32(at.Unix()))
	record = binary.LittleEndian.AppendUint32(record, uint32(at.Nanosecond()))
	record = binary.LittleEndian.AppendUint32(record, uint32(len(ip)+len(segment)))
	record = binary.LittleEndian.AppendUint32(record, uint32(len(ip)+len(segment)))
	for _, part := range [][]byte{record, ip, segment} {
		if _, err := w.w.Write(part); err != nil {
			return fmt.Errorf("write capture: %w", err)
		}
	}
	return nil
}

// header4 is an IPv4 header (RFC 791 3.1).
func header4(from, to netip.Addr, protocol byte, length int) []byte {
	if !from.Is4() {
		return nil
	}
	h := append(make([]byte, 0, 20), 0x45, 0)
	h = binary.BigEndian.AppendUint16(h, uint16(20+length))
	h = append(h, 0, 0, 0x40, 0, 64, protocol, 0, 0) // not to be fragmented, 64 hops
	h = append(append(h, from.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], ^fold(sum(0, h)))
	return h
}

// header6 is an IPv6 header (RFC 8200 3).
func header6(from, to netip.Addr, protocol byte, length int) []byte {
	h := append(make([]byte, 0, 40), 0x60, 0, 0, 0)
	h = binary.BigEndian.AppendUint16(h, uint16(length))
	h = append(h, protocol, 64)
	return append(append(h, from.AsSlice()...), to.AsSlice()...)
}

// sum adds up 16-bit words (RFC 1071).
func sum(acc uint32, b []byte) uint32 {
	for len(b) > 1 {
		acc += uint32(b[0])<<8 | uint32(b[1])
		b = b[2:]
	}
	if len(b) == 1 {
		acc += uint32(b[0]) << 8
	}
	return acc
}

func fold(acc uint32) uint16 {
	for acc > 0xffff {
		acc = acc>>16 + acc&0xffff
	}
	return uint16(acc)
}
