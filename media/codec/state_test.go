package codec

import (
	"testing"

	"earshot"
	"earshot/media/resample"
)

// The copy that an Opus packet carries of the one before is nearer to it than
// concealment is.
func TestOpusRecoversTheLostPacket(t *testing.T) {
	const frame = 960
	e, err := NewEncoder(opusFormat)
	if err != nil {
		t.Fatal(err)
	}
	pcm := resample.All(speech(t), 16000, opusRate)
	var packets [][]byte
	for at := 0; at+frame <= len(pcm); at += frame {
		packets = append(packets, e.Encode(nil, pcm[at:at+frame]))
	}
	whole, recovered, concealed := opusDecoderOf(t), opusDecoderOf(t), opusDecoderOf(t)
	want, buf := make([]int16, frame), make([]int16, frame)
	var offRecovered, offConcealed float64
	for i, p := range packets {
		lost := i%7 == 3 && i+1 < len(packets)
		decode(t, whole, want, p)
		if !lost {
			decode(t, recovered, buf, p)
			decode(t, concealed, buf, p)
			continue
		}
		if err := recovered.Recover(buf, packets[i+1]); err != nil {
			t.Fatal(err)
		}
		offRecovered += difference(want, buf)
		if err := concealed.Conceal(buf); err != nil {
			t.Fatal(err)
		}
		offConcealed += difference(want, buf)
	}
	if offRecovered > offConcealed/2 {
		t.Errorf("recovered packets are off by %.3g, concealed ones by %.3g", offRecovered, offConcealed)
	}
}

func opusDecoderOf(t *testing.T) *opusDecoder {
	t.Helper()
	d, err := New(opusFormat)
	if err != nil {
		t.Fatal(err)
	}
	return d.(*opusDecoder)
}

func decode(t *testing.T, d Decoder, pcm []int16, payload []byte) {
	t.Helper()
	if n, err := d.Decode(pcm, payload); err != nil || n != len(pcm) {
		t.Fatalf("%d samples, %v", n, err)
	}
}

// difference is the energy of a-b.
func difference(a, b []int16) float64 {
	var sum float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		sum += d * d
	}
	return sum
}

// With Annex B silence is sent as a frame of comfort noise and then not at
// all; the decoder says so and makes noise of it, not speech.
func TestG729SilenceSuppression(t *testing.T) {
	f := g729Format
	f.FMTP = ""
	e, err := NewEncoder(f)
	if err != nil {
		t.Fatal(err)
	}
	d, err := New(f)
	if err != nil {
		t.Fatal(err)
	}
	pcm := append(resample.All(speech(t), 16000, g729Rate), make([]int16, 3*g729Rate)...)
	sent, paused, quiet := 0, 0, 0
	for ; len(pcm) >= 160; pcm = pcm[160:] {
		p := e.Encode(nil, pcm[:160])
		if len(p) == 0 {
			quiet++
			continue
		}
		sent++
		out := make([]int16, d.Samples(p))
		decode(t, d, out, p)
		if d.(Pauser).Pauses(p) {
			paused++
		}
	}
	if quiet < 100 || paused == 0 || sent < 80 {
		t.Errorf("%d packets sent, %d of them the last before silence, %d not sent", sent, paused, quiet)
	}
}

// A concealed frame of G.729 fades; it is no noise.
func TestG729ConcealsErasedFrames(t *testing.T) {
	d, err := New(g729Format)
	if err != nil {
		t.Fatal(err)
	}
	c := d.(Concealer)
	packets := split(read(t, "speech.g729"), g729Octets)
	pcm := make([]int16, g729Samples)
	for _, p := range packets[:90] {
		decode(t, d, pcm, p)
	}
	var energy [20]float64
	for i := range energy {
		if err := c.Conceal(pcm); err != nil {
			t.Fatal(err)
		}
		energy[i] = difference(pcm, make([]int16, g729Samples))
	}
	if energy[0] == 0 || energy[19] > energy[0]/10 {
		t.Errorf("energy of concealed frames: %.3g, the last %.3g", energy[0], energy[19])
	}
}

func TestL16Stereo(t *testing.T) {
	d, err := New(earshot.Format{PayloadType: 10, Encoding: "L16", ClockRate: 44100, Channels: 2})
	if err != nil {
		t.Fatal(err)
	}
	pcm := make([]int16, 2)
	if n, err := d.Decode(pcm, []byte{0, 100, 0, 50, 0x80, 0, 0x80, 0}); n != 2 || err != nil || pcm[0] != 75 || pcm[1] != -32768 {
		t.Errorf("%v, %d samples, %v", pcm, n, err)
	}
}

// Each decoder takes anything: it fills as much as it foretold or says why not.
func FuzzDecode(f *testing.F) {
	for i, b := range [][]byte{nil, {0}, {0xff, 0xff}, make([]byte, 10), make([]byte, 22), {0x4b, 0x03, 1, 2, 3}, make([]byte, 160)} {
		f.Add(byte(i), b)
	}
	formats := []earshot.Format{pcmuFormat, pcmaFormat, g722Format, g729Format, opusFormat, l16Format}
	f.Fuzz(func(t *testing.T, which byte, payload []byte) {
		format := formats[int(which)%len(formats)]
		d, err := New(format)
		if err != nil {
			t.Fatal(err)
		}
		n := d.Samples(payload)
		pcm := make([]int16, n)
		if got, err := d.Decode(pcm, payload); err == nil && got != n {
			t.Errorf("%s: %d samples of %d octets, foretold %d", format, got, len(payload), n)
		}
		if r, ok := d.(Recoverer); ok {
			_ = r.Recover(make([]int16, 4*r.Frame()), payload)
		}
	})
}
