package calls

import (
	"fmt"
	"time"

	"earshot"
)

// maxMarks bounds what the streams of one call may put on its timeline, so
// that a client that sends nothing but events does not fill the record.
const maxMarks = 500

// markNow puts a mark on the timeline that happens at this moment.
func (c *call) markNow(m earshot.Mark) {
	m.ID = earshot.NewMarkID()
	m.AtMS = max(0, wallClock().Sub(c.rec.StartedAt).Milliseconds())
	m.EndMS = m.AtMS
	if p := c.rec.SpeakerAt(m.StreamID, wallClock()); p != nil {
		m.ParticipantID = p.ID
	}
	c.rec.Marks = earshot.PutMark(c.rec.Marks, m)
}

// takeMarks puts on the timeline what happened on a stream since the last
// time.
func (c *call) takeMarks(id earshot.StreamID) {
	t := c.tracks[id]
	if t == nil || t.recv == nil {
		return
	}
	origin, started := t.recv.Started()
	if !started {
		return
	}
	for _, m := range t.recv.Marks() {
		if m.Kind == earshot.MarkDropped {
			c.note([]string{fmt.Sprintf("recording: the disk was too slow, packets of stream %s are missing", id)})
		}
		c.put(c.markOf(id, origin, m))
	}
}

// put puts what happened on a stream on the timeline, unless that is full.
func (c *call) put(m earshot.Mark) {
	if len(c.rec.Marks) >= maxMarks && !c.marked(m.ID) {
		c.note([]string{fmt.Sprintf("timeline: more than %d marks, the rest is left out", maxMarks)})
		return
	}
	c.rec.Marks = earshot.PutMark(c.rec.Marks, m)
}

// markTones puts the keys that were heard in the recordings on the timeline.
func (c *call) markTones(tones []earshot.Mark) {
	for _, m := range tones {
		at := c.rec.StartedAt.Add(time.Duration(m.AtMS) * time.Millisecond)
		if p := c.rec.SpeakerAt(m.StreamID, at); p != nil {
			m.ParticipantID = p.ID
		}
		c.put(m)
	}
}

func (c *call) marked(id earshot.MarkID) bool {
	for i := range c.rec.Marks {
		if c.rec.Marks[i].ID == id {
			return true
		}
	}
	return false
}

// markOf gives a mark of a stream its place in the call and its speaker.
func (c *call) markOf(id earshot.StreamID, origin time.Time, m earshot.StreamMark) earshot.Mark {
	at := func(p earshot.Position) int64 {
		ms := origin.Add(p.Duration()).Sub(c.rec.StartedAt).Round(time.Millisecond).Milliseconds()
		return max(ms, 0)
	}
	out := earshot.Mark{
		ID: m.ID, Kind: m.Kind, StreamID: id, AtMS: at(m.From), EndMS: at(m.To),
		Digit: m.Digit, Masked: m.Masked, Packets: m.Packets, Reason: m.Reason,
	}
	if p := c.rec.SpeakerAt(id, origin.Add(m.From.Duration())); p != nil {
		out.ParticipantID = p.ID
	}
	return out
}

// markHolds marks the streams that an offer has put on hold, or taken off it
// (RFC 3264 8.4).
func (c *call) markHolds(before []earshot.Stream) {
	for _, was := range before {
		s := c.rec.Stream(was.ID)
		held := was.Media.Direction == earshot.Inactive
		if s == nil || s.EndedAt != nil || (s.Media.Direction == earshot.Inactive) == held {
			continue
		}
		kind := earshot.MarkHold
		if held {
			kind = earshot.MarkUnhold
		}
		c.markNow(earshot.Mark{Kind: kind, StreamID: s.ID, By: "SRC"})
	}
}

// tellMarks returns an event for each mark that the store does not have like
// that.
func (c *call) tellMarks(rec *earshot.Call) []earshot.Event {
	var events []earshot.Event
	for _, m := range rec.Marks {
		if c.told[m.ID] != m {
			events = append(events, earshot.NewEvent(earshot.EventCallMarked, rec.ID, m))
		}
	}
	return events
}

// toldMarks remembers what the store has.
func (c *call) toldMarks(list []earshot.Mark) {
	for _, m := range list {
		c.told[m.ID] = m
	}
}
