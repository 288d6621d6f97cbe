package media

import (
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/pion/rtcp"
	"golang.org/x/sys/unix"

	"earshot"
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
	// ours and theirs measure the round trip (RFC 3611 4.4, 4.5).
	ours   references
	theirs reference
}

// reporting is what was agreed about RTCP.
type reporting struct {
	mux bool
	xr  earshot.XR
	// remote is where the SDP awaits RTCP, the zero value if it does not say.
	remote netip.AddrPort
}

// aim takes over an address of the SDP. That of a stream on hold (RFC 3264
// 8.4) is none.
func (r *reporting) aim(remote netip.AddrPort) bool {
	addr := remote.Addr()
	if !addr.IsValid() || addr.IsUnspecified() || addr.IsMulticast() || remote.Port() == 0 || remote == r.remote {
		return false
	}
	r.remote = remote
	return true
}

// SetReports takes over what was agreed anew about RTCP, as by a re-INVITE.
func (s *Stream) SetReports(agreed earshot.StreamMedia) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports.mux, s.reports.xr = agreed.RTCPMux, agreed.XR
	if s.reports.aim(agreed.RemoteRTCP) {
		s.control.from = netip.AddrPort{} // the sender may have moved
	}
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
// the RTCP port; one of reduced size as well (RFC 5506). Packets of other types
// are passed over, and a BYE is counted only: whether the stream is over is for
// the signalling to say.
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
		s.takeReport(rest[:size], h.Type, d.arrival)
		rest = rest[size:]
	}
	s.control.from, s.control.muxed = d.from, muxed
}

func (s *Stream) takeReport(packet []byte, kind rtcp.PacketType, arrival int64) {
	switch kind {
	case rtcp.TypeSenderReport:
		var sr rtcp.SenderReport
		if sr.Unmarshal(packet) == nil {
			s.counts.senderReports++
			s.control.lastSR, s.control.lastSRAt = middle(sr.NTPTime), arrival
		}
	case rtcp.TypeExtendedReport:
		s.takeXR(packet, arrival)
	case rtcp.TypeGoodbye:
		s.counts.goodbyes++
	}
}

// report sends a receiver report if one is due. It does so as long as the
// stream is open, be it on hold or not begun yet: what lies between keeps its
// bindings by it (RFC 6263 4.6). No other packet is ever sent.
func (s *Stream) report() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, _, known := s.reportTo(); s.closed || !known {
		return
	}
	now := s.now()
	c := &s.control
	if c.next == 0 {
		c.next = now + pause()/2 // RFC 3550 6.2
	}
	if now < c.next {
		return
	}
	c.next = now + pause()
	s.send(s.packets(now))
}

// pause returns the time to the next report, which must not be regular
// (RFC 3550 6.3.1): half to one and a half intervals. Of two participants
// neither needs to reconsider, nor to make up for it.
func pause() int64 { return int64(rtcpInterval/2) + rand.Int64N(int64(rtcpInterval)) }

// packets returns the compound packet of a receiver: a report, empty when there
// is nothing to report (RFC 3550 6.4.2), the CNAME, and what of extended reports
// was asked for.
func (s *Stream) packets(now int64) []rtcp.Packet {
	c := &s.control
	rr := &rtcp.ReceiverReport{SSRC: c.ssrc}
	if r := s.timeline.Report(); r.ReceivedPacket {
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
	packets := []rtcp.Packet{rr, rtcp.NewCNAMESourceDescription(c.ssrc, c.cname)}
	if xr := s.extended(now); xr != nil {
		packets = append(packets, xr)
	}
	return packets
}

// clampLost keeps the cumulative loss in its 24 bits (RFC 3550 6.4.1).
func clampLost(n int64) uint32 { return uint32(max(-1<<23, min(1<<23-1, n))) & (1<<24 - 1) }

// goodbye ends the RTCP session (RFC 3550 6.3.7), if there was one.
func (s *Stream) goodbye() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.control.sent {
		s.send(append(s.packets(s.now()), &rtcp.Goodbye{Sources: []uint32{s.control.ssrc}}))
	}
}

// reportTo returns where RTCP goes: where it comes from; before any came, to
// where the SDP says, or, if the media comes from elsewhere, beside its source.
func (s *Stream) reportTo() (to netip.AddrPort, muxed, known bool) {
	c, r := &s.control, &s.reports
	source := s.latch.from
	switch {
	case c.from.IsValid():
		return c.from, c.muxed, true
	case r.remote.IsValid() && (!source.IsValid() || r.remote.Addr() == source.Addr()):
		return r.remote, r.mux, true
	case !source.IsValid():
		return to, false, false
	case r.mux:
		return source, true, true
	}
	return netip.AddrPortFrom(source.Addr(), source.Port()+1), false, source.Port() < 65535
}

func (s *Stream) send(packets []rtcp.Packet) {
	to, muxed, known := s.reportTo()
	if !known {
		return
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
		s.control.sent = true
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
