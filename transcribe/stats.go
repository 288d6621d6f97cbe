package transcribe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// drainWindow is over how many seconds the drain rate is taken.
const drainWindow = 10

// counts are what happened since the start. They are guarded by the
// Transcriber.
type counts struct {
	finals, partials, partialsSkipped uint64
	errors, failed, commitErrors      uint64
	audio, busy, missed               time.Duration
	// drained is the audio recognised in each of the last seconds, by second.
	drained [drainWindow + 1]struct {
		second int64
		audio  time.Duration
	}
}

// recognised counts a final span.
func (c *counts) recognised(now time.Time, length time.Duration) {
	c.audio += length
	slot := &c.drained[now.Unix()%int64(len(c.drained))]
	if slot.second != now.Unix() {
		slot.second, slot.audio = now.Unix(), 0
	}
	slot.audio += length
}

// drainRate returns the seconds of audio recognised per second, over the last
// full ones.
func (c *counts) drainRate(now time.Time) float64 {
	sum := time.Duration(0)
	for _, slot := range c.drained {
		if age := now.Unix() - slot.second; age >= 1 && age <= drainWindow {
			sum += slot.audio
		}
	}
	return sum.Seconds() / drainWindow
}

// Stats is how the Transcriber stands.
type Stats struct {
	// Streams are all that are not completed, Live those heard in real time.
	Streams, Live int
	// QueuedLive and QueuedBacklog are the spans that wait for a worker,
	// Held those that are recognised but not committed.
	QueuedLive, QueuedBacklog, Held int
	// Backlog is the length of the audio that is not recognised: spans that
	// wait, and what is not yet cut of streams that are not live.
	Backlog time.Duration
	// Oldest is how long the first of the spans has waited.
	Oldest time.Duration
	// DrainRate is seconds of audio recognised per second, over the last ten.
	DrainRate float64
	// Finals and Partials are what was passed on, PartialsSkipped what was
	// dropped because it was late or there was no time.
	Finals, Partials, PartialsSkipped uint64
	// Errors are failed attempts, Failed the spans committed without text after
	// the last of them, CommitErrors the failures of the sink.
	Errors, Failed, CommitErrors uint64
	// Missed is the length of what has no text: given up, or failed.
	Missed time.Duration
	// Audio is the length of all finals recognised, Busy the time workers took
	// for them and for partials.
	Audio, Busy time.Duration
}

// RealTimeFactor is the time taken per time of audio recognised for good.
func (s Stats) RealTimeFactor() float64 {
	if s.Audio == 0 {
		return 0
	}
	return s.Busy.Seconds() / s.Audio.Seconds()
}

// Stats returns how the Transcriber stands.
func (t *Transcriber) Stats() Stats {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.counts
	s := Stats{
		Streams: len(t.tracks), DrainRate: c.drainRate(now),
		Finals: c.finals, Partials: c.partials, PartialsSkipped: c.partialsSkipped,
		Errors: c.errors, Failed: c.failed, CommitErrors: c.commitErrors, Audio: c.audio, Busy: c.busy, Missed: c.missed,
	}
	for _, tr := range t.tracks {
		s.add(tr, now, t.cfg.LateAfter)
	}
	return s
}

// add counts what waits of one stream.
func (s *Stats) add(tr *track, now time.Time, lateAfter time.Duration) {
	if tr.live {
		s.Live++
	}
	for _, sp := range tr.spans {
		if sp.state == spanDone {
			s.Held++
			continue
		}
		s.Backlog += sp.duration()
		s.Oldest = max(s.Oldest, now.Sub(sp.cutAt))
		switch {
		case sp.state == spanRunning:
		case sp.live && now.Sub(sp.cutAt) < lateAfter:
			s.QueuedLive++
		default:
			s.QueuedBacklog++
		}
	}
	s.Backlog += tr.uncut()
}

// Collectors returns the metrics, to be registered once.
func (t *Transcriber) Collectors() []prometheus.Collector {
	return []prometheus.Collector{&collector{t}}
}

// metric is one line of what Collect reports.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(Stats) float64
}

func metrics() []metric {
	const c, g = prometheus.CounterValue, prometheus.GaugeValue
	return []metric{
		{"streams", "Streams that are not completely transcribed.", g, func(s Stats) float64 { return float64(s.Streams) }},
		{"live_streams", "Streams heard in real time.", g, func(s Stats) float64 { return float64(s.Live) }},
		{"queued_live_spans", "Finals of live streams that wait for a worker.", g, func(s Stats) float64 { return float64(s.QueuedLive) }},
		{"queued_backlog_spans", "Finals of the backlog that wait for a worker.", g, func(s Stats) float64 { return float64(s.QueuedBacklog) }},
		{"held_spans", "Spans recognised and not yet committed.", g, func(s Stats) float64 { return float64(s.Held) }},
		{"backlog_seconds", "Audio that is heard or recorded and not yet recognised.", g, func(s Stats) float64 { return s.Backlog.Seconds() }},
		{"oldest_span_seconds", "How long the first span has waited.", g, func(s Stats) float64 { return s.Oldest.Seconds() }},
		{"drain_ratio", "Seconds of audio recognised per second, over the last ten.", g, func(s Stats) float64 { return s.DrainRate }},
		{"real_time_ratio", "Time taken per time of audio recognised.", g, Stats.RealTimeFactor},
		{"finals_total", "Final utterances committed.", c, func(s Stats) float64 { return float64(s.Finals) }},
		{"partials_total", "Partial utterances passed on.", c, func(s Stats) float64 { return float64(s.Partials) }},
		{"partials_skipped_total", "Partials dropped, late or for lack of time.", c, func(s Stats) float64 { return float64(s.PartialsSkipped) }},
		{"errors_total", "Failed attempts to recognise a span.", c, func(s Stats) float64 { return float64(s.Errors) }},
		{"failed_spans_total", "Spans committed without text after the last failed attempt.", c, func(s Stats) float64 { return float64(s.Failed) }},
		{"commit_errors_total", "Failed attempts to commit.", c, func(s Stats) float64 { return float64(s.CommitErrors) }},
		{"missed_seconds_total", "Speech that has no text: given up because it had waited too long, or failed.", c, func(s Stats) float64 { return s.Missed.Seconds() }},
		{"audio_seconds_total", "Audio recognised for good.", c, func(s Stats) float64 { return s.Audio.Seconds() }},
		{"busy_seconds_total", "Time workers took to recognise.", c, func(s Stats) float64 { return s.Busy.Seconds() }},
	}
}

func (m metric) desc() *prometheus.Desc {
	return prometheus.NewDesc("earshot_transcribe_"+m.name, m.help, nil, nil)
}

// collector reports one snapshot at a time.
type collector struct{ t *Transcriber }

func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, m := range metrics() {
		out <- m.desc()
	}
}

func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.t.Stats()
	for _, m := range metrics() {
		out <- prometheus.MustNewConstMetric(m.desc(), m.kind, m.value(s))
	}
}
