package quality

import (
	"math"
	"time"

	"earshot"
)

// Report is what a meter has measured so far.
type Report struct {
	// Bursts are of the whole stream. Missing packets were lost or discarded.
	Bursts
	Discarded uint64
	// Codec is that of the newest packet, nil if nothing is known of it.
	Codec *Codec
	// R and MOS are means, Worst is the MOS of the worst interval; 0 without a
	// codec. WorstLoss is from 0 to 1.
	R, MOS, Worst, WorstLoss float64
	JitterMean, JitterMax    time.Duration
	// Packet is the length of a packet, Playout of the jitter buffer.
	Packet, Playout time.Duration
	Delay           time.Duration
	// RoundTrip is 0 if it is not known.
	RoundTrip time.Duration
}

// Report returns what was measured. A packet that has not come yet counts as
// lost as soon as a later one is there.
func (m *Meter) Report() Report {
	now := *m // what follows is not to be decided for good
	now.settle(now.head + 1)
	now.score.close()
	r := Report{
		Bursts: now.bursts.Settled(), Discarded: now.discarded, Codec: now.score.codec,
		Worst: -now.score.worst.value, WorstLoss: now.score.worstLoss.value,
		JitterMean: now.transit.mean(), JitterMax: now.transit.most,
		Packet: now.packet.Duration(), Playout: now.transit.playout(), Delay: now.delay(), RoundTrip: now.trip,
	}
	if n := now.score.packets; n > 0 {
		r.R, r.MOS = now.score.sumR/n, now.score.sumMOS/n
	}
	return r
}

// LossRate is the share of packets that never came, DiscardRate of those that
// came too late to be played; both from 0 to 1.
func (r *Report) LossRate() float64 { return share(r.Missing-r.Discarded, r.Packets) }

// DiscardRate is the share of packets that came too late to be played.
func (r *Report) DiscardRate() float64 { return share(r.Discarded, r.Packets) }

// BurstTime and GapTime are the mean lengths of bursts and of what is between.
func (r *Report) BurstTime() time.Duration { return times(r.BurstPackets(), r.Packet) }

// GapTime is the mean length of what is between bursts.
func (r *Report) GapTime() time.Duration { return times(r.GapPackets(), r.Packet) }

func times(n float64, d time.Duration) time.Duration { return time.Duration(n * float64(d)) }

// Quality returns what people are told, nil before the first audio packet.
func (m *Meter) Quality() *earshot.Quality {
	if m.packet == 0 {
		return nil
	}
	r := m.Report()
	q := &earshot.Quality{
		Path:        "src-earshot",
		LossPercent: percent(r.LossRate()), DiscardPercent: percent(r.DiscardRate()), LossWorstPercent: percent(r.WorstLoss),
		BurstRatio:          round(r.Ratio(), 100),
		BurstDensityPercent: percent(r.BurstDensity()), GapDensityPercent: percent(r.GapDensity()),
		BurstMS: milliseconds(r.BurstTime()), GapMS: milliseconds(r.GapTime()),
		JitterMeanMS: milliseconds(r.JitterMean), JitterMaxMS: milliseconds(r.JitterMax), DelayMS: milliseconds(r.Delay),
	}
	if r.RoundTrip > 0 {
		trip := milliseconds(r.RoundTrip)
		q.RoundTripMS = &trip
	}
	if r.Codec != nil && r.MOS > 0 {
		mos, worst, rating := round(r.MOS, 100), round(r.Worst, 100), round(r.R, 10)
		q.Model, q.Assumed = string(r.Codec.Model), r.Codec.Assumed
		q.MOS, q.MOSWorst, q.RFactor = &mos, &worst, &rating
	}
	return q
}

func percent(share float64) float64 { return round(100*share, 100) }

func milliseconds(d time.Duration) float64 {
	return round(float64(d)/float64(time.Millisecond), 10)
}

func round(x, parts float64) float64 { return math.Round(x*parts) / parts }
