package media

import (
	"bytes"

	"earshot/media/jitter"
)

// holdback keeps what arrives while it is in doubt where it belongs: for 100 ms
// or 64 packets, until the timeline can tell a stall from a hold.
type holdback struct {
	packets   []jitter.Packet
	datagrams []datagram // copies
}

func (h *holdback) add(d datagram, p jitter.Packet) {
	d.data = bytes.Clone(d.data)
	h.datagrams = append(h.datagrams, d)
	h.packets = append(h.packets, p)
}

// sort places the packet just parsed, or holds it back.
func (s *Stream) sort(d datagram, pt *payloadType) {
	h := &s.heldBack
	p := s.describe(d, pt)
	if len(h.packets) == 0 && !s.timeline.Doubtful(p) {
		s.place(d, pt)
		return
	}
	h.add(d, p)
	waited := p.Arrival - h.packets[0].Arrival
	if len(h.packets) == jitter.MaxHeld || waited >= int64(jitter.Patience) || s.timeline.Stalled(h.packets) {
		s.release()
	}
}

// release places what is held back by what is known so far.
func (s *Stream) release() {
	h := &s.heldBack
	if len(h.packets) == 0 {
		return
	}
	s.timeline.Decide(h.packets)
	for _, d := range h.datagrams {
		if pt := s.parse(d.data); pt != nil {
			s.place(d, pt)
		}
	}
	*h = holdback{} // it is seldom needed
}

// releaseOverdue places what has been held back for as long as is worth it.
func (s *Stream) releaseOverdue() {
	if h := &s.heldBack; len(h.packets) > 0 && s.now()-h.packets[0].Arrival >= int64(jitter.Patience) {
		s.release()
	}
}
