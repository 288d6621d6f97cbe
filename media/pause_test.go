package media

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
	"earshot/media/codec"
	"earshot/media/record"
	"earshot/media/rtptest"
)

// silentFrames are the numbers of a recording that is silent between two
// packets.
func silentFrames(from, to int) func(int) int {
	return func(frame int) int {
		if frame >= from && frame < to {
			return -1
		}
		return frame
	}
}

// quiet checks that there is nothing at all, not even concealment.
func (r *rig) quiet(pcm []int16) {
	r.t.Helper()
	for i, s := range pcm {
		if s != 0 {
			r.t.Fatalf("sample %d of the pause is %d", i, s)
		}
	}
}

// The recording is silent to the packet, the live reader hears the same, and
// nothing of what came is in the master.
func TestPausedIsSilence(t *testing.T) {
	r := newRig(t, Config{})
	r.send(50)
	r.s.SetPaused(true)
	r.send(50)
	r.wait(time.Second)
	heard := r.settled(0)
	r.check(heard[:50*160], 50, same)
	r.quiet(heard[50*160:])
	r.at -= int64(time.Second)
	r.s.SetPaused(false)
	r.send(50)
	pcm := r.close()
	r.check(pcm, 150, silentFrames(50, 100))
	r.quiet(pcm[50*160 : 100*160])
	if st := r.s.Stats(); st.PacketsReceived != 150 || st.PacketsLost != 0 || st.PacketsDropped != 0 {
		t.Errorf("stats %+v", st)
	}
	for i, p := range r.recorded() {
		if paused := i >= 50 && i < 100; paused != (len(p.Payload) == 0) || paused != (p.Flags&record.Paused != 0) {
			t.Fatalf("packet %d is recorded with %d octets, flags %d", i, len(p.Payload), p.Flags)
		}
	}
}

// recorded are the packets of the master as they arrived.
func (r *rig) recorded() []record.Packet {
	r.t.Helper()
	rec, err := r.e.Recorded("call", "stream")
	if err != nil {
		r.t.Fatal(err)
	}
	var out []record.Packet
	for p, err := range rec.Arrivals() {
		if err != nil {
			r.t.Fatal(err)
		}
		p.Payload = append([]byte(nil), p.Payload...)
		out = append(out, p)
	}
	return out
}

// What was said before a pause is kept though it comes late, what was said
// during it never is.
func TestLatePacketsAroundAPause(t *testing.T) {
	r := newRig(t, Config{})
	r.send(10)
	before := r.src.Next()
	r.at += frame
	r.send(10)
	r.s.SetPaused(true)
	r.take(before)
	r.send(10)
	during := r.src.Next()
	r.at += frame
	r.send(10)
	r.s.SetPaused(false)
	r.take(during)
	r.send(10)
	pcm := r.close()
	r.check(pcm, 52, silentFrames(21, 42))
	r.quiet(pcm[21*160 : 42*160])
}

// A process that is killed in a pause leaves all that the next one needs.
func TestResumeOfAPausedStream(t *testing.T) {
	for _, spoken := range []int{0, 100} {
		r := newRig(t, Config{})
		r.send(spoken)
		r.s.SetPaused(true)
		r.send(50)
		r.s.flush() // and no more: killed
		if rec, err := r.e.Recorded("call", "stream"); err != nil || rec.Codec() != "PCMU/8000" {
			t.Errorf("what was left names the codec %q, %v", rec.Codec(), err)
		}
		again := spec()
		again.Resume, again.Paused = true, true
		r.open(again)
		r.wait(time.Second)
		r.src.Seq, r.src.Timestamp, r.src.Number = r.src.Seq+50, r.src.Timestamp+8000, r.src.Number+50
		r.send(50)
		r.s.SetPaused(false)
		r.send(50)
		pcm := r.close()
		end := spoken + 150
		r.check(pcm, end+50, silentFrames(spoken, end))
		r.quiet(pcm[spoken*160 : end*160])
		st := r.s.Stats()
		if st.PacketsReceived != uint64(spoken+150) || st.PacketsLost != 50 {
			t.Errorf("after %d packets: stats %+v", spoken, st)
		}
	}
}

func TestPausedFromTheBeginning(t *testing.T) {
	r := newRig(t, Config{})
	paused := spec()
	paused.Paused = true
	r.open(paused)
	r.send(20)
	r.s.SetPaused(false)
	r.send(20)
	pcm := r.close()
	r.check(pcm, 40, silentFrames(0, 20))
	r.quiet(pcm[:20*160])
}

