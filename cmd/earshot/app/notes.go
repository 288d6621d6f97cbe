package app

import (
	"context"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/cmd/earshot/config"
	"earshot/crm"
)

// notes writes what came of a call into other systems.
type notes struct {
	connectors []crm.Connector
	matcher    *crm.Matcher
	live       *crm.Live
	compose    *crm.Notes
	delivery   *crm.Deliveries
}

// connect makes a connector and what gives back what it holds; nil where the
// settings leave it out.
type connect func(config.Config) (crm.Connector, func(), error)

// Connectors makes the connectors that are configured: this is the one place
// that knows them all. What they hold is given back by the function returned.
func Connectors(cfg config.Config) ([]crm.Connector, func(), error) {
	var out []crm.Connector
	var held closers
	for _, build := range []connect{
		connectDynamics,
		connectEspoCRM,
		connectHubSpot,
		connectOdoo,
		connectPipedrive,
		connectRT,
		connectTryton,
		connectSalesforce,
		connectWebhook,
		connectZendesk,
	} {
		c, closeIt, err := build(cfg)
		if err != nil {
			held.close()
			return nil, nil, err
		}
		if c != nil {
			out, held = append(out, c), append(held, closeIt)
		}
	}
	return out, held.close, nil
}

func newNotes(a *App) (notes, error) {
	connectors, closeAll, err := Connectors(a.cfg)
	if err != nil {
		return notes{}, err
	}
	mapping, err := LoadMapping(a.cfg, connectors)
	if err != nil {
		return notes{}, err
	}
	matcher, err := crm.NewMatcher(a.store, connectors, mapping, a.cfg.CRM.Region, a.log)
	if err != nil {
		return notes{}, err
	}
	attempts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "earshot", Subsystem: "crm", Name: "attempts_total", Help: "Attempts to deliver a note, by their outcome.",
	}, []string{"connector", "state"})
	a.metrics.MustRegister(attempts)
	delivery, err := crm.NewDeliveries(a.store, matcher, connectors, func(o crm.Outcome) {
		attempts.WithLabelValues(o.Connector, string(o.State)).Inc()
	}, a.log)
	if err != nil {
		return notes{}, err
	}
	a.onStop("connectors", func(context.Context) error { closeAll(); return nil })
	live := crm.NewLive(connectors, func(ctx context.Context, connector string, id earshot.CallID) (string, error) {
		call, err := a.store.Call(ctx, id)
		return mapping.User(connector, call.Participants), err
	}, a.log)
	a.metrics.MustRegister(live.Collectors()...)
	return notes{
		connectors: connectors, matcher: matcher, live: live, compose: crm.NewNotes(a.store, Links(a.cfg), mapping), delivery: delivery,
	}, nil
}

// LoadMapping reads the mapping for the connectors, nil where there is none.
func LoadMapping(cfg config.Config, connectors []crm.Connector) (*crm.Mapping, error) {
	if cfg.CRM.Mapping == "" {
		return nil, nil
	}
	var names []string
	for _, c := range connectors {
		names = append(names, c.Name())
	}
	return crm.LoadMapping(cfg.CRM.Mapping, names)
}

// Links returns where the page and the recording of a call are seen from
// outside.
func Links(cfg config.Config) func(earshot.CallID) crm.Links {
	base := strings.TrimSuffix(cfg.HTTP.PublicURL, "/")
	return func(id earshot.CallID) crm.Links {
		if base == "" {
			return crm.Links{}
		}
		return crm.Links{CallURL: base + "/#/calls/" + string(id), AudioURL: base + "/api/v1/calls/" + string(id) + "/audio"}
	}
}

// onCall looks the customer of a call up in each system that knows numbers.
func (n notes) onCall(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	c, err := decode[earshot.Call](e)
	if err != nil {
		return nil, err
	}
	return n.matcher.Jobs(&c), nil
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
