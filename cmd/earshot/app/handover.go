package app

import (
	"context"
	"fmt"
	"time"

	"earshot"
)

// joinsLater is how long after the first agent another one must have come to
// take over; both are there from the start otherwise.
const joinsLater = time.Second

// onCallUpdated asks for a hand-over note when a further agent comes to a live
// call: once for each.
func (d *derived) onCallUpdated(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	c, err := decode[earshot.Call](e)
	if err != nil {
		return nil, err
	}
	next := takesOver(&c)
	if next == nil {
		return nil, nil
	}
	return []earshot.Job{earshot.NewJob(earshot.JobSummarize, c.ID,
		fmt.Sprintf("%s:handover:%s", c.ID, next.ID), summaryPayload{HandOver: next.ID})}, nil
}

// takesOver returns the agent who came last to a live call that another agent
// has had before, or nil.
func takesOver(c *earshot.Call) *earshot.Participant {
	if c.State != earshot.CallLive {
		return nil
	}
	var first, last *earshot.Participant
	for i := range c.Participants {
		p := &c.Participants[i]
		if p.SureRole() != earshot.RoleAgent || p.JoinedAt == nil {
			continue
		}
		if first == nil || p.JoinedAt.Before(*first.JoinedAt) {
			first = p
		}
		if p.LeftAt == nil && (last == nil || p.JoinedAt.After(*last.JoinedAt)) {
			last = p
		}
	}
	if last == nil || last.JoinedAt.Sub(*first.JoinedAt) < joinsLater {
		return nil
	}
	return last
}

// handOver writes the note for the agent who takes over, of what was said up to
// now.
func (d *derived) handOver(ctx context.Context, id earshot.CallID, to earshot.ParticipantID) (earshot.Commit, error) {
	call, us, err := d.transcript(ctx, id)
	if err != nil {
		return earshot.Commit{}, err
	}
	if call.State.Ended() {
		return earshot.Commit{}, nil // too late to help
	}
	s, err := d.summarizer.SummarizeWithin(ctx, summaryWithin, call, us, true)
	if err != nil {
		return earshot.Commit{}, err
	}
	e := earshot.NewEvent(earshot.EventHandOverCreated, id, earshot.HandOver{CallID: id, ParticipantID: to, Summary: s})
	e.ID = fmt.Sprintf("%s.handover.%s", id, to)
	return earshot.Commit{Events: []earshot.Event{e}}, nil
}
