package jitter

import (
	"math"
	"time"
)

// How the clock of a sender is watched.
const (
	// binLength is how long the packet with the least delay is looked for.
	binLength = 10 * time.Second
	// bins are as many as ten minutes have: long against a step of the network's
	// delay, which counts once it has lasted half of that, and short against
	// changes of a crystal's temperature.
	bins = 60
	// slopeBins are enough to tell a rate: a minute.
	slopeBins = 6
	// ripeAfter is when the least delay of a run means something.
	ripeAfter = 400 * time.Millisecond
	// maxPPM is more than any crystal is wrong by; what drifts faster is software,
	// or a delay that changes.
	maxPPM = 300
	// maxRestless is the mean distance of the least delays from their line above
	// which the rate does not foretell anything.
	maxRestless = 3 * time.Millisecond
)

// point is the packet of a bin that was the least behind the arrival clock.
type point struct {
	at  int64 // arrival
	lag int64 // nanoseconds
}

// mark is a point in little memory: milliseconds since the run began, and
// microseconds.
type mark struct{ at, lag int32 }

// drift follows the least delay of the packets of a run: how far the sender's
// clock has moved against the arrival clock. Delays only ever add to it, so that
// the truth is a line below all points; of these the one with the least
// distance to them all is taken (Moon, Skelly, Towsley: Estimation and removal
// of clock skew from network delay measurements, 1999).
type drift struct {
	since    int64 // arrival of the run's first packet
	ripe     bool
	bin      point // the one being filled
	binStart int64
	marks    [bins]mark
	n        int // how many have been filled

	sloped   bool
	origin   int64   // the line's time 0
	level    float64 // of the line there, nanoseconds
	slope    float64
	least    int64   // of all points
	restless float64 // mean distance of the points from the line, nanoseconds
}

// begin starts anew with a run.
func (d *drift) begin(at, lag int64) {
	*d = drift{since: at, bin: point{at, lag}, binStart: at}
}

// see takes a packet, in the order of arrival. It reports whether the run has
// just become old enough to be judged.
func (d *drift) see(at, lag int64) bool {
	if at-d.binStart >= int64(binLength) {
		d.keep(d.bin)
		d.bin, d.binStart = point{at, lag}, at
		d.fit()
	}
	if lag < d.bin.lag {
		d.bin = point{at, lag}
	}
	if d.ripe || at-d.since < int64(ripeAfter) {
		return false
	}
	d.ripe = true
	return true
}

func (d *drift) keep(p point) {
	lag := max(math.MinInt32, min(math.MaxInt32, p.lag/int64(time.Microsecond)))
	d.marks[d.n%bins] = mark{int32((p.at - d.since) / int64(time.Millisecond)), int32(lag)}
	d.n++
}

// point returns number i of all that were kept.
func (d *drift) point(i int) point {
	m := d.marks[i%bins]
	return point{d.since + int64(m.at)*int64(time.Millisecond), int64(m.lag) * int64(time.Microsecond)}
}

// shift moves everything seen so far.
func (d *drift) shift(by int64) {
	d.bin.lag += by
	for i := range d.marks {
		d.marks[i].lag += int32(by / int64(time.Microsecond))
	}
	d.level += float64(by)
	d.least += by
}

// at returns the least delay at a time that is now or not far in the future.
func (d *drift) at(now int64, ahead time.Duration) int64 {
	if !d.sloped {
		return d.recent()
	}
	level := d.level + d.slope*float64(now-d.origin)
	if d.slope < 0 { // below all points, but not far: a step down is no drift
		level = max(level, float64(min(d.least, d.bin.lag))+d.slope*float64(2*binLength))
	}
	if d.restless < float64(maxRestless) {
		level += d.slope * float64(ahead)
	}
	return int64(level)
}

// recent is the least delay of the last minute: a step of it up does not count
// in the first minute of a run, and later only if it lasts for as long.
func (d *drift) recent() int64 {
	least := d.bin.lag
	for i := max(0, d.n-slopeBins); i < d.n; i++ {
		least = min(least, d.point(i).lag)
	}
	return least
}

// known reports whether the rate of the sender's clock can be told.
func (d *drift) known() bool { return d.n >= slopeBins }

// ppm is how much faster than ours the sender's clock runs, 0 as long as that
// is not known.
func (d *drift) ppm() float64 {
	if !d.known() {
		return 0
	}
	return math.Round(0-d.slope*1e7) / 10
}

// fit puts the line below the points.
func (d *drift) fit() {
	d.sloped = false
	count := min(d.n, bins)
	if count < slopeBins {
		return
	}
	var hull [bins]point
	size, mean := 0, int64(0)
	d.least = math.MaxInt64
	for i := d.n - count; i < d.n; i++ {
		p := d.point(i)
		for size > 1 && above(hull[size-2], hull[size-1], p) {
			size--
		}
		hull[size] = p
		size++
		mean += p.at - d.since
		d.least = min(d.least, p.lag)
	}
	middle := d.since + mean/int64(count)
	edge := 1
	for edge < size-1 && hull[edge].at < middle {
		edge++
	}
	a, b := hull[edge-1], hull[edge]
	if b.at <= a.at {
		return // a clock that went back between two processes
	}
	d.origin, d.level = a.at, float64(a.lag)
	d.slope = float64(b.lag-a.lag) / float64(b.at-a.at)
	d.sloped = max(d.slope, -d.slope) < maxPPM/1e6
	d.restless = d.distance(count)
}

// above reports whether b is not below the line from a to c.
func above(a, b, c point) bool {
	return float64(b.lag-a.lag)*float64(c.at-a.at) >= float64(c.lag-a.lag)*float64(b.at-a.at)
}

// distance is the mean distance of the points from the line.
func (d *drift) distance(count int) float64 {
	sum := 0.0
	for i := range count {
		p := d.point(i)
		sum += float64(p.lag) - d.level - d.slope*float64(p.at-d.origin)
	}
	return sum / float64(count)
}
