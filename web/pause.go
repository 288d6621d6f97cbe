package web

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// pauseBody says who pauses or resumes a recording and why. Without accounts by
// is taken at its word.
type pauseBody struct {
	By     string `json:"by,omitempty" maxLength:"200" doc:"Who wants it, for the call's timeline. Default: api. Where people sign in it is their login."`
	Reason string `json:"reason,omitempty" maxLength:"500" doc:"Why, for the call's timeline."`
}

type pauseInput struct {
	CallInput
	Body *pauseBody `required:"false"`
}

func (s *Server) pauseRoutes(api huma.API) {
	op := huma.Operation{
		Method: http.MethodPost, Tags: []string{"calls"},
		Errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity},
	}
	pause := op
	pause.OperationID, pause.Path, pause.Summary = "pauseCall", "/api/v1/calls/{id}/pause", "Pause the recording of a live call"
	pause.Description = "From the answer on nothing of any of the call's streams is kept or recognised: the recording is " +
		"silent there. It survives a restart of the server. A call that is paused stays so; one that is over is a conflict."
	register(s, api, pause, s.pauser(s.deps.Recorder.Pause))
	resume := op
	resume.OperationID, resume.Path, resume.Summary = "resumeCall", "/api/v1/calls/{id}/resume", "Go on with the recording of a paused call"
	register(s, api, resume, s.pauser(s.deps.Recorder.Resume))
}

func (s *Server) pauser(
	do func(ctx context.Context, id earshot.CallID, by, reason string) (earshot.Call, error),
) func(context.Context, *pauseInput) (*jsonBody[earshot.Call], error) {
	return func(ctx context.Context, in *pauseInput) (*jsonBody[earshot.Call], error) {
		var body pauseBody
		if in.Body != nil {
			body = *in.Body
		}
		if p := principalOf(ctx); p.account.ID != "" {
			body.By = p.account.Login
		}
		call, err := do(ctx, in.ID, cmp.Or(body.By, "api"), body.Reason)
		if err != nil {
			return nil, err
		}
		return &jsonBody[earshot.Call]{Body: s.live(call)}, nil
	}
}
