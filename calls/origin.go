package calls

import (
	"net/netip"

	"earshot"
)

// Origin returns where a stream comes from, as far as that is known by now: the
// directory's queue that was dialled and the address of the recording client.
func (m *Manager) Origin(id earshot.StreamID) (queue string, peer netip.Addr) {
	c := m.stream(id)
	if c == nil {
		return "", netip.Addr{}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.rec.Stream(id)
	if s == nil {
		return c.rec.Queue, netip.Addr{}
	}
	for _, seg := range c.rec.Segments {
		if seg.ID != s.SegmentID {
			continue
		}
		if at, err := netip.ParseAddrPort(seg.Peer); err == nil {
			peer = at.Addr()
		}
	}
	return c.rec.Queue, peer
}
