package web

import (
	"cmp"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// rateBody says what an agent made of a suggestion. Without accounts by is taken
// at its word.
type rateBody struct {
	Verdict earshot.Verdict `json:"verdict" enum:"used,dismissed,wrong" doc:"What the agent made of it: used, dismissed (right, but not wanted) or wrong."`
	By      string          `json:"by,omitempty" maxLength:"200" doc:"Who says so. Default: api. Where people sign in it is their login."`
}

type rateInput struct {
	CallInput
	Suggestion earshot.SuggestionID `path:"sid" maxLength:"64" doc:"ID of the suggestion."`
	Body       *rateBody            `required:"false"` // missed only by who may see the call
}

func (s *Server) feedbackRoutes(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "rateSuggestion", Method: http.MethodPost, Path: "/api/v1/calls/{id}/suggestions/{sid}/feedback", Tags: []string{"calls"},
		Summary:     "Say what became of a suggestion",
		Description: "The newest verdict on a suggestion counts; saying the same again changes nothing. It is counted for the rule or the article.",
		Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity},
	}, s.rate)
	register(s, api, huma.Operation{
		OperationID: "countFeedback", Method: http.MethodGet, Path: "/api/v1/suggestions/feedback", Tags: []string{"calls"},
		Summary: "How often suggestions were used, dismissed and wrong, by rule and article",
	}, func(ctx context.Context, _ *struct{}) (*jsonBody[page[earshot.FeedbackCount]], error) {
		list, err := s.deps.Feedback.FeedbackCounts(ctx)
		return pageOf(list, ""), err
	})
}

func (s *Server) rate(ctx context.Context, in *rateInput) (*jsonBody[earshot.Feedback], error) {
	if in.Body == nil {
		return nil, huma.Error422UnprocessableEntity("say the verdict: used, dismissed or wrong")
	}
	by := in.Body.By
	if p := principalOf(ctx); p.account.ID != "" {
		by = p.account.Login
	}
	f, err := s.deps.Feedback.Rate(ctx, in.ID, in.Suggestion, in.Body.Verdict, cmp.Or(by, "api"))
	if err != nil {
		return nil, err
	}
	return &jsonBody[earshot.Feedback]{Body: f}, nil
}
