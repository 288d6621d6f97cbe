package quality

import (
	"math/rand/v2"
	"testing"
	"time"
)

const (
	frame = 20 * time.Millisecond
	ticks = 960 // of a position
)

// line sends packets of 20 ms PCMU through a network of the test's making.
type line struct {
	Meter
	p Packet
}

func newLine() *line {
	return &line{p: Packet{
		SSRC: 1, Seq: 65_000, Timestamp: 1 << 31, ClockRate: 8000, Duration: ticks,
		Arrival: int64(time.Hour), Codec: g711,
	}}
}

// next makes the next packet as it arrives when nothing delays it.
func (l *line) next() Packet {
	p := l.p
	l.p.Seq++
	l.p.Timestamp += 160
	l.p.Position += ticks
	l.p.Arrival += int64(frame)
	return p
}

func (l *line) send(n int) {
	for range n {
		l.Add(l.next())
	}
}

func (l *line) lose(n int) {
	for range n {
		l.next()
	}
}

// late delivers a packet so much later than it is due.
func (l *line) late(d time.Duration) {
	p := l.next()
	p.Arrival += int64(d)
	l.Add(p)
}

func TestPerfectLine(t *testing.T) {
	l := newLine()
	if l.Quality() != nil {
		t.Error("quality of nothing")
	}
	l.send(3000)
	q := l.Quality()
	if *q.MOS != 4.41 || *q.MOSWorst != 4.41 || *q.RFactor != 93.2 || q.Model != "G.107" || q.Path != "src-earshot" ||
		q.LossPercent+q.DiscardPercent+q.LossWorstPercent+q.JitterMaxMS != 0 || q.BurstRatio != 1 || q.RoundTripMS != nil ||
		q.DelayMS != 60 || q.Assumed {
		t.Errorf("%+v: MOS %v, %v, R %v", q, *q.MOS, *q.MOSWorst, *q.RFactor)
	}
}

// One second of 10 s is bad: the worst interval says so, the mean hardly.
func TestWorstInterval(t *testing.T) {
	l := newLine()
	l.send(3000 - window + 1) // a packet is counted once it can come no more
	for range 10 {
		l.send(45)
		l.lose(5)
	}
	l.send(3000)
	q := l.Quality()
	if q.LossPercent != 0.78 || q.LossWorstPercent != 10 || q.DiscardPercent != 0 {
		t.Errorf("lost %v %%, in the worst interval %v %%", q.LossPercent, q.LossWorstPercent)
	}
	// R of the worst: 93.2 - 95*10/(10/2+25.1) = 61.6, for 500 of 6437 packets.
	if *q.MOSWorst != 3.18 || *q.MOS != 4.31 {
		t.Errorf("MOS %v, worst %v", *q.MOS, *q.MOSWorst)
	}
	if q.BurstRatio != 4.96 || q.BurstDensityPercent != 100 || q.GapDensityPercent != 0 || q.BurstMS != 100 {
		t.Errorf("bursts %+v", q)
	}
}

// A packet that comes after its time of playout is in the recording, but who
// listens does not hear it.
func TestDiscarded(t *testing.T) {
	l := newLine()
	l.send(500)
	for range 100 {
		l.late(45 * time.Millisecond) // the jitter buffer holds 40 ms at first
		l.send(49)
	}
	q := l.Quality()
	if q.DiscardPercent < 1 || q.DiscardPercent > 2 || q.LossPercent != 0 || *q.MOS > 4.35 {
		t.Errorf("%+v, MOS %v", q, *q.MOS)
	}
	// The same delay all the time is none.
	l = newLine()
	for range 500 {
		l.late(45 * time.Millisecond)
	}
	if q := l.Quality(); q.DiscardPercent != 0 || *q.MOS != 4.41 {
		t.Errorf("%+v", q)
	}
}

