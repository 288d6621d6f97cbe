package media

import (
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"testing"

	"earshot/media/rtptest"
)

// garbage returns datagrams of every kind that does not belong on a stream.
func garbage() [][]byte {
	rng := rand.New(rand.NewPCG(5, 5))
	other := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 666}
	wrong := &rtptest.Numbered{SSRC: 1}
	var out [][]byte
	for i := range 100 {
		random := make([]byte, rng.IntN(400))
		for j := range random {
			random[j] = byte(rng.Uint32())
		}
		stun := append([]byte{0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
		dtls := append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, byte(i), 0, 40}, make([]byte, 40)...)
		out = append(out, random, other.Next()[:rng.IntN(12)], wrong.Packet(96, []byte{1, 2, 3}), other.Next(), stun, dtls)
	}
	return out
}

// 200,000 datagrams of garbage at one open port cost the streams at the others
// nothing: each has every packet, in its place.
func TestFloodOfEveryKind(t *testing.T) {
	const calls, packets, flood = 8, 400, 200_000
	e := started(t, Config{})
	flooded := open(t, e, "flooded")
	at := dial(t, flooded.Port())
	begun, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		kinds := garbage()
		for i := range flood {
			_, _ = at.Write(kinds[i%len(kinds)])
			if i == flood/100 {
				close(begun)
			}
		}
	}()
	<-begun
	streams, conns, sources := make([]*Stream, calls), make([]*net.UDPConn, calls), make([]*rtptest.Numbered, calls)
	for i := range streams {
		streams[i] = open(t, e, fmt.Sprint(i))
		conns[i] = dial(t, streams[i].Port())
		sources[i] = &rtptest.Numbered{Format: rtptest.PCMU, SSRC: uint32(i)}
	}
	for n := range packets {
		for i, c := range conns {
			write(t, c, sources[i].Next())
		}
		if n%100 == 99 { // as much as a socket holds for sure
			for _, s := range streams {
				eventually(t, "packets beside the flood", func() bool { return s.Stats().PacketsReceived == uint64(n+1) })
			}
		}
	}
	<-done
	eventually(t, "garbage", func() bool { // a busy machine may have read next to none of it
		for _, b := range garbage() {
			_, _ = at.Write(b)
		}
		return flooded.Stats().PacketsInvalid > flood/100 && flooded.counters().stun > 0
	})
	for _, s := range streams {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		(&rig{t: t}).check(read(t, s), packets, same)
		if st := s.Stats(); st.PacketsLost+st.PacketsInvalid+st.PacketsDropped != 0 {
			t.Errorf("stats %+v", st)
		}
	}
}

// One turn takes no more of a socket than its share, however much waits there.
func TestShareOfOneSocket(t *testing.T) {
	e := newEngine(t, Config{MinPort: 42_000, MaxPort: 47_999}) // not started: the test drains
	s := open(t, e, "s")
	c := dial(t, s.Port())
	src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 3}
	const waiting = 300
	for range waiting {
		write(t, c, src.Next())
	}
	b := newBatch(e.clock)
	for _, want := range []uint64{maxBatches * batchSize, 2 * maxBatches * batchSize, waiting} {
		s.drain(s.rtp, b, maxBatches)
		if got := s.Stats().PacketsReceived; got != want {
			t.Fatalf("%d packets are read, want %d", got, want)
		}
	}
}

// FuzzRTCP takes arbitrary compound packets (RFC 3550 6.1) on both ports; what
// is reported back must be well-formed, and the audio untouched.
func FuzzRTCP(f *testing.F) {
	r := newRig(f, Config{})
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, false)
	f.Add([]byte{0x81, 203, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 2}, true)
	f.Add([]byte{0x81, 202, 0, 3, 0, 0, 0, 1, 1, 2, 'a', 'b', 0, 0, 0, 0}, true)
	f.Add([]byte{0x80, 207, 0, 4, 0, 0, 0, 1, 4, 0, 0, 2, 0, 1, 2, 3, 4, 5, 6, 7}, false)
	f.Add([]byte{0x80, 200, 0xff, 0xff, 0, 0, 0, 1}, true)
	f.Fuzz(func(t *testing.T, b []byte, muxed bool) {
		if len(b) > datagramSize {
			return
		}
		r.send(1)
		before := r.s.Stats()
		r.s.mu.Lock()
		r.s.takeRTCP(datagram{data: b, from: peer, arrival: r.at}, muxed)
		r.s.mu.Unlock()
		r.s.report()
		after := r.s.Stats()
		after.PacketsInvalid = before.PacketsInvalid
		before.Quality, after.Quality = nil, nil // a copy each time, of what extended reports may add to
		if before != after {
			t.Fatalf("RTCP changed the statistics of the audio from %+v to %+v", before, after)
		}
		r.s.flush()
	})
}

// closeAlike ends the stream and compares it with its recording, which may go
// on in silence up to an event behind the audio. A recording is read at the
// rate of what came, a live stream at that of what was answered: where a static
// format that was not answered makes these differ, they are as long, not alike.
func (r *rig) closeAlike() {
	r.t.Helper()
	if err := r.s.Close(); err != nil {
		r.t.Fatal(err)
	}
	live := read(r.t, r.s)
	rec, err := r.e.Recorded("call", "stream")
	if err != nil {
		r.t.Fatal(err)
	}
	if own, whole := r.s.Rate(), rec.Rate(); own != whole {
		if end := rec.End(); end < r.s.End() {
			r.t.Fatalf("the recording ends at %d, its stream at %d", end, r.s.End())
		}
		return
	}
	if pcm := read(r.t, rec); len(pcm) < len(live) || !slices.Equal(pcm[:len(live)], live) {
		r.t.Fatalf("%d samples of the stream are not those of its recording, %d", len(live), len(pcm))
	}
}

// FuzzDatagrams takes a series of datagrams at times apart: whatever they are,
// what was recorded can be read, live and from disk, and is the same.
func FuzzDatagrams(f *testing.F) {
	src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 9, Seq: 65_535}
	var series []byte
	for _, b := range [][]byte{src.Next(), src.Next(), src.Packet(101, []byte{1, 0x80, 0, 160}), {0x80, 201, 0, 1, 0, 0, 0, 9}} {
		series = append(append(series, byte(len(b)), 20), b...)
	}
	f.Add(series)
	f.Add([]byte{12, 0, 0x80, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 255})
	g722 := (&rtptest.Numbered{SSRC: 9}).Packet(9, []byte{1, 2, 3}) // not answered
	f.Add(append([]byte{byte(len(g722)), 20}, g722...))
	f.Fuzz(func(t *testing.T, series []byte) {
		r := newRig(t, Config{})
		for len(series) > 2 {
			size, later := min(int(series[0]), len(series)-2), int64(series[1])
			r.at += later * frame / 20
			r.take(series[2 : 2+size])
			series = series[2+size:]
		}
		if _, any := r.s.Started(); any && r.s.End()-r.s.Start() < 60*48_000 {
			r.closeAlike()
		}
	})
}