// A stream that never had a packet in its pause has nothing to leave out.
func TestPauseBeforeTheFirstPacket(t *testing.T) {
	r := newRig(t, Config{})
	r.s.SetPaused(true)
	r.s.SetPaused(false)
	r.send(20)
	r.check(r.close(), 20, same)
}

// What is in the socket when recording is paused was said before.
func TestPacketsInTheSocketAtPause(t *testing.T) {
	e := newEngine(t, Config{}) // not started: nothing is read until asked for
	s := open(t, e, "stream")
	r := newRig(t, Config{Dir: e.cfg.Dir})
	conn := dial(t, s.Port())
	for range 10 {
		write(t, conn, r.src.Next())
	}
	s.SetPaused(true)
	for range 10 {
		write(t, conn, r.src.Next())
	}
	s.SetPaused(false)
	for range 10 {
		write(t, conn, r.src.Next())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	pcm := read(t, s)
	r.check(pcm, 30, silentFrames(10, 20))
	r.quiet(pcm[10*160 : 20*160])
}

func TestManyPauses(t *testing.T) {
	r := newRig(t, Config{})
	for range 3 * maxPauses {
		r.send(1)
		r.s.SetPaused(true)
		r.send(1)
		r.s.SetPaused(false)
	}
	pcm := r.close()
	r.check(pcm, 6*maxPauses, func(frame int) int {
		if frame%2 == 1 {
			return -1
		}
		return frame
	})
	for frame := 1; frame < 6*maxPauses; frame += 2 {
		r.quiet(pcm[frame*160 : (frame+1)*160])
	}
}

// An Opus packet may say again what the one before it said, and one with
// redundancy what the two before it did: after a pause they must not.
func TestNothingOfAPauseComesWithLaterPackets(t *testing.T) {
	t.Run("RED", func(t *testing.T) {
		r := newRig(t, Config{})
		s := spec()
		s.Formats = append(s.Formats, redundant)
		r.open(s)
		for i := range 60 {
			if i == 20 || i == 40 {
				r.s.SetPaused(i == 20)
			}
			payloads := [][]byte{payloadOf(i)}
			if i > 1 {
				payloads = [][]byte{payloadOf(i - 2), payloadOf(i - 1), payloadOf(i)}
			}
			if b := redPacket(r.src, payloads); i < 37 || i > 39 { // the last ones of the pause are lost
				r.take(b)
			}
			r.src.Timestamp += rtptest.FrameSamples
			r.at += frame
		}
		pcm := r.close()
		r.check(pcm, 60, func(i int) int {
			if i >= 20 && i < 40 {
				return -1
			}
			return i
		})
		r.quiet(pcm[20*160 : 37*160])
	})
	t.Run("Opus", func(t *testing.T) {
		opus := earshot.Format{PayloadType: 96, Encoding: "opus", ClockRate: 48000, Channels: 2}
		enc, err := codec.NewEncoder(opus)
		if err != nil {
			t.Fatal(err)
		}
		r := newRig(t, Config{})
		s := spec()
		s.Formats = []earshot.Format{opus}
		r.open(s)
		rng := rand.New(rand.NewPCG(1, 2))
		pcm := make([]int16, enc.Rate()/50)
		for i := range 60 {
			if i == 20 || i == 40 {
				r.s.SetPaused(i == 20)
			}
			for j := range pcm {
				pcm[j] = int16(8000*math.Sin(float64(i*len(pcm)+j)/20)) + int16(rng.IntN(2000))
			}
			r.take(r.src.Packet(96, enc.Encode(nil, pcm)))
			r.src.Timestamp += 960
			r.at += frame
		}
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
		heard := make([]int16, s20(60))
		if n, err := r.s.ReadAt(heard, 0); n != len(heard) || err != nil {
			t.Fatalf("%d samples, %v", n, err)
		}
		r.quiet(heard[s20(20):s20(40)])
		if packets := r.recorded(); len(packets[40].Payload) != 0 || len(packets[41].Payload) == 0 {
			t.Errorf("the packets after the pause have %d and %d octets", len(packets[40].Payload), len(packets[41].Payload))
		}
	})
}

// s20 is the length of n packets of 20 ms at 48 kHz.
func s20(n int) int { return n * 960 }
