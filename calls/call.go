package calls

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"earshot"
)

// call is one unfinished call. Everything but ended is guarded by mu, which
// is held over commits, so that the store sees one state after another.
type call struct {
	m     *Manager
	ended atomic.Bool // mirrors rec.State.Ended() for readers without the lock

	// names are those the manager finds the call by; its lock guards them.
	names []string

	mu  sync.Mutex
	rec earshot.Call
	// committed is set once the store has the call.
	committed bool
	// settled is set once the wrap-up is over.
	settled bool
	// closed is set when the manager has forgotten the call.
	closed  bool
	tracks  map[earshot.StreamID]*track
	dialogs map[earshot.SegmentID]string
	// told are the marks as the store has them.
	told map[earshot.MarkID]earshot.Mark
	// probation is until when resumed segments must show a sign of life.
	probation map[earshot.SegmentID]time.Time
}

// track is a stream with its audio.
type track struct {
	src Source
	// recv is nil once nobody receives the stream any more.
	recv Receiver
	mark earshot.Watermark
	// security is how the packets are protected, nil if they are not. It holds
	// keys and is never part of the record.
	security *earshot.Security
	// since is when the stream was last opened or taken off hold.
	since time.Time
}

// turn notes that a stream begins to send, or does so again: from then on it
// may be missed.
func (t *track) turn(before, now earshot.MediaDirection) {
	if now != earshot.Inactive && (before == "" || before == earshot.Inactive) {
		t.since = time.Now()
	}
}

func newCall(m *Manager, rec earshot.Call) *call {
	c := &call{
		m: m, rec: rec,
		tracks:    map[earshot.StreamID]*track{},
		dialogs:   map[earshot.SegmentID]string{},
		probation: map[earshot.SegmentID]time.Time{},
		told:      map[earshot.MarkID]earshot.Mark{},
	}
	c.toldMarks(rec.Marks)
	c.ended.Store(rec.State.Ended())
	return c
}

// finished reports whether nothing more will come for the call, or it never
// became one.
func (c *call) finished() bool {
	if !c.committed {
		return true
	}
	return c.rec.State.Ended() && c.rec.TranscriptComplete && c.settled
}

func (c *call) begin(ctx context.Context, offer earshot.SessionOffer, plan []planned) (earshot.SessionAnswer, error) {
	before := c.copyRecord()
	now := wallClock()
	seg := earshot.Segment{
		ID: earshot.NewSegmentID(), SIPCallID: offer.SIPCallID, Peer: offer.Peer, StartedAt: now,
	}
	describe(&seg, offer.Metadata)
	seg.RedundantOf = c.twinOf(offer)
	c.rec.Segments = append(c.rec.Segments, seg)
	c.dialogs[seg.ID] = offer.DialogID
	answers, opened, err := c.open(seg.ID, plan)
	undo := func() {
		c.closeAll(opened)
		delete(c.dialogs, seg.ID)
		c.rec = before
	}
	if err != nil {
		undo()
		return earshot.SessionAnswer{}, err
	}
	c.rec.State, c.rec.EndedAt = earshot.CallLive, nil
	c.rec.TranscriptComplete, c.rec.RecordingReady = false, false
	c.cast(seg.ID, offer, now)
	c.note(offer.Problems)
	what := earshot.EventCallUpdated
	if !c.committed {
		what = earshot.EventCallStarted
		c.rec.StartedAt = now
	}
	if err := c.commit(ctx, earshot.Commit{Metadata: c.metadata(seg.ID, offer)}, what); err != nil {
		undo()
		return earshot.SessionAnswer{}, err
	}
	c.m.index(c)
	c.transcribe(opened)
	c.m.log.Info("recording session began", "call_id", c.rec.ID, "segment_id", seg.ID,
		"peer", offer.Peer, "streams", len(opened), "problems", len(offer.Problems))
	return earshot.SessionAnswer{CallID: c.rec.ID, SegmentID: seg.ID, Media: answers}, nil
}

