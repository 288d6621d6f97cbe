package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"earshot"
	"earshot/cmd/earshot/config"
	"earshot/transcribe"
	"earshot/transcribe/deepgram"
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

// engines are those of the settings, and who is asked for which calls.
type engines struct {
	app      *App
	fallback choice
	rules    []rule
}

// rule has a choice for some calls.
type rule struct {
	config.Rule
	choice
}

// choice is the engines of some calls in their order; none is asked if it is
// empty.
type choice struct {
	recogniser transcribe.Recogniser
	// parts says that they are asked about what is still being said. Engines
	// behind the network are paid by the second: those that are sent all of an
	// utterance each time get every second once, unless an interval is set.
	parts bool
}

// loadEngines loads voice detection and all engines.
func (a *App) loadEngines(interval time.Duration) (transcribe.VAD, *engines, error) {
	set := a.cfg.Transcribe
	dir, err := models.Find(set.Model)
	if err != nil {
		return nil, nil, err
	}
	detector, err := vad.New(dir)
	if err != nil {
		return nil, nil, err
	}
	a.onStop("voice detection", func(context.Context) error { return detector.Close() })
	names := set.AllEngines()
	list := make([]failover.Engine, len(names))
	for i, name := range names {
		if list[i], err = a.engine(name, dir); err != nil {
			return nil, nil, err
		}
	}
	all, err := failover.New(a.log, list...)
	if err != nil {
		return nil, nil, err
	}
	a.metrics.MustRegister(all.Collectors()...)
	a.again.engines(all)
	out := &engines{app: a}
	if out.fallback, err = choose(all, set.Engines(), interval); err != nil {
		return nil, nil, err
	}
	if len(names) == 1 && names[0] == builtIn && out.fallback.recogniser != nil {
		out.fallback.recogniser = list[0].Recogniser // to leave it alone would help nobody
	}
	for _, r := range set.Rules {
		chosen, err := choose(all, set.EnginesOf(r), interval)
		if err != nil {
			return nil, nil, err
		}
		out.rules = append(out.rules, rule{r, chosen})
	}
	return detector, out, nil
}

func choose(all *failover.Failover, names []string, interval time.Duration) (choice, error) {
	if len(names) == 0 {
		return choice{}, nil
	}
	f, err := all.Of(names...)
	return choice{recogniser: f, parts: names[0] != "openai" || interval > 0}, err
}

// recogniser is who recognises what no rule is for; something that says nothing
// if that is nobody.
func (e *engines) recogniser() transcribe.Recogniser {
	if e.fallback.recogniser == nil {
		return ruled{e, ""}
	}
	return e.fallback.recogniser
}

// parts reports whether anybody is asked about what is still being said.
func (e *engines) parts() bool {
	return e.fallback.parts || slices.ContainsFunc(e.rules, func(r rule) bool { return r.parts })
}

// of returns who recognises a stream, nil for who recognises all of them.
func (e *engines) of(id earshot.StreamID) transcribe.Recogniser {
	if len(e.rules) == 0 {
		return nil
	}
	return ruled{e, id}
}

// ruled is a stream whose engines the rules say, for each utterance anew: the
// queue of a call may become known while it goes on.
type ruled struct {
	*engines
	stream earshot.StreamID
}

var _ transcribe.Follower = ruled{}

func (r ruled) choice() choice {
	queue, peer := r.app.calls.Origin(r.stream)
	for _, rule := range r.rules {
		if rule.Fits(queue, peer) {
			return rule.choice
		}
	}
	return r.fallback
}

// Recognise implements [transcribe.Recogniser].
func (r ruled) Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error) {
	if c := r.choice(); c.recogniser != nil {
		return c.recogniser.Recognise(ctx, pcm, rate)
	}
	return earshot.Recognition{}, nil
}

// Follow implements [transcribe.Follower].
func (r ruled) Follow(ctx context.Context, h earshot.Hearing, pcm []int16, rate int) (earshot.Recognition, error) {
	c := r.choice()
	if c.recogniser == nil || !h.Final && !c.parts {
		return earshot.Recognition{}, nil
	}
	if f, ok := c.recogniser.(transcribe.Follower); ok {
		return f.Follow(ctx, h, pcm, rate)
	}
	return c.recogniser.Recognise(ctx, pcm, rate)
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
	case "deepgram":
		r, err := newDeepgram(cfg)
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	return nil, nil, fmt.Errorf("no engine %q", name)
}

func newDeepgram(cfg config.Transcribe) (*deepgram.Recogniser, error) {
	return deepgram.New(deepgram.Config{
		URL: cfg.Deepgram.URL, APIKey: cfg.Deepgram.APIKey, Model: cfg.Deepgram.Model, Language: cfg.Language,
	})
}

// TryDeepgram has the endpoint of the settings hear an instant of silence.
func TryDeepgram(ctx context.Context, cfg config.Transcribe) error {
	r, err := newDeepgram(cfg)
	if err != nil {
		return err
	}
	_, err = r.Recognise(ctx, make([]int16, 1600), 8000)
	return errors.Join(err, r.Close())
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
func (a *App) spans() int {
	if slices.ContainsFunc(a.cfg.Transcribe.AllEngines(), func(name string) bool { return name != builtIn }) {
		return max(remoteWorkers, a.localWorkers())
	}
	return a.localWorkers()
}
