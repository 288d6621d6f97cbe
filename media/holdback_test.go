package media

import (
	"fmt"
	"testing"
	"time"

	"earshot"
	"earshot/media/rtptest"
)

// burst lets n packets arrive at once, 100 µs apart.
func (r *rig) burst(n int) {
	for range n {
		r.take(r.src.Next())
		r.at += int64(100 * time.Microsecond)
	}
}

// A sender or a network that stalls and then delivers everything was not on
// hold: each packet is where its timestamp says, and nothing after it is
// shifted.
func TestStallIsNoHold(t *testing.T) {
	for _, c := range []struct {
		stall  time.Duration
		marker bool
		lost   int // at the end of the stall: what the network could not keep
	}{
		{time.Second, false, 0},
		{2 * time.Second, false, 0},
		{2 * time.Second, true, 0},
		{600 * time.Millisecond, true, 0},
		{10 * time.Second, false, 0},
		{4 * time.Second, false, 20},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			r := newRig(t, Config{})
			r.send(50)
			n := int(int64(c.stall) / frame)
			caughtUp := r.at + int64(n)*frame
			r.wait(c.stall)
			r.src.Marker = c.marker
			r.burst(n - c.lost)
			for range c.lost {
				r.src.Next()
			}
			r.at = max(r.at, caughtUp)
			r.send(50)
			r.check(r.close(), 100+n, func(frame int) int {
				if frame >= 50+n-c.lost && frame < 50+n {
					return -1
				}
				return frame
			})
			if st := r.s.Stats(); st.PacketsLost != uint64(c.lost) || st.Slips != 0 || r.s.counters().jumps != 0 {
				t.Errorf("stats %+v, %d jumps", st, r.s.counters().jumps)
			}
		})
	}
}

// After a hold the packets come at the pace of real time, also with jitter and
// with a few at once. The one that was least delayed tells where they belong.
func TestHoldWithJitter(t *testing.T) {
	for _, late := range [][]int{{0}, {30, 10, 0, 20, 5}, {25, 5, 0}, {60, 40, 20, 0}} { // ms
		r := newRig(t, Config{})
		r.send(50)
		r.wait(3 * time.Second)
		at := r.at
		for i := range 50 {
			delay := 0
			if i < len(late) {
				delay = late[i]
			}
			r.at = at + int64(i)*frame + int64(delay)*int64(time.Millisecond)
			r.take(r.src.Next())
		}
		r.check(r.close(), 100+150, around(50, 150))
	}
}

// What is held back is recorded whatever happens next, in the order it came.
func TestNothingHeldBackIsLost(t *testing.T) {
	for _, c := range []struct {
		name   string
		then   func(*rig)
		frames int
		number func(int) int
	}{
		{"the last packet", func(r *rig) { r.send(1) }, 151, around(50, 100)},
		{"two at the pace of time", func(r *rig) { r.send(2) }, 152, around(50, 100)},
		{"a burst", func(r *rig) { r.burst(4) }, 54, same},
		{"a pause", func(r *rig) {
			r.send(1)
			r.s.SetPaused(true)
			r.send(10)
			r.s.SetPaused(false)
			r.send(1)
		}, 162, func(frame int) int {
			if frame > 150 && frame < 161 {
				return -1
			}
			return around(50, 100)(frame)
		}},
		{"a change of formats", func(r *rig) {
			for _, pt := range []uint8{96, 97} {
				r.s.SetFormats([]earshot.Format{{PayloadType: pt, Encoding: "PCMU", ClockRate: 8000, Channels: 1}})
				r.src.Format.PayloadType = pt
				r.send(1)
			}
			r.send(8)
		}, 160, around(50, 100)},
		{"a change of source", func(r *rig) {
			r.send(2)
			r.src.SSRC, r.src.Seq, r.src.Timestamp = 77, 5, 1<<31
			r.send(8)
		}, 160, around(50, 100)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.send(50)
			r.wait(2 * time.Second)
			c.then(r)
			r.check(r.close(), c.frames, c.number)
			if st := r.s.Stats(); st.PacketsLost != 0 || st.PacketsInvalid != 0 {
				t.Errorf("stats %+v", st)
			}
			last := int64(0)
			rec, err := r.e.Recorded("call", "stream")
			if err != nil {
				t.Fatal(err)
			}
			for p, err := range rec.Arrivals() {
				if err != nil || p.Arrival < last {
					t.Fatalf("arrival %d after %d, %v", p.Arrival, last, err)
				}
				last = p.Arrival
			}
		})
	}
}

// Reading, counting and the clock of the engine end the wait after 100 ms.
func TestHeldBackForAMomentOnly(t *testing.T) {
	for name, look := range map[string]func(*rig) bool{
		"read":  func(r *rig) bool { return len(r.settled(150*rtptest.FrameSamples)) == rtptest.FrameSamples },
		"count": func(r *rig) bool { return r.s.Stats().PacketsReceived == 51 },
		"end":   func(r *rig) bool { return r.s.End() == 151*960 },
		"flush": func(r *rig) bool {
			r.s.flush()
			rec, err := r.e.Recorded("call", "stream")
			return err == nil && rec.End() == 151*960
		},
	} {
		r := newRig(t, Config{})
		r.send(50)
		r.wait(2 * time.Second)
		r.take(r.src.Next())
		r.wait(99 * time.Millisecond)
		if name != "read" && look(r) {
			t.Errorf("%s: nothing was held back", name)
		}
		r.wait(time.Millisecond)
		if !look(r) {
			t.Errorf("%s: still held back", name)
		}
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
