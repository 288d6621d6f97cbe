package app

import (
	"context"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/crm/webhook"
)

// notes writes what came of a call into other systems.
type notes struct {
	connectors []crm.Connector
	compose    *crm.Notes
	delivery   *crm.Deliveries
}

// buildConnectors makes the connectors that are configured: this is the one
// place that knows them all.
func buildConnectors(cfg config.Config) ([]crm.Connector, func(), error) {
	var out []crm.Connector
	closeAll := func() {}
	if cfg.Webhook.URL != "" {
		hook, err := webhook.New(webhook.Config{
			Name: "webhook", URL: cfg.Webhook.URL, Secret: cfg.Webhook.Secrets[0], Previous: cfg.Webhook.Secrets[1:],
		})
		if err != nil {
			return nil, nil, err
		}
		out, closeAll = append(out, hook), hook.Close
	}
	return out, closeAll, nil
}

func newNotes(a *App) (notes, error) {
	connectors, closeAll, err := buildConnectors(a.cfg)
	if err != nil {
		return notes{}, err
	}
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "earshot", Subsystem: "crm", Name: "attempts_total", Help: "Attempts to deliver a note, by their outcome.",
	}, []string{"connector", "state"})
	a.metrics.MustRegister(attempts)
	delivery, err := crm.NewDeliveries(a.store, connectors, func(o crm.Outcome) {
		attempts.WithLabelValues(o.Connector, string(o.State)).Inc()
	}, a.log)
	if err != nil {
		return notes{}, err
	}
	a.onStop("connectors", func(context.Context) error { closeAll(); return nil })
	return notes{connectors: connectors, compose: crm.NewNotes(a.store, a.links), delivery: delivery}, nil
}

// links are where the page and the recording of a call are seen from outside.
func (a *App) links(id earshot.CallID) crm.Links {
	base := strings.TrimSuffix(a.cfg.HTTP.PublicURL, "/")
	if base == "" {
		return crm.Links{}
	}
	return crm.Links{CallURL: base + "/#/calls/" + string(id), AudioURL: base + "/api/v1/calls/" + string(id) + "/audio"}
}

// onSummary makes a note of a summary for each connector.
func (n notes) onSummary(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	s, err := decode[earshot.Summary](e)
	if err != nil {
		return nil, err
	}
	var jobs []earshot.Job
	for _, c := range n.connectors {
		jobs = append(jobs, crm.NoteJob(e.CallID, c.Name(), s.Revision))
	}
	return jobs, nil
}
