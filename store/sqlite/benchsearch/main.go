// Command benchsearch measures search over a million utterances while more come
// in. It fills a store with generated calls, unless the file is there already,
// then asks a committed mix of queries, and prints a table for
// docs/performance.md.
//
// It lies below store/sqlite because it also asks the file how large its index
// is, which the store's own operations do not tell.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"earshot/store/sqlite"
)

// settings are what the command line says.
type settings struct {
	file       string
	utterances int
	perSecond  int
	repeat     int
}

func main() {
	var s settings
	flag.StringVar(&s.file, "file", "bin/bench-search/store.db", "the `store` that is filled once and asked")
	flag.IntVar(&s.utterances, "utterances", 1_000_000, "how many utterances a new store is filled with")
	flag.IntVar(&s.perSecond, "per-second", 50, "how many utterances come in during the queries")
	flag.IntVar(&s.repeat, "repeat", 200, "how many queries of each kind are asked")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, s, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "benchsearch:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, set settings, out io.Writer) (err error) {
	_, statErr := os.Stat(set.file)
	begin := time.Now()
	s, err := sqlite.Open(ctx, set.file, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if statErr != nil {
		if err := fill(ctx, s, set.utterances); err != nil {
			return err
		}
		took := time.Since(begin)
		fmt.Fprintf(out, "Filled with %d utterances in %s: %.0f a second.\n\n",
			set.utterances, took.Round(time.Second), float64(set.utterances)/took.Seconds())
	}
	file, err := openFile(ctx, set.file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := file.describe(ctx, out); err != nil {
		return err
	}
	return measure(ctx, s, set, out)
}
