// Package resample changes the sample rate of speech by a ratio of small
// whole numbers with a polyphase windowed-sinc filter.
package resample

import (
	"fmt"
	"math"
)

// zeroCrossings is the length of the filter on each side, in periods of the
// lower of the two rates. 16 leave a transition band of about 8 % of it.
const zeroCrossings = 16

// kaiserBeta gives about 80 dB of stop-band attenuation.
const kaiserBeta = 8.0

// cutoff is the edge of the pass band as a part of the lower rate's half.
const cutoff = 0.95

// Filter converts from one rate to another. It has no state and is safe for
// concurrent use.
type Filter struct {
	up, down int
	// phases[p] are the taps for output samples whose place between two input
	// samples is p/up; the first is for the input sample reach before.
	phases [][]float32
	// reach is how many input samples before and after its place an output
	// sample depends on.
	reach int
}

// New makes a filter from one rate to another, both in samples per second and
// positive.
func New(from, to int) (*Filter, error) {
	if from <= 0 || to <= 0 {
		return nil, fmt.Errorf("resample %d to %d samples per second: not a rate", from, to)
	}
	g := gcd(from, to)
	f := &Filter{up: to / g, down: from / g}
	if f.up > 512 {
		return nil, fmt.Errorf("resample %d to %d samples per second: not a ratio of small numbers", from, to)
	}
	// Frequencies are in periods per input sample.
	edge := cutoff * math.Min(1, float64(to)/float64(from))
	half := zeroCrossings / edge
	f.reach = int(math.Ceil(half))
	f.phases = make([][]float32, f.up)
	for p := range f.phases {
		f.phases[p] = taps(float64(p)/float64(f.up), edge, half, f.reach)
	}
	return f, nil
}

// taps computes the filter around a place between input samples 0 and 1.
func taps(place, edge, half float64, reach int) []float32 {
	out := make([]float32, 2*reach+1)
	sum := 0.0
	raw := make([]float64, len(out))
	for i := range raw {
		x := float64(i-reach) - place
		raw[i] = edge * sinc(edge*x) * kaiser(x/half)
		sum += raw[i]
	}
	for i := range raw {
		out[i] = float32(raw[i] / sum)
	}
	return out
}

// Len returns how many samples n input samples become.
func (f *Filter) Len(n int) int { return (n*f.up + f.down - 1) / f.down }

// Reach returns how many input samples on each side of it an output sample
// depends on.
func (f *Filter) Reach() int { return f.reach }

// Floats converts a whole piece of 16-bit audio to samples between -1 and 1.
// Outside of the piece it sees silence.
func (f *Filter) Floats(pcm []int16) []float32 {
	const scale = 1.0 / 32768
	out := make([]float32, f.Len(len(pcm)))
	if f.up == f.down {
		for i, s := range pcm {
			out[i] = float32(s) * scale
		}
		return out
	}
	for i := range out {
		at := i * f.down
		out[i] = f.sample(pcm, at/f.up, f.phases[at%f.up]) * scale
	}
	return out
}

// sample sums the taps around input sample at.
func (f *Filter) sample(pcm []int16, at int, taps []float32) float32 {
	first := at - f.reach
	lo, hi := max(0, -first), min(len(taps), len(pcm)-first)
	if lo >= hi {
		return 0
	}
	part := pcm[first+lo : first+hi]
	var sum float32
	for i, t := range taps[lo:hi] {
		sum += t * float32(part[i])
	}
	return sum
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// kaiser is the Kaiser window on [-1, 1].
func kaiser(x float64) float64 {
	if x < -1 || x > 1 {
		return 0
	}
	return bessel0(kaiserBeta*math.Sqrt(1-x*x)) / bessel0(kaiserBeta)
}

// bessel0 is the modified Bessel function of the first kind of order zero.
func bessel0(x float64) float64 {
	sum, term := 1.0, 1.0
	for k := 1.0; term > 1e-12*sum; k++ {
		term *= (x / (2 * k)) * (x / (2 * k))
		sum += term
	}
	return sum
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
