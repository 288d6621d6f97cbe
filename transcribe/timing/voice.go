package timing

import (
	"math"
	"slices"
)

// stretch is a piece of audio with voice, in milliseconds.
type stretch struct{ from, to int64 }

func (s stretch) seconds() float64 { return float64(s.to-s.from) / 1000 }

// How voice is told from pauses: frames of 10 ms that are not much quieter
// than the loud ones. Closures within words are no pauses, and clicks no voice.
const (
	frameMS     = 10
	belowLoud   = 28 // dB
	aboveQuiet  = 6  // dB
	shortestGap = 13 // frames
	shortestRun = 4  // frames
)

// voiced returns the stretches of audio that have voice.
func voiced(pcm []int16, rate int) []stretch {
	size := rate * frameMS / 1000
	if size < 1 || len(pcm) < size {
		return nil
	}
	levels := make([]float64, 0, len(pcm)/size+1)
	for frame := range slices.Chunk(pcm, size) {
		energy := 1.0
		for _, s := range frame {
			energy += float64(s) * float64(s)
		}
		levels = append(levels, 10*math.Log10(energy/float64(size)))
	}
	sorted := slices.Sorted(slices.Values(levels))
	loud, quiet := sorted[len(sorted)*95/100], sorted[len(sorted)*5/100]
	floor := max(loud-belowLoud, min(quiet+aboveQuiet, loud-aboveQuiet))
	var out []stretch
	for i := 0; i < len(levels); i++ {
		if levels[i] < floor {
			continue
		}
		from := i
		for i < len(levels) && levels[i] >= floor {
			i++
		}
		if n := len(out); n > 0 && int64(from)*frameMS-out[n-1].to < shortestGap*frameMS {
			out[n-1].to = int64(i) * frameMS
		} else {
			out = append(out, stretch{int64(from) * frameMS, int64(i) * frameMS})
		}
	}
	return slices.DeleteFunc(out, func(s stretch) bool { return s.to-s.from < shortestRun*frameMS })
}
