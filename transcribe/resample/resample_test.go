package resample

import (
	"math"
	"testing"
)

func tone(hz float64, rate, n int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		pcm[i] = int16(math.Round(16384 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return pcm
}

// level returns the root mean square of the middle of the samples.
func level(samples []float32) float64 {
	cut := len(samples) / 8
	sum, n := 0.0, 0
	for _, s := range samples[cut : len(samples)-cut] {
		sum += float64(s) * float64(s)
		n++
	}
	return math.Sqrt(sum / float64(n))
}

func TestTonesPassUnchanged(t *testing.T) {
	for _, rates := range [][2]int{{8000, 16000}, {16000, 16000}, {48000, 16000}, {12000, 16000}, {24000, 16000}, {44100, 16000}} {
		f, err := New(rates[0], rates[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, hz := range []float64{50, 440, 1000, 3000} {
			got := f.Floats(tone(hz, rates[0], rates[0]))
			if len(got) != rates[1] {
				t.Fatalf("%v: %d samples, want %d", rates, len(got), rates[1])
			}
			for i := len(got) / 4; i < len(got)*3/4; i++ {
				want := 0.5 * math.Sin(2*math.Pi*hz*float64(i)/float64(rates[1]))
				if d := math.Abs(float64(got[i]) - want); d > 2e-3 {
					t.Fatalf("%v, %g Hz: sample %d is %g, want %g", rates, hz, i, got[i], want)
				}
			}
		}
	}
}

func TestImagesAndAliasesAreGone(t *testing.T) {
	down, err := New(48000, 16000)
	if err != nil {
		t.Fatal(err)
	}
	for _, hz := range []float64{9000, 12000, 20000} {
		if got := level(down.Floats(tone(hz, 48000, 48000))); got > 1e-3 {
			t.Errorf("%g Hz leaks through at %g", hz, got)
		}
	}
	up, err := New(8000, 16000)
	if err != nil {
		t.Fatal(err)
	}
	// The image of 3 kHz is at 5 kHz: what is left after taking the tone out.
	got := up.Floats(tone(3000, 8000, 8000))
	for i := range got {
		got[i] -= float32(0.5 * math.Sin(2*math.Pi*3000*float64(i)/16000))
	}
	if l := level(got); l > 1e-3 {
		t.Errorf("image of 3 kHz at %g", l)
	}
}

func TestEdgesAndErrors(t *testing.T) {
	f, err := New(8000, 16000)
	if err != nil {
		t.Fatal(err)
	}
	for n := range 5 {
		if got := len(f.Floats(make([]int16, n))); got != 2*n {
			t.Errorf("%d samples become %d", n, got)
		}
	}
	for _, rates := range [][2]int{{0, 16000}, {8000, 0}, {-1, 1}, {44101, 16000}} {
		if _, err := New(rates[0], rates[1]); err == nil {
			t.Errorf("New(%v) has no error", rates)
		}
	}
}
