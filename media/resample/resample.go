// Package resample changes the sample rate of mono PCM with a windowed sinc.
package resample

import "math"

// half is how many zero crossings of the sinc lie on each side.
const half = 16

// Resampler converts a stream of samples from one rate to another, block by
// block, without delay: output sample n stands for the time of input sample
// n*from/to. It is not safe for concurrent use.
type Resampler struct {
	step, phases int // input advances step/phases samples per output sample
	width        int // taps on each side of the centre
	taps         [][]float32
	in           []int16 // in[0] is the input sample at index base
	base         int64
	next         int64 // index of the next output sample
	ended        bool
}

// New returns a converter between two rates in samples per second.
func New(from, to int) *Resampler {
	g := gcd(from, to)
	r := &Resampler{step: from / g, phases: to / g}
	cutoff := min(1, float64(to)/float64(from)) * 0.95
	r.width = int(math.Ceil(half / cutoff))
	r.taps = make([][]float32, r.phases)
	for p := range r.taps {
		r.taps[p] = kernel(float64(p)/float64(r.phases), cutoff, r.width)
	}
	r.in = make([]int16, r.width) // silence before the start
	r.base = -int64(r.width)
	return r
}

// kernel is the filter for an output sample that lies frac of a sample after
// an input sample: 2*width+1 taps, the centre at index width, sum 1.
func kernel(frac, cutoff float64, width int) []float32 {
	taps := make([]float64, 2*width+1)
	var sum float64
	for i := range taps {
		x := float64(i-width) - frac
		taps[i] = sinc(x*cutoff) * blackman(x/float64(width+1))
		sum += taps[i]
	}
	out := make([]float32, len(taps))
	for i, t := range taps {
		out[i] = float32(t / sum)
	}
	return out
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	return math.Sin(math.Pi*x) / (math.Pi * x)
}

// blackman is the window over -1..1.
func blackman(x float64) float64 {
	return 0.42 + 0.5*math.Cos(math.Pi*x) + 0.08*math.Cos(2*math.Pi*x)
}

// Delay returns how many samples of silence, written first, make what is
// read never wait for input that is still to be written.
func (r *Resampler) Delay() int { return r.width + 1 }

// Write takes more input. It must not be called after End.
func (r *Resampler) Write(pcm []int16) { r.in = append(r.in, pcm...) }

// End says that only silence follows.
func (r *Resampler) End() {
	if !r.ended {
		r.in = append(r.in, make([]int16, r.width+1)...)
		r.ended = true
	}
}

// Read fills pcm as far as the input reaches and returns how many samples.
func (r *Resampler) Read(pcm []int16) int {
	n := 0
	for ; n < len(pcm); n++ {
		at := r.next * int64(r.step)
		first := at/int64(r.phases) - int64(r.width) - r.base
		taps := r.taps[at%int64(r.phases)]
		if first+int64(len(taps)) > int64(len(r.in)) {
			break
		}
		var sum float32
		for i, s := range r.in[first : first+int64(len(taps))] {
			sum += float32(s) * taps[i]
		}
		pcm[n] = int16(math.Round(float64(max(-32768, min(32767, sum)))))
		r.next++
	}
	r.drop()
	return n
}

// drop forgets the input that no later output needs.
func (r *Resampler) drop() {
	old := r.next*int64(r.step)/int64(r.phases) - int64(r.width) - r.base
	if old > 0 {
		old = min(old, int64(len(r.in)))
		r.in = r.in[:copy(r.in, r.in[old:])]
		r.base += old
	}
}

// All converts a whole recording.
func All(pcm []int16, from, to int) []int16 {
	if from == to {
		return pcm
	}
	r := New(from, to)
	r.Write(pcm)
	r.End()
	out := make([]int16, (int64(len(pcm))*int64(to)+int64(from)-1)/int64(from))
	return out[:r.Read(out)]
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
