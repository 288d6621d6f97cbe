package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"earshot"
)

// fakeConnectors has one connector, whose credentials are not good.
type fakeConnectors struct{}

func (fakeConnectors) Connectors() []Connector {
	return []Connector{{Name: "crm", Abilities: []string{"writes notes"}, Testable: true}}
}

func (fakeConnectors) TestConnector(_ context.Context, name string) ([]ConnectorCheck, error) {
	if name != "crm" {
		return nil, earshot.ErrNotFound
	}
	return []ConnectorCheck{{Name: "connection", Found: "TLS 1.3"}, {Name: "credentials", Error: "401"}}, nil
}

func (fakeConnectors) PreviewNote(_ context.Context, id earshot.CallID, connector string) (earshot.Note, error) {
	switch {
	case connector != "crm":
		return earshot.Note{}, earshot.ErrNotFound
	case id == "live1":
		return earshot.Note{}, earshot.ErrNotEnded
	}
	return earshot.Note{ID: earshot.NoteID(id + "-crm"), CallID: id, Writing: &earshot.Writing{Subject: "Call"}}, nil
}

func TestConnectors(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Connectors = fakeConnectors{} })
	for _, c := range []struct {
		method, path, schema string
		status               int
		says                 string
	}{
		{http.MethodGet, "/api/v1/connectors", "/api/v1/connectors", http.StatusOK, `"name":"crm"`},
		{http.MethodPost, "/api/v1/connectors/crm/test", "/api/v1/connectors/{name}/test", http.StatusOK, `"error":"401"`},
		{http.MethodPost, "/api/v1/connectors/other/test", "", http.StatusNotFound, "no such connector"},
		{http.MethodGet, "/api/v1/calls/done1/notes/preview?to=crm", "/api/v1/calls/{id}/notes/preview", http.StatusOK, `"subject":"Call"`},
		{http.MethodGet, "/api/v1/calls/done1/notes/preview?to=other", "", http.StatusNotFound, "connector"},
		{http.MethodGet, "/api/v1/calls/live1/notes/preview?to=crm", "", http.StatusConflict, "goes on"},
		{http.MethodGet, "/api/v1/calls/done1/notes/preview", "", http.StatusUnprocessableEntity, "to"},
	} {
		answer, body := f.do(t, c.method, c.path)
		if answer.StatusCode != c.status || !strings.Contains(string(body), c.says) {
			t.Errorf("%s %s: %s: %s", c.method, c.path, answer.Status, body)
		}
		if c.schema != "" {
			checkSchema(t, f, c.method, c.schema, body)
		}
	}
}

func TestNoConnectors(t *testing.T) {
	f := newFixture(t)
	if answer, body := f.do(t, http.MethodGet, "/api/v1/connectors"); answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"items":[]`) {
		t.Errorf("%s: %s", answer.Status, body)
	}
}
