package media

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/rtptest"
)

func TestFiveHundredPackets(t *testing.T) {
	r := newRig(t, Config{})
	r.send(500)
	r.check(r.close(), 500, same)
	st := r.s.Stats()
	if q := st.Quality; q == nil || *q.MOS != 4.41 || *q.MOSWorst != 4.41 || q.Model != "G.107" || q.RoundTripMS != nil {
		t.Errorf("quality %+v", q)
	}
	st.Quality = nil
	if st != (earshot.StreamStats{PacketsReceived: 500}) {
		t.Errorf("stats %+v", st)
	}
}

// 3 % of the packets swap places with one up to 5 later, 3 % come twice.
func TestReorderingAndDuplicates(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, Config{})
		rng := rand.New(rand.NewPCG(seed, 1))
		var packets [][]byte
		for range 500 {
			packets = append(packets, r.src.Next())
		}
		for i := range packets {
			if j := i + 1 + rng.IntN(5); rng.IntN(100) < 3 && j < len(packets) {
				packets[i], packets[j] = packets[j], packets[i]
			}
		}
		duplicates := uint64(0)
		for i, p := range packets {
			r.take(p)
			if rng.IntN(100) < 3 {
				r.take(packets[max(0, i-rng.IntN(10))])
				duplicates++
			}
			r.at += frame
		}
		before := int(-r.s.Start()) / 960 // of the first packet received
		r.check(r.close(), 500-before, func(frame int) int { return frame + before })
		st := r.s.Stats()
		if st.PacketsLost != 0 || st.PacketsDuplicate != duplicates || st.PacketsReceived != 500+duplicates || st.PacketsLate != 0 {
			t.Errorf("stats %+v, %d duplicates were sent", st, duplicates)
		}
	}
}

func TestBurstLoss(t *testing.T) {
	r := newRig(t, Config{})
	r.send(100)
	for range 20 { // 400 ms
		r.src.Next()
		r.at += frame
	}
	r.send(100)
	pcm := r.close()
	r.check(pcm, 220, func(frame int) int {
		if frame >= 100 && frame < 120 {
			return -1
		}
		return frame
	})
	r.silent(pcm[100*160 : 120*160])
	if pcm[100*160] != rtptest.Level(rtptest.PCMU, 99) {
		t.Error("no concealment")
	}
	if st := r.s.Stats(); st.PacketsLost != 20 || st.PacketsReceived != 200 {
		t.Errorf("stats %+v", st)
	}
}

// One to eight streams of a call, through sockets: 3 % reordered, 3 % twice,
// 400 ms lost, and the numbers wrap. The last packet lies in the socket when
// the stream is closed, and counts.
func TestOneToEightStreams(t *testing.T) {
	e := started(t, Config{})
	for streams := 1; streams <= 8; streams++ {
		rng := rand.New(rand.NewPCG(uint64(streams), 3))
		var open []*Stream
		duplicates := make([]uint64, streams)
		for i := range streams {
			sp := spec()
			sp.CallID, sp.StreamID = earshot.CallID(fmt.Sprint("call", streams)), earshot.StreamID(fmt.Sprint(i))
			s, err := e.Open(sp)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, s)
			src := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: rng.Uint32(), Seq: 65_400, Timestamp: math.MaxUint32 - 8000}
			var packets [][]byte
			for n := range 300 {
				if p := src.Next(); n < 100 || n >= 120 {
					packets = append(packets, p)
				}
			}
			c := dial(t, s.Port())
			for n := 1; n < len(packets)-5; n++ { // the first and the last ones stay
				if rng.IntN(100) < 3 {
					packets[n], packets[n+3] = packets[n+3], packets[n]
				}
			}
			for n, p := range packets {
				write(t, c, p)
				if rng.IntN(100) < 3 {
					write(t, c, packets[max(0, n-rng.IntN(10))])
					duplicates[i]++
				}
			}
		}
		for i, s := range open {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			(&rig{t: t}).check(read(t, s), 300, func(frame int) int {
				if frame >= 100 && frame < 120 {
					return -1
				}
				return frame
			})
			if st := s.Stats(); st.PacketsLost != 20 || st.PacketsDuplicate != duplicates[i] || st.PacketsReceived != 280+duplicates[i] {
				t.Errorf("%d streams, number %d: %+v, sent %d twice", streams, i, st, duplicates[i])
			}
		}
	}
}

