package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"earshot"
	"earshot/calls"
	"earshot/transcribe"
	"earshot/transcribe/vocabulary"
)

// recognition stands for the transcriber while its models are being loaded,
// which takes longer than a call should wait for its ports after a restart.
// Streams that come meanwhile are kept for it; their audio is on disk.
type recognition struct {
	log *slog.Logger

	mu      sync.Mutex
	t       *transcribe.Transcriber
	engines *engines // nil: none, set before t
	waiting []func(*transcribe.Transcriber)
}

var _ calls.Transcriber = (*recognition)(nil)

func (r *recognition) do(f func(*transcribe.Transcriber)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.t == nil {
		r.waiting = append(r.waiting, f)
		return
	}
	f(r.t)
}

func (r *recognition) loaded(t *transcribe.Transcriber) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.t = t
	for _, f := range r.waiting {
		f(t)
	}
	r.waiting = nil
}

func (r *recognition) Add(call earshot.CallID, stream earshot.StreamID, src calls.Source, from earshot.Watermark) {
	r.do(func(t *transcribe.Transcriber) {
		track := transcribe.Track{CallID: call, StreamID: stream, Source: src, From: from.Position, Finals: from.Finals}
		if r.engines != nil {
			track.Recogniser = r.engines.of(stream)
		}
		err := t.Add(track)
		if err != nil { // being stopped: the next start takes it up
			r.log.Warn("stream not taken up for recognition", "call_id", call, "stream", stream, "error", err)
		}
	})
}

func (r *recognition) End(stream earshot.StreamID) {
	r.do(func(t *transcribe.Transcriber) { t.End(stream) })
}

// settled returns how far a stream is heard and told; false while no models are
// loaded, too.
func (r *recognition) settled(stream earshot.StreamID) (earshot.Position, bool) {
	r.mu.Lock()
	t := r.t
	r.mu.Unlock()
	if t == nil {
		return 0, false
	}
	return t.Settled(stream)
}

// startTranscribe loads the models and starts recognition.
func (a *App) startTranscribe(context.Context) error {
	set := a.cfg.Transcribe
	patterns, err := set.Patterns()
	if err != nil {
		return err
	}
	partials, err := set.PartialInterval()
	if err != nil {
		return err
	}
	var detector transcribe.VAD
	var recogniser transcribe.Recogniser
	if len(set.AllEngines()) > 0 {
		d, all, err := a.loadEngines(partials)
		if err != nil {
			return fmt.Errorf("%w (or set transcribe.engine=none to record without transcripts)", err)
		}
		if !all.parts() {
			partials = -1
		}
		detector, recogniser, a.trans.engines = d, all.recogniser(), all
	}
	words := vocabulary.New(set.Vocabulary, 0, a.log)
	t, err := transcribe.New(transcribe.Config{
		Workers: a.spans(), EndSilence: set.EndSilence, MaxUtterance: set.MaxUtterance,
		Partials: partials, BacklogAge: set.BacklogAge, BacklogLimit: set.BacklogLimit, Vocabulary: words, Names: a.namesIn, Mask: patterns,
	}, detector, recogniser, sinkPort{a}, a.log)
	if err != nil {
		return err
	}
	t.Start()
	a.onStop("recognition", func(context.Context) error { return t.Close() })
	a.metrics.MustRegister(t.Collectors()...)
	a.metrics.MustRegister(words.Collectors()...)
	a.background("vocabulary", words.Follow)
	a.trans.loaded(t)
	return nil
}

// namesIn returns the names of the people in a stream's call.
func (a *App) namesIn(id earshot.StreamID) []string {
	if run := a.again.of(id); run != nil {
		return run.names
	}
	return a.calls.Names(id)
}

// sinkPort brings utterances to their calls, or to what recognises them again.
type sinkPort struct{ app *App }

func (s sinkPort) Partial(u earshot.Utterance) { s.app.calls.Partial(u) }

func (s sinkPort) Missed(id earshot.StreamID, mark earshot.StreamMark) {
	if run := s.app.again.of(id); run != nil {
		run.heard.Missed(id, mark)
		return
	}
	s.app.calls.Missed(id, mark)
}

func (s sinkPort) Final(ctx context.Context, us []earshot.Utterance, mark earshot.Watermark) error {
	if run := s.app.again.of(mark.StreamID); run != nil {
		return run.heard.Final(ctx, us, mark)
	}
	return s.app.calls.Final(ctx, us, mark)
}
