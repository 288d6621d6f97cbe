package calls

import (
	"context"
	"fmt"
	"slices"
	"time"

	"earshot"
)

// Render is the handler of [earshot.JobRender]: it writes the call's WAV file,
// after what was keyed as tones was taken out of the recordings.
// Doing it twice is harmless.
func (m *Manager) Render(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	c, err := m.load(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	defer c.mu.Unlock()
	if !c.rec.State.Ended() {
		return earshot.Commit{}, nil // stitched: rendered when it ends again
	}
	rec := c.copyRecord()
	c.mu.Unlock()
	made, tones, err := m.render(ctx, rec)
	c.mu.Lock()
	if err != nil {
		return earshot.Commit{}, fmt.Errorf("render recording: %w", err)
	}
	if len(c.rec.Segments) != len(rec.Segments) {
		return earshot.Commit{}, nil
	}
	if old := c.rec.Recording; old != nil && old.SHA256 == made.SHA256 {
		made.Opus = old.Opus
	}
	c.markTones(tones)
	c.rec.RecordingReady, c.rec.Recording = true, &made
	var more earshot.Commit
	if m.cfg.Opus && made.Opus == nil {
		more.Jobs = []earshot.Job{earshot.NewJob(earshot.JobOpus, c.rec.ID, job.Key+" "+made.SHA256, nil)}
	}
	return earshot.Commit{}, c.commit(ctx, more, earshot.EventRecordingReady)
}

// Opus is the handler of [earshot.JobOpus]: it makes an Ogg/Opus file of the
// call's WAV file, which stays. Doing it twice is harmless.
func (m *Manager) Opus(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	c, err := m.load(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	defer c.mu.Unlock()
	if !c.rec.RecordingReady || c.rec.Recording == nil {
		return earshot.Commit{}, nil // went on meanwhile: made when it ends again
	}
	rec := c.copyRecord()
	c.mu.Unlock()
	file, err := m.media.Opus(ctx, rec)
	c.mu.Lock()
	if err != nil {
		return earshot.Commit{}, fmt.Errorf("make Opus file: %w", err)
	}
	if now := c.rec.Recording; !c.rec.RecordingReady || now == nil || now.SHA256 != rec.Recording.SHA256 {
		return earshot.Commit{}, nil
	}
	made := *rec.Recording
	made.Opus = &file
	c.rec.Recording = &made
	return earshot.Commit{}, c.commit(ctx, earshot.Commit{}, earshot.EventCallUpdated)
}

func (m *Manager) render(ctx context.Context, rec earshot.Call) (earshot.Recording, []earshot.Mark, error) {
	tones, err := m.media.Tones(ctx, rec)
	if err != nil {
		return earshot.Recording{}, nil, fmt.Errorf("tones: %w", err)
	}
	made, err := m.media.Render(ctx, rec)
	return made, tones, err
}

// Settle is the handler of [earshot.JobSettle]: it ends the wrap-up, unless
// the call went on in a further segment. It waits for the transcript, up to
// MaxWrapUp.
func (m *Manager) Settle(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	c, err := m.load(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	defer c.mu.Unlock()
	if !c.rec.State.Ended() || c.settled {
		return earshot.Commit{}, nil
	}
	now := time.Now()
	if job.RunAt.Before(c.rec.EndedAt.Add(m.cfg.WrapUp)) {
		return earshot.Commit{}, nil // of an earlier end: the last one has its own job
	}
	if !c.rec.TranscriptComplete && now.Before(c.rec.EndedAt.Add(m.cfg.MaxWrapUp)) {
		again := earshot.NewJob(earshot.JobSettle, c.rec.ID, job.Key+"+", nil)
		again.RunAt = now.Add(m.cfg.WrapUp).UTC()
		return earshot.Commit{Jobs: []earshot.Job{again}}, nil
	}
	c.settled = true
	if c.rec.State == earshot.CallWrapping {
		c.rec.State = earshot.CallSettled
		if err := c.commit(ctx, earshot.Commit{}, earshot.EventCallSettled); err != nil {
			c.rec.State, c.settled = earshot.CallWrapping, false
			return earshot.Commit{}, err
		}
	}
	m.forget(c)
	return earshot.Commit{}, nil
}

// Tag adds tags to a call, each once.
func (m *Manager) Tag(ctx context.Context, id earshot.CallID, tags ...string) error {
	c, err := m.load(ctx, id)
	if err != nil {
		return err
	}
	defer c.mu.Unlock()
	before := c.rec.Tags
	for _, tag := range tags {
		if !slices.Contains(c.rec.Tags, tag) {
			c.rec.Tags = append(slices.Clone(c.rec.Tags), tag)
		}
	}
	if len(c.rec.Tags) == len(before) {
		return nil
	}
	if err := c.commit(ctx, earshot.Commit{}, earshot.EventCallUpdated); err != nil {
		c.rec.Tags = before
		return err
	}
	return nil
}

// load returns the call, locked, from memory or else from the store.
func (m *Manager) load(ctx context.Context, id earshot.CallID) (*call, error) {
	m.mu.Lock()
	c := m.calls[id]
	m.mu.Unlock()
	if c == nil {
		rec, err := m.store.Call(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("load call %s: %w", id, err)
		}
		c = newCall(m, rec)
		c.committed = true
		c.settled = rec.State == earshot.CallSettled
	}
	c.mu.Lock()
	return c, nil
}
