package jitter

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"earshot"
)

// talk is what a speaker does from a time on.
type talk struct {
	until  int64 // nanoseconds of true time
	speech bool
}

// conversation alternates speech and pauses of random lengths.
func conversation(rng *rand.Rand, length time.Duration, speech, pause [2]time.Duration) []talk {
	var out []talk
	at := int64(0)
	for speaking := false; at < int64(length); speaking = !speaking {
		between := pause
		if speaking {
			between = speech
		}
		at += int64(between[0]) + rng.Int64N(int64(between[1]-between[0])+1)
		out = append(out, talk{at, speaking})
	}
	return out
}

// party is one simulated sender of 20 ms at 8 kHz.
type party struct {
	ppm    float64 // its clock is faster by
	dtx    bool
	loss   float64
	jitter func(*rand.Rand) time.Duration
	talk   []talk
	length time.Duration
}

// sent is a packet on its way, and when its first sample was taken.
type sent struct {
	Packet
	truth  int64
	speech bool
}

// packets makes everything that arrives, in the order of arrival.
func (p *party) packets(rng *rand.Rand) []sent {
	var out []sent
	real := float64(frame) / (1 + p.ppm/1e6)
	seq, now, hushed := uint16(rng.Uint32()), 0, false
	start := rng.Uint32()
	for n := 0; ; n++ {
		truth := int64(float64(n) * real)
		if truth > int64(p.length) {
			break
		}
		for now < len(p.talk)-1 && p.talk[now].until <= truth {
			now++
		}
		speech := p.talk[now].speech || p.talk[now].until < truth+int64(frame)
		s := sent{truth: truth, speech: speech, Packet: Packet{
			SSRC: 1, Timestamp: start + uint32(n*160), ClockRate: 8000, Duration: 960, Quiet: !speech,
			Arrival: int64(time.Hour) + truth + int64(real) + int64(p.jitter(rng)),
		}}
		if p.dtx && !speech {
			if hushed {
				continue
			}
			s.Duration, hushed = 0, true // comfort noise once, then nothing
		} else {
			hushed = false
		}
		s.Seq = seq
		seq++
		if rng.Float64() >= p.loss {
			out = append(out, s)
		}
	}
	arrange(out, func(s *sent) int64 { return s.Arrival })
	return out
}

// arrange sorts what is nearly sorted.
func arrange[T any](s []T, key func(*T) int64) {
	for i := range s {
		for n := i; n > 0 && key(&s[n]) < key(&s[n-1]); n-- {
			s[n], s[n-1] = s[n-1], s[n]
		}
	}
}

// placed is a packet with its place and how far that is from the truth.
type placed struct {
	sent
	pos earshot.Position
	off time.Duration
}

// follow places what arrives; nobody listens as long as no slip is pending.
func follow(t *testing.T, tl *Timeline, packets []sent) []placed {
	t.Helper()
	var out []placed
	origin := packets[0].Arrival - int64(frame) - int64(time.Hour)
	for _, s := range packets {
		s.Quiet = s.Quiet && tl.SlipPending()
		got := tl.Place(s.Packet)
		if got.Duplicate || got.Jump {
			t.Fatalf("%v: %+v", time.Duration(s.truth), got)
		}
		if s.Duration > 0 {
			out = append(out, placed{s, got.Position, time.Duration(origin + int64(got.Position.Duration()) - s.truth)})
		}
	}
	return out
}

// checkSlips checks that the positions follow the timestamps but for the slips
// that were counted, that those lie in silence, and that nothing is cut off
// speech.
func checkSlips(t *testing.T, tl *Timeline, all []placed) {
	t.Helper()
	arrange(all, func(p *placed) int64 { return p.truth })
	slips, net := uint64(0), earshot.Position(0)
	for i, p := range all[1:] {
		q := &all[i] // the one before
		apart := earshot.Position(p.Timestamp-q.Timestamp) * 6
		if by := p.pos - q.pos - apart; by != 0 {
			slips++
			net += by
			if apart < quietBefore && (q.speech || p.speech) {
				t.Fatalf("slip by %v in speech at %v", by.Duration(), time.Duration(p.truth))
			}
			if by%grid != 0 || max(by, -by) > maxGapSlip || apart < quietBefore && max(by, -by) > maxSlip {
				t.Fatalf("slip by %d ticks", by)
			}
		}
		if p.pos < q.pos+q.Duration && (q.speech || p.speech && p.pos+grid < q.pos+q.Duration) && apart < quietBefore {
			t.Fatalf("overlap in speech at %v", time.Duration(p.truth))
		}
	}
	if st := tl.Stats(); st.Slips != slips || st.Slipped != net {
		t.Errorf("%d slips by %v counted, there were %d by %v", st.Slips, st.Slipped.Duration(), slips, net.Duration())
	}
}

