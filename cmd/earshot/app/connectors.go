package app

import (
	"context"
	"errors"
	"slices"

	"earshot"
	"earshot/crm"
	"earshot/web"
)

// webConnectors are the connectors as the API sees them.
type webConnectors struct{ notes }

var _ web.Connectors = webConnectors{}

func (w webConnectors) Connectors() []web.Connector {
	disabled := w.delivery.Disabled()
	out := make([]web.Connector, 0, len(w.connectors))
	for _, c := range w.connectors {
		_, testable := c.(crm.Tester)
		out = append(out, web.Connector{
			Name: c.Name(), Abilities: crm.Abilities(c), Testable: testable, Disabled: slices.Contains(disabled, c.Name()),
		})
	}
	return out
}

func (w webConnectors) find(name string) crm.Connector {
	for _, c := range w.connectors {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

func (w webConnectors) TestConnector(ctx context.Context, name string) ([]web.ConnectorCheck, error) {
	tester, ok := w.find(name).(crm.Tester)
	if !ok {
		return nil, earshot.ErrNotFound
	}
	var out []web.ConnectorCheck
	for _, c := range tester.Test(ctx) {
		check := web.ConnectorCheck{Name: c.Name, Found: c.Found}
		if c.Err != nil {
			check.Error = c.Err.Error()
		}
		out = append(out, check)
	}
	return out, nil
}

func (w webConnectors) PreviewNote(ctx context.Context, id earshot.CallID, connector string) (earshot.Note, error) {
	if w.find(connector) == nil {
		return earshot.Note{}, earshot.ErrNotFound
	}
	n, err := w.compose.Preview(ctx, id, connector, 1)
	if errors.Is(err, crm.ErrNoSummary) {
		return n, earshot.ErrNotEnded
	}
	if err != nil {
		return n, err
	}
	n, _ = w.matcher.Preview(ctx, n) // a look-up that fails is the note's match
	return n, nil
}
