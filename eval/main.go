package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"text/tabwriter"

	"earshot/cmd/earshot/config"
)

//go:embed calls
var calls embed.FS

// sets are the calls, those the rules were not made with first.
var sets = []string{"held_out", "tuning"}

type options struct {
	recognised bool
	misses     string
	voices     string
	playbook   string
	knowledge  string
}

func main() {
	var o options
	flag.BoolVar(&o.recognised, "recognised", false, "also speak the calls and measure on what is recognised (minutes)")
	flag.StringVar(&o.misses, "misses", "", "list what is missed in this set of calls, held_out or tuning")
	flag.StringVar(&o.voices, "voices", filepath.Join(os.TempDir(), "earshot-eval-voices"), "folder where what is spoken is kept")
	flag.StringVar(&o.playbook, "playbook", "examples/playbook.yaml", "playbook of the suggestions")
	flag.StringVar(&o.knowledge, "knowledge", "examples/knowledge", "articles of the suggestions")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := o.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "eval:", err)
		os.Exit(1)
	}
}

// result is the score of one set, performed in one way.
type result struct {
	set, words string
	score      score
}

func (o options) run(ctx context.Context, w io.Writer) error {
	dir, err := os.MkdirTemp("", "earshot-eval-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := newBench(ctx, dir, o.playbook, o.knowledge)
	if err != nil {
		return err
	}
	defer func() { _ = b.close() }()
	results, err := o.measure(ctx, b)
	if err != nil {
		return err
	}
	if err := printTable(w, results); err != nil {
		return err
	}
	if err := b.tryModel(ctx, w); err != nil {
		return err
	}
	for _, r := range results {
		if r.set != o.misses {
			continue
		}
		fmt.Fprintf(w, "\n%s, %s:\n", r.set, r.words)
		for _, m := range r.score.missed {
			fmt.Fprintln(w, " ", m)
		}
	}
	return nil
}

func (o options) measure(ctx context.Context, b *bench) ([]result, error) {
	var out []result
	for _, set := range sets {
		list, err := readScripts(calls, "calls/"+set)
		if err != nil {
			return nil, err
		}
		s, err := b.runAll(ctx, list, readAloud)
		if err != nil {
			return nil, err
		}
		out = append(out, result{set, "as written", s})
		if !o.recognised {
			continue
		}
		if err := os.MkdirAll(o.voices, 0o750); err != nil {
			return nil, fmt.Errorf("make folder: %w", err)
		}
		st := &studio{dir: o.voices, cfg: config.Default(), log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))}
		if s, err = b.runAll(ctx, list, st.perform); err != nil {
			return nil, err
		}
		out = append(out, result{set, "as recognised", s})
	}
	return out, nil
}

// printTable prints a row for each set.
func printTable(w io.Writer, list []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "calls\twords\tn\tword errors\tfact recall\tprecision\taction recall\tprecision\tdue\treason\tdisposition\tsentiment\tsuggestion recall\tprecision\tfalse alarms/call\tlatency p95")
	for _, r := range list {
		s := r.score
		fmt.Fprintf(t, "%s\t%s\t%d\t%.1f %%\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.3f\t%.2f\t%.1f ms\n", r.set, r.words, s.calls, 100*s.errors.Rate(),
			s.facts.recall(), s.facts.precision(), s.actions.recall(), s.actions.precision(), s.dues.recall(), s.reasons.recall(), s.dispositions.recall(), s.moods.recall(),
			s.suggestions.recall(), s.suggestions.precision(), share(s.falseAlarms, s.calls), float64(s.slowest().Microseconds())/1000)
	}
	return t.Flush()
}
