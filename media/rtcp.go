package media

import (
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"

	"earshot/media/jitter"
)

// rtcpInterval is the mean time between reports (RFC 3550 6.2).
const rtcpInterval = 5 * time.Second

// control is the RTCP side of a stream.
type control struct {
	ssrc  uint32
	cname string
	// from and muxed are where RTCP came from; then it is sent there.
	from  netip.AddrPort
	muxed bool
	next  int64 // when the next report is due; 0 before the first packet
	sent  bool
	// lastSR is the middle of the NTP time of the newest sender report, and
	// lastSRAt when it came (RFC 3550 6.4.1 LSR and DLSR).
	lastSR   uint32
	lastSRAt int64
}

func (c *control) init() {
	var name [12]byte // RFC 7022 4.2: a random CNAME per session
	for i := range name {
		name[i] = byte(rand.Uint32())
	}
	c.ssrc, c.cname = rand.Uint32(), hex.EncodeToString(name[:])
}

// isRTCP tells RTCP from RTP on one port: packet types 192 to 223 (RFC 5761 4).
func isRTCP(b []byte) bool { return len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223 }

// takeRTCP takes a compound packet (RFC 3550 6.1) that came on the RTP port or
// the RTCP port.
func (s *Stream) takeRTCP(d datagram, muxed bool) {
	if d.cut || !isRTCP(d.data) {
		s.invalid++
		return
	}
	if s.guard != nil && !s.openRTCP(&d, muxed) {
		return
	}
	for rest := d.data; len(rest) >= 8; {
		var h rtcp.Header
		size := 0
		if h.Unmarshal(rest) == nil {
			size = (int(h.Length) + 1) * 4
		}
		if size < 8 || size > len(rest) {
			s.invalid++
			return
		}
		s.control.take(rest[:size], h.Type, d, &s.counts)
		rest = rest[size:]
	}
	s.control.from, s.control.muxed = d.from, muxed
}

func (c *control) take(packet []byte, kind rtcp.PacketType, d datagram, counts *counters) {
	switch kind {
	case rtcp.TypeSenderReport:
		var sr rtcp.SenderReport
		if sr.Unmarshal(packet) == nil {
			counts.senderReports++
			c.lastSR, c.lastSRAt = uint32(sr.NTPTime>>16), d.arrival
		}
	case rtcp.TypeGoodbye:
		counts.goodbyes++
	}
}

// report sends a receiver report if one is due.
func (s *Stream) report() {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, any := s.timeline.SSRC()
	if s.closed || !any {
		return
	}
	now := s.now()
	c := &s.control
	if c.next == 0 {
		c.next = now + pause()/2
	}
	if now < c.next {
		return
	}
	c.next = now + pause()
	s.send(c.packets(s.timeline.Report(), now))
}

// pause returns the time to the next report, which must not be regular
// (RFC 3550 6.3.1): half to one and a half intervals.
func pause() int64 { return int64(rtcpInterval/2) + rand.Int64N(int64(rtcpInterval)) }

// packets returns the compound packet of a receiver.
func (c *control) packets(r jitter.Report, now int64) []rtcp.Packet {
	rr := &rtcp.ReceiverReport{SSRC: c.ssrc}
	if r.ReceivedPacket {
		b := rtcp.ReceptionReport{
			SSRC: r.SSRC, FractionLost: r.FractionLost, TotalLost: clampLost(r.TotalLost),
			LastSequenceNumber: r.HighestSeq, Jitter: r.Jitter,
		}
		if c.lastSRAt != 0 {
			b.LastSenderReport = c.lastSR
			b.Delay = uint32((now - c.lastSRAt) * 65536 / int64(time.Second))
		}
		rr.Reports = append(rr.Reports, b)
	}
	return []rtcp.Packet{rr, rtcp.NewCNAMESourceDescription(c.ssrc, c.cname)}
}

// clampLost keeps the cumulative loss in its 24 bits (RFC 3550 6.4.1).
func clampLost(n int64) uint32 { return uint32(max(-1<<23, min(1<<23-1, n))) & (1<<24 - 1) }

// goodbye ends the RTCP session (RFC 3550 6.3.7), if there was one.
func (s *Stream) goodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control.sent {
		packets := s.control.packets(s.timeline.Report(), s.now())
		s.send(append(packets, &rtcp.Goodbye{Sources: []uint32{s.control.ssrc}}))
	}
}

// send sends to where RTCP comes from; before any came, to where it is to be
// expected: the port after that of the RTP, or the same.
func (s *Stream) send(packets []rtcp.Packet) {
	c := &s.control
	to, muxed := c.from, c.muxed
	if !to.IsValid() {
		from := s.latch.from
		if !from.IsValid() || from.Port() == 65535 {
			return
		}
		to, muxed = netip.AddrPortFrom(from.Addr(), from.Port()+1), false
		if s.spec.RTCPMux {
			to, muxed = from, true
		}
	}
	b, err := rtcp.Marshal(packets)
	if err == nil && s.guard != nil {
		b, err = s.guard.sealRTCP(b, muxed)
	}
	fd := s.rtcpSocket(muxed)
	if err != nil || fd < 0 {
		return
	}
	if unix.Sendto(fd, b, unix.MSG_DONTWAIT, sockaddr(s.engine.familiar(to))) == nil {
		c.sent = true
		s.counts.receiverReports++
	}
}

func (s *Stream) rtcpSocket(muxed bool) int {
	switch {
	case s.rtp == nil:
		return -1
	case muxed:
		return s.rtp.fd
	}
	return s.rtcp.fd
}
