package media

import (
	"slices"

	"earshot"
	"earshot/media/record"
)

// ring holds the newest packets of a stream in the order of arrival. Their
// memory is used again.
type ring struct {
	size  int // how many it holds
	slots []record.Packet
	next  int
	// floor is the end of the audio that has left the ring.
	floor earshot.Position
	any   bool // something has left
}

// add copies a packet into the ring.
func (r *ring) add(p *record.Packet) {
	if len(r.slots) < r.size {
		r.slots = append(slices.Grow(r.slots, r.size-len(r.slots)), record.Packet{})
		r.next = len(r.slots) - 1
	} else {
		r.floor, r.any = max(r.floor, r.slots[r.next].End()), true
	}
	slot := &r.slots[r.next]
	payload := append(slot.Payload[:0], p.Payload...)
	*slot = *p
	slot.Payload = payload
	r.next = (r.next + 1) % r.size
}

// holds reports whether everything received from pos on is still here.
func (r *ring) holds(pos earshot.Position) bool { return !r.any || pos >= r.floor }

// has reports whether the audio with the timestamp is here.
func (r *ring) has(ssrc, timestamp uint32) bool {
	for i := range r.slots {
		p := &r.slots[i]
		if p.Timestamp == timestamp && p.SSRC == ssrc && p.Flags&record.Silent == 0 {
			return true
		}
	}
	return false
}

// each calls f for every packet in the order of arrival.
func (r *ring) each(f func(*record.Packet)) {
	n := len(r.slots)
	for i := range n {
		f(&r.slots[(r.next+i)%n])
	}
}

// snapshot is a copy of some packets of a ring.
type snapshot struct {
	packets []record.Packet
	arena   []byte
}

// take copies the packets that touch a span.
func (s *snapshot) take(r *ring, from, to earshot.Position) {
	s.packets, s.arena = s.packets[:0], s.arena[:0]
	r.each(func(p *record.Packet) {
		if p.Position < to && p.End() >= from {
			c := *p
			start := len(s.arena)
			s.arena = append(s.arena, p.Payload...)
			c.Payload = slices.Clip(s.arena[start:])
			s.packets = append(s.packets, c)
		}
	})
}

// Packets returns those of a part of the span.
func (s *snapshot) Packets(dst []record.Packet, from, to earshot.Position) ([]record.Packet, error) {
	for _, p := range s.packets {
		if p.Position < to && p.End() >= from {
			dst = append(dst, p)
		}
	}
	return dst, nil
}
