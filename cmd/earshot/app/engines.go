package app

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"earshot/cmd/earshot/config"
	"earshot/transcribe"
	"earshot/transcribe/failover"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/openai"
	"earshot/transcribe/vad"
)

const builtIn = "moonshine"

// remoteWorkers is how many utterances are at engines behind the network at a
// time: they wait, they do not compute.
const remoteWorkers = 16

// loadEngines loads voice detection and the engines, in the order in which
// they are asked.
func (a *App) loadEngines(names []string) (transcribe.VAD, transcribe.Recogniser, error) {
	dir, err := models.Find(a.cfg.Transcribe.Model)
	if err != nil {
		return nil, nil, err
	}
	detector, err := vad.New(dir)
	if err != nil {
		return nil, nil, err
	}
	a.onStop("voice detection", func(context.Context) error { return detector.Close() })
	engines := make([]failover.Engine, len(names))
	for i, name := range names {
		if engines[i], err = a.engine(name, dir); err != nil {
			return nil, nil, err
		}
	}
	f, err := failover.New(a.log, engines...)
	if err != nil {
		return nil, nil, err
	}
	a.metrics.MustRegister(f.Collectors()...)
	a.again.engines(f)
	if len(engines) == 1 && names[0] == builtIn {
		return detector, engines[0].Recogniser, nil // to leave it alone would help nobody
	}
	return detector, f, nil
}

// engine makes one engine of the server.
func (a *App) engine(name, dir string) (failover.Engine, error) {
	r, closeEngine, err := newEngine(a.cfg, name, dir)
	if err != nil {
		return failover.Engine{}, err
	}
	a.onStop("engine "+name, func(context.Context) error { return closeEngine() })
	if name == builtIn {
		return failover.Engine{Name: name, Recogniser: r, Most: a.localWorkers()}, nil
	}
	return failover.Engine{Name: name, Recogniser: r, Timeout: a.cfg.Transcribe.Timeout}, nil
}

// newEngine makes an engine of the settings, with what ends it; dir has the
// models.
func newEngine(all config.Config, name, dir string) (transcribe.Recogniser, func() error, error) {
	cfg := all.Transcribe
	switch name {
	case builtIn:
		r, err := moonshine.New(dir)
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	case "openai":
		r, err := openai.New(openai.Config{
			BaseURL: cfg.OpenAI.BaseURL, APIKey: cfg.OpenAI.APIKey, Model: cfg.OpenAI.Model,
			Format: cfg.OpenAI.Format, Language: cfg.Language, Prompt: cfg.OpenAI.Prompt,
		})
		return r, func() error { return nil }, err
	}
	return nil, nil, fmt.Errorf("no engine %q", name)
}

// localWorkers is how many utterances are recognised on this machine at a time.
func (a *App) localWorkers() int {
	if n := a.cfg.Transcribe.Workers; n > 0 {
		return n
	}
	return runtime.NumCPU()
}

// spans is how many utterances are under way at a time; the built-in engine
// keeps to its own number.
func (a *App) spans(engines []string) int {
	if len(engines) > 0 && engines[0] != builtIn {
		return max(remoteWorkers, a.localWorkers())
	}
	return a.localWorkers()
}

// partialsOf is how often what is being said is recognised. Engines behind the
// network are paid by the second: without an interval set, they get every
// second once.
func partialsOf(engines []string, interval time.Duration) time.Duration {
	if interval == 0 && len(engines) > 0 && engines[0] != builtIn {
		return -1
	}
	return interval
}
