package calls

import (
	"context"
	"slices"
	"time"

	"earshot"
)

// watchInterval is how often the live calls are looked at.
const watchInterval = time.Second

// Run watches over the live calls until ctx is done: it stores where streams
// begin once their first packet is there and what else happened on them, ends
// pauses that are too long, closes resumed sessions that do not come back, and
// sessions without media. At the end it stores what has come since.
func (m *Manager) Run(ctx context.Context) error {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			for _, c := range m.live() {
				c.mu.Lock()
				c.news(ctx)
				c.mu.Unlock()
			}
			return nil
		case now := <-ticker.C:
			m.watch(ctx, now)
		}
	}
}

// live returns the calls that are.
func (m *Manager) live() []*call {
	m.mu.Lock()
	defer m.mu.Unlock()
	live := make([]*call, 0, len(m.calls))
	for _, c := range m.calls {
		if !c.ended.Load() {
			live = append(live, c)
		}
	}
	return live
}

func (m *Manager) watch(ctx context.Context, now time.Time) {
	for _, c := range m.live() {
		for _, dialog := range c.watch(ctx, now) {
			if err := m.cfg.EndDialog(ctx, dialog); err != nil {
				m.log.Warn("session not ended at the peer", "call_id", c.rec.ID, "error", err)
			}
		}
	}
}

// watch returns the dialogs of the segments it has closed.
func (c *call) watch(ctx context.Context, now time.Time) (ended []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.committed {
		return nil
	}
	c.news(ctx)
	if err := c.endPause(ctx, now); err != nil {
		c.m.log.Error("pause not ended", "call_id", c.rec.ID, "error", err)
	}
	for _, seg := range slices.Clone(c.rec.Segments) {
		if seg.EndedAt != nil {
			continue
		}
		if err := c.standIn(ctx, seg, now); err != nil {
			c.m.log.Error("second recording not taken up", "call_id", c.rec.ID, "segment_id", seg.ID, "error", err)
		}
		dialog := c.dialogs[seg.ID]
		closed, err := c.watchSegment(ctx, seg, now)
		if err != nil {
			c.m.log.Error("segment not closed", "call_id", c.rec.ID, "segment_id", seg.ID, "error", err)
		}
		if closed && dialog != "" {
			ended = append(ended, dialog)
		}
	}
	return ended
}

// news stores what has come of the streams: where they begin, and marks.
func (c *call) news(ctx context.Context) {
	if !c.committed {
		return
	}
	problems := len(c.rec.Problems)
	for _, s := range c.rec.Streams {
		c.takeMarks(s.ID)
	}
	what := earshot.EventType("") // each mark has an event of its own
	if c.newlyStarted() || len(c.rec.Problems) > problems {
		what = earshot.EventCallUpdated
	}
	if what == "" && len(c.tellMarks(&c.rec)) == 0 {
		return
	}
	if err := c.commit(ctx, earshot.Commit{}, what); err != nil {
		c.m.log.Error("news of streams not stored", "call_id", c.rec.ID, "error", err)
	}
}

func (c *call) watchSegment(ctx context.Context, seg earshot.Segment, now time.Time) (closed bool, err error) {
	last, active := c.lastSign(seg)
	if until, on := c.probation[seg.ID]; on {
		switch {
		case last.After(until.Add(-c.m.cfg.ResumeWindow)) || !active:
			delete(c.probation, seg.ID)
		case now.After(until):
			return true, c.interrupt(ctx, seg)
		}
		return false, nil
	}
	if active && now.Sub(last) > c.m.cfg.MediaTimeout {
		c.m.m.timeouts.Inc()
		return true, c.end(ctx, seg.ID, "media timeout", now.UTC(), earshot.CallWrapping)
	}
	return false, nil
}

// lastSign returns when the last packet of a segment came, or when it or one of
// its streams that should be sending began or was taken off hold, and whether
// any should be. A stream on hold is never missed: inactive, c=0.0.0.0
// (RFC 3264 8.4), or offered recvonly.
func (c *call) lastSign(seg earshot.Segment) (last time.Time, active bool) {
	last = seg.StartedAt
	for _, s := range c.rec.Streams {
		t := c.tracks[s.ID]
		if s.SegmentID != seg.ID || t == nil || t.recv == nil {
			continue
		}
		if s.Media.Direction != earshot.Inactive {
			active = true
			if t.since.After(last) {
				last = t.since
			}
		}
		if at := t.recv.LastPacket(); at.After(last) {
			last = at
		}
	}
	return last, active
}

func (c *call) newlyStarted() bool {
	return slices.ContainsFunc(c.rec.Streams, func(s earshot.Stream) bool {
		t := c.tracks[s.ID]
		if s.Started || t == nil || t.src == nil {
			return false
		}
		_, started := t.src.Started()
		return started
	})
}
