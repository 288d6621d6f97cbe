package resample

import (
	"math"
	"slices"
	"testing"
)

func sine(hz float64, rate, n int) []int16 {
	out := make([]int16, n)
	for i := range out {
		out[i] = int16(math.Round(10_000 * math.Sin(2*math.Pi*hz*float64(i)/float64(rate))))
	}
	return out
}

// A tone inside both bands keeps its level and its time.
func TestToneIsKept(t *testing.T) {
	for _, c := range []struct{ from, to int }{
		{8000, 16000}, {16000, 8000}, {48000, 8000}, {44100, 8000}, {8000, 48000}, {22050, 8000},
	} {
		got := All(sine(440, c.from, c.from), c.from, c.to)
		want := sine(440, c.to, c.to)
		if len(got) != len(want) {
			t.Fatalf("%d -> %d: %d samples, want %d", c.from, c.to, len(got), len(want))
		}
		for i := c.to / 10; i < len(got)-c.to/10; i++ {
			if d := math.Abs(float64(got[i]) - float64(want[i])); d > 30 {
				t.Fatalf("%d -> %d: sample %d is %d, want %d", c.from, c.to, i, got[i], want[i])
			}
		}
	}
}

// A tone above the new band must not come back as another.
func TestToneAboveTheBandIsGone(t *testing.T) {
	for i, s := range All(sine(6000, 48000, 48000), 48000, 8000)[800:7200] {
		if s > 30 || s < -30 {
			t.Fatalf("sample %d is %d", i, s)
		}
	}
}

func TestBlocksEqualTheWhole(t *testing.T) {
	in := sine(700, 16000, 5000)
	want := All(in, 16000, 8000)
	r := New(16000, 8000)
	var got []int16
	for block := range slices.Chunk(in, 333) {
		r.Write(block)
		var buf [100]int16
		for n := r.Read(buf[:]); n > 0; n = r.Read(buf[:]) {
			got = append(got, buf[:n]...)
		}
	}
	r.End()
	rest := make([]int16, len(want)-len(got))
	got = append(got, rest[:r.Read(rest)]...)
	if !slices.Equal(got, want) {
		t.Error("reading in blocks gives other samples")
	}
}

func TestSameRateIsUntouched(t *testing.T) {
	in := []int16{1, -2, 3}
	if got := All(in, 8000, 8000); !slices.Equal(got, in) {
		t.Errorf("got %v", got)
	}
}
