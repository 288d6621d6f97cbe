// Package dtmf finds the tones of telephone keys in audio (ITU-T Q.23, Q.24).
package dtmf

import (
	"math"
	"math/cmplx"
	"time"

	"earshot"
)

// The frequencies in Hz (ITU-T Q.23 clause 6): a key is one of the first four
// and one of the others at the same time.
var frequencies = [8]float64{697, 770, 852, 941, 1209, 1336, 1477, 1633}

// keys by their lower and their upper frequency.
const keys = "123A" + "456B" + "789C" + "*0#D"

// The detector looks at 20 ms every 5 ms, under a Hann window, so that the two
// tones of a key do not disturb each other and one of 40 ms (Q.24 table 1)
// fills several looks.
const (
	window = 20 * time.Millisecond
	hop    = 5 * time.Millisecond
)

// What a look must show. Receivers must take +-1.8 % and a twist of 4 to 8 dB,
// and a tone of 40 ms; where Q.24 leaves room, what may be a digit is one.
const (
	deviation  = 0.022  // of the frequency; Q.24 has 3.5 % refused at most
	twist      = 12.6   // of the power of one tone to the other: 11 dB
	purity     = 0.85   // of all power that the two tones make up
	floorLevel = 3.2e-6 // of full scale's power, each tone: -55 dB
	enough     = 5      // looks in a row
	tail       = 12     // looks before and after in which it may be faint or dirty
	faint      = 0.003  // of the power of the strongest look: -25 dB
)

// Tone is a key that was pressed.
type Tone struct {
	// From and To are where the tone begins and ends on the stream's timeline,
	// not more than 20 ms too far out and never too far in.
	From, To earshot.Position
	// Digit is one of 0123456789*#ABCD.
	Digit byte
}

// Detector finds tones in a stream of audio. Its memory does not depend on the
// length of the audio. It is not safe for concurrent use.
type Detector struct {
	rate    int
	decim   decimator
	kernels [8][]complex64 // windowed oscillators
	nominal [8]complex128  // what an oscillator turns in a hop, backwards
	hops    [8]float64     // radians that a deviation of 1 turns in a hop
	weight  []float32      // the window, squared
	scale   float64        // of a kernel's power to that of a tone
	buf     []float32
	filled  int
	size    int
	step    int

	start  earshot.Position
	looks  int64 // so far
	before [8]complex128
	past   [tail + 2*enough]look // the last ones, by number
	run    run
}

// look is what 20 ms show.
type look struct {
	key    int // -1: none
	powers [8]float64
}

// New returns a detector for audio of that many samples a second, at least
// 8000, that begins at a position.
func New(rate int, start earshot.Position) *Detector {
	by := max(1, rate/8000)
	inner := float64(rate) / float64(by)
	d := &Detector{
		rate: rate, start: start, decim: newDecimator(by),
		size: int(window.Seconds() * inner), step: int(hop.Seconds() * inner),
	}
	d.run.key = -1
	d.buf = make([]float32, d.size)
	d.weight = make([]float32, d.size)
	sum, squares := 0.0, 0.0
	for n := range d.weight {
		w := 0.5 - 0.5*math.Cos(2*math.Pi*(float64(n)+0.5)/float64(d.size))
		d.weight[n] = float32(w * w)
		sum, squares = sum+w, squares+w*w
	}
	for i, f := range frequencies {
		turn := 2 * math.Pi * f / inner
		droop := d.decim.gain(f / float64(rate))
		d.kernels[i] = make([]complex64, d.size)
		for n := range d.kernels[i] {
			w := math.Sqrt(float64(d.weight[n])) / droop
			d.kernels[i][n] = complex64(cmplx.Rect(w, -turn*float64(n)))
		}
		d.hops[i] = turn * float64(d.step)
		d.nominal[i] = cmplx.Rect(1, -d.hops[i])
	}
	d.scale = 2 * squares / (sum * sum)
	return d
}

// Append takes the next audio and appends the tones that ended in it to dst.
func (d *Detector) Append(dst []Tone, pcm []int16) []Tone {
	for _, s := range pcm {
		v, ok := d.decim.next(float32(s) / (1 << 15))
		if !ok {
			continue
		}
		d.buf[d.filled] = v
		if d.filled++; d.filled == d.size {
			dst = d.look(dst)
			d.filled = copy(d.buf, d.buf[d.step:])
		}
	}
	return dst
}

// End tells that the audio is over and appends the tone that goes on to its
// end. The detector cannot be used any more.
func (d *Detector) End(dst []Tone) []Tone {
	clear(d.buf[d.filled:])
	for range d.size/d.step + tail + enough {
		dst = d.look(dst)
		copy(d.buf, d.buf[d.step:])
		clear(d.buf[d.size-d.step:])
	}
	return dst
}

// look judges what is in the buffer.
func (d *Detector) look(dst []Tone) []Tone {
	total := 0.0
	for n, v := range d.buf {
		total += float64(d.weight[n] * v * v)
	}
	l := &d.past[d.looks%int64(len(d.past))]
	*l = look{key: -1}
	if total > floorLevel*float64(d.size)/8 {
		d.measure(l, total)
	} else {
		d.before = [8]complex128{}
	}
	dst = d.follow(dst, l)
	d.looks++
	return dst
}

// measure fills in a look. total is the power under the window.
func (d *Detector) measure(l *look, total float64) {
	var now [8]complex128
	for i := range d.kernels {
		var re, im float32
		for n, k := range d.kernels[i] {
			re += real(k) * d.buf[n]
			im += imag(k) * d.buf[n]
		}
		now[i] = complex(float64(re), float64(im))
		l.powers[i] = (real(now[i])*real(now[i]) + imag(now[i])*imag(now[i])) * d.scale
	}
	low, high := strongest(l.powers[:4]), 4+strongest(l.powers[4:])
	lowPower, lowOK := d.tone(low, now[low], l.powers[low])
	highPower, highOK := d.tone(high, now[high], l.powers[high])
	d.before = now
	loud := floorLevel * float64(d.size) * 3 / 8 // a Hann window keeps 3/8 of the power
	if lowOK && highOK && min(lowPower, highPower) >= loud &&
		lowPower <= twist*highPower && highPower <= twist*lowPower &&
		lowPower+highPower >= purity*total {
		l.key = low*4 + high - 4
	}
}

func strongest(powers []float64) int {
	best := 0
	for i, p := range powers {
		if p > powers[best] {
			best = i
		}
	}
	return best
}

// tone tells by how the phase moved since the last look whether the frequency
// is the nominal one, and the power of a tone of the frequency found.
func (d *Detector) tone(i int, now complex128, power float64) (float64, bool) {
	if d.before[i] == 0 {
		return 0, false
	}
	off := cmplx.Phase(now*cmplx.Conj(d.before[i])*d.nominal[i]) / d.hops[i]
	if math.Abs(off) > deviation {
		return 0, false
	}
	// What the window lets through beside its middle, in bins of 1/20 ms.
	bins := off * frequencies[i] * window.Seconds()
	response := 1.0
	if x := math.Pi * bins; math.Abs(x) > 1e-6 {
		response = math.Sin(x) / x / (1 - bins*bins)
	}
	return power / (response * response), true
}
