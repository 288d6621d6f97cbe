package dtmf

import "math"

// stages of the filter before decimation: three running means, which have
// their zeros where the tones would be mirrored from.
const stages = 3

// decimator brings audio of 16 or 48 kHz to about 8 kHz, which is enough for
// the tones and as many times less work.
type decimator struct {
	by   int
	past [stages][]float32
	at   int
}

func newDecimator(by int) decimator {
	d := decimator{by: by}
	for i := range d.past {
		d.past[i] = make([]float32, by)
	}
	return d
}

// next takes a sample and returns the one that comes out, if one does.
func (d *decimator) next(v float32) (float32, bool) {
	if d.by == 1 {
		return v, true
	}
	for _, past := range d.past {
		past[d.at] = v
		v = 0
		for _, p := range past { // anew, so that no error adds up
			v += p
		}
		v /= float32(d.by)
	}
	d.at = (d.at + 1) % d.by
	return v, d.at == 0
}

// gain returns what the filter leaves of a tone, whose frequency is given as a
// part of the sample rate.
func (d *decimator) gain(f float64) float64 {
	n := float64(d.by)
	return math.Pow(math.Sin(math.Pi*f*n)/(n*math.Sin(math.Pi*f)), stages)
}
