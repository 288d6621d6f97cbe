package transcribe_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe"
	"earshot/transcribe/transcribetest"
)

// sample is a signal by its time in seconds, between -1 and 1.
type sample func(at float64) float64

func tone(hz ...float64) sample {
	return func(at float64) float64 {
		sum := 0.0
		for _, f := range hz {
			sum += math.Sin(2 * math.Pi * f * at)
		}
		return sum / float64(len(hz))
	}
}

// every sounds for on seconds of each on and off.
func every(on, off float64, s sample) sample {
	return func(at float64) float64 {
		if math.Mod(at, on+off) >= on {
			return 0
		}
		return s(math.Mod(at, on+off))
	}
}

// then plays one after the other, each for so many seconds.
func then(each float64, list ...sample) sample {
	return func(at float64) float64 { return list[int(at/each)%len(list)](math.Mod(at, each)) }
}

// swell is a signal whose level goes up and down.
func swell(hz, depth float64, s sample) sample {
	return func(at float64) float64 { return s(at) * (1 - depth/2 + depth/2*math.Sin(2*math.Pi*hz*at)) }
}

// harsh is a tone with all harmonics below 3.4 kHz, as a buzzer or a string.
func harsh(hz float64) sample {
	return func(at float64) float64 {
		sum := 0.0
		for n := 1.0; n*hz < 3400; n++ {
			sum += math.Sin(2*math.Pi*n*hz*at) / n
		}
		return sum / 2
	}
}

// plucked is a chord that fades.
func plucked(hz ...float64) sample {
	return func(at float64) float64 {
		sum := 0.0
		for _, f := range hz {
			sum += harsh(f)(at)
		}
		return sum / float64(len(hz)) * math.Exp(-3*at)
	}
}

// noise is white, or with smooth above 0 more and more of its low end.
func noise(smooth float64) sample {
	random, last := rand.New(rand.NewPCG(4, 2)), 0.0
	return func(float64) float64 {
		last = smooth*last + (1-smooth)*random.NormFloat64()/3
		return max(-1, min(1, last*(1+4*smooth)))
	}
}

// modem is the answer tone and then keyed tones (V.21).
func modem() sample {
	random, bits := rand.New(rand.NewPCG(4, 2)), map[int]float64{}
	return func(at float64) float64 {
		if at < 3 {
			return math.Sin(2 * math.Pi * 2100 * at)
		}
		bit := int(at * 300)
		if bits[bit] == 0 {
			bits[bit] = [...]float64{1650, 1850}[random.IntN(2)]
		}
		return math.Sin(2 * math.Pi * bits[bit] * at)
	}
}

// speechless are the sounds of telephone lines that nobody speaks in.
func speechless() map[string]sample {
	return map[string]sample{
		"white noise":   noise(0),
		"low noise":     noise(0.95),
		"gusts":         swell(0.3, 0.9, noise(0.98)),
		"noise at 4 Hz": swell(4, 0.95, noise(0.6)),
		"hum":           harsh(50),
		"phone buzz":    swell(8, 0.8, harsh(217)),
		"engine":        swell(12, 0.6, harsh(90)),
		"ring (US)":     every(2, 4, tone(440, 480)),
		"ring (UK)":     every(0.4, 0.2, tone(400, 450)),
		"ring (Europe)": every(1, 4, tone(425)),
		"busy":          every(0.5, 0.5, tone(480, 620)),
		"dial tone":     tone(350, 440),
		"number gone":   then(0.33, tone(950), tone(1400), tone(1800), tone()),
		"keys":          every(0.12, 0.1, then(0.22, tone(697, 1209), tone(770, 1336), tone(852, 1477), tone(941, 1336))),
		"modem":         modem(),
		"whistle":       every(0.8, 1, tone(950)),
		"clicks":        every(0.02, 0.48, noise(0)),
		"bursts":        every(0.3, 1.2, noise(0.3)),
		"guitar":        then(1.5, plucked(262, 330, 392), plucked(220, 262, 330), plucked(175, 220, 262), plucked(196, 247, 294)),
		"organ":         swell(5, 0.4, then(2, tone(262, 330, 392, 524), tone(220, 262, 330, 440), tone(175, 220, 262, 350))),
		"melody":        then(0.35, harsh(523), harsh(587), harsh(659), harsh(784), harsh(880), harsh(784), harsh(659)),
	}
}

// render makes seconds of audio of a signal at a level below full scale.
func render(s sample, db, seconds float64) recording {
	pcm := make(recording, int(seconds*transcribetest.Rate))
	gain := 32767 * math.Pow(10, db/20)
	for i := range pcm {
		if v := gain * s(float64(i)/transcribetest.Rate); !math.IsNaN(v) {
			pcm[i] = int16(v)
		}
	}
	return pcm
}

// TestWhatIsNotSpeechGivesNoText plays sounds of the line to the real detector
// and engine, at three levels.
func TestWhatIsNotSpeechGivesNoText(t *testing.T) {
	sink := newMinutes()
	tr := engine(t, sink)
	const control = earshot.StreamID("speech")
	if err := tr.Add(transcribe.Track{CallID: "call", StreamID: control, Source: recording(transcribetest.Customer().PCM)}); err != nil {
		t.Fatal(err)
	}
	streams := 1
	for name, s := range speechless() {
		for _, db := range []float64{-6, -20, -40} {
			id := earshot.StreamID(fmt.Sprintf("%s at %.0f dB", name, db))
			if err := tr.Add(transcribe.Track{CallID: "call", StreamID: id, Source: render(s, db, 8)}); err != nil {
				t.Fatal(err)
			}
			streams++
		}
	}
	deadline := time.After(2 * time.Minute)
	for range streams {
		select {
		case <-sink.done:
		case <-deadline:
			t.Fatal("not completed within two minutes")
		}
	}
	if len(sink.texts[control]) == 0 {
		t.Error("speech gives no text either")
	}
	for id, texts := range sink.texts {
		if id == control {
			continue
		}
		t.Errorf("%s: %q", id, texts)
	}
}
