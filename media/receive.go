package media

import (
	"net/netip"
	"time"

	"earshot"
	"earshot/media/jitter"
	"earshot/media/quality"
	"earshot/media/record"
)

// takeOver is how long the source followed must have been silent before one
// from another address is followed.
const takeOver = 100 * time.Millisecond

// latch says whose packets are taken. The first SSRC is followed wherever it
// sends from. Another SSRC from the same address is a change of source and is
// followed at once, and so is any after SetFormats. One from elsewhere, or one
// that was left before, is followed only when the present one has been silent
// for 100 ms: two that send at the same time are not mixed.
type latch struct {
	from  netip.AddrPort // zero: whoever comes first
	heard int64          // arrival of the newest packet taken
	left  uint32         // the SSRC followed before
	moved bool           // left is set
}

// drain reads a socket, at most so many batches.
func (s *Stream) drain(from *socket, b *batch, batches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for range batches {
		n := b.receive(from.fd)
		now := time.Now()
		for i := range n {
			d := b.datagram(i, now)
			if from.rtcp {
				if !d.cut && s.handshaking(d, rtcpPort) {
					continue
				}
				s.takeRTCP(d, false)
			} else {
				s.take(d)
			}
		}
		if n < batchSize {
			return
		}
	}
}

// handshaking reports whether a datagram is one of DTLS or STUN, and takes it
// (RFC 7983 7).
func (s *Stream) handshaking(d datagram, port int) bool {
	switch {
	case isDTLS(d.data):
		s.takeDTLS(d, port)
	case isSTUN(d.data):
		s.counts.stun++
	default:
		return false
	}
	return true
}

// take takes one datagram of the RTP port.
func (s *Stream) take(d datagram) {
	if !d.cut && s.handshaking(d, rtpPort) {
		return
	}
	if isRTCP(d.data) { // RFC 5761 4
		s.takeRTCP(d, true)
		return
	}
	if d.cut || len(d.data) < 12 || d.data[0]>>6 != 2 {
		s.invalid++
		return
	}
	if s.guard != nil && !s.open(&d) {
		return
	}
	pt := s.parse(d.data)
	if pt == nil {
		s.invalid++
		return
	}
	if !s.follow(d) {
		s.invalid++
		s.counts.foreign++
		return
	}
	s.sort(d, pt)
}

// parse takes a packet apart. It returns nil if that is none of an answered
// format.
func (s *Stream) parse(data []byte) *payloadType {
	if s.packet.Unmarshal(data) != nil {
		return nil
	}
	pt := s.table.types[s.packet.PayloadType&0x7f]
	s.blocks = s.blocks[:0]
	if pt != nil && pt.redundant {
		pt = s.unfold()
	}
	return pt
}

// follow applies the rule of the latch to the packet just parsed.
func (s *Stream) follow(d datagram) bool {
	l, ssrc := &s.latch, s.packet.SSRC
	present, any := s.timeline.SSRC()
	switch {
	case any && s.timeline.Straggler(ssrc, s.packet.SequenceNumber):
		return true // it belongs to the past and changes nothing
	case !any || ssrc == present || !l.from.IsValid():
	case d.arrival-l.heard >= int64(takeOver):
	case d.from != l.from || l.moved && ssrc == l.left:
		return false
	}
	if any && ssrc != present {
		l.left, l.moved = present, true
	}
	l.from = d.from
	l.heard = max(l.heard, d.arrival)
	return true
}

// describe tells the timeline of the packet just parsed.
func (s *Stream) describe(d datagram, pt *payloadType) jitter.Packet {
	h := &s.packet.Header
	return jitter.Packet{
		SSRC: h.SSRC, Seq: h.SequenceNumber, Timestamp: h.Timestamp,
		ClockRate: pt.format.ClockRate, Duration: pt.duration(s.packet.Payload),
		Arrival: d.arrival, Marker: h.Marker,
	}
}

// place decides the packet's position and keeps it.
func (s *Stream) place(d datagram, pt *payloadType) {
	packet := s.describe(d, pt)
	packet.Quiet = s.quiet(pt, d.arrival)
	duration := packet.Duration
	if _, any := s.timeline.SSRC(); !any && !s.begin(d.arrival) {
		return
	}
	p := s.timeline.Place(packet)
	s.arrived = max(s.arrived, d.arrival)
	if p.Duplicate {
		s.meter.Duplicate()
		return
	}
	s.meter.Add(quality.Packet{
		SSRC: packet.SSRC, Seq: packet.Seq, Timestamp: packet.Timestamp, ClockRate: packet.ClockRate,
		Position: p.Position, Duration: duration, Arrival: d.arrival, Codec: pt.impairment,
	})
	if p.Jump {
		s.counts.jumps++
	}
	if p.Late {
		s.late++
	}
	if pt.unanswered && duration > 0 {
		s.counts.unanswered++
	}
	if duration > 0 && s.codec != pt.name {
		s.codec = pt.name
	}
	if pt.event {
		s.press(d, pt, p)
	}
	s.keep(d, pt, p, duration, 0)
	s.repair(d, p.Position)
}

// begin fixes position 0 by the first packet.
func (s *Stream) begin(arrival int64) bool {
	err := s.log.Start(time.Unix(0, arrival), s.table.list)
	if err != nil {
		s.invalid++ // a header that cannot be written: formats without end
	}
	return err == nil
}

// keep records the packet and holds it for live reading.
func (s *Stream) keep(d datagram, pt *payloadType, p jitter.Place, duration earshot.Position, more record.Flags) {
	h, e := &s.packet.Header, &s.entry
	*e = record.Packet{
		Position: p.Position, Duration: duration, Arrival: d.arrival,
		SSRC: h.SSRC, Timestamp: h.Timestamp, Seq: h.SequenceNumber,
		PayloadType: h.PayloadType, Flags: flags(h.Marker, pt, p, duration) | more,
		Payload: s.packet.Payload, Format: &pt.format,
	}
	if pt.event {
		e.Payload = nil // perhaps a digit of a card
	}
	paused := s.pauses.cover(p.Position, p.Position+duration)
	if paused {
		e.Payload, e.Flags = nil, e.Flags|record.Silent|record.Paused
	}
	if !s.log.Append(e) && !paused {
		s.drop(e.Position, e.End(), d.arrival)
	}
	s.ring.add(e)
}

func flags(marker bool, pt *payloadType, p jitter.Place, duration earshot.Position) record.Flags {
	var f record.Flags
	if marker {
		f |= record.Marker
	}
	if duration == 0 {
		f |= record.Silent
	}
	if pt.unanswered {
		f |= record.Unanswered
	}
	if p.Late {
		f |= record.Late
	}
	return f
}