func TestDTXAndHold(t *testing.T) {
	for _, c := range []struct {
		name      string
		gap       time.Duration
		timestamp bool
		marker    bool
	}{
		{"DTX of 1 s", time.Second, true, true},
		{"DTX of 5 s", 5 * time.Second, true, true},
		{"DTX of 5 s without marker", 5 * time.Second, true, false},
		{"hold of 1 s, timestamps stop, marker", time.Second, false, true},
		{"hold of 2 s, timestamps stop", 2 * time.Second, false, false},
		{"hold of 3 s, timestamps stop", 3 * time.Second, false, false},
		{"hold of 3 s, timestamps stop, marker", 3 * time.Second, false, true},
		{"hold of 3 s, timestamps go on", 3 * time.Second, true, false},
		{"hold of 10 min, timestamps stop", 10 * time.Minute, false, false},
		{"hold of 10 min, timestamps go on", 10 * time.Minute, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.send(50)
			r.wait(c.gap)
			if c.timestamp {
				r.src.Timestamp += uint32(c.gap.Seconds() * 8000)
			}
			r.src.Marker = c.marker
			r.send(50)
			frames := int(int64(c.gap) / frame)
			pcm := r.close()
			r.check(pcm, 100+frames, around(50, frames))
			r.silent(pcm[50*160 : (50+frames)*160])
			if st := r.s.Stats(); st.PacketsLost != 0 {
				t.Errorf("stats %+v", st)
			}
		})
	}
}

func TestChangesOfSourceAreSeamless(t *testing.T) {
	for name, change := range map[string]func(*rtptest.Numbered){
		"ssrc":           func(n *rtptest.Numbered) { n.SSRC, n.Seq, n.Timestamp = n.SSRC+1, 3, 1<<31+5 },
		"timestamp":      func(n *rtptest.Numbered) { n.Timestamp += 1 << 30 },
		"timestamp back": func(n *rtptest.Numbered) { n.Timestamp -= 123_456 },
		"sequence":       func(n *rtptest.Numbered) { n.Seq += 20_000 },
		"both":           func(n *rtptest.Numbered) { n.Seq -= 7000; n.Timestamp -= 1 << 29 },
		"wrap":           func(n *rtptest.Numbered) {},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.src.Seq, r.src.Timestamp = 65_500, math.MaxUint32-20*160
			r.send(100)
			change(r.src)
			r.send(100)
			change(r.src)
			r.send(100)
			r.check(r.close(), 300, same)
		})
	}
}

// Each packet is decoded by its own format; one that the answer did not name
// is recorded by its real codec and counted.
func TestPayloadTypeSwitch(t *testing.T) {
	for _, answered := range [][]earshot.Format{{rtptest.PCMU, rtptest.PCMA}, {rtptest.PCMU}} {
		r := newRig(t, Config{})
		r.s.SetFormats(answered)
		r.send(20)
		r.src.Format = rtptest.PCMA
		r.send(20)
		if got := r.s.Codec(); got != "PCMA/8000" {
			t.Errorf("codec %s", got)
		}
		r.s.SetFormats([]earshot.Format{{PayloadType: 96, Encoding: "PCMA", ClockRate: 8000, Channels: 1}})
		r.src.Format.PayloadType = 96
		r.send(20)
		pcm := r.close()
		r.check(pcm[:20*160], 20, same)
		if err := rtptest.Check(pcm[20*160:], rtptest.PCMA, func(frame int) int { return frame + 20 }); err != nil || len(pcm) != 60*160 {
			t.Errorf("%d samples: %v", len(pcm), err)
		}
		if want := uint64(20 * (2 - len(answered))); r.s.counters().unanswered != want {
			t.Errorf("%d packets of no answered format, want %d", r.s.counters().unanswered, want)
		}
	}
}

