package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// againBody says by which engine a call is recognised again.
type againBody struct {
	Engine string `json:"engine,omitempty" maxLength:"100" doc:"Name of an engine of the settings. Default: the engines in the order of the settings."`
}

type againInput struct {
	CallInput
	Body *againBody `required:"false"`
}

func (s *Server) againRoutes(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "transcribeCall", Method: http.MethodPost, Path: "/api/v1/calls/{id}/transcribe", Tags: []string{"calls"},
		Summary: "Transcribe a call again", DefaultStatus: http.StatusAccepted,
		Description: "The recording of a call that is over is recognised again, after all that is live. Once all of it is, the " +
			"new transcript takes the place of the old one, which stays as an earlier revision; summary and note are revised. " +
			"A restart of the server begins again. While it is going on a further wish is a conflict.",
		Errors: []int{http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *againInput) (*jsonBody[earshot.Retranscription], error) {
		engine := ""
		if in.Body != nil {
			engine = in.Body.Engine
		}
		out, err := s.deps.Again.Retranscribe(ctx, in.ID, engine)
		if errors.Is(err, earshot.ErrNoEngine) {
			return nil, huma.Error422UnprocessableEntity(err.Error())
		}
		return &jsonBody[earshot.Retranscription]{Body: out}, err
	})
	register(s, api, huma.Operation{
		OperationID: "getTranscribing", Method: http.MethodGet, Path: "/api/v1/calls/{id}/transcribe", Tags: []string{"calls"},
		Summary: "How transcribing a call again stands", Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *CallInput) (*jsonBody[earshot.Retranscription], error) {
		out, err := s.deps.Again.Retranscription(ctx, in.ID)
		if errors.Is(err, earshot.ErrNotFound) {
			return nil, huma.Error404NotFound("nobody wanted this call transcribed again, or it is long ago")
		}
		return &jsonBody[earshot.Retranscription]{Body: out}, err
	})
}
