package app

import (
	"context"
	"fmt"
	"time"

	"earshot"
)

const (
	// watchMargin is how much further a call must be told than the moment that is
	// looked at: speech is noticed a little after it has begun.
	watchMargin = 500 * time.Millisecond
	// watchAgain is when a moment is looked at again that is not told yet, and
	// watchFor how long it is worth that.
	watchAgain = time.Second
	watchFor   = time.Minute
)

// watchPayload is a moment of a call at which rules that wait may come true.
type watchPayload struct {
	AtMS int64 `json:"at_ms"`
	// Hold says that nothing need be known of what was said.
	Hold bool `json:"hold,omitempty"`
	Try  int  `json:"try,omitempty"`
}

// watchJob looks at a call at a moment. It is in the lane of the call's
// suggestions, since how often a rule fires depends on those before.
func watchJob(call *earshot.Call, key string, at time.Duration, hold bool) earshot.Job {
	job := earshot.NewJob(earshot.JobWatch, call.ID, key, watchPayload{AtMS: at.Milliseconds(), Hold: hold})
	job.Lane = string(earshot.JobAssist) + ":" + string(call.ID)
	job.RunAt = call.StartedAt.Add(at + watchMargin)
	return job
}

// onStart waits for what must be said in a call, and for the first silence.
func (d *derived) onStart(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	c, err := decode[earshot.Call](e)
	if err != nil || d.assistant == nil {
		return nil, err
	}
	waits := d.assistant.Waits()
	var jobs []earshot.Job
	for _, at := range append(waits.Missing, waits.Silence...) {
		jobs = append(jobs, watchJob(&c, fmt.Sprintf("%s:start:%s", c.ID, at), at, false))
	}
	return jobs, nil
}

// onQuiet waits for the silence that may follow an utterance.
func (d *derived) onQuiet(ctx context.Context, e earshot.Event) ([]earshot.Job, error) {
	u, err := decode[earshot.Utterance](e)
	if err != nil || d.assistant == nil {
		return nil, err
	}
	waits := d.assistant.Waits().Silence
	if len(waits) == 0 {
		return nil, nil
	}
	c, err := d.store.Call(ctx, e.CallID)
	if err != nil || c.State.Ended() {
		return nil, err
	}
	var jobs []earshot.Job
	for _, silence := range waits {
		at := time.Duration(u.EndMS)*time.Millisecond + silence
		jobs = append(jobs, watchJob(&c, fmt.Sprintf("%s:silence:%s", u.ID, silence), at, false))
	}
	return jobs, nil
}

// onMark waits for a hold to become a long one, and for the silence that may
// follow it.
func (d *derived) onMark(ctx context.Context, e earshot.Event) ([]earshot.Job, error) {
	m, err := decode[earshot.Mark](e)
	if err != nil || d.assistant == nil {
		return nil, err
	}
	var waits []time.Duration
	switch m.Kind {
	case earshot.MarkHold:
		waits = d.assistant.Waits().Hold
	case earshot.MarkUnhold, earshot.MarkResume:
		waits = d.assistant.Waits().Silence
	default:
	}
	if len(waits) == 0 {
		return nil, nil
	}
	c, err := d.store.Call(ctx, e.CallID)
	if err != nil {
		return nil, err
	}
	var jobs []earshot.Job
	for _, wait := range waits {
		at := time.Duration(m.AtMS)*time.Millisecond + wait
		jobs = append(jobs, watchJob(&c, fmt.Sprintf("%s:%s:%s", c.ID, m.ID, wait), at, m.Kind == earshot.MarkHold))
	}
	return jobs, nil
}

// watch looks whether rules that wait have come true at a moment of a live call,
// once all that was said up to then is known.
func (d *derived) watch(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	var p watchPayload
	if err := unmarshal(job.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(err)
	}
	if d.assistant == nil {
		return earshot.Commit{}, nil // since the restart
	}
	call, said, err := d.transcript(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	if call.State.Ended() {
		return earshot.Commit{}, nil // too late to help
	}
	told, known := d.app.calls.Told(call.ID, d.app.trans.settled)
	all := known && told >= p.AtMS+watchMargin.Milliseconds()
	if !all && !p.Hold {
		return d.watchLater(job, p), nil
	}
	made, err := d.store.Suggestions(ctx, call.ID)
	if err != nil {
		return earshot.Commit{}, err
	}
	fresh := d.assistant.Due(call, said, p.AtMS, all, made)
	if tags := tagsOf(fresh); len(tags) > 0 {
		if err := d.app.calls.Tag(ctx, call.ID, tags...); err != nil {
			return earshot.Commit{}, err
		}
	}
	return suggested(call.ID, fresh), nil
}

// watchLater looks at the same moment again, for a while.
func (d *derived) watchLater(job earshot.Job, p watchPayload) earshot.Commit {
	p.Try++
	if time.Duration(p.Try)*watchAgain > watchFor {
		return earshot.Commit{}
	}
	next := earshot.NewJob(earshot.JobWatch, job.CallID, fmt.Sprintf("%d:again:%d", job.ID, p.Try), p)
	next.Lane, next.RunAt = job.Lane, time.Now().UTC().Add(watchAgain)
	return earshot.Commit{Jobs: []earshot.Job{next}}
}
