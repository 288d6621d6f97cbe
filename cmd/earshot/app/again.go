package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/media/wav"
	"earshot/transcribe"
	"earshot/transcribe/failover"
)

// again recognises calls that have a transcript already. Each is a job: what a
// restart interrupts begins anew, and the new transcript takes the place of the
// old one in a single commit.
type again struct {
	app *App
	// loaded is closed once recognition has begun; all is what may be asked.
	loaded chan struct{}
	all    *failover.Failover

	asking sync.Mutex // one question whether a call is at it already at a time

	mu   sync.Mutex
	runs map[earshot.StreamID]*run
}

// run is a call that is being recognised again.
type run struct {
	call  earshot.CallID
	names []string
	heard *collector
}

type againPayload struct {
	Revision int    `json:"revision"`
	Engine   string `json:"engine,omitempty"`
}

func newAgain(a *App) *again {
	return &again{app: a, loaded: make(chan struct{}), runs: map[earshot.StreamID]*run{}}
}

// engines says which engines there are.
func (r *again) engines(f *failover.Failover) {
	r.all = f
	close(r.loaded)
}

// of returns what takes the finals of a stream that is recognised again, else
// nil.
func (r *again) of(id earshot.StreamID) *run {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.runs[id]
}

// Retranscribe has a call that is over recognised again, by an engine of the
// settings or, for "", by those that they name. It returns once that is stored.
func (r *again) Retranscribe(ctx context.Context, id earshot.CallID, engine string) (earshot.Retranscription, error) {
	var none earshot.Retranscription
	names := r.app.cfg.Transcribe.AllEngines()
	switch {
	case engine == "" && len(r.app.cfg.Transcribe.Engines()) == 0:
		return none, fmt.Errorf("%w: transcribe.engine is none", earshot.ErrNoEngine)
	case engine != "" && !slices.Contains(names, engine):
		return none, fmt.Errorf("%w: %q is not %s (transcribe.engine, fallback, rules)", earshot.ErrNoEngine, engine, strings.Join(names, " or "))
	}
	r.asking.Lock()
	defer r.asking.Unlock()
	call, err := r.app.store.Call(ctx, id)
	if err != nil {
		return none, err
	}
	if !call.State.Ended() || !call.TranscriptComplete || !call.RecordingReady {
		return none, fmt.Errorf("call %s: %w", id, earshot.ErrNotEnded)
	}
	if last, err := r.app.store.LastJob(ctx, earshot.JobAgain, string(id)+":"); err == nil && last.State == earshot.JobPending {
		return none, fmt.Errorf("transcribing call %s again: %w", id, earshot.ErrRunning)
	} else if err != nil && !isNotFound(err) {
		return none, err
	}
	p := againPayload{Revision: call.TranscriptRevision + 1, Engine: engine}
	job := earshot.NewJob(earshot.JobAgain, id, string(id)+":"+earshot.NewID(), p)
	if _, err := r.app.store.Apply(ctx, earshot.Commit{Jobs: []earshot.Job{job}}); err != nil {
		return none, err
	}
	r.app.workers.Wake()
	return r.status(id, job, p), nil
}

// Retranscription returns how the last such wish for a call stands, or
// earshot.ErrNotFound.
func (r *again) Retranscription(ctx context.Context, id earshot.CallID) (earshot.Retranscription, error) {
	job, err := r.app.store.LastJob(ctx, earshot.JobAgain, string(id)+":")
	if err != nil {
		return earshot.Retranscription{}, err
	}
	var p againPayload
	if err := unmarshal(job.Payload, &p); err != nil {
		return earshot.Retranscription{}, err
	}
	return r.status(id, job, p), nil
}

