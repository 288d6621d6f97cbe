package dtmf

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"earshot"
	"earshot/media/codec"
	"earshot/media/wav"
)

// dial is keys pressed one after the other: what they sound like and where
// each one lies.
type dial struct {
	rate    int
	pcm     []int16
	pressed []Tone
	random  *rand.Rand
}

func newDial(rate int) *dial { return &dial{rate: rate, random: rand.New(rand.NewPCG(1, 2))} }

func (d *dial) pause(length time.Duration, noise float64) {
	for range earshot.PositionOf(length).Samples(d.rate) {
		d.pcm = append(d.pcm, int16(noise*d.random.NormFloat64()))
	}
}

// key is how a key is pressed.
type key struct {
	length    time.Duration
	low, high float64 // amplitudes
	off       float64 // of the frequencies
	noise     float64
}

func (d *dial) press(k int, how key) {
	from := len(d.pcm)
	d.pause(how.length, how.noise)
	for i := range d.pcm[from:] {
		at := 2 * math.Pi * float64(i) / float64(d.rate)
		d.pcm[from+i] += int16(how.low*math.Sin(at*frequencies[k/4]*(1+how.off)) +
			how.high*math.Sin(at*frequencies[4+k%4]*(1-how.off)))
	}
	d.pressed = append(d.pressed, Tone{
		From: earshot.At(int64(from), d.rate), To: earshot.At(int64(len(d.pcm)), d.rate), Digit: keys[k],
	})
}

// find runs the detector in blocks of odd lengths.
func find(pcm []int16, rate int) []Tone {
	d := New(rate, 0)
	var tones []Tone
	for len(pcm) > 0 {
		n := min(len(pcm), 171)
		tones = d.Append(tones, pcm[:n])
		pcm = pcm[n:]
	}
	return d.End(tones)
}

// found counts the keys that are covered by a span of their own, by up to
// slack less and never by more than 80 ms more.
func found(t *testing.T, pressed, tones []Tone, slack time.Duration) int {
	t.Helper()
	n, less, more := 0, earshot.PositionOf(slack), earshot.PositionOf(80*time.Millisecond)
	for _, p := range pressed {
		for _, s := range tones {
			if s.Digit == p.Digit && s.From <= p.From+less && s.To >= p.To-less && s.From >= p.From-more && s.To <= p.To+more {
				n++
				break
			}
		}
	}
	return n
}

// Keys of 40 ms with pauses of 40 ms, at every rate, level, twist and error of
// the frequency that Q.24 wants to be taken, and with noise.
func TestKeys(t *testing.T) {
	short := 40 * time.Millisecond
	cases := map[string]key{
		"plain":           {short, 6000, 6000, 0, 0},
		"loud":            {short, 16_000, 16_000, 0, 0},
		"faint":           {short, 150, 150, 0, 0},
		"forward twist":   {short, 3000, 7500, 0, 0},
		"reverse twist":   {short, 7500, 4700, 0, 0},
		"too high":        {short, 6000, 6000, 0.018, 0},
		"too low":         {short, 6000, 6000, -0.018, 0},
		"noise at 15 dB":  {short, 6000, 6000, 0, 1070},
		"long":            {3 * time.Second, 6000, 6000, 0.01, 10},
		"forward, faint":  {short, 200, 500, 0.015, 5},
		"noise and twist": {short, 7000, 4500, -0.01, 600},
	}
	for name, how := range cases {
		for _, rate := range []int{8000, 16_000, 48_000} {
			d := newDial(rate)
			for k := range keys {
				d.pause(short+time.Duration(k)*700*time.Microsecond, how.noise)
				d.press(k, how)
			}
			d.pause(short, how.noise)
			tones := find(d.pcm, rate)
			if n := found(t, d.pressed, tones, 5*time.Millisecond); n != len(keys) || len(tones) != len(keys) {
				t.Errorf("%s at %d Hz: %d of %d keys are where they were pressed: %v", name, rate, n, len(keys), tones)
			}
		}
	}
}

// What is no key by Q.24, or by far.
func TestNoKeys(t *testing.T) {
	sine := func(amplitude float64, hz ...float64) []int16 {
		pcm := make([]int16, 16_000)
		for i := range pcm {
			for _, f := range hz {
				pcm[i] += int16(amplitude * math.Sin(2*math.Pi*f*float64(i)/8000))
			}
		}
		return pcm
	}
	noise := newDial(8000)
	noise.pause(time.Minute, 3000)
	brief := newDial(8000)
	for k := range keys {
		brief.pause(50*time.Millisecond, 0)
		brief.press(k, key{15 * time.Millisecond, 6000, 6000, 0, 0})
	}
	for name, pcm := range map[string][]int16{
		"silence": make([]int16, 8000), "one tone": sine(8000, 770), "another": sine(8000, 1336),
		"3.5 % off": sine(8000, 697*1.035, 1209*1.035), "two low ones": sine(8000, 697, 852),
		"dial tone": sine(8000, 350, 440), "ringing tone": sine(8000, 440, 480), "busy": sine(8000, 480, 620),
		"MF signal": sine(8000, 900, 1500), "three tones": sine(6000, 770, 1336, 2000),
		"noise": noise.pcm, "15 ms": brief.pcm,
	} {
		if tones := find(pcm, 8000); len(tones) != 0 {
			t.Errorf("%s: %v", name, tones)
		}
	}
}

