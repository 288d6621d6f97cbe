package calls

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"earshot"
)

// Partial passes on what a speaker is saying right now. It is never stored.
func (m *Manager) Partial(u earshot.Utterance) {
	c := m.stream(u.StreamID)
	if c == nil {
		return
	}
	c.mu.Lock()
	ok := c.attribute(&u)
	c.mu.Unlock()
	if ok {
		m.cfg.Broadcast(earshot.NewEvent(earshot.EventUtterancePartial, u.CallID, u))
	}
}

// Final commits utterances of one stream together with how far it is
// recognised. When that completes the last stream of an ended call, the same
// commit says that the transcript is complete. It returns once the store has
// it all.
func (m *Manager) Final(ctx context.Context, us []earshot.Utterance, mark earshot.Watermark) error {
	c := m.stream(mark.StreamID)
	if c == nil {
		return fmt.Errorf("final of stream %s: %w", mark.StreamID, earshot.ErrNotFound)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tracks[mark.StreamID]
	commit := earshot.Commit{Watermarks: []earshot.Watermark{mark}}
	for _, u := range us {
		c.attribute(&u)
		e := earshot.NewEvent(earshot.EventUtteranceFinal, c.rec.ID, u)
		// The same span recognised again after a crash is the same event.
		e.ID = string(u.ID) + "." + strconv.Itoa(u.Revision)
		commit.Utterances = append(commit.Utterances, u)
		commit.Events = append(commit.Events, e)
	}
	before := t.mark
	t.mark = mark
	if err := c.complete(ctx, commit); err != nil {
		t.mark = before
		return fmt.Errorf("commit final: %w", err)
	}
	m.m.finals.Add(float64(len(us)))
	return nil
}

// Missed puts on a call's timeline that a part of a stream has no text.
func (m *Manager) Missed(id earshot.StreamID, mark earshot.StreamMark) {
	c := m.stream(id)
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tracks[id]
	if t == nil || t.src == nil || c.rec.Stream(id) == nil {
		return
	}
	origin, started := t.src.Started()
	if !started {
		return
	}
	c.put(c.markOf(id, origin, mark))
	if err := c.commit(context.Background(), earshot.Commit{}, ""); err != nil {
		m.log.Error("missed speech not marked", "call_id", c.rec.ID, "error", err)
	}
}

// Told returns up to which moment of a live call, in milliseconds since its start,
// all that was said is stored, by what settled says of each stream: how far it is
// recognised, or that it is not. It is false for a call that is not live, or of
// which nothing is recognised.
func (m *Manager) Told(id earshot.CallID, settled func(earshot.StreamID) (earshot.Position, bool)) (ms int64, ok bool) {
	m.mu.Lock()
	c := m.calls[id]
	m.mu.Unlock()
	if c == nil || c.ended.Load() {
		return 0, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, t := range c.tracks {
		if t.src == nil || t.mark.Completed {
			continue
		}
		origin, started := t.src.Started()
		at, recognised := settled(id)
		if !started || !recognised {
			continue
		}
		if end := origin.Add(at.Duration()).Sub(c.rec.StartedAt).Milliseconds(); !ok || end < ms {
			ms, ok = end, true
		}
	}
	return ms, ok
}

// Names returns the names of the participants of a stream's call.
func (m *Manager) Names(id earshot.StreamID) []string {
	c := m.stream(id)
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for _, p := range c.rec.Participants {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return names
}

func (m *Manager) stream(id earshot.StreamID) *call {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byStream[id]
}

// attribute gives the utterance its call, its speaker and its place in the
// call. It reports false for a stream without a place yet.
func (c *call) attribute(u *earshot.Utterance) bool {
	u.CallID, u.Role = c.rec.ID, earshot.RoleUnknown
	s, t := c.rec.Stream(u.StreamID), c.tracks[u.StreamID]
	if s == nil || t == nil || t.src == nil {
		return false
	}
	origin, started := t.src.Started()
	if started {
		c.locate(u, origin)
	}
	return started
}

// locate gives the utterance its speaker and its place in the call; origin is
// the wall clock of its stream's position 0.
func (c *call) locate(u *earshot.Utterance, origin time.Time) {
	at := func(p earshot.Position) int64 {
		ms := origin.Add(p.Duration()).Sub(c.rec.StartedAt).Round(time.Millisecond).Milliseconds()
		return max(ms, 0) // a stream may start before the call is answered
	}
	u.StartMS, u.EndMS = at(u.From), at(u.To)
	u.Words = slices.Clone(u.Words) // a commit that is tried again counts from the utterance once more
	for i := range u.Words {
		u.Words[i].StartMS += u.StartMS
		u.Words[i].EndMS += u.StartMS
	}
	middle := origin.Add((u.From + (u.To-u.From)/2).Duration())
	if p := c.rec.SpeakerAt(u.StreamID, middle); p != nil {
		u.ParticipantID, u.Role = p.ID, p.Role
	}
}