// worst is the greatest offset between two streams at any packet from a time
// on.
func worst(a, b []placed, from time.Duration) (most time.Duration) {
	for i, j := 0, 0; i < len(a) && j < len(b); {
		if off := a[i].off - b[j].off; max(a[i].truth, b[j].truth) >= int64(from) {
			most = max(most, off, -off)
		}
		if a[i].truth < b[j].truth {
			i++
		} else {
			j++
		}
	}
	return most
}

func uniform(most time.Duration) func(*rand.Rand) time.Duration {
	return func(rng *rand.Rand) time.Duration { return time.Duration(rng.Int64N(int64(most))) }
}

type span = [2]time.Duration

// Four hours of two senders whose clocks are wrong in opposite directions: the
// offset between them is never above 20 ms once there has been a pause to put
// right what the first packet was late by. Nobody sends reports: what tells is
// the arrival clock alone.
func TestClockDrift(t *testing.T) {
	long, short := span{500 * time.Millisecond, time.Second}, span{300 * time.Millisecond, 5 * time.Second}
	for _, c := range []struct {
		name          string
		dtx           bool
		speech, pause span
		from          time.Duration
	}{
		{"conversation", false, span{time.Second, 15 * time.Second}, short, time.Minute},
		{"conversation with DTX", true, span{time.Second, 15 * time.Second}, short, time.Minute},
		{"a pause every two minutes", false, span{2 * time.Minute, 2 * time.Minute}, long, 3 * time.Minute},
		{"a pause every two minutes with DTX", true, span{2 * time.Minute, 2 * time.Minute}, long, 5 * time.Minute},
		{"a pause every three minutes", false, span{3 * time.Minute, 3 * time.Minute}, long, 5 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var all [2][]placed
			for i, ppm := range []float64{50, -50} {
				rng := rand.New(rand.NewPCG(1, uint64(i)))
				p := party{
					ppm: ppm, dtx: c.dtx, loss: 0.01, jitter: uniform(30 * time.Millisecond),
					talk: conversation(rng, 4*time.Hour, c.speech, c.pause), length: 4 * time.Hour,
				}
				var tl Timeline
				all[i] = follow(t, &tl, p.packets(rng))
				checkSlips(t, &tl, all[i])
				if st := tl.Stats(); math.Abs(st.DriftPPM-ppm) > 1 || st.Slips > 300 {
					t.Errorf("stats %+v", st)
				}
			}
			if most := worst(all[0], all[1], c.from); most > 20*time.Millisecond {
				t.Errorf("%v apart", most)
			}
		})
	}
}

// Jitter of a bad network is no drift: one slip or a few put right what the
// first packet was late by.
func TestJitterIsNoDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	heavy := func(rng *rand.Rand) time.Duration {
		return min(time.Duration(rng.ExpFloat64()*float64(40*time.Millisecond)), 400*time.Millisecond)
	}
	p := party{
		loss: 0.03, jitter: heavy, length: 4 * time.Hour,
		talk: conversation(rng, 4*time.Hour, span{time.Second, 15 * time.Second}, span{300 * time.Millisecond, 5 * time.Second}),
	}
	var tl Timeline
	all := follow(t, &tl, p.packets(rng))
	checkSlips(t, &tl, all)
	late := 0
	for _, p := range all {
		if p.truth > int64(10*time.Minute) && max(p.off, -p.off) > 10*time.Millisecond {
			late++
		}
	}
	if st := tl.Stats(); st.Slips > 8 || math.Abs(st.DriftPPM) > 2 || late > 0 {
		t.Errorf("stats %+v, %d packets wrong", st, late)
	}
}

