package media

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"earshot"
	"earshot/media/rtptest"
)

// shape is how a sender cuts its audio into packets.
type shape struct {
	name   string
	ptime  func(n int) int // of packet n, in ms
	format func(n int) earshot.Format
}

func always[T any](v T) func(int) T { return func(int) T { return v } }

// alternate takes the values in turn, each for so many packets.
func alternate[T any](each int, values ...T) func(int) T {
	return func(n int) T { return values[n/each%len(values)] }
}

func shapes() []shape {
	var out []shape
	for _, ms := range []int{10, 20, 30, 40, 60} {
		out = append(out,
			shape{fmt.Sprintf("PCMU of %d ms", ms), always(ms), always(rtptest.PCMU)},
			shape{fmt.Sprintf("both laws, %d ms", ms), always(ms), alternate(7, rtptest.PCMU, rtptest.PCMA)})
	}
	return append(out,
		shape{"another length every 10 packets", alternate(10, 20, 30, 10, 60, 40), always(rtptest.PCMA)},
		shape{"another length and law with every packet", alternate(1, 20, 60, 10), alternate(1, rtptest.PCMU, rtptest.PCMA)})
}

// numbered makes packet n of a source and returns it with its samples.
func (s shape) numbered(src *rtptest.Numbered, n int) (packet []byte, pcm []int16) {
	samples, f := s.ptime(n)*8, s.format(n)
	packet = src.Packet(f.PayloadType, bytes.Repeat([]byte{rtptest.Code(n)}, samples))
	src.Timestamp += uint32(samples)
	return packet, slices.Repeat([]int16{rtptest.Level(f, n)}, samples)
}

// sent is what a source sends, in this order, and what must come of it.
type sent struct {
	packets          [][]byte
	pcm              []int16
	known            []bool // by sample: false where a packet was lost
	lost, duplicates int
}

// wrapping is a source whose sequence numbers and timestamps wrap soon.
func wrapping(ssrc uint32) *rtptest.Numbered {
	return &rtptest.Numbered{SSRC: ssrc, Seq: math.MaxUint16 - 30, Timestamp: math.MaxUint32 - 50*160}
}

// make sends so many packets, the line losing, repeating and overtaking some.
func (s shape) make(ssrc uint32, count int, bad bool) sent {
	rng := rand.New(rand.NewPCG(uint64(ssrc), 3))
	src := wrapping(ssrc)
	var out sent
	for n := range count {
		packet, pcm := s.numbered(src, n)
		gone := bad && n > 0 && n < count-1 && rng.IntN(20) == 0
		out.pcm = append(out.pcm, pcm...)
		out.known = append(out.known, slices.Repeat([]bool{!gone}, len(pcm))...)
		if gone {
			out.lost++
			continue
		}
		out.packets = append(out.packets, packet)
	}
	if bad {
		out.disorder(rng)
	}
	return out
}

// disorder swaps and repeats packets, but not the first, which fixes position 0.
func (o *sent) disorder(rng *rand.Rand) {
	for i := 1; i+3 < len(o.packets); i++ {
		if j := i + 1 + rng.IntN(3); rng.IntN(10) == 0 {
			o.packets[i], o.packets[j] = o.packets[j], o.packets[i]
		}
	}
	var out [][]byte
	for i, p := range o.packets {
		out = append(out, p)
		if i > 0 && rng.IntN(10) == 0 {
			out = append(out, o.packets[max(0, i-rng.IntN(4))])
			o.duplicates++
		}
	}
	o.packets = out
}

// check compares a recording with what was sent, sample by sample.
func (o *sent) check(t *testing.T, pcm []int16) {
	t.Helper()
	if len(pcm) != len(o.pcm) {
		t.Fatalf("%d samples, want %d", len(pcm), len(o.pcm))
	}
	for i, v := range o.pcm {
		if o.known[i] && pcm[i] != v {
			t.Fatalf("sample %d is %d, want %d", i, pcm[i], v)
		}
	}
}

// TestExact sends one to eight streams of one call through real sockets: every
// sample of every packet is where it belongs, whatever the length of packets,
// the law, loss, repetition and order, while numbers and timestamps wrap.
func TestExact(t *testing.T) {
	for i, s := range shapes() {
		for _, bad := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, bad line %v", s.name, bad), func(t *testing.T) { testExact(t, s, 1+i%8, bad) })
		}
	}
}

func testExact(t *testing.T, s shape, streams int, bad bool) {
	e := started(t, Config{})
	all := make([]sent, streams)
	opened := make([]*Stream, streams)
	conns := make([]*net.UDPConn, streams)
	for i := range all {
		all[i] = s.make(uint32(100+i), 120, bad)
		opened[i] = open(t, e, fmt.Sprint(i))
		conns[i] = dial(t, opened[i].Port())
	}
	for n := range 2 * 120 {
		for i, o := range all {
			if n < len(o.packets) {
				write(t, conns[i], o.packets[n])
			}
		}
	}
	for i, o := range all {
		if err := opened[i].Close(); err != nil {
			t.Fatal(err)
		}
		o.check(t, read(t, opened[i]))
		st := opened[i].Stats()
		if int(st.PacketsLost) != o.lost || int(st.PacketsDuplicate) != o.duplicates ||
			int(st.PacketsReceived) != len(o.packets) || st.PacketsInvalid+st.PacketsDropped != 0 {
			t.Errorf("stream %d: %+v; %d sent, %d lost, %d twice", i, st, len(o.packets), o.lost, o.duplicates)
		}
	}
}

// Whatever the packets are like, a new source every 25 packets goes on exactly
// where the one before stopped, and so does one after new formats were agreed.
func TestExactAcrossSources(t *testing.T) {
	for _, s := range shapes() {
		for _, agreed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, agreed %v", s.name, agreed), func(t *testing.T) {
				r := newRig(t, Config{})
				var want sent
				for n := range 100 {
					if n%25 == 0 {
						r.src = wrapping(uint32(7000 + n))
						r.src.Seq += uint16(9000 * n)
						if agreed && n > 0 {
							r.s.SetFormats([]earshot.Format{rtptest.PCMA, rtptest.PCMU, dtmf}[n/25%2:])
						}
					}
					packet, pcm := s.numbered(r.src, n)
					r.take(packet)
					r.at += int64(len(pcm)) * frame / rtptest.FrameSamples
					want.pcm = append(want.pcm, pcm...)
				}
				want.known = slices.Repeat([]bool{true}, len(want.pcm))
				want.check(t, r.close())
				if st := r.s.Stats(); st.PacketsReceived != 100 || st.PacketsLost != 0 || st.PacketsInvalid != 0 {
					t.Errorf("stats %+v", st)
				}
			})
		}
	}
}
