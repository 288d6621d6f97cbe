package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// summaryBody is what an agent makes of a summary.
type summaryBody struct {
	Reason      string       `json:"reason" maxLength:"600" doc:"Why the customer called."`
	Text        string       `json:"text" maxLength:"4000" doc:"The summary in a short paragraph."`
	Disposition string       `json:"disposition" maxLength:"100" doc:"The outcome, one of those of /api/v1/dispositions; empty: none."`
	Actions     []actionBody `json:"actions" maxItems:"50" nullable:"false" doc:"Follow-ups: what somebody is to do."`
	By          string       `json:"by,omitempty" maxLength:"200" doc:"Who says so. Default: api. Where people sign in it is their login."`
}

type actionBody struct {
	Text  string       `json:"text" minLength:"1" maxLength:"500"`
	Owner earshot.Role `json:"owner" enum:"agent,customer,unknown" doc:"Who is to do it."`
	Due   string       `json:"due,omitempty" maxLength:"100" doc:"When, in words or as 2026-03-04."`
	// UtteranceID is kept of actions that the summary has already.
	UtteranceID earshot.UtteranceID `json:"utterance_id,omitempty" maxLength:"64" doc:"Where it was promised, as the summary has it; left out for one of your own."`
}

type summaryInput struct {
	CallInput
	Revision int `query:"revision" minimum:"1" doc:"An earlier revision. Default: the newest."`
}

type editInput struct {
	CallInput
	IfMatch string       `header:"If-Match" maxLength:"64" doc:"ETag of the summary that was read."`
	Body    *summaryBody `required:"false"` // missed only by who may see the call
}

type summaryOutput struct {
	ETag string `header:"ETag" doc:"Names the revision, for If-Match."`
	Body earshot.Summary
}

type dispositionList struct {
	Items []string `json:"items" nullable:"false"`
}

func (s *Server) wrapUpRoutes(api huma.API) {
	tags := []string{"calls"}
	register(s, api, huma.Operation{
		OperationID: "getSummary", Method: http.MethodGet, Path: "/api/v1/calls/{id}/summary", Tags: tags,
		Summary: "A call's summary", Errors: []int{http.StatusNotFound}, Responses: notModified(),
	}, func(ctx context.Context, in *summaryInput) (*summaryOutput, error) {
		if _, err := s.deps.Reader.Call(ctx, in.ID); err != nil {
			return nil, err
		}
		out, err := s.deps.WrapUp.SummaryRevision(ctx, in.ID, in.Revision)
		return summaryOut(out), err
	})
	register(s, api, huma.Operation{
		OperationID: "putSummary", Method: http.MethodPut, Path: "/api/v1/calls/{id}/summary", Tags: tags,
		Summary: "Correct the summary of a call that is over",
		Description: "Makes a new revision with these words, in the name of whoever sends them; notes follow it. `If-Match` has the ETag " +
			"of the summary that was read: if it has changed since, nothing is written and the answer is 412. A later revision that the " +
			"transcript makes is kept and named by `automatic`, but these words stay.",
		Errors: []int{
			http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity,
			http.StatusPreconditionRequired,
		},
	}, s.putSummary)
	register(s, api, huma.Operation{
		OperationID: "dispositions", Method: http.MethodGet, Path: "/api/v1/dispositions", Tags: tags,
		Summary: "The outcomes that calls are given",
	}, func(context.Context, *struct{}) (*jsonBody[dispositionList], error) {
		list := s.deps.WrapUp.Dispositions()
		fill(&list)
		return &jsonBody[dispositionList]{Body: dispositionList{list}}, nil
	})
	register(s, api, huma.Operation{
		OperationID: "retryNotes", Method: http.MethodPost, Path: "/api/v1/calls/{id}/notes/retry", Tags: tags,
		Summary:     "Deliver those of a call's notes again that failed for good",
		Description: "As running their dead jobs again, for whoever may see the call.",
		Errors:      []int{http.StatusNotFound},
	}, func(ctx context.Context, in *CallInput) (*jsonBody[replayed], error) {
		n, err := s.deps.WrapUp.RetryNotes(ctx, in.ID)
		return &jsonBody[replayed]{Body: replayed{n}}, err
	})
}

func (s *Server) putSummary(ctx context.Context, in *editInput) (*summaryOutput, error) {
	if in.Body == nil {
		return nil, huma.Error422UnprocessableEntity("say what the summary is to be")
	}
	revision, err := revisionOf(in.IfMatch)
	if err != nil {
		return nil, err
	}
	edit := earshot.SummaryEdit{
		Reason: strings.TrimSpace(in.Body.Reason), Text: strings.TrimSpace(in.Body.Text), Disposition: in.Body.Disposition,
	}
	for _, a := range in.Body.Actions {
		edit.Actions = append(edit.Actions, earshot.Action{
			Text: strings.TrimSpace(a.Text), Owner: a.Owner, Due: strings.TrimSpace(a.Due), UtteranceID: a.UtteranceID,
		})
	}
	if err := s.knownDisposition(ctx, in.ID, edit.Disposition); err != nil {
		return nil, err
	}
	by := in.Body.By
	if p := principalOf(ctx); p.account.ID != "" {
		by = p.account.Login
	}
	out, err := s.deps.WrapUp.EditSummary(ctx, in.ID, revision, edit, cmp.Or(by, "api"))
	return summaryOut(out), err
}

// knownDisposition returns an error unless the outcome may be given, or is what
// the call has from when it might.
func (s *Server) knownDisposition(ctx context.Context, id earshot.CallID, name string) error {
	if name == "" || slices.Contains(s.deps.WrapUp.Dispositions(), name) {
		return nil
	}
	if has, err := s.deps.WrapUp.SummaryRevision(ctx, id, 0); err == nil && has.Disposition == name {
		return nil
	}
	return huma.Error422UnprocessableEntity("the disposition is none of /api/v1/dispositions")
}

func summaryOut(s earshot.Summary) *summaryOutput {
	fillSummary(&s)
	return &summaryOutput{ETag: revisionTag(s.Revision), Body: s}
}

// revisionTag is the ETag of a revision; it need not name the call, whose path
// it is under.
func revisionTag(revision int) string { return `"` + strconv.Itoa(revision) + `"` }

// revisionOf reads If-Match. A proxy that compresses may have made the tag weak,
// which says no less of a revision.
func revisionOf(match string) (int, error) {
	if match == "" {
		return 0, huma.NewError(http.StatusPreconditionRequired, "say by If-Match which revision this corrects: the ETag of the summary")
	}
	tag := strings.Trim(strings.TrimPrefix(strings.TrimSpace(match), "W/"), `"`)
	revision, err := strconv.Atoi(tag)
	if err != nil || revision < 1 {
		return 0, earshot.ErrChanged
	}
	return revision, nil
}