// A detour of the network that lasts for minutes is no drift; one that stays is
// followed.
func TestStepOfDelay(t *testing.T) {
	for _, c := range []struct {
		from, last time.Duration
		want       time.Duration
	}{
		{10 * time.Second, 30 * time.Second, 0},
		{20 * time.Minute, 4 * time.Minute, 0},
		{20 * time.Minute, time.Hour, 40 * time.Millisecond},
	} {
		rng := rand.New(rand.NewPCG(3, 4))
		p := party{
			jitter: uniform(5 * time.Millisecond), length: time.Hour,
			talk: conversation(rng, time.Hour, span{time.Second, 5 * time.Second}, span{300 * time.Millisecond, 2 * time.Second}),
		}
		packets := p.packets(rng)
		for i := range packets {
			if since := time.Duration(packets[i].truth) - c.from; since > 0 && since < c.last {
				packets[i].Arrival += int64(40 * time.Millisecond)
			}
		}
		arrange(packets, func(s *sent) int64 { return s.Arrival })
		var tl Timeline
		all := follow(t, &tl, packets)
		checkSlips(t, &tl, all)
		if got := all[len(all)-1].off; max(got-c.want, c.want-got) > 10*time.Millisecond {
			t.Errorf("a step that lasts %v: %v off at the end, want %v", c.last, got, c.want)
		}
		if st := tl.Stats(); c.want == 0 && st.Slips > 1 {
			t.Errorf("a step that lasts %v: %+v", c.last, st)
		}
	}
}

// What had been waiting at the sender when it began arrives at once, and keeps
// its place.
func TestBacklogAtTheStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	p := party{
		jitter: uniform(5 * time.Millisecond), length: 10 * time.Minute,
		talk: conversation(rng, 10*time.Minute, span{time.Second, 5 * time.Second}, span{300 * time.Millisecond, 2 * time.Second}),
	}
	packets := p.packets(rng)
	for i := range packets {
		packets[i].Arrival = max(packets[i].Arrival, int64(time.Hour+time.Second))
	}
	var tl Timeline
	checkSlips(t, &tl, follow(t, &tl, packets))
	if st := tl.Stats(); st.Slips != 0 {
		t.Errorf("stats %+v", st)
	}
}

// If nobody is ever silent, nothing slips; all that is due then slips in one
// long silence, in small steps.
func TestSlipsWaitForSilence(t *testing.T) {
	p := party{
		ppm: 100, jitter: uniform(5 * time.Millisecond), length: time.Hour,
		talk: []talk{{int64(30 * time.Minute), true}, {int64(30*time.Minute + 5*time.Second), false}, {int64(2 * time.Hour), true}},
	}
	var tl Timeline
	all := follow(t, &tl, p.packets(rand.New(rand.NewPCG(7, 8))))
	checkSlips(t, &tl, all)
	for _, p := range all {
		at := time.Duration(p.truth)
		if drifted := time.Duration(float64(at) * 100e-6); at < 30*time.Minute && max(p.off-drifted, drifted-p.off) > 6*time.Millisecond {
			t.Fatalf("%v off at %v, without a slip %v", p.off, at, drifted)
		}
		if at > 30*time.Minute+5*time.Second && at < 31*time.Minute && max(p.off, -p.off) > 6*time.Millisecond {
			t.Fatalf("%v off at %v, after the silence", p.off, at)
		}
	}
	if st := tl.Stats(); st.Slips < 18 || st.Slips > 22 {
		t.Errorf("stats %+v", st)
	}
}

// A new process counts the slips that the old one made, and goes on as the old
// one would have.
func TestResumeAfterSlips(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	p := party{
		ppm: -80, dtx: true, jitter: uniform(15 * time.Millisecond), length: time.Hour,
		talk: conversation(rng, time.Hour, span{time.Second, 10 * time.Second}, span{300 * time.Millisecond, 3 * time.Second}),
	}
	var old, tl Timeline
	packets := p.packets(rng)
	half := len(packets) / 2
	for _, s := range packets[:half] {
		s.Quiet = s.Quiet && old.SlipPending()
		pos := old.Place(s.Packet).Position
		s.Quiet = false // is not recorded
		tl.Resume(s.Packet, pos)
	}
	if st := old.Stats(); st.Slips < 20 || st != tl.Stats() {
		t.Fatalf("stats %+v, were %+v", tl.Stats(), st)
	}
	for _, s := range packets[half:] {
		if got, want := tl.Place(s.Packet), old.Place(s.Packet); got != want {
			t.Fatalf("placed at %+v, want %+v", got, want)
		}
	}
}
