package media

import (
	"errors"

	"earshot"
	"earshot/media/jitter"
	"earshot/media/record"
)

// maxBlocks is how many payloads are taken from one packet.
const maxBlocks = 8

var errRedundancy = errors.New("not a payload of RFC 2198")

// block is one payload of a packet with redundancy.
type block struct {
	payloadType uint8
	// back is how much earlier than that of the packet its timestamp is.
	back uint32
	size int
	data []byte
}

// unfold splits the payload of RFC 2198 3 into its blocks, the newest last.
func unfold(dst []block, payload []byte) ([]block, error) {
	dst = dst[:0]
	for more := true; more; {
		if len(payload) == 0 || len(dst) == maxBlocks {
			return nil, errRedundancy
		}
		b := block{payloadType: payload[0] & 0x7f}
		if more = payload[0]&0x80 != 0; !more {
			payload = payload[1:]
		} else {
			if len(payload) < 4 {
				return nil, errRedundancy
			}
			bits := uint32(payload[1])<<16 | uint32(payload[2])<<8 | uint32(payload[3])
			b.back, b.size = bits>>10, int(bits&0x3ff)
			payload = payload[4:]
		}
		dst = append(dst, b)
	}
	for i := range dst {
		if i == len(dst)-1 {
			dst[i].size = len(payload)
		}
		if dst[i].size > len(payload) {
			return nil, errRedundancy
		}
		dst[i].data, payload = payload[:dst[i].size], payload[dst[i].size:]
	}
	return dst, nil
}

// unfold makes the packet just parsed the newest of its blocks. The others are
// kept in s.blocks. It returns nil if that is none of an answered format.
func (s *Stream) unfold() *payloadType {
	blocks, err := unfold(s.blocks, s.packet.Payload)
	if err != nil {
		return nil
	}
	s.blocks = blocks[:len(blocks)-1]
	newest := blocks[len(blocks)-1]
	pt := s.table.types[newest.payloadType]
	if pt == nil || pt.redundant {
		return nil
	}
	s.packet.PayloadType, s.packet.Payload = newest.payloadType, newest.data
	return pt
}

// repair keeps those of the earlier blocks whose packets did not come, or have
// not come yet. at is where the packet they came with belongs.
func (s *Stream) repair(d datagram, at earshot.Position) {
	h := s.packet.Header
	for i, b := range s.blocks {
		pt := s.table.types[b.payloadType]
		if pt == nil || pt.layout == nil || b.back == 0 {
			continue
		}
		pos := at - earshot.At(int64(b.back), pt.format.ClockRate)
		duration, timestamp := pt.duration(b.data), h.Timestamp-b.back
		if duration == 0 || pos < 0 || s.ring.has(h.SSRC, timestamp) {
			continue
		}
		s.packet.PayloadType, s.packet.Payload = b.payloadType, b.data
		s.packet.Timestamp, s.packet.SequenceNumber = timestamp, h.SequenceNumber-uint16(len(s.blocks)-i)
		s.packet.Marker = false
		s.counts.repaired++
		s.meter.Repaired(s.packet.SequenceNumber)
		s.keep(d, pt, jitter.Place{Position: pos}, duration, record.Repaired)
	}
	s.packet.Header = h
}
