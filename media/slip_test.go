package media

import (
	"math/rand/v2"
	"testing"
	"time"

	"earshot/media/codec"
	"earshot/media/rtptest"
)

// line makes the samples of a speaker who says something for two seconds and
// is silent for half a second, on a line with noise of that amplitude.
func line(rng *rand.Rand, frame, noise int) []int16 {
	pcm := make([]int16, rtptest.FrameSamples)
	speech := frame%125 < 100
	for i := range pcm {
		if pcm[i] = int16(rng.IntN(2*noise+1) - noise); speech {
			pcm[i] += int16(8000 * (1 - 2*(i/8%2))) // a buzz of 500 Hz
		}
	}
	return pcm
}

// The clock of a sender is wrong by 300 ppm: what it says stays in place,
// whole, also on a noisy line. If it is never silent, nothing slips.
func TestSlipsInSilence(t *testing.T) {
	const minutes = 10
	for _, c := range []struct {
		name  string
		ppm   int64
		noise int
		slips bool
	}{
		{"fast", 300, 0, true},
		{"slow", -300, 0, true},
		{"slow, noise of -45 dBFS", -300, 320, true},
		{"fast, noise of -27 dBFS", 300, 2500, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Config{})
			e, err := codec.NewEncoder(rtptest.PCMU)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, 2))
			for n := range minutes * 3000 {
				r.take(r.src.Packet(0, e.Encode(nil, line(rng, n, c.noise))))
				r.src.Timestamp += rtptest.FrameSamples
				if r.at += frame - frame*c.ppm/1_000_000; n%100 == 0 {
					r.s.flush()
				}
			}
			st := r.s.Stats()
			pcm := r.close()
			if !c.slips {
				if st.Slips != 0 || len(pcm) != minutes*60*8000 {
					t.Errorf("stats %+v", st)
				}
				return
			}
			checkBursts(t, pcm, c.ppm)
			if drift := c.ppm * minutes * 60 / 1000; st.SlipMS > -drift+12 || st.SlipMS < -drift-12 || st.Slips < 10 {
				t.Errorf("stats %+v, the clock has drifted by %d ms", st, drift)
			}
		})
	}
}

// checkBursts checks that each burst has its two seconds, and begins within
// 20 ms of when it did: in the first minute the rate is not known yet.
func checkBursts(t *testing.T, pcm []int16, ppm int64) {
	t.Helper()
	number, from, last := 0, 0, -1000
	end := func() {
		if length := last + 1 - from; length != 16_000 {
			t.Fatalf("burst %d has %d samples", number, length)
		}
		truth := number * 20_000
		truth -= int(int64(truth) * ppm / 1_000_000)
		if off := time.Duration(from-truth) * time.Second / 8000; max(off, -off) > 20*time.Millisecond {
			t.Fatalf("burst %d is %v off", number, off)
		}
		number++
	}
	for i, s := range pcm {
		if max(s, -s) < 5000 {
			continue
		}
		if i-last > 800 {
			if last >= 0 {
				end()
			}
			from = i
		}
		last = i
	}
	end()
	if number != len(pcm)/19_990 && number != len(pcm)/20_010 {
		t.Errorf("%d bursts in %d samples", number, len(pcm))
	}
}

// A sender that takes some milliseconds to begin is not put right: its pauses
// stay as long as they were.
func TestTardyBeginIsNoSlip(t *testing.T) {
	r := newRig(t, Config{})
	r.at += int64(5 * time.Millisecond)
	r.take(r.src.Next())
	r.at += frame - int64(5*time.Millisecond)
	r.send(99)
	r.src.Timestamp += 50 * rtptest.FrameSamples // silence suppressed
	r.src.Marker = true
	r.wait(time.Second)
	r.send(100)
	if st := r.s.Stats(); st.Slips != 0 {
		t.Errorf("stats %+v", st)
	}
	r.check(r.close(), 250, around(100, 50))
}
