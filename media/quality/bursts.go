package quality

// Gmin is how many packets in a row must have come for a burst to be over
// (RFC 3611 4.7.2).
const Gmin = 16

// Bursts tells losses apart that come together from those that come alone
// (RFC 3611 4.7.2). It takes packets in the order they were sent.
type Bursts struct {
	// Packets are all, Missing those not there to be played.
	Packets, Missing uint64
	// Runs counts the runs of missing packets.
	Runs uint64
	// Count is the number of bursts: they begin and end with a missing packet,
	// hold two at the least and never Gmin packets in a row that came. Span is
	// how many packets they hold, Within how many of these are missing.
	Count, Span, Within uint64

	missing bool // the newest one
	// cluster may become a burst.
	cluster struct{ span, missing, came uint64 }
}

// Add takes the next packet.
func (b *Bursts) Add(missing bool) {
	b.Packets++
	c := &b.cluster
	switch {
	case missing:
		b.Missing++
		if !b.missing {
			b.Runs++
		}
		c.span += c.came + 1
		c.missing++
		c.came = 0
	case c.missing > 0:
		if c.came++; c.came == Gmin {
			b.settle()
		}
	}
	b.missing = missing
}

// settle decides whether the cluster was a burst. A packet missing alone
// belongs to the gap between bursts.
func (b *Bursts) settle() {
	if c := &b.cluster; c.missing > 1 {
		b.Count++
		b.Span += c.span
		b.Within += c.missing
	}
	b.cluster.span, b.cluster.missing, b.cluster.came = 0, 0, 0
}

// Settled returns the counts as if nothing more came.
func (b Bursts) Settled() Bursts {
	b.settle()
	return b
}

// Loss is the share of packets missing, from 0 to 1.
func (b *Bursts) Loss() float64 { return share(b.Missing, b.Packets) }

// Ratio is the burst ratio of G.107 3.5: the mean length of a run of missing
// packets over the mean length if each were lost at random, 1/(1-loss). It is
// 1 if nothing is missing.
func (b *Bursts) Ratio() float64 {
	if b.Runs == 0 {
		return 1
	}
	return float64(b.Missing) / float64(b.Runs) * (1 - b.Loss())
}

// BurstDensity is the share of packets missing within bursts, GapDensity
// outside.
func (b *Bursts) BurstDensity() float64 { return share(b.Within, b.Span) }

// GapDensity is the share of packets missing between bursts.
func (b *Bursts) GapDensity() float64 { return share(b.Missing-b.Within, b.Packets-b.Span) }

// BurstPackets is the mean length of a burst in packets, 0 without any.
func (b *Bursts) BurstPackets() float64 {
	if b.Count == 0 {
		return 0
	}
	return float64(b.Span) / float64(b.Count)
}

// GapPackets is the mean length in packets of what lies before, between and
// behind bursts.
func (b *Bursts) GapPackets() float64 { return float64(b.Packets-b.Span) / float64(b.Count+1) }

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
