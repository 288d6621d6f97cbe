package calls

import (
	"context"
	"fmt"
	"time"

	"earshot"
)

// Retranscribe replaces the transcript of a call that is over by a new one, all
// of it in one commit: finals of its streams, each in order. The old one is kept
// as an earlier revision. A revision that is there already changes nothing, so
// that it bears being done twice. [earshot.ErrNotEnded]: the call goes on.
func (m *Manager) Retranscribe(ctx context.Context, id earshot.CallID, revision int, us []earshot.Utterance) error {
	c, err := m.load(ctx, id)
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	if c.rec.TranscriptRevision >= revision {
		return nil
	}
	if !c.rec.State.Ended() || !c.rec.TranscriptComplete {
		return fmt.Errorf("new transcript of call %s: %w", id, earshot.ErrNotEnded)
	}
	commit := earshot.Commit{Transcripts: []earshot.TranscriptRevision{{CallID: id, Revision: revision}}}
	finals := map[earshot.StreamID]int{}
	for _, u := range us {
		s := c.rec.Stream(u.StreamID)
		if s == nil {
			return earshot.Permanent(fmt.Errorf("new transcript of call %s: stream %s is not one of it", id, u.StreamID))
		}
		u.CallID, u.Role, u.Revision, u.Late = id, earshot.RoleUnknown, revision, false
		c.locate(&u, c.rec.StartedAt.Add(time.Duration(s.OffsetMS)*time.Millisecond))
		commit.Utterances = append(commit.Utterances, u)
		finals[u.StreamID]++
	}
	done := earshot.TranscriptCompleted{CallID: id, Revision: revision}
	for _, s := range c.rec.Streams {
		if !s.Redundant() {
			done.Streams = append(done.Streams, earshot.Watermark{StreamID: s.ID, Finals: finals[s.ID], Completed: true})
		}
	}
	before := c.rec
	c.rec.TranscriptRevision = revision
	if c.settled {
		c.rec.Revision++
	}
	commit.Events = []earshot.Event{earshot.NewEvent(earshot.EventTranscriptCompleted, id, done)}
	if err := c.commit(ctx, commit, earshot.EventCallUpdated); err != nil {
		c.rec = before
		return err
	}
	m.log.Info("call transcribed again", "call_id", id, "revision", revision, "utterances", len(us))
	return nil
}
