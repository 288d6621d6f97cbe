package sqlite

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	commits  *prometheus.CounterVec
	ok       prometheus.Counter
	failed   prometheus.Counter
	waits    prometheus.Counter
	group    prometheus.Histogram
	duration prometheus.Histogram
}

func newMetrics() *metrics {
	m := &metrics{
		commits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_store_commits_total", Help: "Writes, by result: ok or error.",
		}, []string{"result"}),
		waits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_store_lock_waits_total", Help: "Waits of 100 ms for another process that writes the same file.",
		}),
		group: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "earshot_store_group_commits", Help: "How many writes shared one transaction.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 9),
		}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "earshot_store_transaction_seconds", Help: "How long a transaction took, syncing the disk included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14),
		}),
	}
	m.ok, m.failed = m.commits.WithLabelValues("ok"), m.commits.WithLabelValues("error")
	return m
}

func (m *metrics) count(err error) {
	if err != nil {
		m.failed.Inc()
		return
	}
	m.ok.Inc()
}

// Collectors returns the metrics of the store.
func (s *Store) Collectors() []prometheus.Collector {
	return []prometheus.Collector{s.metrics.commits, s.metrics.waits, s.metrics.group, s.metrics.duration}
}