func (r *again) status(id earshot.CallID, job earshot.Job, p againPayload) earshot.Retranscription {
	out := earshot.Retranscription{
		CallID: id, Revision: p.Revision, Engine: p.Engine, State: earshot.RetranscriptionWaiting, Error: job.LastError,
	}
	switch job.State {
	case earshot.JobDone:
		out.State, out.Done = earshot.RetranscriptionDone, 1
	case earshot.JobDead:
		out.State = earshot.RetranscriptionFailed
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, run := range r.runs {
		if run.call == id && out.State == earshot.RetranscriptionWaiting {
			out.State, out.Done = earshot.RetranscriptionRunning, run.heard.share()
			break
		}
	}
	return out
}

// handle is the handler of [earshot.JobAgain].
func (r *again) handle(ctx context.Context, job earshot.Job) (earshot.Commit, error) {
	var p againPayload
	if err := unmarshal(job.Payload, &p); err != nil {
		return earshot.Commit{}, earshot.Permanent(err)
	}
	call, err := r.app.store.Call(ctx, job.CallID)
	if err != nil {
		return earshot.Commit{}, err
	}
	if call.TranscriptRevision >= p.Revision {
		return earshot.Commit{}, nil
	}
	recogniser, err := r.recogniser(ctx, p.Engine)
	if err != nil {
		return earshot.Commit{}, err
	}
	us, err := r.recognise(ctx, call, recogniser)
	if err != nil {
		return earshot.Commit{}, err
	}
	return earshot.Commit{}, r.app.calls.Retranscribe(ctx, call.ID, p.Revision, us)
}

// recogniser waits until recognition has begun and returns the engine, nil for
// that of all streams.
func (r *again) recogniser(ctx context.Context, engine string) (transcribe.Recogniser, error) {
	select {
	case <-r.loaded:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if engine == "" {
		return nil, nil
	}
	f, err := r.all.Of(engine)
	if err != nil { // the settings have changed since
		return nil, earshot.Permanent(fmt.Errorf("%w: %w", earshot.ErrNoEngine, err))
	}
	return f, nil
}

// recognise returns all that is said in a call. A part that is not recognised is
// an error: what there is must not be replaced by less.
func (r *again) recognise(ctx context.Context, call earshot.Call, recogniser transcribe.Recogniser) ([]earshot.Utterance, error) {
	var tracks []transcribe.Track
	var total time.Duration
	for _, s := range call.Streams {
		if s.Redundant() || !s.Started {
			continue
		}
		src, err := r.app.recorded(call, s)
		if err != nil {
			return nil, fmt.Errorf("recording of stream %s: %w", s.ID, err)
		}
		tracks = append(tracks, transcribe.Track{CallID: call.ID, StreamID: s.ID, Source: src, Recogniser: recogniser, Again: true})
		total += src.End().Duration()
	}
	this := &run{call: call.ID, heard: newCollector(len(tracks), total, nil)}
	for _, p := range call.Participants {
		if p.Name != "" {
			this.names = append(this.names, p.Name)
		}
	}
	if err := r.begin(this, tracks); err != nil {
		return nil, err
	}
	select {
	case <-this.heard.all:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	us, missed := this.heard.result()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tracks {
		delete(r.runs, t.StreamID)
	}
	if missed > 0 {
		return nil, fmt.Errorf("%d parts of the call could not be recognised", missed)
	}
	return us, nil
}

// begin gives the streams to recognition.
func (r *again) begin(this *run, tracks []transcribe.Track) error {
	if err := r.enter(this, tracks); err != nil {
		return err
	}
	added := make(chan error, 1)
	r.app.trans.do(func(t *transcribe.Transcriber) {
		var err error
		for _, track := range tracks {
			err = errors.Join(err, t.Add(track))
		}
		added <- err
	})
	return <-added
}

// enter has the finals of the streams come to a run. One that was given up must
// have come to its end before.
func (r *again) enter(this *run, tracks []transcribe.Track) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, t := range tracks {
		if old := r.runs[t.StreamID]; old != nil && !old.heard.completed() {
			return fmt.Errorf("stream %s: %w", t.StreamID, earshot.ErrRunning)
		}
	}
	for _, t := range tracks {
		r.runs[t.StreamID] = this
	}
	return nil
}

// recording is the audio of a stream that is over.
type recording interface {
	transcribe.Source
	End() earshot.Position
}

// recorded returns the recording of a stream: the master or, where there is
// none any more, its channel of the WAV file.
func (a *App) recorded(call earshot.Call, s earshot.Stream) (recording, error) {
	r, err := OpenMaster(a.cfg, call.ID, s.ID)
	if err == nil {
		return r, nil
	}
	if !isNotFound(err) {
		return nil, err
	}
	return openChannel(RecordingFile(a.cfg, call.ID), s)
}

// openChannel reads the channel of a stream from where the stream begins.
func openChannel(path string, s earshot.Stream) (sound Sound, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sound, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r, err := wav.NewReader(f)
	if err != nil {
		return sound, err
	}
	channels, err := r.ReadAll()
	if err != nil {
		return sound, err
	}
	if s.Channel >= len(channels) {
		return sound, fmt.Errorf("%s has no channel %d", path, s.Channel)
	}
	pcm := channels[s.Channel]
	from := earshot.PositionOf(time.Duration(s.OffsetMS) * time.Millisecond).Samples(r.Rate)
	return Sound{StreamID: s.ID, PCM: pcm[min(int(max(from, 0)), len(pcm)):], Hertz: r.Rate}, nil
}
