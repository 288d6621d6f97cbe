package jitter

import (
	"math"
	"testing"
	"time"

	"earshot"
)

const frame = 20 * time.Millisecond

// sender makes packets of 20 ms at 8 kHz with the arrival of a perfect network.
type sender struct {
	p Packet
}

func newSender() *sender {
	return &sender{Packet{SSRC: 1, Seq: 100, Timestamp: 5000, ClockRate: 8000, Duration: 960, Arrival: int64(time.Hour)}}
}

func (s *sender) next() Packet {
	p := s.p
	s.p.Seq++
	s.p.Timestamp += 160
	s.p.Arrival += int64(frame)
	return p
}

// pause lets time pass; the timestamp goes on with it or not.
func (s *sender) pause(d time.Duration, timestamp bool) {
	s.p.Arrival += int64(d)
	if timestamp {
		s.p.Timestamp += uint32(d.Seconds() * 8000)
	}
}

func expect(t *testing.T, got Place, want earshot.Position) {
	t.Helper()
	if got.Duplicate || got.Position != want {
		t.Fatalf("placed %+v, want position %d", got, want)
	}
}

func run(t *testing.T, tl *Timeline, s *sender, n int, from earshot.Position) earshot.Position {
	t.Helper()
	for range n {
		expect(t, tl.Place(s.next()), from)
		from += 960
	}
	return from
}