// Comfort noise and telephone events are silence, move nothing and leave no
// digit in the recording.
func TestEventsAndComfortNoise(t *testing.T) {
	r := newRig(t, Config{})
	r.send(20)
	digit := []byte{7, 0x8a, 0x03, 0x20}
	for range 10 {
		r.take(r.src.Packet(101, digit))
		r.at += frame
	}
	r.src.Timestamp += 10 * 160
	r.send(20)
	for _, pt := range []uint8{13, 19} {
		r.take(r.src.Packet(pt, []byte{70}))
	}
	r.wait(time.Second)
	r.src.Timestamp += 8000
	r.send(20)
	pcm := r.close()
	r.check(pcm, 20+10+20+50+20, func(frame int) int {
		switch {
		case frame < 20:
			return frame
		case frame < 30:
			return -1
		case frame < 50:
			return frame - 10
		case frame < 100:
			return -1
		}
		return frame - 60
	})
	for i, s := range pcm[50*160 : 100*160] {
		if s != 0 {
			t.Fatalf("sample %d after comfort noise is %d", i, s)
		}
	}
	if st := r.s.Stats(); st.PacketsLost != 0 || st.PacketsInvalid != 0 || st.JitterMS > 0.001 {
		t.Errorf("stats %+v", st)
	}
	file, err := os.ReadFile(filepath.Join(r.e.cfg.Dir, "call", "stream.0.rtplog"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(file, digit) {
		t.Error("the digit is in the recording")
	}
}

func TestLatePacketsAreKeptInPlace(t *testing.T) {
	r := newRig(t, Config{})
	r.send(10)
	held := r.src.Next()
	r.at += frame
	r.send(200)
	r.take(held)
	r.check(r.close(), 211, same)
	if st := r.s.Stats(); st.PacketsLate != 1 || st.PacketsLost != 0 {
		t.Errorf("stats %+v", st)
	}
}

// A second source that sends at the same time is not mixed in; when the first
// one falls silent, it is followed.
func TestTwoSources(t *testing.T) {
	r := newRig(t, Config{})
	other := &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 5, Number: 100}
	elsewhere := netip.AddrPortFrom(loopback, 5000)
	for range 50 {
		r.send(1)
		r.takeFrom(other.Next(), elsewhere, r.at-frame/2)
	}
	if r.s.counters().foreign != 50 {
		t.Errorf("%d foreign packets", r.s.counters().foreign)
	}
	r.wait(time.Second)
	for range 50 {
		r.takeFrom(other.Next(), elsewhere, r.at)
		r.at += frame
	}
	r.check(r.close(), 150, func(frame int) int {
		switch {
		case frame < 50:
			return frame
		case frame < 100:
			return -1
		}
		return frame + 50 // the first 50 of the other were not taken
	})
	if st := r.s.Stats(); st.PacketsReceived != 100 || st.PacketsInvalid != 50 || st.PacketsLost != 0 {
		t.Errorf("stats %+v", st)
	}
}

// The same SSRC from another address is the same source (RFC 3550 8.2 leaves
// it to us: a NAT that changes its mind).
func TestSourceMayMove(t *testing.T) {
	r := newRig(t, Config{})
	r.send(50)
	for range 50 {
		r.takeFrom(r.src.Next(), netip.AddrPortFrom(loopback, 6000), r.at)
		r.at += frame
	}
	r.check(r.close(), 100, same)
}

func TestBadPacketsOnlyCount(t *testing.T) {
	r := newRig(t, Config{})
	r.send(10)
	bad := [][]byte{
		nil,
		{0x80},
		[]byte("GET / HTTP/1.1\r\n\r\n"), bytes.Repeat([]byte{0xff}, 200),
		r.src.Packet(77, []byte{1}),
		{0xbf, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0xff, 0xff}, // extension beyond the end
		{0xa0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 200},                    // padding beyond the start
		{0x80, 200, 0xff, 0xff, 0, 0, 0, 1},                             // RTCP longer than the datagram
	}
	r.src.Seq--
	for _, b := range bad {
		r.take(b)
	}
	r.send(10)
	r.check(r.close(), 20, same)
	if st := r.s.Stats(); st.PacketsInvalid != uint64(len(bad)) || st.PacketsLost != 0 {
		t.Errorf("stats %+v, %d bad packets", st, len(bad))
	}
}

// A process that is killed leaves files that end anywhere. Whatever is whole is
// there, and a new process goes on where the sender is by now.
func TestResumeAfterKill(t *testing.T) {
	for seed := range uint64(20) {
		r := newRig(t, Config{})
		r.send(100)
		r.s.flush()
		r.send(5) // not flushed: lost with the process
		started, _ := r.s.Started()

		dir := t.TempDir()
		copyDir(t, filepath.Join(r.e.cfg.Dir, "call"), filepath.Join(dir, "call"))
		path := filepath.Join(dir, "call", "stream.0.rtplog")
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		cut := rand.New(rand.NewPCG(seed, 2)).Int64N(50 * 196)
		if err := os.Truncate(path, info.Size()-cut); err != nil {
			t.Fatal(err)
		}
		kept := 100 - int((cut+195)/196)
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
		for range 150 { // 3 s without a receiver
			r.src.Next()
			r.at += frame
		}
		r.e = newEngine(t, Config{Dir: dir})
		again := spec()
		again.Resume = true
		r.open(again)
		if at, ok := r.s.Started(); !ok || !at.Equal(started) {
			t.Errorf("position 0 was at %v, is at %v", started, at)
		}
		r.send(100)
		pcm := r.close()
		r.check(pcm, 355, func(frame int) int {
			if frame >= kept && frame < 255 {
				return -1
			}
			return frame
		})
		if st := r.s.Stats(); st.PacketsReceived != uint64(kept)+100 || st.PacketsLost != uint64(255-kept) {
			t.Errorf("stats %+v, kept %d", st, kept)
		}
	}
}

func TestResumeOfNothing(t *testing.T) {
	r := newRig(t, Config{})
	again := spec()
	again.StreamID, again.Resume = "other", true
	r.open(again)
	r.send(10)
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	r.check(read(t, r.s), 10, same)
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

func TestAccept(t *testing.T) {
	e := newEngine(t, Config{})
	amr := earshot.Format{PayloadType: 96, Encoding: "AMR", ClockRate: 8000, Channels: 1}
	red := earshot.Format{PayloadType: 97, Encoding: "RED", ClockRate: 8000, Channels: 1, FMTP: "0/8"}
	redOfAMR := earshot.Format{PayloadType: 98, Encoding: "RED", ClockRate: 8000, Channels: 1, FMTP: "96/96"}
	got, err := e.Accept([]earshot.Format{amr, redOfAMR, red, rtptest.PCMA, cn, rtptest.PCMU, dtmf})
	var names []string
	for _, f := range got {
		names = append(names, f.Encoding)
	}
	if err != nil || strings.Join(names, " ") != "RED PCMA CN PCMU telephone-event" {
		t.Errorf("Accept = %v, %v", names, err)
	}
	if _, err := e.Accept([]earshot.Format{amr, dtmf, redOfAMR}); !errors.Is(err, earshot.ErrNoCommonCodec) {
		t.Errorf("error %v", err)
	}
}

func FuzzTake(f *testing.F) {
	r := newRig(f, Config{})
	f.Add(r.src.Next())
	f.Add(r.src.Packet(101, []byte{7, 0x8a, 3, 0x20}))
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x81, 203, 0, 1, 0, 0, 0, 1})
	f.Add([]byte{0x9f, 0x80, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0xbe, 0xde, 0, 1, 0x10, 1, 0, 0})
	buf := make([]int16, 800)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > datagramSize {
			return
		}
		r.send(1)
		end := r.s.End()
		r.take(b)
		if r.s.End() < end {
			t.Fatal("the end went back")
		}
		if _, err := r.s.ReadAt(buf, end-4800); err != nil {
			t.Fatal(err)
		}
		r.s.flush()
	})
}
