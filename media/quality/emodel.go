// Package quality rates how well a stream came through the network: loss and
// its bursts (RFC 3611 4.7), jitter, and what people are likely to think of it
// by the E-model of ITU-T G.107, G.107.1 for wideband codecs.
//
// The rating is of the path that Earshot can see, from the recording client to
// itself. What happened to the speech before is not in it.
package quality

import (
	"math"
	"time"
)

// Model is a recommendation by which speech is rated. Their scales differ: R
// ends at 93.2 with one and at 129 with the other, and a MOS of the one does
// not compare with a MOS of the other.
type Model string

// The models.
const (
	Narrowband Model = "G.107"
	Wideband   Model = "G.107.1"
)

// Ratings without any impairment by packets. The defaults of all the
// parameters that a recorder knows nothing of (noise, loudness, echo) are in
// them: G.107 7.7, table 3; G.107.1 7.7.
const (
	bestNarrowband = 93.2
	bestWideband   = 129.0
)

// maxBurstRatio is as far as G.107 has been studied (table 2).
const maxBurstRatio = 2

// Path is what was measured of a path.
type Path struct {
	// Loss is the share of packets that were not there when they were to be
	// played, from 0 to 1.
	Loss float64
	// BurstRatio is the mean length of a run of missing packets over that of
	// losses at random; below 1, as when nothing was lost, counts as 1.
	BurstRatio float64
	// Delay is from mouth to ear as far as it is known.
	Delay time.Duration
}

// R returns the transmission rating of a path, 0 at the least:
//
//	R = R0 - Idd - Ie-eff
//
// There is no talker's echo on a path that nobody answers on, so that of the
// delay impairments only Idd is left, that of long delay.
func (c *Codec) R(p Path) float64 {
	best := bestNarrowband
	if c.Model == Wideband {
		best = bestWideband
	}
	return max(0, best-delayImpairment(p.Delay)-c.equipment(p))
}

// equipment is Ie-eff (G.107 7.5, G.107.1 7.5). The wideband model knows of
// losses at random alone.
func (c *Codec) equipment(p Path) float64 {
	percent := 100 * min(1, max(0, p.Loss))
	if percent == 0 {
		return c.Ie
	}
	ratio := 1.0
	if c.Model == Narrowband {
		ratio = min(maxBurstRatio, max(1, p.BurstRatio))
	}
	return c.Ie + (95-c.Ie)*percent/(percent/ratio+c.Bpl)
}

// delayImpairment is Idd of G.107 7.4 for default sensitivity. G.107.1 takes
// the same curve.
func delayImpairment(d time.Duration) float64 {
	ms := float64(d) / float64(time.Millisecond)
	if ms <= 100 {
		return 0
	}
	x := math.Log2(ms / 100)
	return 25 * (math.Pow(1+math.Pow(x, 6), 1.0/6) - 3*math.Pow(1+math.Pow(x/3, 6), 1.0/6) + 2)
}

// MOS returns the mean opinion score, 1 to 4.5, that people in conversation
// are estimated to give for a rating (G.107 Annex B, G.107.1 Annex A).
func (m Model) MOS(r float64) float64 {
	if m == Wideband {
		r /= bestWideband / 100
	}
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6) // it dips below 1 under R = 6.5
}
