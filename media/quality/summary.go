package quality

import (
	"math"
	"time"
)

// summary counts what the statistics summary block tells since the last one
// (RFC 3611 4.6).
type summary struct {
	first, end       int64 // extended sequence numbers; end is not included
	lost, duplicates uint32
}

func (s *summary) begin(ext int64) { s.first, s.end = ext, ext }

// apart are the variations of transit time since the last summary.
type apart struct {
	count      int64
	least      time.Duration
	most       time.Duration
	sum        float64
	sumSquares float64
}

func (a *apart) add(d time.Duration) {
	if a.count == 0 || d < a.least {
		a.least = d
	}
	a.count++
	a.most = max(a.most, d)
	a.sum += float64(d)
	a.sumSquares += float64(d) * float64(d)
}

// Summary is what happened to the packets of a range of sequence numbers.
type Summary struct {
	// Begin is the first number, End the one after the last.
	Begin, End uint16
	Lost       uint32
	Duplicates uint32
	// JitterMin and the others are of the variation of transit time from one
	// packet to the next.
	JitterMin, JitterMax, JitterMean, JitterDev time.Duration
	// ClockRate is that of the RTP timestamps.
	ClockRate int
}

// TakeSummary returns what happened since the last call, false if that is
// nothing.
func (m *Meter) TakeSummary() (Summary, bool) {
	s, a := &m.summary, &m.transit.apart
	if s.end <= s.first {
		return Summary{}, false
	}
	out := Summary{
		Begin: uint16(s.first), End: uint16(s.end), Lost: s.lost, Duplicates: s.duplicates,
		JitterMin: a.least, JitterMax: a.most, ClockRate: m.transit.clockRate,
	}
	if a.count > 0 {
		n := float64(a.count)
		mean := a.sum / n
		out.JitterMean = time.Duration(mean)
		out.JitterDev = time.Duration(math.Sqrt(max(0, a.sumSquares/n-mean*mean)))
	}
	*s, *a = summary{first: s.end, end: s.end}, apart{}
	return out, true
}
