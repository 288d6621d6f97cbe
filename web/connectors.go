package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// Connectors are the systems that notes go to. One that is not configured is
// earshot.ErrNotFound.
type Connectors interface {
	Connectors() []Connector
	// TestConnector checks one in a few seconds and writes nothing.
	TestConnector(ctx context.Context, name string) ([]ConnectorCheck, error)
	// PreviewNote returns the note of a call as it would be written now;
	// earshot.ErrNotEnded for a call without a summary.
	PreviewNote(ctx context.Context, id earshot.CallID, connector string) (earshot.Note, error)
}

// Connector is one of them.
type Connector struct {
	Name      string   `json:"name" doc:"What the settings and deliveries call it."`
	Abilities []string `json:"abilities" doc:"What it can do, in words."`
	Testable  bool     `json:"testable" doc:"Whether it can be tested without writing."`
	Disabled  bool     `json:"disabled" doc:"Its receiver wants no more; it is tried again after a restart."`
}

// ConnectorCheck is one thing that was tested.
type ConnectorCheck struct {
	Name  string `json:"name" doc:"What was tested."`
	Found string `json:"found" doc:"What was seen, when it works."`
	Error string `json:"error" doc:"Why it does not work, empty when it does."`
}

// noConnectors is for a server that writes no notes.
type noConnectors struct{}

func (noConnectors) Connectors() []Connector { return nil }

func (noConnectors) TestConnector(context.Context, string) ([]ConnectorCheck, error) {
	return nil, earshot.ErrNotFound
}

func (noConnectors) PreviewNote(context.Context, earshot.CallID, string) (earshot.Note, error) {
	return earshot.Note{}, earshot.ErrNotFound
}

type connectorInput struct {
	Name string `path:"name" maxLength:"40" doc:"Name of the connector."`
}

type previewInput struct {
	CallInput
	To string `query:"to" required:"true" maxLength:"40" doc:"Name of the connector."`
}

func (s *Server) connectorRoutes(api huma.API) {
	tags := []string{"connectors"}
	register(s, api, huma.Operation{
		OperationID: "listConnectors", Method: http.MethodGet, Path: "/api/v1/connectors", Tags: tags,
		Summary: "The systems that notes go to",
	}, func(context.Context, *struct{}) (*jsonBody[page[Connector]], error) {
		return pageOf(s.deps.Connectors.Connectors(), ""), nil
	})
	register(s, api, huma.Operation{
		OperationID: "testConnector", Method: http.MethodPost, Path: "/api/v1/connectors/{name}/test", Tags: tags,
		Summary: "Test a connector", Description: "Checks credentials, permissions and a look-up, as far as the connector can, and writes nothing.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *connectorInput) (*jsonBody[page[ConnectorCheck]], error) {
		list, err := s.deps.Connectors.TestConnector(ctx, in.Name)
		if errors.Is(err, earshot.ErrNotFound) {
			return nil, huma.Error404NotFound("no such connector is configured, or it can't be tested without writing")
		}
		return pageOf(list, ""), err
	})
	register(s, api, huma.Operation{
		OperationID: "previewNote", Method: http.MethodGet, Path: "/api/v1/calls/{id}/notes/preview", Tags: []string{"calls"},
		Summary: "The note of a call as a connector would write it", Description: "The customer is looked up; nothing is written.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, func(ctx context.Context, in *previewInput) (*jsonBody[earshot.Note], error) {
		n, err := s.deps.Connectors.PreviewNote(ctx, in.ID, in.To)
		if errors.Is(err, earshot.ErrNotFound) {
			return nil, huma.Error404NotFound("there is no such call or connector")
		}
		fillNote(&n)
		return &jsonBody[earshot.Note]{Body: n}, err
	})
}