// What is only reordered is neither lost nor discarded; it is by chance that
// it is missing now.
// A delay that has grown for good costs the packets until the jitter buffer
// has moved, not all that follow.
func TestDelayThatStays(t *testing.T) {
	l := newLine()
	l.send(100)
	l.p.Arrival += int64(300 * time.Millisecond)
	l.send(400)
	if r := l.Report(); r.Discarded != maxTardy {
		t.Errorf("%d packets discarded, want %d", r.Discarded, maxTardy)
	}
}

func TestReordered(t *testing.T) {
	l := newLine()
	for range 300 {
		a, b := l.next(), l.next()
		b.Arrival, a.Arrival = a.Arrival+int64(frame), b.Arrival
		l.Add(b)
		l.Add(a)
	}
	if r := l.Report(); r.Missing != 0 || r.Packets != 600 {
		t.Errorf("%d of %d missing", r.Missing, r.Packets)
	}
	gap := l.next()
	l.send(1)
	if r := l.Report(); r.Missing != 1 {
		t.Errorf("%d missing, want the one that has not come", r.Missing)
	}
	gap.Arrival += int64(frame)
	l.Add(gap)
	if r := l.Report(); r.Missing != 0 || r.Packets != 602 {
		t.Errorf("%d of %d missing after it came", r.Missing, r.Packets)
	}
	// The one before the first may come after it.
	l = newLine()
	first, second := l.next(), l.next()
	l.Add(second)
	l.Add(first)
	l.send(200)
	if r := l.Report(); r.Missing != 0 || r.Packets != 202 {
		t.Errorf("%d of %d missing", r.Missing, r.Packets)
	}
}

// Silence suppression, hold, a new source and new numbers are no loss, and
// what comes after them is not late.
func TestNoLoss(t *testing.T) {
	for name, pause := range map[string]func(*line){
		"silence suppression": func(l *line) {
			l.p.Timestamp += 8000 * 5
			l.p.Position += 5 * 50 * ticks
			l.p.Arrival += int64(5 * time.Second)
		},
		"hold with the timestamp standing still": func(l *line) {
			l.p.Position += 60 * 50 * ticks
			l.p.Arrival += int64(time.Minute)
		},
		"a new source": func(l *line) { l.p.SSRC, l.p.Seq, l.p.Timestamp = 2, 9, 77 },
		"numbers anew": func(l *line) { l.p.Seq -= 20_000 },
		"timestamps anew, 300 ms behind the clock": func(l *line) {
			l.p.Timestamp += 1 << 30
			l.p.Arrival += int64(300 * time.Millisecond)
		},
	} {
		l := newLine()
		l.send(700)
		pause(l)
		l.send(700)
		if r := l.Report(); r.Missing != 0 || r.Packets != 1400 || r.MOS < 4.4 {
			t.Errorf("%s: %d of %d missing, MOS %.2f", name, r.Missing, r.Packets, r.MOS)
		}
	}
}

// Packets of the source before that come late do not make it the present one.
func TestStraggler(t *testing.T) {
	l := newLine()
	l.send(100)
	owed := l.next()
	l.p.SSRC, l.p.Seq = 2, 9
	l.send(100)
	l.Add(owed)
	l.send(100)
	if r := l.Report(); r.Missing != 0 || r.Packets != 300 {
		t.Errorf("%d of %d missing", r.Missing, r.Packets)
	}
}

func TestSilentPackets(t *testing.T) {
	l := newLine()
	for range 300 {
		p := l.next()
		p.Duration = 0 // comfort noise
		l.Add(p)
	}
	if l.Quality() != nil {
		t.Error("quality without audio")
	}
	l.send(300)
	if r := l.Report(); r.Missing != 0 || r.Packets != 600 {
		t.Errorf("%d of %d missing", r.Missing, r.Packets)
	}
}

func TestRepaired(t *testing.T) {
	l := newLine()
	l.Repaired(3) // before anything came: nothing
	l.send(300)
	seq := l.next().Seq
	l.send(1)
	l.Repaired(seq)
	l.send(300)
	if r := l.Report(); r.Missing != 0 || r.Packets != 602 {
		t.Errorf("%d of %d missing", r.Missing, r.Packets)
	}
}

