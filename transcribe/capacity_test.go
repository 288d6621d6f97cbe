package transcribe_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/transcribetest"
	"earshot/transcribe/vad"
)

const (
	speechShare  = 0.45 // of a channel's time
	settling     = 100 * time.Millisecond
	levelLength  = 45 * time.Second
	rushLength   = 30 * time.Second
	steadyLength = 75 * time.Second
	goodLatency  = 800 * time.Millisecond
)

// channel is a live stream: what was said until 100 ms ago is there.
type channel struct {
	pcm     []int16
	started time.Time
}

func (*channel) Rate() int { return transcribetest.Rate }

func (c *channel) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	there := min(len(c.pcm), max(0, int((time.Since(c.started)-settling).Seconds()*transcribetest.Rate)))
	from := int(pos.Samples(transcribetest.Rate))
	n := 0
	if from < there {
		n = copy(pcm, c.pcm[from:there])
	}
	if n == 0 && there == len(c.pcm) {
		return 0, io.EOF
	}
	return n, nil
}

// latencies is a Sink that notes how long after its end each final came.
type latencies struct {
	mu       sync.Mutex
	channels map[earshot.StreamID]*channel
	finals   []latency
	partials int
	missed   int
	left     sync.WaitGroup // streams that are not completed
}

type latency struct {
	stream earshot.StreamID
	at     time.Time
	after  time.Duration // the endpoint
	late   bool
}

func (l *latencies) Partial(earshot.Utterance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partials++
}

func (l *latencies) Missed(earshot.StreamID, earshot.StreamMark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.missed++
}

func (l *latencies) Final(_ context.Context, us []earshot.Utterance, w earshot.Watermark) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for _, u := range us {
		c := l.channels[w.StreamID]
		if u.Continues || u.To+earshot.PositionOf(transcribe.DefaultEndSilence) > earshot.At(int64(len(c.pcm)), transcribetest.Rate) {
			continue // cut before its end was heard
		}
		endpoint := c.started.Add(u.To.Duration() + transcribe.DefaultEndSilence - transcribe.DefaultPadAfter + settling)
		l.finals = append(l.finals, latency{w.StreamID, now, now.Sub(endpoint), u.Late})
	}
	if w.Completed {
		l.left.Done()
	}
	return nil
}

func newLatencies() *latencies {
	return &latencies{channels: map[earshot.StreamID]*channel{}}
}

// bench is the real engine with the speech that channels are made of.
type bench struct {
	detector   *vad.Detector
	recogniser *moonshine.Recogniser
	spans      [][]int16 // utterances, as they are cut
	alone      float64   // CPU seconds of the engine for a second of speech
}

func newBench(b *testing.B) *bench {
	b.Helper()
	dir, err := models.Find("")
	if err != nil {
		b.Fatal(err)
	}
	w := &bench{}
	if w.detector, err = vad.New(dir); err != nil {
		b.Fatal(err)
	}
	if w.recogniser, err = moonshine.New(dir); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		w.detector.Close()
		w.recogniser.Close()
	})
	for _, side := range []transcribetest.Speech{transcribetest.Agent(), transcribetest.Customer()} {
		for _, u := range w.cut(b, recording(side.PCM)) {
			w.spans = append(w.spans, side.PCM[u.From.Samples(transcribetest.Rate):u.To.Samples(transcribetest.Rate)])
		}
	}
	length, began := 0, cpu(b)
	for _, pcm := range w.spans {
		if _, err := w.recogniser.Recognise(b.Context(), pcm, transcribetest.Rate); err != nil {
			b.Fatal(err)
		}
		length += len(pcm)
	}
	w.alone = (cpu(b) - began) / (float64(length) / transcribetest.Rate)
	return w
}

