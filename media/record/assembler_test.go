package record

import (
	"math"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/media/codec"
	"earshot/media/rtptest"
)

// packets is a source in memory.
type packets []Packet

func (p packets) Packets(dst []Packet, from, to earshot.Position) ([]Packet, error) {
	for _, q := range p {
		if q.Position < to && q.End() >= from {
			dst = append(dst, q)
		}
	}
	return dst, nil
}

func fill(t *testing.T, p packets, from earshot.Position, n int) []int16 {
	t.Helper()
	pcm := slices.Repeat([]int16{-1}, n)
	if err := NewAssembler(8000).Fill(pcm, from, p); err != nil {
		t.Fatal(err)
	}
	return pcm
}

// A gap is at most 60 ms of concealment, which fades, and then silence; the
// packets around it are exact.
func TestGap(t *testing.T) {
	for _, gap := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond, 400 * time.Millisecond, 5 * time.Second} {
		var p packets
		for n := range 10 {
			p = append(p, *numbered(n))
		}
		frames := int(gap / (20 * time.Millisecond))
		for n := range 5 {
			p = append(p, *numbered(10 + frames + n))
		}
		pcm := fill(t, p, 0, (15+frames)*160)
		err := rtptest.Check(pcm, rtptest.PCMU, func(frame int) int {
			if frame >= 10 && frame < 10+frames {
				return -1
			}
			return frame
		})
		if err != nil {
			t.Fatalf("gap of %v: %v", gap, err)
		}
		checkConcealment(t, pcm[1600:1600+frames*160], rtptest.Level(rtptest.PCMU, 9))
	}
}

func checkConcealment(t *testing.T, gap []int16, level int16) {
	t.Helper()
	last := int(level)
	for i, s := range gap {
		v := int(s)
		if i >= 480 && v != 0 {
			t.Fatalf("sample %d of the gap is %d, 60 ms are over", i, v)
		}
		if max(v, -v) > max(last, -last) || v*int(level) < 0 {
			t.Fatalf("sample %d of the gap is %d after %d", i, v, last)
		}
		last = v
	}
	if gap[0] != level || gap[79] != level {
		t.Errorf("the first 10 ms are %d to %d, want %d", gap[0], gap[79], level)
	}
}

// How the reads divide the stream makes no difference, in gaps neither.
func TestReadsMayBeCutAnywhere(t *testing.T) {
	var p packets
	d, _ := codec.NewEncoder(rtptest.PCMU)
	for n := range 200 {
		if n%13 == 5 || n%31 < 4 {
			continue
		}
		q := *numbered(n)
		tone := make([]int16, 160)
		for i := range tone {
			tone[i] = int16(8000 * math.Sin(float64(n*160+i)*0.11))
		}
		q.Payload = d.Encode(nil, tone)
		p = append(p, q)
	}
	want := fill(t, p, 0, 200*160)
	for _, piece := range []int{1, 7, 160, 256, 999} {
		a := NewAssembler(8000)
		for at := 0; at+piece <= len(want); at += piece * 3 {
			got := make([]int16, piece)
			if err := a.Fill(got, earshot.At(int64(at), 8000), p); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want[at:at+piece]) {
				t.Fatalf("%d samples at %d differ from the whole", piece, at)
			}
		}
	}
}

// Concealment goes on with the pitch of a tone.
func TestConcealmentKeepsThePitch(t *testing.T) {
	past := make([]int16, 320)
	for i := range past {
		past[i] = int16(10_000 * math.Sin(2*math.Pi*float64(i)/50)) // 160 Hz
	}
	out := make([]int16, 80)
	repeat(out, past, 0, 480)
	fade(out, 0, 480)
	for i, s := range out {
		want := 10_000 * math.Sin(2*math.Pi*float64(320+i)/50)
		if math.Abs(float64(s)-want) > 600 {
			t.Fatalf("sample %d is %d, the tone would be %.0f", i, s, want)
		}
	}
}

// After a comfort noise packet or a telephone event there is silence.
func TestSilentPacketEndsConcealment(t *testing.T) {
	cn := Packet{Position: 5 * 960, Flags: Silent, PayloadType: 13, Payload: []byte{70}}
	p := packets{*numbered(0), *numbered(1), *numbered(2), *numbered(3), *numbered(4), cn, *numbered(20)}
	pcm := fill(t, p, 0, 21*160)
	for i, s := range pcm[5*160 : 20*160] {
		if s != 0 {
			t.Fatalf("sample %d after the packet is %d", i, s)
		}
	}
	// The same as read from within the gap.
	if got := fill(t, p, 5*960+480, 160); !slices.Equal(got, make([]int16, 160)) {
		t.Error("reading from within the gap gives concealment")
	}
}

// The second packet for a place is cut to what the first one left.
func TestOverlap(t *testing.T) {
	b := *numbered(1)
	b.Position = 480
	pcm := fill(t, packets{*numbered(0), b}, 0, 240)
	if pcm[159] != rtptest.Level(rtptest.PCMU, 0) || pcm[160] != rtptest.Level(rtptest.PCMU, 1) || pcm[239] != pcm[160] {
		t.Errorf("around the border: %v", pcm[158:162])
	}
}

func TestEachPacketByItsOwnFormat(t *testing.T) {
	a := *numbered(1)
	a.PayloadType, a.Format = 8, &rtptest.PCMA
	unknown := *numbered(2)
	unknown.Format = nil
	pcm := fill(t, packets{*numbered(0), a, unknown}, 0, 3*160)
	if pcm[0] != rtptest.Level(rtptest.PCMU, 0) || pcm[160] != rtptest.Level(rtptest.PCMA, 1) {
		t.Errorf("levels %d %d", pcm[0], pcm[160])
	}
	if pcm[479] != 0 {
		t.Errorf("a packet of an unknown format sounds like %d", pcm[479])
	}
}
