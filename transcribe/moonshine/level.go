package moonshine

import (
	"math"
	"math/rand/v2"
)

// The level the model is given speech at, as root mean square, and the noise
// mixed in. Over five synthetic voices at 8 kHz mu-law, speech 20 dB below it
// had 0.8 points more words wrong, and without noise it had 1.4 points more:
// the model knows neither digital silence nor an empty band above 4 kHz.
const (
	speechLevel = 0.1
	noiseLevel  = 0.003
	mostGain    = 30
)

// prepare raises quiet audio to the level of speech and mixes noise in. The
// noise is always the same, so that the same audio gives the same text.
func prepare(audio []float32) {
	gain := float32(1)
	if rms := level(audio); rms > 0 && rms < speechLevel {
		gain = float32(min(mostGain, speechLevel/rms))
	}
	noise := rand.New(rand.NewPCG(8, 16))
	for i := range audio {
		audio[i] = audio[i]*gain + noiseLevel*float32(noise.NormFloat64())
	}
}

// level returns the root mean square.
func level(audio []float32) float64 {
	sum := 0.0
	for _, s := range audio {
		sum += float64(s) * float64(s)
	}
	return math.Sqrt(sum / float64(max(1, len(audio))))
}