// The MOS of one model says nothing on the scale of the other.
func TestChangeOfModel(t *testing.T) {
	l := newLine()
	l.send(600)
	l.lose(100)
	l.send(600)
	l.p.Codec = g722
	l.send(1200)
	q := l.Quality()
	if q.Model != "G.107.1" || !q.Assumed || *q.MOS != 4.34 || *q.RFactor != 116 || q.LossPercent != 4 || q.LossWorstPercent < 10 {
		t.Errorf("%+v: MOS %v, R %v", q, *q.MOS, *q.RFactor)
	}
	l.p.Codec = nil
	l.send(1200)
	if q := l.Quality(); q.Model != "" || q.MOS != nil || q.RFactor != nil || q.LossPercent == 0 {
		t.Errorf("%+v", q)
	}
}

func TestRoundTripIsInTheDelay(t *testing.T) {
	l := newLine()
	l.send(1000)
	before := *l.Quality().MOS
	l.RoundTrip(500 * time.Millisecond)
	l.send(1000)
	q := l.Quality()
	if *q.RoundTripMS != 500 || q.DelayMS != 310 || *q.MOSWorst >= before-0.3 {
		t.Errorf("%+v: MOS %v", q, *q.MOSWorst)
	}
}

// The share, the burst ratio and the rating of a random loss are those of the
// theory.
func TestRandomLoss(t *testing.T) {
	l := newLine()
	random := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		if random.Float64() < 0.05 {
			l.lose(1)
		} else {
			l.send(1)
		}
	}
	r := l.Report()
	if !near(r.Loss(), 0.05, 0.003) || !near(r.Ratio(), 1, 0.03) || !near(r.R, 77.42, 1) {
		t.Errorf("loss %.4f, burst ratio %.3f, R %.2f", r.Loss(), r.Ratio(), r.R)
	}
}

// The jitter is that of RFC 3550 A.8, to the last value.
func TestJitter(t *testing.T) {
	l := newLine()
	random := rand.New(rand.NewPCG(3, 4))
	var want, sum, most, last float64
	const n = 2000
	for i := range n {
		d := time.Duration(random.IntN(30)) * time.Millisecond
		if i > 0 {
			diff := float64(d) - last
			want += (max(diff, -diff) - want) / 16
			sum += want
			most = max(most, want)
		}
		last = float64(d)
		l.late(d)
	}
	r := l.Report()
	if !near(float64(r.JitterMean), sum/(n-1), 1000) || !near(float64(r.JitterMax), most, 1000) {
		t.Errorf("jitter %v, at most %v; want %v and %v", r.JitterMean, r.JitterMax, time.Duration(sum/(n-1)), time.Duration(most))
	}
}

func TestSummary(t *testing.T) {
	l := newLine()
	if _, ok := l.TakeSummary(); ok {
		t.Error("summary of nothing")
	}
	l.send(100)
	l.lose(2)
	l.late(16 * time.Millisecond)
	l.Duplicate()
	l.send(100)
	s, ok := l.TakeSummary()
	if begin := uint16(65_000); !ok || s.Begin != begin || s.End != begin+203-window || s.Lost != 2 || s.Duplicates != 1 {
		t.Errorf("%+v", s)
	}
	if s.JitterMin != 0 || s.JitterMax != 16*time.Millisecond || s.JitterMean < 100*time.Microsecond || s.JitterDev < s.JitterMean || s.ClockRate != 8000 {
		t.Errorf("%+v", s)
	}
	l.send(50)
	next, ok := l.TakeSummary()
	if !ok || next.Begin != s.End || next.End != s.End+50 || next.Lost != 0 || next.JitterMax != 0 {
		t.Errorf("%+v after %+v", next, s)
	}
}

func TestNoAllocation(t *testing.T) {
	l := newLine()
	l.send(1000)
	if n := testing.AllocsPerRun(100, func() {
		l.send(20)
		l.lose(1)
		l.late(30 * time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkMeter(b *testing.B) {
	l := newLine()
	for b.Loop() {
		l.Add(l.next())
	}
}
