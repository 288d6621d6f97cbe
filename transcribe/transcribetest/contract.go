package transcribetest

import (
	"context"
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"earshot"
	"earshot/transcribe/wer"
)

// Recogniser is what the contract is about.
type Recogniser interface {
	Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error)
}

// TestRecogniser runs the contract suite: speech is recognised within a word
// error rate at 8 and 16 kHz under the engine's name, silence, noise and tones give no text, nothing
// and hardly anything is no error, a cancelled context is one, calls may run
// side by side and give the same.
func TestRecogniser(t *testing.T, rec Recogniser, mostErrors float64) {
	turn := firstTurn(Agent())
	t.Run("speech", func(t *testing.T) { speech(t, rec, turn, mostErrors) })
	t.Run("no speech", func(t *testing.T) { noSpeech(t, rec) })
	t.Run("cancelled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := rec.Recognise(ctx, turn.PCM, Rate); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("concurrent", func(t *testing.T) { concurrent(t, rec, turn) })
	t.Run("no rate", func(t *testing.T) {
		if _, err := rec.Recognise(t.Context(), turn.PCM, 0); err == nil {
			t.Error("no error")
		}
	})
}

// firstTurn is what is said before the first pause.
func firstTurn(s Speech) Speech {
	return Speech{Name: s.Name, PCM: s.PCM[:8*Rate], Turns: s.Turns[:1]}
}

func speech(t *testing.T, rec Recogniser, turn Speech, mostErrors float64) {
	wide := make([]int16, 2*len(turn.PCM))
	for i, s := range turn.PCM {
		wide[2*i] = s
		next := turn.PCM[min(i+1, len(turn.PCM)-1)]
		wide[2*i+1] = int16((int(s) + int(next)) / 2)
	}
	for rate, pcm := range map[int][]int16{Rate: turn.PCM, 2 * Rate: wide} {
		got, err := rec.Recognise(t.Context(), pcm, rate)
		if err != nil {
			t.Fatal(err)
		}
		r := wer.Compare(turn.Text(), got.Text)
		t.Logf("%d Hz: %.1f %% of %d words wrong, confidence %.2f", rate, 100*r.Rate(), r.Words, got.Confidence)
		if r.Rate() > mostErrors {
			t.Errorf("%d Hz: %q instead of %q", rate, got.Text, turn.Text())
		}
		if got.Confidence <= 0 || got.Confidence > 1 {
			t.Errorf("confidence %g", got.Confidence)
		}
		if got.Engine == "" {
			t.Error("it does not say which engine it is")
		}
	}
}

func noSpeech(t *testing.T, rec Recogniser) {
	random := rand.New(rand.NewPCG(1, 2))
	sounds := map[string]func(i int) float64{
		"silence":      func(int) float64 { return 0 },
		"line noise":   func(int) float64 { return 8 * random.NormFloat64() },
		"noise":        func(int) float64 { return 300 * random.NormFloat64() },
		"loud noise":   func(int) float64 { return 5000 * random.NormFloat64() },
		"hum":          func(i int) float64 { return 2000 * tone(50, i) },
		"ringing tone": func(i int) float64 { return 4000 * (tone(440, i) + tone(480, i)) },
		"DTMF 5":       func(i int) float64 { return 4000 * (tone(770, i) + tone(1336, i)) },
		"clipping":     func(i int) float64 { return 60000 * tone(200, i) },
	}
	for _, name := range slices.Sorted(maps.Keys(sounds)) { // in order, as the noise is drawn
		sound := sounds[name]
		for _, n := range []int{0, 1, 100, Rate / 4, Rate, 4 * Rate, 15 * Rate} {
			pcm := make([]int16, n)
			for i := range pcm {
				pcm[i] = int16(max(-32768, min(32767, sound(i))))
			}
			got, err := rec.Recognise(t.Context(), pcm, Rate)
			if err != nil || got.Text != "" {
				t.Errorf("%s, %d samples: %q, %v", name, n, got.Text, err)
			}
		}
	}
}

func tone(hz float64, i int) float64 { return math.Sin(2 * math.Pi * hz * float64(i) / Rate) }

func concurrent(t *testing.T, rec Recogniser, turn Speech) {
	pcm := turn.PCM[:3*Rate]
	want, err := rec.Recognise(t.Context(), pcm, Rate)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got, err := rec.Recognise(t.Context(), pcm, Rate); err != nil || got.Text != want.Text {
				t.Errorf("%q, %v instead of %q", got.Text, err, want.Text)
			}
		})
	}
	wg.Wait()
}
