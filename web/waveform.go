package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

type waveformInput struct {
	CallInput
	Points int `query:"points" minimum:"1" maximum:"1000000" doc:"At most so many points; as many as there are if it is left out."`
}

func (s *Server) waveformRoute(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "getPeaks", Method: http.MethodGet, Path: "/api/v1/calls/{id}/peaks", Tags: []string{"calls"},
		Summary: "The waveform of the recording",
		Description: "The extremes of each channel, 50 points a second, in the JSON data format (version 2) of BBC audiowaveform, " +
			"which wavesurfer.js and peaks.js draw.",
		Errors: []int{http.StatusNotFound, http.StatusConflict},
	}, s.getPeaks)
}

func (s *Server) getPeaks(ctx context.Context, in *waveformInput) (*jsonBody[earshot.Waveform], error) {
	call, err := s.recorded(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	form, err := s.deps.Audio.Waveform(call.ID)
	if errors.Is(err, earshot.ErrNotFound) {
		return nil, huma.Error404NotFound("the recording has no waveform")
	}
	if err != nil {
		return nil, fmt.Errorf("read waveform: %w", err)
	}
	return &jsonBody[earshot.Waveform]{Body: form.Fewer(in.Points)}, nil
}
