package calls

import (
	"context"
	"fmt"
	"time"

	"earshot"
)

// Pause stops recording of a live call: from now on nothing of any of its
// streams is kept, of those either that are still to come, until
// [Manager.Resume]. by says who wants it and reason why. When it returns the
// store has it, so that a restarted server goes on with it. A call that is
// paused stays so. The error wraps [earshot.ErrEnded] when the call is over.
func (m *Manager) Pause(ctx context.Context, id earshot.CallID, by, reason string) (earshot.Call, error) {
	return m.setPaused(ctx, id, true, earshot.Mark{Kind: earshot.MarkPause, By: by, Reason: reason})
}

// Resume goes on with what Pause stopped.
func (m *Manager) Resume(ctx context.Context, id earshot.CallID, by, reason string) (earshot.Call, error) {
	return m.setPaused(ctx, id, false, earshot.Mark{Kind: earshot.MarkResume, By: by, Reason: reason})
}

func (m *Manager) setPaused(ctx context.Context, id earshot.CallID, paused bool, mark earshot.Mark) (earshot.Call, error) {
	c, err := m.load(ctx, id)
	if err != nil {
		return earshot.Call{}, err
	}
	defer c.mu.Unlock()
	switch {
	case c.rec.State.Ended():
		return earshot.Call{}, fmt.Errorf("%s call %s: %w", mark.Kind, id, earshot.ErrEnded)
	case c.rec.Paused == paused:
		return c.copyRecord(), nil
	}
	if err := c.setPaused(ctx, paused, mark); err != nil {
		return earshot.Call{}, fmt.Errorf("%s call %s: %w", mark.Kind, id, err)
	}
	return c.copyRecord(), nil
}

// setPaused stops the media first and lets it go on last: nothing is kept in
// between that the store does not know of.
func (c *call) setPaused(ctx context.Context, paused bool, mark earshot.Mark) error {
	before := c.copyRecord()
	if paused {
		c.pauseStreams(true)
	}
	c.rec.Paused = paused
	c.markNow(mark)
	if err := c.commit(ctx, earshot.Commit{}, earshot.EventCallUpdated); err != nil {
		c.rec = before
		c.pauseStreams(before.Paused)
		return err
	}
	c.pauseStreams(paused)
	if paused {
		c.m.m.pauses.Inc()
	}
	c.m.log.Info("recording paused or resumed", "call_id", c.rec.ID, "paused", paused)
	return nil
}

func (c *call) pauseStreams(paused bool) {
	for _, t := range c.tracks {
		if t.recv != nil {
			t.recv.SetPaused(paused)
		}
	}
}

// endPause goes on with a call that was paused for longer than it may be.
func (c *call) endPause(ctx context.Context, now time.Time) error {
	limit := c.m.cfg.PauseLimit
	if limit == 0 || !c.rec.Paused || c.rec.State.Ended() || now.Sub(c.pausedAt()) < limit {
		return nil
	}
	return c.setPaused(ctx, false, earshot.Mark{Kind: earshot.MarkResume, By: "earshot", Reason: "pause limit of " + limit.String()})
}

// pausedAt is when the newest pause began.
func (c *call) pausedAt() time.Time {
	at := c.rec.StartedAt
	for _, m := range c.rec.Marks {
		if m.Kind == earshot.MarkPause {
			at = c.rec.StartedAt.Add(time.Duration(m.AtMS) * time.Millisecond)
		}
	}
	return at
}
