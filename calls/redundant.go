package calls

import (
	"context"
	"slices"
	"time"

	"earshot"
)

// How long the first of two recordings of the same streams must be gone, or
// silent while the second is not, before the second stands in for it. Both end
// within moments of each other when the call does.
const standInAfter = 3 * time.Second

// twinOf returns the live segment that records the same streams as a session
// that begins: the same sessions of RFC 7865 and the same labels. Some clients
// fork a call twice to be safe.
func (c *call) twinOf(offer earshot.SessionOffer) earshot.SegmentID {
	var fresh earshot.Segment
	describe(&fresh, offer.Metadata)
	if len(fresh.SessionIDs) == 0 {
		return ""
	}
	labels := map[string]bool{}
	for _, m := range offer.Media {
		labels[m.Label] = true
	}
	for _, seg := range c.rec.Segments {
		if seg.EndedAt == nil && seg.RedundantOf == "" && seg.SIPCallID != offer.SIPCallID &&
			slices.Equal(seg.SessionIDs, fresh.SessionIDs) && c.hasLabels(seg.ID, labels) {
			return seg.ID
		}
	}
	return ""
}

// hasLabels reports whether a segment has open streams with all these labels,
// which are not empty.
func (c *call) hasLabels(id earshot.SegmentID, labels map[string]bool) bool {
	have := map[string]bool{}
	for _, s := range c.rec.Streams {
		if s.SegmentID == id && s.EndedAt == nil && s.Label != "" {
			have[s.Label] = true
		}
	}
	for label := range labels {
		if !have[label] {
			return false
		}
	}
	return len(labels) > 0
}

func (c *call) redundant(id earshot.SegmentID) bool {
	seg := c.segment(id)
	return seg != nil && seg.RedundantOf != ""
}

func (c *call) segment(id earshot.SegmentID) *earshot.Segment {
	for i := range c.rec.Segments {
		if c.rec.Segments[i].ID == id {
			return &c.rec.Segments[i]
		}
	}
	return nil
}

// nextChannel is the first channel that no stream has.
func (c *call) nextChannel() int {
	next := 0
	for _, s := range c.rec.Streams {
		next = max(next, s.Channel+1)
	}
	return next
}

// standIn lets a redundant segment take the place of the one it repeats, once
// that one is over or silent and it is not itself: it is recognised, and in
// the WAV file, from there on.
func (c *call) standIn(ctx context.Context, seg earshot.Segment, now time.Time) error {
	first := c.segment(seg.RedundantOf)
	if first == nil {
		return nil
	}
	gone, active := c.lastSign(*first)
	if first.EndedAt != nil {
		gone, active = *first.EndedAt, true
	}
	last, _ := c.lastSign(seg)
	if !active || now.Sub(gone) < standInAfter || last.Sub(gone) < standInAfter {
		return nil
	}
	c.segment(seg.ID).RedundantOf = ""
	var streams []earshot.StreamID
	for i := range c.rec.Streams {
		s := &c.rec.Streams[i]
		if s.SegmentID != seg.ID || s.EndedAt != nil {
			continue
		}
		s.Channel = c.nextChannel()
		t := c.tracks[s.ID]
		t.mark = earshot.Watermark{StreamID: s.ID}
		if origin, ok := t.src.Started(); ok {
			t.mark.Position = max(0, earshot.PositionOf(gone.Sub(origin)))
		}
		streams = append(streams, s.ID)
	}
	c.note([]string{"recording session lost: its second recording stands in"})
	if err := c.commit(ctx, earshot.Commit{}, earshot.EventCallUpdated); err != nil {
		return err
	}
	c.transcribe(streams)
	return nil
}
