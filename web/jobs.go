package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

type jobsInput struct {
	State earshot.JobState `query:"state" enum:"pending,done,dead" doc:"Only jobs in this state."`
	Limit int              `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at the most."`
}

type jobInput struct {
	ID int64 `path:"id" minimum:"1" doc:"ID of the job."`
}

type replayed struct {
	Replayed int `json:"replayed" doc:"How many dead jobs run again."`
}

func (s *Server) jobRoutes(api huma.API) {
	tags := []string{"jobs"}
	register(s, api, huma.Operation{
		OperationID: "listJobs", Method: http.MethodGet, Path: "/api/v1/jobs", Tags: tags,
		Summary: "Stored jobs", Errors: []int{http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *jobsInput) (*jsonBody[page[earshot.Job]], error) {
		list, err := s.deps.Jobs.Jobs(ctx, in.State, in.Limit)
		return pageOf(list, ""), err
	})
	register(s, api, huma.Operation{
		OperationID: "replayJob", Method: http.MethodPost, Path: "/api/v1/jobs/{id}/replay", Tags: tags,
		Summary: "Run a dead job again", Errors: []int{http.StatusForbidden, http.StatusNotFound},
	}, func(ctx context.Context, in *jobInput) (*jsonBody[replayed], error) {
		err := s.deps.Jobs.ReplayJob(ctx, in.ID)
		if errors.Is(err, earshot.ErrNotFound) {
			return nil, huma.Error404NotFound("there is no such dead job")
		}
		return &jsonBody[replayed]{Body: replayed{1}}, err
	})
	register(s, api, huma.Operation{
		OperationID: "replayDeadJobs", Method: http.MethodPost, Path: "/api/v1/jobs/replay", Tags: tags,
		Summary: "Run all dead jobs again", Errors: []int{http.StatusForbidden},
	}, func(ctx context.Context, _ *struct{}) (*jsonBody[replayed], error) {
		n, err := s.deps.Jobs.ReplayDead(ctx)
		return &jsonBody[replayed]{Body: replayed{n}}, err
	})
}
