package web

import (
	"context"
	"maps"
	"net/http"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
	"earshot/web/export"
)

const maxLimit = 500

// page is every list of the API.
type page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next" doc:"Cursor of the next page, empty on the last one."`
}

func pageOf[T any](items []T, next string) *jsonBody[page[T]] {
	fill(&items)
	return &jsonBody[page[T]]{Body: page[T]{Items: items, Next: next}}
}

// CallInput is the path of a call. It is exported since the router reads only
// exported embedded fields.
type CallInput struct {
	ID earshot.CallID `path:"id" maxLength:"64" doc:"ID of the call."`
}

type callsInput struct {
	State  string `query:"state" enum:"live,ended" doc:"Only live calls, or all the others."`
	Tag    string `query:"tag" maxLength:"200" doc:"Only calls with this tag, such as caller:+15550100 or ucid:0001000758a20efb."`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at the most."`
	Cursor string `query:"cursor" maxLength:"512" doc:"The next of the page before."`
}

func (s *Server) callRoutes(api huma.API) {
	tags := []string{"calls"}
	register(s, api, huma.Operation{
		OperationID: "listCalls", Method: http.MethodGet, Path: "/api/v1/calls", Tags: tags,
		Summary: "Calls, newest first", Errors: []int{http.StatusBadRequest, http.StatusUnprocessableEntity},
		Responses: notModified(),
	}, s.listCalls)
	register(s, api, huma.Operation{
		OperationID: "getCall", Method: http.MethodGet, Path: "/api/v1/calls/{id}", Tags: tags,
		Summary: "One call", Errors: []int{http.StatusNotFound}, Responses: notModified(),
	}, s.getCall)
	register(s, api, huma.Operation{
		OperationID: "getTranscript", Method: http.MethodGet, Path: "/api/v1/calls/{id}/transcript", Tags: tags,
		Summary: "Final utterances of a call by their start",
		Description: "Without a format this is a list of utterances. With one it is a file: plain text, " +
			"SubRip or WebVTT subtitles, or JSON with the call and the speakers' names. A call that was transcribed again has " +
			"several transcripts: the newest counts, the others are its earlier revisions.",
		Errors: []int{http.StatusNotFound}, Responses: transcriptResponses(api.OpenAPI().Components.Schemas),
	}, s.getTranscript)
	register(s, api, huma.Operation{
		OperationID: "listMetadata", Method: http.MethodGet, Path: "/api/v1/calls/{id}/metadata", Tags: tags,
		Summary:     "Recording metadata of a call's sessions",
		Description: "What the documents of RFC 7865 add up to, for each recording session, with the documents as they came.",
		Errors:      []int{http.StatusNotFound},
	}, s.listMetadata)
	register(s, api, huma.Operation{
		OperationID: "listSuggestions", Method: http.MethodGet, Path: "/api/v1/calls/{id}/suggestions", Tags: tags,
		Summary: "What was shown to the agent", Errors: []int{http.StatusNotFound},
	}, s.listSuggestions)
	register(s, api, huma.Operation{
		OperationID: "listNotes", Method: http.MethodGet, Path: "/api/v1/calls/{id}/notes", Tags: tags,
		Summary: "The call's notes and how their delivery stands", Errors: []int{http.StatusNotFound},
	}, s.listNotes)
}

func (s *Server) listCalls(ctx context.Context, in *callsInput) (*jsonBody[page[earshot.Call]], error) {
	calls, next, err := s.deps.Reader.Calls(ctx, CallQuery{State: in.State, Tag: in.Tag, Audience: audienceOf(ctx), Limit: in.Limit, Before: in.Cursor})
	if err != nil {
		return nil, err
	}
	for i := range calls {
		calls[i] = s.live(calls[i])
	}
	return pageOf(calls, next), nil
}

func (s *Server) getCall(ctx context.Context, in *CallInput) (*jsonBody[earshot.Call], error) {
	c, err := s.deps.Reader.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &jsonBody[earshot.Call]{Body: s.live(c)}, nil
}

func (s *Server) listMetadata(ctx context.Context, in *CallInput) (*jsonBody[page[earshot.SegmentMetadata]], error) {
	if _, err := s.deps.Reader.Call(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := s.deps.Reader.Metadata(ctx, in.ID)
	return pageOf(list, ""), err
}

func (s *Server) listSuggestions(ctx context.Context, in *CallInput) (*jsonBody[page[earshot.Suggestion]], error) {
	if _, err := s.deps.Reader.Call(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := s.deps.Reader.Suggestions(ctx, in.ID)
	return pageOf(list, ""), err
}

func (s *Server) listNotes(ctx context.Context, in *CallInput) (*jsonBody[page[earshot.Delivery]], error) {
	if _, err := s.deps.Reader.Call(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := s.deps.Reader.Deliveries(ctx, in.ID)
	for i := range list {
		fillNote(&list[i].Note)
	}
	return pageOf(list, ""), err
}

type transcriptInput struct {
	CallInput
	Format   string `query:"format" enum:"text,srt,vtt,json" doc:"Format of a file; a list without it."`
	Revision int    `query:"revision" minimum:"-1" default:"-1" doc:"That of an earlier transcript, 0 for the first. Default: the newest."`
}

func transcriptResponses(registry huma.Registry) map[string]*huma.Response {
	r := rawResponse("The transcript", "text/plain", "application/x-subrip", "text/vtt")
	r["200"].Content["application/json"] = &huma.MediaType{Schema: &huma.Schema{OneOf: []*huma.Schema{
		huma.SchemaFromType(registry, reflect.TypeFor[page[earshot.Utterance]]()),
		huma.SchemaFromType(registry, reflect.TypeFor[export.Transcript]()),
	}}}
	maps.Copy(r, notModified())
	return r
}

func (s *Server) getTranscript(ctx context.Context, in *transcriptInput) (*huma.StreamResponse, error) {
	call, err := s.deps.Reader.Call(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	var us []earshot.Utterance
	switch {
	case in.Revision > call.TranscriptRevision:
		return nil, huma.Error404NotFound("the call has no such transcript")
	case in.Revision < 0 || in.Revision == call.TranscriptRevision:
		us, err = s.deps.Reader.Utterances(ctx, in.ID)
	default:
		us, err = s.deps.Reader.EarlierTranscript(ctx, in.ID, in.Revision)
	}
	if err != nil {
		return nil, err
	}
	if in.Format == "" {
		return writeJSON(pageOf(us, "").Body), nil
	}
	var out strings.Builder
	format := export.Format(in.Format)
	if err := export.Write(&out, format, s.live(call), us); err != nil {
		return nil, err
	}
	return raw(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", format.ContentType())
		w.Header().Set("Content-Disposition", `inline; filename="`+string(call.ID)+format.Extension()+`"`)
		_, _ = w.Write([]byte(out.String()))
	}), nil
}
