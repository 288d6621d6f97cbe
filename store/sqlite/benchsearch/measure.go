package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"earshot"
	"earshot/store/sqlite"
)

// measure asks the mix, all kinds in turn, while utterances come in.
func measure(ctx context.Context, s *sqlite.Store, set settings, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	live := &incoming{store: s, every: time.Second / time.Duration(set.perSecond)}
	ended := make(chan error, 1)
	go func() { ended <- live.run(ctx) }()
	list := kinds()
	took := make([][]time.Duration, len(list))
	r := rand.New(rand.NewPCG(3, 8))
	for range set.repeat {
		for i, k := range list {
			q := k.draw(r)
			begin := time.Now()
			if _, _, err := s.Search(ctx, q); err != nil {
				return fmt.Errorf("%s: %w", k.name, err)
			}
			took[i] = append(took[i], time.Since(begin))
		}
	}
	cancel()
	if err := <-ended; err != nil {
		return err
	}
	fmt.Fprintln(out, "| query | asked | p50 ms | p95 ms | p99 ms | slowest ms | goal for p95 |")
	fmt.Fprintln(out, "|---|--:|--:|--:|--:|--:|--:|")
	for i, k := range list {
		slices.Sort(took[i])
		goal := "–"
		if k.goal > 0 {
			goal = ms(k.goal)
		}
		fmt.Fprintf(out, "| %s | %d | %s | %s | %s | %s | %s |\n", k.name, len(took[i]),
			ms(at(took[i], 0.5)), ms(at(took[i], 0.95)), ms(at(took[i], 0.99)), ms(took[i][len(took[i])-1]), goal)
	}
	slices.Sort(live.took)
	if len(live.took) == 0 {
		return errors.New("nothing came in meanwhile: ask for more repeats")
	}
	_, err := fmt.Fprintf(out, "\nMeanwhile %d utterances came in, %.1f a second, and were on the disk after %s ms (p50) and %s ms (p95).\n",
		len(live.took), float64(len(live.took))/live.over.Seconds(), ms(at(live.took, 0.5)), ms(at(live.took, 0.95)))
	return err
}

// at returns a quantile of durations that are sorted.
func at(sorted []time.Duration, quantile float64) time.Duration {
	return sorted[min(len(sorted)-1, int(quantile*float64(len(sorted))))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000) }

// incoming is the speech of live calls, of which 20 are up at any time.
type incoming struct {
	store *sqlite.Store
	every time.Duration
	took  []time.Duration
	over  time.Duration
}

// run stores one utterance at a time, as live transcription does, with its
// event and watermark, until ctx ends.
func (in *incoming) run(ctx context.Context) error {
	begin := time.Now()
	t := newTalk(uint64(begin.UnixNano())) // another run adds other calls
	tick := time.NewTicker(in.every)
	defer tick.Stop()
	defer func() { in.over = time.Since(begin) }()
	var up []earshot.Call
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if n%500 == 0 { // ten seconds of speech
			var err error
			if up, err = in.begin(ctx, t, n); err != nil {
				return err
			}
		}
		c := up[n%len(up)]
		u := t.utterance(c, n/len(up)%2, int64(n)*20)
		sent := time.Now()
		_, err := in.store.Apply(ctx, earshot.Commit{
			Utterances: []earshot.Utterance{u},
			Watermarks: []earshot.Watermark{{StreamID: u.StreamID, Position: u.To, Finals: n}},
			Events:     []earshot.Event{earshot.NewEvent(earshot.EventUtteranceFinal, c.ID, u)},
		})
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("store an utterance: %w", err)
		}
		in.took = append(in.took, time.Since(sent))
	}
}

// begin stores twenty calls that are live.
func (in *incoming) begin(ctx context.Context, t *talk, n int) ([]earshot.Call, error) {
	up := make([]earshot.Call, 0, 20)
	for i := range cap(up) {
		c, _ := t.call(0, 1)
		c.ID = earshot.CallID(fmt.Sprintf("live-%d-%d-%d", t.Uint64()%1e9, n, i))
		c.State, c.EndedAt, c.StartedAt, c.TranscriptComplete = earshot.CallLive, nil, time.Now(), false
		for k := range c.Streams {
			c.Streams[k].ID = earshot.StreamID(fmt.Sprintf("%s-%d", c.ID, k))
		}
		up = append(up, c)
	}
	if _, err := in.store.Apply(ctx, earshot.Commit{Calls: up}); err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("begin calls: %w", err)
	}
	return up, nil
}
