package calls

import (
	"context"
	"time"

	"earshot"
)

// Alive reports whether a packet of the session came within that time.
func (m *Manager) Alive(id earshot.SegmentID, within time.Duration) bool {
	c, err := m.segment(id)
	if err != nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.rec.Streams {
		if t := c.tracks[s.ID]; s.SegmentID == id && t != nil && t.recv != nil && time.Since(t.recv.LastPacket()) < within {
			return true
		}
	}
	return false
}

// Note adds a problem to the call of a session.
func (m *Manager) Note(ctx context.Context, id earshot.SegmentID, problem string) error {
	c, err := m.segment(id)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.note([]string{problem})
	return c.commit(ctx, earshot.Commit{}, earshot.EventCallUpdated)
}
