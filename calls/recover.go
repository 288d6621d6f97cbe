package calls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"earshot"
)

// Recover takes up what an earlier process left: live calls whose dialogs are
// known are received again on the same ports, the others are closed as
// interrupted, and recognition goes on from the watermarks. It returns the
// dialogs that go on. It runs before signalling starts.
func (m *Manager) Recover(ctx context.Context) ([]earshot.Dialog, error) {
	dialogs, err := m.store.Dialogs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read dialogs: %w", err)
	}
	bySegment := map[earshot.SegmentID]earshot.Dialog{}
	for _, d := range dialogs {
		bySegment[d.SegmentID] = d
	}
	recs, err := m.unfinished(ctx)
	if err != nil {
		return nil, err
	}
	var goOn []earshot.Dialog
	for _, rec := range recs {
		resumed, err := m.recoverCall(ctx, rec, bySegment)
		if err != nil {
			// One call that can't be recovered must not keep the others down.
			m.log.Error("call not recovered", "call_id", rec.ID, "error", err)
			continue
		}
		goOn = append(goOn, resumed...)
	}
	return goOn, nil
}

// unfinished returns each call that is live, wraps up or is not transcribed.
func (m *Manager) unfinished(ctx context.Context) ([]earshot.Call, error) {
	live, err := m.store.LiveCalls(ctx)
	if err != nil {
		return nil, fmt.Errorf("read live calls: %w", err)
	}
	open, err := m.store.OpenTranscripts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read open transcripts: %w", err)
	}
	ended, err := m.store.EndedSince(ctx, time.Now().Add(-m.cfg.WrapUp))
	if err != nil {
		return nil, fmt.Errorf("read calls in wrap-up: %w", err)
	}
	var out []earshot.Call
	seen := map[earshot.CallID]bool{}
	for _, list := range [][]earshot.Call{live, open, ended} {
		for _, rec := range list {
			if !seen[rec.ID] {
				seen[rec.ID] = true
				out = append(out, rec)
			}
		}
	}
	return out, nil
}

func (m *Manager) recoverCall(ctx context.Context, rec earshot.Call, dialogs map[earshot.SegmentID]earshot.Dialog) ([]earshot.Dialog, error) {
	marks, err := m.store.Watermarks(ctx, rec.ID)
	if err != nil {
		return nil, fmt.Errorf("read watermarks: %w", err)
	}
	c := newCall(m, rec)
	c.committed = true
	c.settled = rec.State == earshot.CallSettled
	c.mu.Lock()
	defer c.mu.Unlock()
	resumed := c.reopen(marks, dialogs)
	m.index(c)
	var goOn []earshot.Dialog
	for _, seg := range rec.Segments {
		if seg.EndedAt != nil {
			continue
		}
		d, known := dialogs[seg.ID]
		c.dialogs[seg.ID] = d.ID
		if known && resumed[seg.ID] {
			goOn = append(goOn, d)
			c.probation[seg.ID] = time.Now().Add(m.cfg.ResumeWindow)
			continue
		}
		if err := c.interrupt(ctx, seg); err != nil {
			return goOn, err
		}
	}
	c.takeUpTranscript()
	return goOn, c.complete(ctx, earshot.Commit{})
}

// reopen gives each stream its audio again: received on its port when its
// dialog goes on, else from the recording. It reports the segments that have
// at least one stream received, or none to receive.
func (c *call) reopen(marks []earshot.Watermark, dialogs map[earshot.SegmentID]earshot.Dialog) map[earshot.SegmentID]bool {
	resumed := map[earshot.SegmentID]bool{}
	for _, seg := range c.rec.Segments {
		resumed[seg.ID] = true
	}
	for _, s := range c.rec.Streams {
		t := &track{mark: earshot.Watermark{StreamID: s.ID, Completed: s.Redundant()}}
		for _, mark := range marks {
			if mark.StreamID == s.ID {
				t.mark = mark
			}
		}
		c.tracks[s.ID] = t
		if d, known := dialogs[s.SegmentID]; known && s.EndedAt == nil {
			err := c.resume(t, s, d)
			if err == nil {
				continue
			}
			resumed[s.SegmentID] = false
			c.m.log.Error("stream not resumed", "call_id", c.rec.ID, "stream", s.ID, "port", s.Media.Port, "error", err)
		}
		t.src = c.recorded(s.ID)
	}
	return resumed
}

// resume goes on receiving a stream, with the keys its dialog is stored with.
func (c *call) resume(t *track, s earshot.Stream, d earshot.Dialog) error {
	answers, err := d.Answers()
	if err != nil {
		return err
	}
	for _, a := range answers {
		if a.StreamID == s.ID {
			t.security = a.Security
		}
	}
	recv, err := c.m.media.Open(StreamSpec{
		CallID: c.rec.ID, StreamID: s.ID, Formats: s.Media.Formats, Port: s.Media.Port,
		RTCPMux: s.Media.RTCPMux, RemoteRTCP: s.Media.RemoteRTCP, XR: s.Media.XR, Resume: true, Security: t.security, Paused: c.rec.Paused,
	})
	if err == nil {
		t.recv, t.src = recv, recv
	}
	return err
}

func (c *call) recorded(id earshot.StreamID) Source {
	src, err := c.m.media.Recorded(c.rec.ID, id)
	if err == nil {
		return src
	}
	if !errors.Is(err, earshot.ErrNotFound) {
		c.m.log.Error("recording not readable", "call_id", c.rec.ID, "stream", id, "error", err)
		c.note([]string{fmt.Sprintf("recording: stream %s is not readable", id)})
	}
	return nothing{}
}

// interrupt closes a segment that can't go on, as of its last packet.
func (c *call) interrupt(ctx context.Context, seg earshot.Segment) error {
	at := seg.StartedAt
	for _, s := range c.rec.Streams {
		if s.SegmentID != seg.ID {
			continue
		}
		if last := c.tracks[s.ID].src.LastPacket(); last.After(at) {
			at = last
		}
	}
	c.m.m.interrupted.Inc()
	return c.end(ctx, seg.ID, "interrupted", at.UTC(), earshot.CallInterrupted)
}

// takeUpTranscript goes on with the recognition of each stream.
func (c *call) takeUpTranscript() {
	if c.rec.TranscriptComplete {
		return
	}
	for _, s := range c.rec.Streams {
		t := c.tracks[s.ID]
		if t.mark.Completed {
			continue
		}
		c.m.trans.Add(c.rec.ID, s.ID, t.src, t.mark)
		if t.recv == nil {
			c.m.trans.End(s.ID)
		}
	}
}

// nothing is the source of a stream that never had a packet.
type nothing struct{}

var _ Source = nothing{}

func (nothing) Rate() int                                     { return 8000 }
func (nothing) ReadAt([]int16, earshot.Position) (int, error) { return 0, io.EOF }
func (nothing) Started() (time.Time, bool)                    { return time.Time{}, false }
func (nothing) LastPacket() time.Time                         { return time.Time{} }
func (nothing) Stats() earshot.StreamStats                    { return earshot.StreamStats{} }
