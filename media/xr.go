package media

import (
	"math"
	"slices"
	"time"

	"github.com/pion/rtcp"

	"earshot"
	"earshot/media/quality"
)

const (
	// maxRoundTrip is the longest that is believed.
	maxRoundTrip = 30 * time.Second
	// unavailable stands for a metric that is not known (RFC 3611 4.7).
	unavailable = 127
	// receiverConfig says that losses are concealed in the standard way and that
	// the jitter buffer is adaptive (RFC 3611 4.7.6).
	receiverConfig = 0b11_11_0000
)

// references are the newest reference times sent; an answer to one tells the
// round trip.
type references struct {
	sent [4]uint32
	next int
}

func (r *references) add(t uint32) {
	r.sent[r.next] = t
	r.next = (r.next + 1) % len(r.sent)
}

// reference is a reference time of the peer that awaits its answer (DLRR).
type reference struct {
	ssrc uint32
	time uint32
	at   int64 // arrival
	open bool
}

// ntp returns a time in nanoseconds since 1970 as an NTP timestamp, and middle
// the 32 bits of it that reports carry (RFC 3550 4).
func ntp(at int64) uint64 {
	const since1900 = 2_208_988_800
	second := int64(time.Second)
	return uint64(at/second+since1900)<<32 | uint64(at%second)<<32/uint64(second)
}

func middle(t uint64) uint32 { return uint32(t >> 16) }

// takeXR takes what of an extended report is meant for a receiver: reference
// times (RFC 3611 4.4), and answers to ours (4.5).
func (s *Stream) takeXR(packet []byte, arrival int64) {
	var xr rtcp.ExtendedReport
	if xr.Unmarshal(packet) != nil {
		s.invalid++
		return
	}
	s.counts.extendedReports++
	for _, block := range xr.Reports {
		switch b := block.(type) {
		case *rtcp.ReceiverReferenceTimeReportBlock:
			s.control.theirs = reference{ssrc: xr.SenderSSRC, time: middle(b.NTPTimestamp), at: arrival, open: true}
		case *rtcp.DLRRReportBlock:
			for _, r := range b.Reports {
				s.roundTrip(r, arrival)
			}
		}
	}
}

// roundTrip is the time since our reference time was sent, less what the peer
// kept it. An answer to what was never asked says nothing.
func (s *Stream) roundTrip(r rtcp.DLRRReport, arrival int64) {
	c := &s.control
	if r.SSRC != c.ssrc || r.LastRR == 0 || !slices.Contains(c.ours.sent[:], r.LastRR) {
		return
	}
	units := int64(int32(middle(ntp(arrival)) - r.LastRR - r.DLRR))
	trip := time.Duration(units * int64(time.Second) / 65536)
	if trip > maxRoundTrip || trip < -time.Second {
		return
	}
	s.meter.RoundTrip(max(trip, 0)) // clocks tick in 15 us
	s.counts.roundTrips++
}

// extended returns the report blocks that were asked for (RFC 3611 5.1) and
// the answer to the peer's reference time, nil if there are none.
func (s *Stream) extended(now int64) *rtcp.ExtendedReport {
	c := &s.control
	xr := &rtcp.ExtendedReport{SenderSSRC: c.ssrc}
	if s.reports.xr.RoundTrip != "" {
		t := ntp(now)
		c.ours.add(middle(t))
		xr.Reports = append(xr.Reports, &rtcp.ReceiverReferenceTimeReportBlock{NTPTimestamp: t})
	}
	if c.theirs.open {
		c.theirs.open = false
		xr.Reports = append(xr.Reports, &rtcp.DLRRReportBlock{Reports: []rtcp.DLRRReport{{
			SSRC: c.theirs.ssrc, LastRR: c.theirs.time, DLRR: uint32((now - c.theirs.at) * 65536 / int64(time.Second)),
		}}})
	}
	if ssrc, any := s.timeline.SSRC(); any {
		xr.Reports = append(xr.Reports, s.summaries(ssrc)...)
	}
	if len(xr.Reports) == 0 {
		return nil
	}
	s.counts.extendedSent++
	return xr
}

// summaries are the blocks about the source that were asked for.
func (s *Stream) summaries(ssrc uint32) []rtcp.ReportBlock {
	var blocks []rtcp.ReportBlock
	asked := s.reports.xr
	if asked.Loss || asked.Duplicates || asked.Jitter {
		if sum, ok := s.meter.TakeSummary(); ok {
			blocks = append(blocks, statistics(ssrc, sum, asked))
		}
	}
	if r := s.meter.Report(); asked.VoIPMetrics && r.Packet > 0 {
		blocks = append(blocks, voipMetrics(ssrc, &r))
	}
	return blocks
}

// statistics is the statistics summary block (RFC 3611 4.6). The time to live
// of packets is not known.
func statistics(ssrc uint32, s quality.Summary, asked earshot.XR) *rtcp.StatisticsSummaryReportBlock {
	units := func(d time.Duration) uint32 { return uint32(d * time.Duration(s.ClockRate) / time.Second) }
	b := &rtcp.StatisticsSummaryReportBlock{
		SSRC: ssrc, BeginSeq: s.Begin, EndSeq: s.End,
		LossReports: asked.Loss, DuplicateReports: asked.Duplicates, JitterReports: asked.Jitter,
	}
	if asked.Loss {
		b.LostPackets = s.Lost
	}
	if asked.Duplicates {
		b.DupPackets = s.Duplicates
	}
	if asked.Jitter {
		b.MinJitter, b.MaxJitter = units(s.JitterMin), units(s.JitterMax)
		b.MeanJitter, b.DevJitter = units(s.JitterMean), units(s.JitterDev)
	}
	return b
}

// voipMetrics is the VoIP metrics block (RFC 3611 4.7).
func voipMetrics(ssrc uint32, r *quality.Report) *rtcp.VoIPMetricsReportBlock {
	b := &rtcp.VoIPMetricsReportBlock{
		SSRC: ssrc, LossRate: fraction(r.LossRate()), DiscardRate: fraction(r.DiscardRate()),
		BurstDensity: fraction(r.BurstDensity()), GapDensity: fraction(r.GapDensity()),
		BurstDuration: inMS(r.BurstTime()), GapDuration: inMS(r.GapTime()),
		RoundTripDelay: inMS(r.RoundTrip), EndSystemDelay: inMS(r.Packet + r.Playout),
		SignalLevel: unavailable, NoiseLevel: unavailable, RERL: unavailable, Gmin: quality.Gmin,
		RFactor: unavailable, ExtRFactor: unavailable, MOSLQ: unavailable, MOSCQ: unavailable,
		RXConfig:  receiverConfig,
		JBNominal: inMS(r.Playout), JBMaximum: inMS(quality.MaxPlayout), JBAbsMax: inMS(quality.MaxPlayout),
	}
	if c := r.Codec; c != nil && r.MOS > 0 {
		listening := c.R(quality.Path{Loss: r.Loss(), BurstRatio: r.Ratio()}) // without the delay
		b.MOSLQ, b.MOSCQ = tenths(c.Model.MOS(listening)), tenths(r.MOS)
		if c.Model == quality.Narrowband { // the scale of the field ends at 100
			b.RFactor = uint8(math.Round(r.R))
		}
	}
	return b
}

// fraction is a share in 1/256.
func fraction(share float64) uint8 { return uint8(min(255, share*256)) }

func tenths(mos float64) uint8 { return uint8(math.Round(10 * mos)) }

func inMS(d time.Duration) uint16 { return uint16(min(math.MaxUint16, d.Milliseconds())) }
