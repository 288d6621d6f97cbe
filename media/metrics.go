package media

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// totals are the counts of streams that are over.
type totals struct {
	mu    sync.Mutex
	stats earshot.StreamStats
	counters
	lost uint64 // highest value shown: a late packet must not turn it back
}

func (t *totals) add(s earshot.StreamStats, c counters) {
	addStats(&t.stats, s)
	t.plus(c)
}

// rate takes a stream that is over into the histogram.
func (e *Engine) rate(q *earshot.Quality) {
	if q != nil && q.MOS != nil {
		e.mos.WithLabelValues(q.Model).Observe(*q.MOS)
	}
}

func addStats(sum *earshot.StreamStats, s earshot.StreamStats) {
	sum.PacketsReceived += s.PacketsReceived
	sum.PacketsLost += s.PacketsLost
	sum.PacketsDuplicate += s.PacketsDuplicate
	sum.PacketsLate += s.PacketsLate
	sum.PacketsInvalid += s.PacketsInvalid
	sum.PacketsDropped += s.PacketsDropped
	sum.Slips += s.Slips
}

// collector reads the counts of an engine when they are asked for, so that
// nothing is counted twice on the way of a packet.
type collector struct {
	engine *Engine
	descs  map[string]*prometheus.Desc
}

var metricHelp = map[string]string{
	"packets_received_total":    "RTP packets of answered formats received, duplicates included.",
	"packets_lost_total":        "RTP packets that never came (RFC 3550 6.4.1).",
	"packets_duplicate_total":   "RTP packets dropped because they had been received.",
	"packets_late_total":        "RTP packets later than the reorder window of 500 ms.",
	"packets_invalid_total":     "Datagrams that are not RTP or RTCP of the stream.",
	"packets_dropped_total":     "RTP packets received but not recorded.",
	"packets_foreign_total":     "RTP packets of a second source beside the one followed.",
	"packets_unanswered_total":  "RTP packets recorded in a format that the answer did not name.",
	"packets_unauthentic_total": "SRTP packets under another key than the agreed one, and plain ones where it is needed.",
	"packets_replayed_total":    "SRTP packets dropped because they had been received, or were too old to tell.",
	"dtls_handshakes_total":     "DTLS handshakes begun.",
	"dtls_errors_total":         "DTLS handshakes that failed, a wrong fingerprint included.",
	"stun_total":                "STUN messages passed over: ICE was not agreed on.",
	"events_total":              "RTP packets of telephone events (RFC 4733).",
	"events_invalid_total":      "RTP packets of telephone events that hold none.",
	"timeline_jumps_total":      "Breaks of SSRC or timestamp.",
	"timeline_slips_total":      "Times that silence was cut or made longer because the clock of a sender is not ours.",
	"rtcp_sender_reports_total": "RTCP sender reports received.",
	"rtcp_goodbyes_total":       "RTCP BYE packets received.",
	"rtcp_reports_sent_total":   "RTCP receiver reports sent.",
	"rtcp_xr_received_total":    "RTCP extended reports received.",
	"rtcp_xr_sent_total":        "RTCP extended reports sent.",
	"rtcp_round_trips_total":    "Round trips that peers told of by extended reports.",
	"packets_discarded_total":   "RTP packets that came after their time of playout; they are recorded.",
	"tones_masked_total":        "Tones of keys taken out of recordings.",
	"streams":                   "Streams being received.",
	"streams_poor":              "Streams being received with a mean MOS below 3.6: many users dissatisfied (G.107 table B.1).",
	"port_pairs":                "Pairs of RTP and RTCP ports there are.",
	"port_pairs_used":           "Pairs of RTP and RTCP ports in use.",
}

// Collectors returns the engine's metrics.
func (e *Engine) Collectors() []prometheus.Collector {
	c := collector{engine: e, descs: map[string]*prometheus.Desc{}}
	for name, help := range metricHelp {
		c.descs[name] = prometheus.NewDesc("earshot_media_"+name, help, nil, nil)
	}
	return []prometheus.Collector{c, e.mos}
}

// poorMOS is that of R = 70.
const poorMOS = 3.6

// newMOS returns the histogram of what streams were rated when they ended.
func newMOS() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "earshot", Subsystem: "media", Name: "stream_mos",
		Help:    "Mean MOS of streams that ended, by the E-model of ITU-T G.107 or G.107.1, on the path from the recording client.",
		Buckets: []float64{1.5, 2, 2.5, 3.1, 3.6, 4, 4.2, 4.3, 4.4, 4.5},
	}, []string{"model"})
}

// Describe implements prometheus.Collector.
func (c collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(ch chan<- prometheus.Metric) {
	stats, counts, open := c.engine.sum()
	count := func(name string, v uint64) {
		ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.CounterValue, float64(v))
	}
	count("packets_received_total", stats.PacketsReceived)
	count("packets_lost_total", stats.PacketsLost)
	count("packets_duplicate_total", stats.PacketsDuplicate)
	count("packets_late_total", stats.PacketsLate)
	count("packets_invalid_total", stats.PacketsInvalid)
	count("packets_dropped_total", stats.PacketsDropped)
	count("packets_discarded_total", counts.discarded)
	count("packets_foreign_total", counts.foreign)
	count("packets_unanswered_total", counts.unanswered)
	count("packets_unauthentic_total", counts.unauthentic)
	count("packets_replayed_total", counts.replayed)
	count("dtls_handshakes_total", counts.handshakes)
	count("dtls_errors_total", counts.handshakeErrors)
	count("stun_total", counts.stun)
	count("events_total", counts.events)
	count("events_invalid_total", counts.badEvents)
	count("timeline_jumps_total", counts.jumps)
	count("timeline_slips_total", stats.Slips)
	count("rtcp_sender_reports_total", counts.senderReports)
	count("rtcp_goodbyes_total", counts.goodbyes)
	count("rtcp_reports_sent_total", counts.receiverReports)
	count("rtcp_xr_received_total", counts.extendedReports)
	count("rtcp_xr_sent_total", counts.extendedSent)
	count("rtcp_round_trips_total", counts.roundTrips)
	count("tones_masked_total", c.engine.tonesMasked.Load())
	used, all := c.engine.ports.inUse()
	for name, v := range map[string]int{
		"streams": open.streams, "streams_poor": open.poor, "port_pairs": all, "port_pairs_used": used,
	} {
		ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, float64(v))
	}
}

// opened counts the streams that are open.
type opened struct{ streams, poor int }

// sum adds up the streams that are over and those that are not.
func (e *Engine) sum() (earshot.StreamStats, counters, opened) {
	e.totals.mu.Lock()
	defer e.totals.mu.Unlock()
	stats, counts := e.totals.stats, e.totals.counters
	open := e.open(nil)
	now := opened{streams: len(open)}
	for _, s := range open {
		st := s.Stats()
		if q := st.Quality; q != nil && q.MOS != nil && *q.MOS < poorMOS {
			now.poor++
		}
		addStats(&stats, st)
		counts.plus(s.counters())
	}
	e.totals.lost = max(e.totals.lost, stats.PacketsLost)
	stats.PacketsLost = e.totals.lost
	return stats, counts, now
}
