package siprec

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	requests, responses, refreshes, expired, snapshots           *prometheus.CounterVec
	strangers, unparsable, panics, retransmitted, unacknowledged prometheus.Counter
	handshakes, unauthorized, untraced                           prometheus.Counter
}

func newMetrics() metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "siprec", Name: name, Help: help})
	}
	vec := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "earshot", Subsystem: "siprec", Name: name, Help: help}, []string{label})
	}
	return metrics{
		requests:       vec("requests_total", "SIP requests received.", "method"),
		responses:      vec("responses_total", "SIP responses sent, retransmissions not counted.", "status"),
		refreshes:      vec("refreshes_total", "Session refreshes sent, by the status of the answer.", "status"),
		expired:        vec("expired_total", "Session timers that ran out: the session was kept, for its media flowed, or ended.", "outcome"),
		snapshots:      vec("snapshot_requests_total", "Requests for a metadata snapshot.", "outcome"),
		strangers:      counter("strangers_total", "Requests refused because their sender is not a peer."),
		unparsable:     counter("unparsable_total", "Messages that are not SIP, or not sound."),
		panics:         counter("panics_total", "Request handlers that panicked."),
		retransmitted:  counter("retransmitted_total", "2xx responses sent again for want of an ACK."),
		handshakes:     counter("tls_errors_total", "TLS handshakes that failed."),
		unauthorized:   counter("unauthorized_total", "Requests with credentials that are wrong."),
		unacknowledged: counter("unacknowledged_total", "Sessions ended because their 2xx was never acknowledged."),
		untraced:       counter("untraced_total", "SIP messages missing in the ladder of their call, for want of memory."),
	}
}

// Collectors returns the server's metrics.
func (s *Server) Collectors() []prometheus.Collector {
	dialogs := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "earshot", Subsystem: "siprec", Name: "dialogs", Help: "Recording sessions that are up.",
	}, func() float64 { return float64(s.Dialogs()) })
	return []prometheus.Collector{
		s.m.requests, s.m.responses, s.m.strangers, s.m.unparsable, s.m.panics, s.m.retransmitted, s.m.unacknowledged,
		s.m.handshakes, s.m.unauthorized, s.m.refreshes, s.m.expired, s.m.snapshots, s.m.untraced, dialogs,
	}
}
