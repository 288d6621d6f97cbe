package transcribe_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/transcribe"
	"earshot/transcribe/transcribetest"
)

// soakChannels speak all the time of a soak.
const soakChannels = 20

// loop is a stream that says the same again and again for so many samples; a
// live one if started is set.
type loop struct {
	pcm     []int16
	length  int
	started time.Time
}

func (*loop) Rate() int { return transcribetest.Rate }

func (l *loop) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	there := l.length
	if !l.started.IsZero() {
		there = min(there, max(0, int((time.Since(l.started)-settling).Seconds()*transcribetest.Rate)))
	}
	from, n := int(pos.Samples(transcribetest.Rate)), 0
	for n < len(pcm) && from+n < there {
		part := l.pcm[(from+n)%len(l.pcm):]
		n += copy(pcm[n:], part[:min(len(part), there-from-n)])
	}
	if n == 0 && there == l.length {
		return 0, io.EOF
	}
	return n, nil
}

// BenchmarkSoak lets 20 channels speak for an hour, or as long as EARSHOT_SOAK
// says: memory and goroutines stay what they are, and what was recognised live
// is what recognising the recordings gives.
func BenchmarkSoak(b *testing.B) {
	length := time.Hour
	if text := os.Getenv("EARSHOT_SOAK"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			b.Fatal(err)
		}
	}
	w := newBench(b)
	for b.Loop() {
		before := goleak.IgnoreCurrent()
		sink := newMinutes()
		sink.done = make(chan earshot.StreamID, soakChannels)
		tr, err := transcribe.New(transcribe.Config{}, w.detector, w.recogniser, sink, slog.New(slog.DiscardHandler))
		if err != nil {
			b.Fatal(err)
		}
		tr.Start()
		channels := map[earshot.StreamID]*loop{}
		for n := range soakChannels {
			id := earshot.StreamID(strconv.Itoa(n))
			channels[id] = &loop{pcm: w.audio(n, 2*time.Minute), length: int(length.Seconds() * transcribetest.Rate), started: time.Now()}
			if err := tr.Add(transcribe.Track{CallID: "call", StreamID: id, Source: channels[id]}); err != nil {
				b.Fatal(err)
			}
		}
		<-time.After(length / 5)
		early := heap()
		<-time.After(length * 7 / 10)
		late := heap()
		for range soakChannels {
			<-sink.done
		}
		stats := tr.Stats()
		if err := tr.Close(); err != nil {
			b.Fatal(err)
		}
		if err := goleak.Find(before); err != nil { // it gives those a moment that have just ended
			b.Error(err)
		}
		fmt.Printf("\n%d channels for %v: %d finals of %v, real-time factor %.3f; heap %.1f MB after a fifth, %.1f MB near the end\n",
			soakChannels, length, stats.Finals, stats.Audio.Round(time.Second), stats.RealTimeFactor(), early, late)
		for _, id := range []earshot.StreamID{"0", "1"} {
			again := w.batch(b, channels[id])
			fmt.Printf("channel %s: %d finals live, %d from the recording, the same: %v\n", id, len(sink.texts[id]), len(again), slices.Equal(sink.texts[id], again))
			if !slices.Equal(sink.texts[id], again) {
				b.Errorf("channel %s differs", id)
			}
		}
	}
}

// batch recognises what a channel said from its recording.
func (w *bench) batch(b *testing.B, l *loop) []string {
	b.Helper()
	sink := newMinutes()
	tr, err := transcribe.New(transcribe.Config{}, w.detector, w.recogniser, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	tr.Start()
	defer tr.Close()
	if err := tr.Add(transcribe.Track{CallID: "call", StreamID: "s", Source: &loop{pcm: l.pcm, length: l.length}}); err != nil {
		b.Fatal(err)
	}
	<-sink.done
	return sink.texts["s"]
}

// heap returns the megabytes of live objects.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}
