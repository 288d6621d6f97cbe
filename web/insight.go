package web

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

type askInput struct {
	Text  string         `query:"q" required:"true" minLength:"2" maxLength:"400" doc:"The question, in plain words."`
	Call  earshot.CallID `query:"call" maxLength:"64" doc:"Only in this call."`
	Limit int            `query:"limit" minimum:"1" maximum:"20" default:"5" doc:"How many passages at the most."`
}

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
	register(s, api, huma.Operation{
		OperationID: "listChecklist", Method: http.MethodGet, Path: "/api/v1/calls/{id}/checklist", Tags: []string{"calls"},
		Summary: "What is to be said in a call, and whether it was",
		Description: "All items of the playbook as it is now, in its order, with the moment each was said. An item that is ticked " +
			"is also an event: `suggestion.created` of the kind `checklist`, whose `rule` is one of the item's `rules`.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *CallInput) (*jsonBody[page[earshot.ChecklistItem]], error) {
		list, err := s.deps.Insight.Checklist(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		fill(&list)
		return pageOf(list, ""), nil
	})
	register(s, api, huma.Operation{
		OperationID: "summarizeCall", Method: http.MethodPost, Path: "/api/v1/calls/{id}/summary", Tags: []string{"calls"},
		Summary: "What was said up to now, summed up",
		Description: "A note for who takes over a live call, within 5 s; it is not kept, and the note after the call is written " +
			"all the same. A language model that takes longer is not waited for (`fallback` says so). Revision is 0.",
		Errors: []int{http.StatusNotFound},
	}, func(ctx context.Context, in *CallInput) (*jsonBody[earshot.Summary], error) {
		out, err := s.deps.Insight.Summary(ctx, in.ID)
		fillSummary(&out)
		return &jsonBody[earshot.Summary]{Body: out}, err
	})
	register(s, api, huma.Operation{
		OperationID: "ask", Method: http.MethodGet, Path: "/api/v1/ask", Tags: []string{"search"},
		Summary: "Passages of calls that answer a question",
		Description: "The best first, each with the call, the utterance and the moment it stands on, and what was replied. " +
			"There may be none: nothing is made up.",
		Errors: []int{http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *askInput) (*jsonBody[page[earshot.FoundPassage]], error) {
		found, err := s.deps.Insight.Ask(ctx, Question{Text: in.Text, CallID: in.Call, Audience: audienceOf(ctx), Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		fill(&found)
		return pageOf(found, ""), nil
	})
}
