package pipeline

import (
	"context"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type workerMetrics struct {
	done, retried, dead *prometheus.CounterVec
	running             *prometheus.GaugeVec
	seconds             *prometheus.HistogramVec
	deadNow             prometheus.GaugeFunc // nil without CountDead
}

func newWorkerMetrics(countDead func(context.Context) (int, error)) workerMetrics {
	kind := []string{"kind"}
	counter := func(name, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, kind)
	}
	m := workerMetrics{
		done:    counter("earshot_pipeline_jobs_done_total", "Jobs that ended well."),
		retried: counter("earshot_pipeline_jobs_retried_total", "Attempts that failed and are tried again."),
		dead:    counter("earshot_pipeline_jobs_dead_total", "Jobs given up."),
		running: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "earshot_pipeline_jobs_running", Help: "Jobs running now.",
		}, kind),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "earshot_pipeline_job_seconds", Help: "How long an attempt at a job took, its commit included.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, kind),
	}
	if countDead != nil {
		m.deadNow = prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "earshot_pipeline_jobs_dead", Help: "Dead jobs waiting for somebody to replay them.",
		}, func() float64 { return sample(countDead) })
	}
	return m
}

// sample returns NaN when the store cannot tell in a second.
func sample(count func(context.Context) (int, error)) float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n, err := count(ctx)
	if err != nil {
		return math.NaN()
	}
	return float64(n)
}

// Collectors returns the metrics of the workers.
func (w *Workers) Collectors() []prometheus.Collector {
	m := w.metrics
	c := []prometheus.Collector{m.done, m.retried, m.dead, m.running, m.seconds}
	if m.deadNow != nil {
		c = append(c, m.deadNow)
	}
	return c
}