func (c *call) update(ctx context.Context, id earshot.SegmentID, offer earshot.SessionOffer) (earshot.SessionAnswer, error) {
	delete(c.probation, id)
	answer := earshot.SessionAnswer{CallID: c.rec.ID, SegmentID: id}
	before := c.copyRecord()
	var opened []earshot.StreamID
	var removed []earshot.StreamID
	if offer.Media != nil {
		plan, err := c.m.plan(c.mlines(id), c.securities(), offer)
		if err != nil {
			return answer, err
		}
		answer.Media, opened, err = c.open(id, plan)
		if err != nil {
			c.closeAll(opened)
			c.rec = before
			return answer, err
		}
		removed = c.removed(id, plan)
	}
	for i := range c.rec.Segments {
		if c.rec.Segments[i].ID == id {
			describe(&c.rec.Segments[i], offer.Metadata)
		}
	}
	now := wallClock()
	c.cast(id, offer, now)
	c.note(offer.Problems)
	for _, stream := range removed {
		c.rec.Stream(stream).EndedAt = &now
	}
	c.markHolds(before.Streams)
	if err := c.commit(ctx, earshot.Commit{Metadata: c.metadata(id, offer)}, earshot.EventCallUpdated); err != nil {
		c.closeAll(opened)
		c.rec = before
		return answer, err
	}
	c.closeStreams(removed, now)
	c.renegotiated(id, answer.Media)
	c.m.index(c)
	c.transcribe(opened)
	c.stopTranscribing(removed)
	return answer, nil
}

func (c *call) metadata(id earshot.SegmentID, offer earshot.SessionOffer) []earshot.SegmentMetadata {
	if offer.Metadata == nil {
		return nil
	}
	return []earshot.SegmentMetadata{{CallID: c.rec.ID, SegmentID: id, Metadata: *offer.Metadata}}
}

// end closes the segment; state is what the call becomes when no other
// segment is live.
func (c *call) end(ctx context.Context, id earshot.SegmentID, reason string, at time.Time, state earshot.CallState) error {
	i := slices.IndexFunc(c.rec.Segments, func(s earshot.Segment) bool { return s.ID == id })
	if i < 0 || c.rec.Segments[i].EndedAt != nil {
		return nil
	}
	at = at.UTC().Truncate(resolution)
	var streams []earshot.StreamID
	for _, s := range c.rec.Streams {
		if s.SegmentID == id && s.EndedAt == nil {
			streams = append(streams, s.ID)
		}
	}
	c.closeStreams(streams, at)
	c.rec.Segments[i].EndedAt, c.rec.Segments[i].EndReason = &at, reason
	c.attend(at)
	delete(c.probation, id)
	what, jobs := earshot.EventCallUpdated, []earshot.Job(nil)
	if c.liveSegments() == 0 {
		c.rec.State, c.rec.EndedAt = state, &at
		what, jobs = earshot.EventCallEnded, c.afterwards(at)
	}
	var dialogs []string
	if d := c.dialogs[id]; d != "" {
		dialogs = append(dialogs, d)
		delete(c.dialogs, id)
	}
	err := c.commit(ctx, earshot.Commit{Jobs: jobs, EndedDialogs: dialogs}, what)
	// Even if the store could not take it, the words already said must not wait.
	c.stopTranscribing(streams)
	if err != nil {
		return err
	}
	c.m.log.Info("recording session ended", "call_id", c.rec.ID, "segment_id", id,
		"reason", reason, "state", c.rec.State)
	return c.complete(ctx, earshot.Commit{})
}

// afterwards are the jobs of a call that has just ended.
func (c *call) afterwards(at time.Time) []earshot.Job {
	key := fmt.Sprintf("%s:%d", c.rec.ID, len(c.rec.Segments))
	settle := earshot.NewJob(earshot.JobSettle, c.rec.ID, key, nil)
	settle.RunAt = at.Add(c.m.cfg.WrapUp)
	return []earshot.Job{earshot.NewJob(earshot.JobRender, c.rec.ID, key, nil), settle}
}