func TestWrapOfSequenceAndTimestamp(t *testing.T) {
	s := newSender()
	s.p.Seq, s.p.Timestamp = 65530, math.MaxUint32-800
	var tl Timeline
	run(t, &tl, s, 200_000/100, 0)
	if st := tl.Stats(); st.Received != 2000 || st.Lost != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestPausesKeepTime(t *testing.T) {
	for _, timestamp := range []bool{true, false} {
		for _, d := range []time.Duration{2 * time.Second, 5 * time.Second, time.Minute} {
			s := newSender()
			var tl Timeline
			end := run(t, &tl, s, 50, 0)
			s.pause(d, timestamp)
			p := tl.Place(s.next())
			if p.Position != end+earshot.PositionOf(d) || p.Jump == timestamp {
				t.Errorf("pause of %v, timestamps go on %v: %+v, want %d", d, timestamp, p, end+earshot.PositionOf(d))
			}
			run(t, &tl, s, 50, p.Position+960)
			if st := tl.Stats(); st.Lost != 0 {
				t.Errorf("lost %d", st.Lost)
			}
		}
	}
}

// A second of pause with running timestamps is exact; it needs no jump.
func TestShortDTXGap(t *testing.T) {
	s := newSender()
	var tl Timeline
	end := run(t, &tl, s, 50, 0)
	s.pause(time.Second, true)
	run(t, &tl, s, 50, end+48000)
}

// A marker bit tells a short stop of the timestamps from a late burst.
func TestMarkerAfterFrozenTimestamps(t *testing.T) {
	s := newSender()
	var tl Timeline
	end := run(t, &tl, s, 50, 0)
	s.pause(600*time.Millisecond, false)
	p := s.next()
	p.Marker = true
	expect(t, tl.Place(p), end+earshot.PositionOf(600*time.Millisecond))
}

// A new process that has seen the packets of the old one places the next ones
// as the old one would have.
func TestResume(t *testing.T) {
	for _, outage := range []int{1, 500, 5000, 40_000} {
		s := newSender()
		var old, tl Timeline
		for range 100 {
			p := s.next()
			tl.Resume(p, old.Place(p).Position)
		}
		if old.Stats() != tl.Stats() {
			t.Fatalf("stats %+v, were %+v", tl.Stats(), old.Stats())
		}
		for range outage {
			s.next()
		}
		run(t, &tl, s, 100, earshot.Position(100+outage)*960)
	}
}

// Many short stops of the timestamps must not add up.
func TestFrozenTimestampsAreCaughtUp(t *testing.T) {
	s := newSender()
	start := s.p.Arrival
	var tl Timeline
	for range 20 {
		for range 50 {
			tl.Place(s.next())
		}
		s.pause(time.Second, false)
	}
	got := tl.Place(s.next()).Position
	want := earshot.PositionOf(time.Duration(s.p.Arrival - start - int64(frame)))
	if off := want - got; off < 0 || off > maxBehind {
		t.Errorf("position %v after %v", got.Duration(), want.Duration())
	}
}

// A sender whose clock is one percent slow falls behind by seconds; stalls of
// its own on the way do not make that a hold.
func TestSlowSenderStaysExact(t *testing.T) {
	s := newSender()
	var tl Timeline
	for i := range 30_000 { // ten minutes
		p := s.next()
		s.p.Arrival += int64(frame) / 100
		if i%500 == 499 {
			s.p.Arrival += int64(300 * time.Millisecond)
			p.Arrival = s.p.Arrival
			s.p.Arrival -= int64(300 * time.Millisecond)
		}
		if got := tl.Place(p); got.Jump || got.Position != earshot.Position(i*960) {
			t.Fatalf("packet %d is placed at %+v, want %d", i, got, i*960)
		}
	}
}

// A sender that stalls and then catches up stays exact, and so does one that
// is faster than real time.
func TestBurstsFollowTheTimestamps(t *testing.T) {
	s := newSender()
	var tl Timeline
	end := run(t, &tl, s, 50, 0)
	arrival := s.p.Arrival + int64(time.Second)
	for range 50 {
		p := s.next()
		p.Arrival = arrival
		expect(t, tl.Place(p), end)
		end += 960
	}
	end = run(t, &tl, s, 10, end)
	for range 500 {
		p := s.next()
		p.Arrival = s.p.Arrival - int64(10*time.Second)
		expect(t, tl.Place(p), end)
		end += 960
	}
}

// A new source follows the old one without a seam in spite of jitter; after a
// pause the arrival clock places it.
func TestSSRCChange(t *testing.T) {
	for _, pause := range []time.Duration{0, 400 * time.Millisecond} {
		s := newSender()
		var tl Timeline
		end := run(t, &tl, s, 50, 0) + earshot.PositionOf(pause)
		s.pause(pause, true)
		s.p.SSRC, s.p.Seq, s.p.Timestamp = 2, 40_000, 999
		p := s.next()
		if pause == 0 {
			p.Arrival += int64(7 * time.Millisecond)
		}
		got := tl.Place(p)
		if !got.Jump || got.Position != end {
			t.Fatalf("after the change: %+v, want %d", got, end)
		}
		run(t, &tl, s, 10, end+960)
		if st := tl.Stats(); st.Received != 61 || st.Lost != 0 {
			t.Errorf("stats %+v", st)
		}
	}
}

// A packet of the old source that was on the way takes its place; a second
// copy of it is a duplicate.
func TestStragglerOfTheOldSource(t *testing.T) {
	s := newSender()
	var tl Timeline
	end := run(t, &tl, s, 10, 0)
	hole := s.next()
	run(t, &tl, s, 1, end+960)
	s.p.SSRC, s.p.Seq, s.p.Timestamp = 2, 1, 1
	tl.Place(s.next())
	if !tl.Straggler(hole.SSRC, hole.Seq) || tl.Straggler(hole.SSRC, hole.Seq+2) {
		t.Fatal("stragglers are not told from new packets")
	}
	expect(t, tl.Place(hole), end)
	if !tl.Place(hole).Duplicate {
		t.Error("the copy is no duplicate")
	}
	if st := tl.Stats(); st.Lost != 0 || st.Duplicates != 1 {
		t.Errorf("stats %+v", st)
	}
}

func TestTimestampJump(t *testing.T) {
	for _, jump := range []uint32{1 << 30, 1 << 31, -(1 << 20) & math.MaxUint32, 8000 * 3600} {
		s := newSender()
		var tl Timeline
		end := run(t, &tl, s, 50, 0)
		late := s.next()
		s.p.Timestamp += jump
		p := tl.Place(s.next())
		if !p.Jump || p.Position != end && p.Position != end+960 {
			t.Fatalf("jump by %d: %+v, end was %d", jump, p, end)
		}
		run(t, &tl, s, 20, p.Position+960)
		if got := tl.Place(late); got.Position != end || got.Jump {
			t.Errorf("jump by %d: the packet from before it is at %+v, want %d", jump, got, end)
		}
	}
}

func TestSequenceJump(t *testing.T) {
	for _, jump := range []uint16{3500, 20_000, 40_000, 65_000} {
		s := newSender()
		var tl Timeline
		end := run(t, &tl, s, 50, 0)
		s.p.Seq += jump
		end = run(t, &tl, s, 50, end)
		// The sender starts again: other numbers and other timestamps.
		s.p.Seq += jump
		s.p.Timestamp += 1 << 25
		run(t, &tl, s, 50, end)
	}
}

func TestReorderDuplicateLate(t *testing.T) {
	s := newSender()
	var tl Timeline
	end := run(t, &tl, s, 10, 0)
	held := s.next()
	run(t, &tl, s, 25, end+960)
	got := tl.Place(held)
	expect(t, got, end)
	if got.Late {
		t.Error("half a second is not late yet")
	}
	if !tl.Place(held).Duplicate {
		t.Error("no duplicate")
	}
	end = tl.End()
	held = s.next()
	run(t, &tl, s, 100, end+960)
	got = tl.Place(held)
	expect(t, got, end)
	if !got.Late {
		t.Error("two seconds are late")
	}
	if st := tl.Stats(); st.Lost != 0 || st.Duplicates != 1 || st.Received != 138 {
		t.Errorf("stats %+v", st)
	}
}

func TestOvertakenFirstPacket(t *testing.T) {
	s := newSender()
	first := s.next()
	var tl Timeline
	expect(t, tl.Place(s.next()), 0)
	expect(t, tl.Place(first), -960)
	if st := tl.Stats(); st.Lost != 0 {
		t.Errorf("stats %+v", st)
	}
}

func TestPacketsWithoutAudioMoveNothing(t *testing.T) {
	s := newSender()
	var tl Timeline
	end := run(t, &tl, s, 10, 0)
	event := s.p
	for range 10 { // all with the timestamp the event began at (RFC 4733 2.3.2)
		p := s.next()
		p.Duration, p.Timestamp = 0, event.Timestamp
		expect(t, tl.Place(p), end)
	}
	if tl.End() != end {
		t.Errorf("end %d, want %d", tl.End(), end)
	}
	run(t, &tl, s, 10, end+10*960)
	if st := tl.Stats(); st.Lost != 0 || st.Jitter != 0 {
		t.Errorf("stats %+v", st)
	}
}

// Jitter as RFC 3550 A.8 computes it, in its own integer arithmetic.
func TestJitterOfRFC3550(t *testing.T) {
	s := newSender()
	var tl Timeline
	var transit, jitter int64
	for i := range 500 {
		p := s.next()
		late := int64(i*7919%13) * 125_000 // whole timestamp units
		p.Arrival += late
		tl.Place(p)
		now := p.Arrival/125_000 - int64(p.Timestamp)
		if i > 0 {
			d := max(now-transit, transit-now)
			jitter += d - ((jitter + 8) >> 4)
		}
		transit = now
	}
	want := float64(jitter) / 16 / 8 // milliseconds
	got := float64(tl.Stats().Jitter) / float64(time.Millisecond)
	if math.Abs(got-want) > 0.1 || want == 0 {
		t.Errorf("jitter %.3f ms, RFC 3550 A.8 gives %.3f", got, want)
	}
}

func TestReportOfRFC3550(t *testing.T) {
	s := newSender()
	s.p.Seq = 65_530
	var tl Timeline
	for i := range 100 {
		if p := s.next(); i%4 != 3 {
			tl.Place(p)
		}
	}
	r := tl.Report()
	// 99 expected (the last one sent is missing and unknown), 24 lost.
	if r.TotalLost != 24 || r.FractionLost != 24*256/99 || r.HighestSeq != 65_530+98 || !r.ReceivedPacket {
		t.Errorf("report %+v", r)
	}
	if r = tl.Report(); r.FractionLost != 0 || r.ReceivedPacket {
		t.Errorf("second report %+v", r)
	}
}

func FuzzTimeline(f *testing.F) {
	f.Add(uint32(1), uint16(65535), uint32(math.MaxUint32), uint32(160), int64(1e9), int64(-5e9))
	f.Fuzz(func(t *testing.T, ssrc uint32, seq uint16, ts, dts uint32, arrival, wait int64) {
		var tl Timeline
		s := newSender()
		for range 5 {
			tl.Place(s.next())
		}
		odd := Packet{SSRC: ssrc, Seq: seq, Timestamp: ts, ClockRate: 8000, Duration: 960, Arrival: arrival >> 1}
		odd.Quiet = wait&1 == 0
		for range 3 {
			end := tl.End()
			if tl.Doubtful(odd) {
				next := s.p
				next.Timestamp, next.SSRC = odd.Timestamp+dts, ssrc
				tl.Decide([]Packet{odd, next})
			}
			if p := tl.Place(odd); !p.Duplicate && p.Position < -maxBack {
				t.Fatalf("%+v placed at %+v", odd, p)
			}
			if tl.End() < end {
				t.Fatal("the end went back")
			}
			odd.Seq++
			odd.Timestamp += dts
			odd.Arrival += wait >> 2
			tl.Place(s.next())
		}
	})
}

func BenchmarkPlace(b *testing.B) {
	s := newSender()
	var tl Timeline
	for b.Loop() {
		tl.Place(s.next())
	}
}
