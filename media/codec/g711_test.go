package codec

import (
	"errors"
	"testing"

	"earshot"
)

var (
	pcmu = earshot.Format{PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1}
	pcma = earshot.Format{PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1}
)

// The values of the ITU-T G.711 tables, scaled to 16 bits: the loudest and the
// softest code of each sign, and the borders of segments between.
func TestG711KnownCodes(t *testing.T) {
	for _, c := range []struct {
		f    earshot.Format
		code byte
		want int16
	}{
		{pcmu, 0x00, -32124},
		{pcmu, 0x80, 32124},
		{pcmu, 0xff, 0},
		{pcmu, 0x7f, 0},
		{pcmu, 0xfe, 8},
		{pcmu, 0x7e, -8},
		{pcmu, 0xef, 132},
		{pcmu, 0x8f, 16764},
		{pcmu, 0x9f, 8316},
		{pcma, 0xaa, 32256},
		{pcma, 0x2a, -32256},
		{pcma, 0xd5, 8},
		{pcma, 0x55, -8},
		{pcma, 0xd4, 24},
		{pcma, 0xc5, 264},
		{pcma, 0x80, 5504},
		{pcma, 0xa5, 16896},
	} {
		d, err := New(c.f)
		if err != nil {
			t.Fatal(err)
		}
		var pcm [1]int16
		if n, err := d.Decode(pcm[:], []byte{c.code}); n != 1 || err != nil {
			t.Fatalf("Decode = %d, %v", n, err)
		}
		if pcm[0] != c.want {
			t.Errorf("%s %#02x = %d, want %d", c.f, c.code, pcm[0], c.want)
		}
	}
}

func TestG711EveryCodeComesBack(t *testing.T) {
	for _, f := range []earshot.Format{pcmu, pcma} {
		d, _ := New(f)
		e, err := NewEncoder(f)
		if err != nil {
			t.Fatal(err)
		}
		for code := range 256 {
			var pcm [1]int16
			_, _ = d.Decode(pcm[:], []byte{byte(code)})
			got := e.Encode(nil, pcm[:])[0]
			if got != byte(code) && pcm[0] != 0 { // mu-law has two zeros
				t.Errorf("%s %#02x -> %d -> %#02x", f, code, pcm[0], got)
			}
		}
	}
}

// A sample is sent as a code whose interval holds it: off by no more than half
// a step of the code's segment, and in the order of the samples. (At segment
// borders G.711's decision values are not midway between two codes.)
func TestG711EncodesWithinHalfAStep(t *testing.T) {
	for _, f := range []earshot.Format{pcmu, pcma} {
		d, _ := New(f)
		e, _ := NewEncoder(f)
		last := -40_000
		for s := -32768; s <= 32767; s++ {
			var got [1]int16
			if _, err := d.Decode(got[:], e.Encode(nil, []int16{int16(s)})); err != nil {
				t.Fatal(err)
			}
			v := int(got[0])
			halfStep := max(8, abs(v)/32+6)
			if off := abs(s - v); off > halfStep && abs(s) < 32100 {
				t.Fatalf("%s: %d is sent as %d, more than %d off", f, s, v, halfStep)
			}
			if v < last {
				t.Fatalf("%s: %d is sent as %d, but the sample before as %d", f, s, v, last)
			}
			last = v
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	for _, f := range []earshot.Format{
		{Encoding: "AMR", ClockRate: 8000},
		{Encoding: "PCMU", ClockRate: 16000},
		{Encoding: "PCMU", ClockRate: 8000, Channels: 2},
		{},
	} {
		if _, err := New(f); !errors.Is(err, ErrUnknown) {
			t.Errorf("New(%v) = %v, want ErrUnknown", f, err)
		}
		if Recordable(f) {
			t.Errorf("%v is recordable", f)
		}
	}
}

func TestDecodeWithoutRoom(t *testing.T) {
	d, _ := New(pcmu)
	if _, err := d.Decode(make([]int16, 3), make([]byte, 4)); err == nil {
		t.Error("no error")
	}
}

func abs(x int) int { return max(x, -x) }
