package pipeline

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"earshot"
)

// BenchmarkEventToJob is the way of one event over the bus in the process to
// the jobs it makes.
func BenchmarkEventToJob(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	bus, err := NewBus(BusConfig{Dir: filepath.Join(b.TempDir(), "bus")}, log)
	if err != nil {
		b.Fatal(err)
	}
	defer bus.Close()
	handled := make(chan struct{}, 1)
	r := NewRouter(bus, newMemStore(), log)
	r.Handle(earshot.EventUtteranceFinal, "bench", func(context.Context, earshot.Event) ([]earshot.Job, error) {
		handled <- struct{}{}
		return nil, nil
	})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-r.Running()
	for b.Loop() {
		if err := bus.Publish(ctx, earshot.NewEvent(earshot.EventUtteranceFinal, "c", earshot.Utterance{})); err != nil {
			b.Fatal(err)
		}
		<-handled
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
