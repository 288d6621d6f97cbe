package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
	signIns  *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_web_requests_total", Help: "Requests answered, by route and status.",
		}, []string{"route", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "earshot_web_request_seconds",
			Help:    "Time to answer, by route; streams of events are left out.",
			Buckets: []float64{.001, .005, .025, .1, .5, 2.5, 10},
		}, []string{"route"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "earshot_web_panics_total", Help: "Requests that ended in a panic.",
		}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "earshot_web_sign_ins_total", Help: "Passwords tried: done, denied, delayed.",
		}, []string{"outcome"}),
	}
}

func (m *metrics) observe(route string, status int, h http.Header, took time.Duration) {
	if status == 0 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	if h.Get("Content-Type") != eventStream {
		m.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
}

func (m *metrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.seconds, m.panics, m.signIns}
}
