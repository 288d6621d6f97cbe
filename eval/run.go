package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"earshot"
	"earshot/assist"
	"earshot/store/sqlite"
	"earshot/summarize"
)

// bench derives summaries and suggestions of performances, as the server does.
type bench struct {
	store      *sqlite.Store
	assistant  *assist.Assistant
	summarizer *summarize.Summarizer
	// playbook and knowledge are what the assistant was made of.
	playbook, knowledge string
}

// newBench opens a store in a folder and indexes the knowledge.
func newBench(ctx context.Context, dir, playbook, knowledge string) (*bench, error) {
	log := slog.New(slog.DiscardHandler)
	store, err := sqlite.Open(ctx, filepath.Join(dir, "eval.db"), log)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	b := &bench{store: store, playbook: playbook, knowledge: knowledge}
	if b.assistant, err = assist.New(assist.Config{Playbook: playbook, Knowledge: knowledge}, store, nil, log); err == nil {
		err = b.assistant.IndexAll(ctx)
	}
	if err == nil {
		b.summarizer, err = summarize.New(summarize.Config{}, nil, log)
	}
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return b, nil
}

func (b *bench) close() error { return b.store.Close() }

// run derives what there is of a performance and judges it.
func (b *bench) run(ctx context.Context, s *script, p performance) (score, error) {
	summary, err := b.summarizer.Summarize(ctx, p.call, p.utterances, false)
	if err != nil {
		return score{}, fmt.Errorf("summarise %s: %w", s.name, err)
	}
	out := s.judge(summary)
	out.errors = p.errors
	made, err := b.suggest(ctx, p, &out)
	if err != nil {
		return score{}, fmt.Errorf("answer %s: %w", s.name, err)
	}
	s.judgeSuggestions(p, made, &out)
	return out, nil
}

// suggest gives the assistant one final utterance after the other.
func (b *bench) suggest(ctx context.Context, p performance, out *score) ([]earshot.Suggestion, error) {
	live := p.call
	live.State = earshot.CallLive
	var made []earshot.Suggestion
	for i, u := range p.utterances {
		began := time.Now()
		fresh, err := b.assistant.Answer(ctx, live, p.utterances[:i], u, made)
		if err != nil {
			return nil, err
		}
		if len(fresh) > 0 {
			out.latencies = append(out.latencies, time.Since(began))
		}
		made = append(made, fresh...)
	}
	return made, nil
}

// runAll judges the scripts of a folder, performed one after the other.
func (b *bench) runAll(ctx context.Context, list []script, perform func(context.Context, *script) (performance, error)) (score, error) {
	var total score
	for i := range list {
		p, err := perform(ctx, &list[i])
		if err != nil {
			return total, fmt.Errorf("perform %s: %w", list[i].name, err)
		}
		s, err := b.run(ctx, &list[i], p)
		if err != nil {
			return total, err
		}
		total.add(s)
	}
	return total, nil
}

// readAloud performs a script as it is written.
func readAloud(_ context.Context, s *script) (performance, error) { return s.read(), nil }
