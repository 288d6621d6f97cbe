package vad

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"earshot/transcribe/models"
	"earshot/transcribe/transcribetest"
)

func load(t testing.TB) *Detector {
	t.Helper()
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// rate runs one channel over audio alone.
func rate(t *testing.T, d *Detector, hz int, pcm []int16) []float32 {
	t.Helper()
	size := hz * 32 / 1000
	state, prob := make([]float32, d.StateLen()), make([]float32, 1)
	var out []float32
	for w := range slices.Chunk(pcm[:len(pcm)/size*size], size) {
		if err := d.Detect(hz, [][]float32{state}, [][]int16{w}, prob); err != nil {
			t.Fatal(err)
		}
		out = append(out, prob[0])
	}
	return out
}

// part returns which part of the windows has speech in it.
func part(probs []float32) float64 {
	n := 0
	for _, p := range probs {
		if p >= 0.5 {
			n++
		}
	}
	return float64(n) / float64(len(probs))
}

func TestSpeechAndPauses(t *testing.T) {
	d := load(t)
	pcm := transcribetest.Customer().PCM
	wide := make([]int16, 2*len(pcm))
	for i, s := range pcm {
		wide[2*i] = s
		wide[2*i+1] = int16((int(s) + int(pcm[min(i+1, len(pcm)-1)])) / 2)
	}
	for hz, audio := range map[int][]int16{8000: pcm, 16000: wide} {
		probs := rate(t, d, hz, audio)
		if p := part(probs); p < 0.6 || p > 0.85 {
			t.Errorf("%d Hz: %.0f %% of the windows are speech", hz, 100*p)
		}
		if p := part(probs[:20]); p > 0 { // 0.64 s of silence
			t.Errorf("%d Hz: speech before the first word", hz)
		}
	}
}

func TestNoSpeech(t *testing.T) {
	d := load(t)
	random := rand.New(rand.NewPCG(1, 2))
	sounds := map[string]func(i int) float64{
		"silence":      func(int) float64 { return 0 },
		"line noise":   func(int) float64 { return 8 * random.NormFloat64() },
		"noise":        func(int) float64 { return 500 * random.NormFloat64() },
		"ringing tone": func(i int) float64 { return 4000 * (sine(440, i) + sine(480, i)) },
	}
	for name, sound := range sounds {
		pcm := make([]int16, 5*8000)
		for i := range pcm {
			pcm[i] = int16(sound(i))
		}
		if p := part(rate(t, d, 8000, pcm)); p > 0.05 {
			t.Errorf("%s: %.0f %% is speech", name, 100*p)
		}
	}
}

func sine(hz float64, i int) float64 { return math.Sin(2 * math.Pi * hz * float64(i) / 8000) }

// A channel must not hear the others it is rated with.
func TestBatchIsTheSameAsAlone(t *testing.T) {
	d := load(t)
	const channels = 5
	pcm := transcribetest.Agent().PCM
	const size = 256
	var alone [channels][]float32
	states, windows := make([][]float32, channels), make([][]int16, channels)
	for c := range channels {
		alone[c] = rate(t, d, 8000, pcm[c*7000:][:200*size])
		states[c] = make([]float32, d.StateLen())
	}
	probs := make([]float32, channels)
	for w := range 200 {
		for c := range channels {
			windows[c] = pcm[c*7000+w*size:][:size]
		}
		if err := d.Detect(8000, states, windows, probs); err != nil {
			t.Fatal(err)
		}
		for c := range channels {
			if diff := math.Abs(float64(probs[c] - alone[c][w])); diff > 1e-4 {
				t.Fatalf("window %d of channel %d: %g instead of %g", w, c, probs[c], alone[c][w])
			}
		}
	}
}

// After minutes of silence, which the gate answers, speech is heard as at the
// beginning.
func TestGateLeavesTheStateSane(t *testing.T) {
	d := load(t)
	speech := transcribetest.Customer().PCM[:5*8000]
	silence := make([]int16, 60*8000/256*256)
	fresh := rate(t, d, 8000, speech)
	after := rate(t, d, 8000, slices.Concat(speech[:256*100], silence, speech))[100+len(silence)/256:]
	for i := range fresh {
		if diff := math.Abs(float64(fresh[i] - after[i])); diff > 0.05 {
			t.Fatalf("window %d: %g after silence, %g fresh", i, after[i], fresh[i])
		}
	}
	state, prob := make([]float32, d.StateLen()), []float32{0}
	for range gateHangover + 5 {
		if err := d.Detect(8000, [][]float32{state}, [][]int16{silence[:256]}, prob); err != nil {
			t.Fatal(err)
		}
	}
	if len(d.asked) != 0 || prob[0] != 0 {
		t.Errorf("the model is asked about silence: %v, %g", d.asked, prob[0])
	}
}

func TestBadArguments(t *testing.T) {
	d := load(t)
	state, window, prob := make([]float32, d.StateLen()), make([]int16, 256), make([]float32, 1)
	for name, err := range map[string]error{
		"rate":    d.Detect(11025, [][]float32{state}, [][]int16{window}, prob),
		"window":  d.Detect(8000, [][]float32{state}, [][]int16{window[1:]}, prob),
		"state":   d.Detect(8000, [][]float32{state[1:]}, [][]int16{window}, prob),
		"results": d.Detect(8000, [][]float32{state}, [][]int16{window}, nil),
	} {
		if err == nil {
			t.Errorf("wrong %s: no error", name)
		}
	}
	if err := d.Detect(8000, nil, nil, nil); err != nil {
		t.Errorf("no channels: %v", err)
	}
}

func TestDamagedModelIsAnError(t *testing.T) {
	from, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(from, models.Library), filepath.Join(dir, models.Library)); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir); !errors.Is(err, models.ErrMissing) {
		t.Errorf("no model: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(from, models.VAD))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, models.VAD), raw[:len(raw)-1000], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir); !errors.Is(err, models.ErrDamaged) || !strings.Contains(err.Error(), "make setup") {
		t.Errorf("model cut short: %v", err)
	}
}

func BenchmarkDetect16Channels(b *testing.B) {
	d := load(b)
	pcm := transcribetest.Agent().PCM[8000:]
	states, windows := make([][]float32, 16), make([][]int16, 16)
	for i := range states {
		states[i] = make([]float32, d.StateLen())
		windows[i] = pcm[i*256:][:256]
	}
	probs := make([]float32, 16)
	for b.Loop() {
		if err := d.Detect(8000, states, windows, probs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(16*b.N), "us/window")
}
