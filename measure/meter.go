package measure

import (
	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// Meter counts the measures of calls that are over. It is safe for concurrent
// use.
type Meter struct {
	talk          *prometheus.CounterVec
	interruptions *prometheus.CounterVec
	moods         *prometheus.CounterVec
	times         *prometheus.CounterVec
}

// NewMeter returns a meter that has counted nothing.
func NewMeter() *Meter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "earshot_measure_" + name, Help: help}, labels)
	}
	return &Meter{
		talk:          counter("talk_seconds_total", "Time parties spoke in calls that are over.", "role"),
		interruptions: counter("interruptions_total", "How often parties interrupted others in calls that are over.", "role"),
		moods:         counter("moods_total", "Parties of calls that are over, by how their words sounded.", "role", "mood"),
		times:         counter("seconds_total", "Time of calls that are over: all of it, and of it silence, overtalk and hold.", "of"),
	}
}

// Collectors returns the metrics.
func (m *Meter) Collectors() []prometheus.Collector {
	return []prometheus.Collector{m.talk, m.interruptions, m.moods, m.times}
}

// Observe counts a call; to be called once for each.
func (m *Meter) Observe(v *earshot.Measures) {
	for of, ms := range map[string]int64{"call": v.DurationMS, "silence": v.SilenceMS, "overtalk": v.OvertalkMS, "hold": v.HoldMS} {
		m.times.WithLabelValues(of).Add(float64(ms) / 1000)
	}
	for _, p := range v.Parties {
		m.talk.WithLabelValues(string(p.Role)).Add(float64(p.TalkMS) / 1000)
		m.interruptions.WithLabelValues(string(p.Role)).Add(float64(p.Interruptions))
		m.moods.WithLabelValues(string(p.Role), string(p.Sentiment.Mood)).Inc()
	}
}
