package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

func (s *Server) insightRoutes(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "getMeasures", Method: http.MethodGet, Path: "/api/v1/calls/{id}/measures", Tags: []string{"calls"},
		Summary: "How the conversation went",
		Description: "Talk, overtalk, silence, hold, speaking rate, interruptions and sentiment, for each party and each minute, " +
			"from the final utterances; of a live call up to now.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *CallInput) (*jsonBody[earshot.Measures], error) {
		m, err := s.deps.Insight.Measures(ctx, in.ID)
		return &jsonBody[earshot.Measures]{Body: m}, err
	})
}