// cut returns the utterances of a recording.
func (w *bench) cut(b *testing.B, r recording) []earshot.Utterance {
	b.Helper()
	sink := newMinutes()
	tr, err := transcribe.New(transcribe.Config{}, w.detector, spansOnly{}, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	tr.Start()
	defer tr.Close()
	if err := tr.Add(transcribe.Track{StreamID: "s", Source: r}); err != nil {
		b.Fatal(err)
	}
	<-sink.done
	return sink.spans["s"]
}

// audio makes the audio of channel n: utterances from another one on, each with
// as much silence after it that speech has its share, after a beginning that
// is not that of the others.
func (w *bench) audio(n int, length time.Duration) []int16 {
	pcm := make([]int16, n*79_193%(15*transcribetest.Rate))
	want := int(length.Seconds() * transcribetest.Rate)
	for i := n; len(pcm) < want; i++ {
		span := w.spans[i%len(w.spans)]
		pcm = append(pcm, span...)
		pcm = append(pcm, make([]int16, int(float64(len(span))*(1-speechShare)/speechShare))...)
	}
	return pcm[:want]
}

// load is what came of a number of channels.
type load struct {
	*latencies
	stats transcribe.Stats
	cpu   float64 // seconds
	took  time.Duration
}

// run lets channels of some lengths speak and waits until all is recognised.
func (w *bench) run(b *testing.B, partials time.Duration, lengths []time.Duration) load {
	b.Helper()
	sink := newLatencies()
	tr, err := transcribe.New(transcribe.Config{Partials: partials, HoldDigits: time.Nanosecond}, w.detector, w.recogniser, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	for n, length := range lengths {
		id := earshot.StreamID(strconv.Itoa(n))
		sink.channels[id] = &channel{pcm: w.audio(n, length)}
		sink.left.Add(1)
	}
	began, before := time.Now(), cpu(b)
	for id, c := range sink.channels {
		c.started = began
		if err := tr.Add(transcribe.Track{CallID: "call", StreamID: id, Source: c}); err != nil {
			b.Fatal(err)
		}
	}
	tr.Start()
	defer tr.Close()
	sink.left.Wait()
	return load{latencies: sink, stats: tr.Stats(), cpu: cpu(b) - before, took: time.Since(began)}
}

// quantile returns the part of the latencies that are at most so long.
func (l *latencies) quantile(q float64) time.Duration {
	var all []time.Duration
	for _, f := range l.finals {
		all = append(all, f.after)
	}
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[min(len(all)-1, int(q*float64(len(all))))].Round(time.Millisecond)
}

// cpu returns the processor seconds of the process.
func cpu(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkCapacity lets channels speak in real time, 45 % of it each, through
// the real detector and recogniser, and prints the table of
// docs/performance.md: how long after the endpoint finals come, and what a
// second of speech costs beside the engine alone. EARSHOT_BENCH_CHANNELS names
// other numbers of channels than 20 to 80.
func BenchmarkCapacity(b *testing.B) {
	w := newBench(b)
	levels := []int{20, 40, 60, 80}
	if list := os.Getenv("EARSHOT_BENCH_CHANNELS"); list != "" {
		levels = nil
		for n := range strings.SplitSeq(list, ",") {
			channels, err := strconv.Atoi(n)
			if err != nil {
				b.Fatal(err)
			}
			levels = append(levels, channels)
		}
	}
	for b.Loop() {
		fmt.Printf("\n%d processors; the engine alone: %.4f CPU-s for a second of speech\n\n", runtime.NumCPU(), w.alone)
		fmt.Println("| channels | partials | finals | p50 after the endpoint | p95 | late | partials/s | CPU-s per second of speech | to the engine alone | processors busy |")
		fmt.Println("|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|")
		for _, partials := range []time.Duration{-1, time.Second} {
			for _, n := range levels {
				if partials >= 0 {
					n /= 2
				}
				l := w.run(b, partials, slices.Repeat([]time.Duration{levelLength}, n))
				perSpeech := l.cpu / l.stats.Audio.Seconds()
				fmt.Printf("| %d | %s | %d | %v | %v | %d | %.1f | %.4f | %.2f | %.0f %% |\n", n, partialsName(partials), l.stats.Finals,
					l.quantile(0.5), l.quantile(0.95), lateOnes(l.finals), float64(l.partials)/l.took.Seconds(),
					perSpeech, perSpeech/w.alone, 100*l.cpu/l.took.Seconds()/float64(runtime.NumCPU()))
			}
		}
	}
}

func partialsName(d time.Duration) string {
	switch {
	case d < 0:
		return "off"
	case d == 0:
		return "auto"
	}
	return d.String()
}

func lateOnes(finals []latency) int {
	n := 0
	for _, f := range finals {
		if f.late {
			n++
		}
	}
	return n
}

// BenchmarkOverload lets 120 channels speak, twice as many as are to be held, of
// which 20 go on when the others are over: all speech is recognised, and what
// the 20 say then comes in time again soon. EARSHOT_BENCH_RUSH names another
// number of the others than 100, for machines that 120 are not too many for.
func BenchmarkOverload(b *testing.B) {
	const steady = 20
	rush := 100
	if text := os.Getenv("EARSHOT_BENCH_RUSH"); text != "" {
		var err error
		if rush, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	w := newBench(b)
	lengths := append(slices.Repeat([]time.Duration{steadyLength}, steady), slices.Repeat([]time.Duration{rushLength}, rush)...)
	for b.Loop() {
		began := time.Now()
		l := w.run(b, 0, lengths)
		lost := -l.stats.Audio
		for _, c := range l.channels {
			for _, u := range w.cut(b, recording(c.pcm)) {
				lost += (u.To - u.From).Duration()
			}
		}
		back := time.Duration(0)
		for _, f := range l.finals {
			if n, _ := strconv.Atoi(string(f.stream)); n < steady && f.after > goodLatency {
				back = max(back, f.at.Add(-f.after).Sub(began.Add(rushLength)))
			}
		}
		if lost != 0 || l.missed > 0 {
			b.Errorf("%v of speech are lost, %d utterances given up", lost, l.missed)
		}
		fmt.Printf("\n%d channels for %v beside %d for %v: %d finals, %d of them late, the longest wait %v, %v of %v of speech lost, "+
			"%.0f s of audio a second; what the %d say is in time again %v after the rush; all done after %v\n", rush, rushLength, steady, steadyLength,
			l.stats.Finals, lateOnes(l.finals), l.quantile(1), lost, l.stats.Audio.Round(time.Second), l.stats.Audio.Seconds()/l.took.Seconds(), steady, back.Round(100*time.Millisecond), l.took.Round(100*time.Millisecond))
	}
}