// commit stores the call as it is now, with an event that says what happened
// to it, together with what else the caller has.
func (c *call) commit(ctx context.Context, with earshot.Commit, what earshot.EventType) error {
	c.refresh()
	rec := c.copyRecord()
	with.Calls = []earshot.Call{rec}
	if what != "" {
		with.Events = append(with.Events, earshot.NewEvent(what, rec.ID, rec))
	}
	with.Events = append(with.Events, c.tellMarks(&rec)...)
	// A caller that gives up must not leave the store and us apart.
	if _, err := c.m.store.Apply(context.WithoutCancel(ctx), with); err != nil {
		return fmt.Errorf("store call %s: %w", rec.ID, err)
	}
	c.toldMarks(rec.Marks)
	c.committed = true
	c.ended.Store(rec.State.Ended())
	return nil
}

// complete stores that the transcript is complete once it is: with holds what
// is to be committed anyway.
func (c *call) complete(ctx context.Context, with earshot.Commit) error {
	if !c.rec.State.Ended() || c.rec.TranscriptComplete || !c.allCompleted() {
		if len(with.Utterances) == 0 && len(with.Watermarks) == 0 {
			return nil
		}
		_, err := c.m.store.Apply(context.WithoutCancel(ctx), with)
		return err
	}
	c.rec.TranscriptComplete = true
	if c.settled {
		c.rec.Revision++
	}
	done := earshot.TranscriptCompleted{CallID: c.rec.ID}
	for _, s := range c.rec.Streams {
		if !s.Redundant() {
			done.Streams = append(done.Streams, c.tracks[s.ID].mark)
		}
	}
	with.Events = append(with.Events, earshot.NewEvent(earshot.EventTranscriptCompleted, c.rec.ID, done))
	if err := c.commit(ctx, with, ""); err != nil {
		c.rec.TranscriptComplete = false
		return err
	}
	c.m.forget(c)
	return nil
}

func (c *call) allCompleted() bool {
	for _, s := range c.rec.Streams {
		if t := c.tracks[s.ID]; t == nil || !t.mark.Completed {
			return false
		}
	}
	return true
}

// refresh takes over what the receivers know.
func (c *call) refresh() {
	for i := range c.rec.Streams {
		s := &c.rec.Streams[i]
		if t := c.tracks[s.ID]; t != nil && t.src != nil {
			c.place(s, t)
		}
	}
}

// place writes the stream's counters and its place in the call to its record.
func (c *call) place(s *earshot.Stream, t *track) {
	s.StreamStats = t.src.Stats()
	if origin, ok := t.src.Started(); ok {
		s.Started = true
		s.OffsetMS = origin.Sub(c.rec.StartedAt).Milliseconds()
	}
	if t.recv != nil {
		if codec := t.recv.Codec(); codec != "" {
			s.Codec = codec
		}
	}
}

func (c *call) note(problems []string) {
	for _, p := range problems {
		if !slices.Contains(c.rec.Problems, p) {
			c.rec.Problems = append(c.rec.Problems, p)
		}
	}
}

func (c *call) liveSegments() int {
	n := 0
	for _, s := range c.rec.Segments {
		if s.EndedAt == nil {
			n++
		}
	}
	return n
}

// copyRecord returns a copy that shares nothing that is changed in place.
func (c *call) copyRecord() earshot.Call {
	out := c.rec
	out.Participants = slices.Clone(c.rec.Participants)
	out.Streams = slices.Clone(c.rec.Streams)
	out.Segments = slices.Clone(c.rec.Segments)
	out.Tags = slices.Clone(c.rec.Tags)
	out.Marks = slices.Clone(c.rec.Marks)
	out.Problems = slices.Clone(c.rec.Problems)
	out.CorrelationIDs = slices.Clone(c.rec.CorrelationIDs)
	return out
}

// resolution is how exact the store keeps times. What is compared with a time
// that has been there must not be more exact itself.
const resolution = time.Microsecond

// wallClock returns the time as the store will keep it.
func wallClock() time.Time { return time.Now().UTC().Truncate(resolution) }

var errRefusedAll = fmt.Errorf("no m-line can be recorded: %w", earshot.ErrNoCommonCodec)

// errNotRTP says that the profile of an m-line is not one that is received.
var errNotRTP = errors.New("transport is not RTP/AVP")
