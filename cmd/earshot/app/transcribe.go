package app

import (
	"context"
	"errors"
	"fmt"

	"earshot"
	"earshot/calls"
	"earshot/transcribe"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/vad"
)

// startTranscribe loads the models and starts recognition.
func (a *App) startTranscribe(context.Context) error {
	var detector transcribe.VAD
	var recogniser transcribe.Recogniser
	switch a.cfg.Transcribe.Engine {
	case "moonshine":
		d, r, err := a.loadModels()
		if err != nil {
			return fmt.Errorf("%w (or set transcribe.engine=none to record without transcripts)", err)
		}
		detector, recogniser = d, r
	case "none":
	default:
		return fmt.Errorf("transcribe.engine %q", a.cfg.Transcribe.Engine)
	}
	t, err := transcribe.New(transcribe.Config{Workers: a.cfg.Transcribe.Workers}, detector, recogniser, sinkPort{a}, a.log)
	if err != nil {
		return err
	}
	a.trans = t
	t.Start()
	a.onStop("recognition", func(context.Context) error { return t.Close() })
	a.metrics.MustRegister(t.Collectors()...)
	return nil
}

// loadModels loads voice detection and recognition.
func (a *App) loadModels() (*vad.Detector, *moonshine.Recogniser, error) {
	dir, err := models.Find(a.cfg.Transcribe.Model)
	if err != nil {
		return nil, nil, err
	}
	detector, err := vad.New(dir)
	if err != nil {
		return nil, nil, err
	}
	recogniser, err := moonshine.New(dir)
	if err != nil {
		return nil, nil, errors.Join(err, detector.Close())
	}
	a.onStop("models", func(context.Context) error { return errors.Join(detector.Close(), recogniser.Close()) })
	return detector, recogniser, nil
}

// sinkPort brings utterances to their calls.
type sinkPort struct{ app *App }

func (s sinkPort) Partial(u earshot.Utterance) { s.app.calls.Partial(u) }

func (s sinkPort) Final(ctx context.Context, us []earshot.Utterance, mark earshot.Watermark) error {
	return s.app.calls.Final(ctx, us, mark)
}

// transPort is recognition as the calls see it.
type transPort struct{ app *App }

var _ calls.Transcriber = transPort{}

func (p transPort) Add(call earshot.CallID, stream earshot.StreamID, src calls.Source, from earshot.Watermark) {
	err := p.app.trans.Add(transcribe.Track{
		CallID: call, StreamID: stream, Source: src, From: from.Position, Finals: from.Finals,
	})
	if err != nil { // being stopped: the next start takes it up
		p.app.log.Warn("stream not taken up for recognition", "call_id", call, "stream", stream, "error", err)
	}
}

func (p transPort) End(stream earshot.StreamID) { p.app.trans.End(stream) }
