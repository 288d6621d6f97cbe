package calls

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	segments, refused, finals, interrupted, timeouts, closeErrors, pauses prometheus.Counter
}

func newMetrics() metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "earshot", Subsystem: "calls", Name: name, Help: help,
		})
	}
	return metrics{
		segments:    counter("segments_total", "Recording sessions begun."),
		refused:     counter("refused_total", "Recording sessions refused: drained, disk, ports, codecs."),
		finals:      counter("finals_total", "Final utterances committed."),
		interrupted: counter("interrupted_total", "Recording sessions closed as interrupted after a restart."),
		timeouts:    counter("media_timeouts_total", "Recording sessions ended because no packet came."),
		closeErrors: counter("recording_errors_total", "Streams whose recording could not be written whole."),
		pauses:      counter("pauses_total", "Calls whose recording was paused."),
	}
}

// Collectors returns the manager's metrics.
func (m *Manager) Collectors() []prometheus.Collector {
	live := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "calls", Name: "live", Help: "Calls that are live.",
	}, func() float64 { return float64(m.Live()) })
	kept := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "calls", Name: "kept",
		Help: "Calls in memory: live, wrapping up, or not recognised to their end.",
	}, func() float64 { return float64(m.kept()) })
	return []prometheus.Collector{
		live, kept, m.m.segments, m.m.refused, m.m.finals, m.m.interrupted, m.m.timeouts, m.m.closeErrors, m.m.pauses,
	}
}
