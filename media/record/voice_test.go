package record

import (
	"math"
	"testing"

	"earshot"
	"earshot/media/codec"
	"earshot/media/rtptest"
)

var (
	opusFormat = earshot.Format{PayloadType: 111, Encoding: "opus", ClockRate: 48000, Channels: 2}
	g722Format = earshot.Format{PayloadType: 9, Encoding: "G722", ClockRate: 8000, Channels: 1}
	g729Format = earshot.Format{PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1, FMTP: "annexb=no"}
)

// spoken encodes a tone that swells and fades, in packets of 20 ms from the
// packet numbered first on.
func spoken(t *testing.T, f *earshot.Format, first, n int) packets {
	t.Helper()
	e, err := codec.NewEncoder(*f)
	if err != nil {
		t.Fatal(err)
	}
	size := e.Rate() / 50
	var out packets
	for i := first; i < first+n; i++ {
		out = append(out, Packet{
			Position: earshot.Position(i * 960), Duration: 960, Seq: uint16(i), SSRC: 7,
			PayloadType: f.PayloadType, Format: f, Payload: e.Encode(nil, tone(i*size, size, e.Rate())),
		})
	}
	return out
}

func tone(first, n, rate int) []int16 {
	pcm := make([]int16, n)
	for i := range pcm {
		at := float64(first+i) / float64(rate)
		pcm[i] = int16(9000 * (1.2 + math.Sin(2*math.Pi*3*at)) / 2.2 * math.Sin(2*math.Pi*440*at))
	}
	return pcm
}

// noise returns the energy of the difference over the energy of want.
func noise(want, got []int16) float64 {
	var off, all float64
	for i, w := range want {
		d := float64(w) - float64(got[i])
		off, all = off+d*d, all+float64(w)*float64(w)
	}
	return off / all
}

func fillAt(t *testing.T, a *Assembler, p packets, first, n int) []int16 {
	t.Helper()
	pcm := make([]int16, n)
	if err := a.Fill(pcm, earshot.At(int64(first), a.rate), p); err != nil {
		t.Fatal(err)
	}
	return pcm
}

// Decoders that keep state go on from one read to the next, wherever the reads
// end; a read from elsewhere is next to the same.
func TestStatefulDecodersGoOn(t *testing.T) {
	for _, f := range []*earshot.Format{&opusFormat, &g722Format, &g729Format} {
		p := spoken(t, f, 0, 100)
		d, err := codec.New(*f)
		if err != nil {
			t.Fatal(err)
		}
		rate := d.Rate()
		var want []int16
		for i := range p {
			pcm := make([]int16, rate/50)
			if _, err := d.Decode(pcm, p[i].Payload); err != nil {
				t.Fatal(err)
			}
			want = append(want, pcm...)
		}
		for _, piece := range []int{256, rate / 50, 2 * rate} {
			a := NewAssembler(rate)
			for at := 0; at+piece <= len(want); at += piece {
				if noise(want[at:at+piece], fillAt(t, a, p, at, piece)) != 0 {
					t.Fatalf("%s in reads of %d samples: other samples at %d than in one go", f, piece, at)
				}
			}
		}
		half := rate
		if n := noise(want[half:half+rate/2], fillAt(t, NewAssembler(rate), p, half, rate/2)); n > 0.02 {
			t.Errorf("%s read from the middle: %.3f of it is noise", f, n)
		}
	}
}

// What was lost is recovered from the packet after it, if that has it, and
// concealed otherwise; two seconds of loss end in silence.
func TestLossOfStatefulCodecs(t *testing.T) {
	// CELP decoders make speech of the same kind, not the same samples.
	for f, most := range map[*earshot.Format]float64{&opusFormat: 0.15, &g722Format: 0.1, &g729Format: 0.6} {
		whole := spoken(t, f, 0, 100)
		d, err := codec.New(*f)
		if err != nil {
			t.Fatal(err)
		}
		rate := d.Rate()
		want := fillAt(t, NewAssembler(rate), whole, 0, 2*rate)
		var p packets
		for i, q := range whole {
			if i%10 != 5 && (i < 60 || i >= 80) {
				p = append(p, q)
			}
		}
		got := fillAt(t, NewAssembler(rate), p, 0, 2*rate)
		if n := noise(want[rate/5:rate], got[rate/5:rate]); n > most || n == 0 {
			t.Errorf("%s with one in ten lost: %.3f of it is noise", f, n)
		}
		end := 80 * rate / 50
		if _, ok := d.(codec.Recoverer); ok {
			end -= rate / 50
		}
		for i, s := range got[60*rate/50+rate*60/1000 : end] {
			if s != 0 {
				t.Fatalf("%s: sample %d of a long gap is %d", f, i, s)
			}
		}
	}
}

// A stream may change its codec, and another source may begin to send; all is
// heard at the rate of the stream, at its place.
func TestFormatsOfOtherRates(t *testing.T) {
	pcmu := rtptest.PCMU
	p := spoken(t, &g722Format, 0, 20)
	p = append(p, spoken(t, &pcmu, 20, 20)...)
	other := spoken(t, &g722Format, 40, 20)
	for i := range other {
		other[i].SSRC = 8
	}
	p = append(p, other...)
	for _, rate := range []int{8000, 16000, 48000} {
		got := fillAt(t, NewAssembler(rate), p, 0, 60*rate/50)
		for _, part := range []int{0, 20, 40} {
			from := (part + 5) * rate / 50
			want := tone(from, 10*rate/50, rate)
			if n, lag := bestFit(want, got[from:], rate/200); n > 0.02 {
				t.Errorf("at %d Hz, from packet %d on: %.3f of it is noise, %d samples later", rate, part, n, lag)
			}
		}
	}
}

// bestFit returns the least noise at any delay up to longest samples.
func bestFit(want, got []int16, longest int) (least float64, lag int) {
	least = math.Inf(1)
	for l := range longest {
		if n := noise(want, got[l:]); n < least {
			least, lag = n, l
		}
	}
	return least, lag
}

// The samples per second of a recording are those of what came, not of what
// might have come.
func TestRateIsThatOfThePackets(t *testing.T) {
	formats := []earshot.Format{rtptest.PCMU, g722Format, opusFormat}
	l := NewLog(Config{Dir: t.TempDir(), CallID: "c", StreamID: "s"})
	if err := l.Start(origin, formats); err != nil {
		t.Fatal(err)
	}
	r := l.NewReader()
	if r.Rate() != 48000 {
		t.Errorf("%d Hz before the first packet", r.Rate())
	}
	for _, p := range []Packet{*numbered(0), *numbered(1)} {
		l.Append(&p)
	}
	if r.Rate() != 8000 {
		t.Errorf("%d Hz of PCMU", r.Rate())
	}
	wide := spoken(t, &g722Format, 2, 1)[0]
	l.Append(&wide)
	if r.Rate() != 16000 {
		t.Errorf("%d Hz with a packet of G.722", r.Rate())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenReader(l.cfg)
	if err != nil || again.Rate() != 16000 {
		t.Errorf("%d Hz read again, %v", again.Rate(), err)
	}
}