// The keys of another program, as another program wrote them.
func TestKeysOfSox(t *testing.T) {
	coded, err := os.ReadFile("testdata/keys.ul")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, tone := range find(decode(t, earshot.Format{Encoding: "PCMU", ClockRate: 8000, Channels: 1}, coded), 8000) {
		text += string(tone.Digit)
	}
	if text != keys {
		t.Errorf("%q, want %q", text, keys)
	}
}

func decode(t *testing.T, f earshot.Format, payload []byte) []int16 {
	t.Helper()
	dec, err := codec.New(f)
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, dec.Samples(payload))
	if _, err := dec.Decode(pcm, payload); err != nil {
		t.Fatal(err)
	}
	return pcm
}

// Through the codecs of telephony. What codes speech by a model of a voice
// distorts keys, so that some short ones are lost: G.729.
func TestKeysThroughCodecs(t *testing.T) {
	cases := []struct {
		encoding string
		length   time.Duration
		least    int // percent
	}{
		{"PCMU", 40 * time.Millisecond, 100},
		{"PCMA", 40 * time.Millisecond, 100},
		{"G722", 40 * time.Millisecond, 100},
		{"opus", 40 * time.Millisecond, 100},
		{"G729", 40 * time.Millisecond, 60},
		{"G729", 60 * time.Millisecond, 92},
		{"G729", 100 * time.Millisecond, 98},
	}
	for _, c := range cases {
		f := earshot.Format{Encoding: c.encoding, ClockRate: 8000, Channels: 1}
		if c.encoding == "opus" {
			f.ClockRate, f.Channels = 48_000, 2
		}
		d, out, rate := through(t, f, c.length)
		tones := find(out, rate)
		n := found(t, d.pressed, tones, 20*time.Millisecond)
		t.Logf("%s, %v: %d of %d keys", c.encoding, c.length, n, len(d.pressed))
		if n*100 < c.least*len(d.pressed) {
			t.Errorf("%s, %v: %d of %d keys, %d spans", c.encoding, c.length, n, len(d.pressed), len(tones))
		}
	}
}

// through is 320 keys that differ in level, twist and frequency, coded and
// decoded.
func through(t *testing.T, f earshot.Format, length time.Duration) (*dial, []int16, int) {
	t.Helper()
	enc, err := codec.NewEncoder(f)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := codec.New(f)
	if err != nil {
		t.Fatal(err)
	}
	d := newDial(enc.Rate())
	for i := range 320 {
		d.pause(50*time.Millisecond+time.Duration(d.random.IntN(20))*time.Millisecond, 30)
		low := 8000 * math.Pow(10, -d.random.Float64())
		high := low * math.Pow(10, (d.random.Float64()*12-4)/20)
		d.press(i%len(keys), key{length, low, high, 0.036 * (d.random.Float64() - 0.5), 30})
	}
	d.pause(100*time.Millisecond, 30)
	var out []int16
	frame := enc.Rate() / 50
	for i := 0; i+frame <= len(d.pcm); i += frame {
		payload := enc.Encode(nil, d.pcm[i:i+frame])
		n := len(out)
		out = append(out, make([]int16, dec.Samples(payload))...)
		if _, err := dec.Decode(out[n:], payload); err != nil {
			t.Fatal(err)
		}
	}
	return d, out, dec.Rate()
}

// Nobody's voice presses a key, whether they speak high or low, fast or slow.
func TestTalkOff(t *testing.T) {
	var length time.Duration
	for _, name := range []string{"agent", "customer"} {
		speech := speech(t, name)
		for _, speed := range []float64{0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.4, 1.6, 1.8} {
			pcm := played(speech, speed)
			length += earshot.At(int64(len(pcm)), 8000).Duration()
			for _, tone := range find(pcm, 8000) {
				t.Errorf("%s at speed %g: %c at %v", name, speed, tone.Digit, tone.From.Duration())
			}
		}
	}
	t.Logf("nothing in %v of speech", length)
	if length < 20*time.Minute {
		t.Errorf("only %v of speech", length)
	}
}

// speech is one side of the dialogue of the demo.
func speech(t *testing.T, name string) []int16 {
	t.Helper()
	f, err := os.Open("../../demo/" + name + ".wav")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := wav.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	channels, err := r.ReadAll()
	if err != nil || r.Rate != 8000 {
		t.Fatalf("%d Hz, %v", r.Rate, err)
	}
	return channels[0]
}

// played is the audio of a tape that runs faster: other voices.
func played(pcm []int16, speed float64) []int16 {
	out := make([]int16, int(float64(len(pcm)-1)/speed))
	for i := range out {
		at := float64(i) * speed
		n, part := int(at), at-math.Floor(at)
		out[i] = int16(float64(pcm[n])*(1-part) + float64(pcm[n+1])*part)
	}
	return out
}

func TestAppendDoesNotAllocate(t *testing.T) {
	d := newDial(16_000)
	d.press(5, key{time.Second, 6000, 6000, 0, 100})
	det, tones := New(16_000, 0), make([]Tone, 0, 8)
	if n := testing.AllocsPerRun(10, func() { tones = det.Append(tones[:0], d.pcm) }); n != 0 {
		t.Errorf("%v allocations a second of audio", n)
	}
}

// BenchmarkDetector is a second of audio.
func BenchmarkDetector(b *testing.B) {
	for name, rate := range map[string]int{"8kHz": 8000, "16kHz": 16_000, "48kHz": 48_000} {
		b.Run(name, func(b *testing.B) {
			d := newDial(rate)
			d.pause(time.Second, 1000)
			det := New(rate, 0)
			for b.Loop() {
				det.Append(nil, d.pcm)
			}
		})
	}
}
