package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

type searchInput struct {
	Text      string            `query:"q" required:"true" minLength:"1" maxLength:"400" doc:"Words that must all occur; \"a phrase\" in quotes, a beginning with *."`
	Call      earshot.CallID    `query:"call" maxLength:"64" doc:"Only in this call."`
	Role      earshot.Role      `query:"role" enum:"agent,customer,unknown" doc:"Only what this party said."`
	Agent     string            `query:"agent" maxLength:"200" doc:"Only calls of this agent: an ID of the directory."`
	Direction earshot.Direction `query:"direction" enum:"inbound,outbound,internal,unknown" doc:"Only calls of this direction."`
	Tag       string            `query:"tag" maxLength:"200" doc:"Only calls with this tag."`
	From      time.Time         `query:"from" doc:"Only calls that began then or later."`
	To        time.Time         `query:"to" doc:"Only calls that began before."`
	Longer    int64             `query:"longer" minimum:"0" maximum:"604800" doc:"Only calls that took at least so many seconds."`
	Rank      bool              `query:"rank" doc:"Best match first, not newest."`
	Limit     int               `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"How many at the most."`
	Cursor    string            `query:"cursor" maxLength:"512" doc:"The next of the page before."`
}

// Hit is one utterance that a search found.
type Hit struct {
	earshot.Utterance
	Speaker       string    `json:"speaker" doc:"Name of who spoke, empty when unknown."`
	CallStartedAt time.Time `json:"call_started_at"`
	Snippet       string    `json:"snippet" doc:"The part of the text around the words."`
	// Parts is the snippet cut at the words found.
	Parts []Part `json:"parts" nullable:"false" doc:"The snippet, cut so that the words found can be marked."`
}

// Part is a piece of a snippet.
type Part struct {
	Text  string `json:"text"`
	Match bool   `json:"match"`
}

func (s *Server) searchRoutes(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "search", Method: http.MethodGet, Path: "/api/v1/search", Tags: []string{"search"},
		Summary: "Utterances that have all the words",
		Errors:  []int{http.StatusBadRequest, http.StatusUnprocessableEntity},
	}, s.search)
}

func (s *Server) search(ctx context.Context, in *searchInput) (*jsonBody[page[Hit]], error) {
	found, next, err := s.deps.Reader.Search(ctx, SearchQuery{
		Text: in.Text, CallID: in.Call, Role: in.Role, From: in.From, To: in.To, Direction: in.Direction, Tag: in.Tag,
		AgentID: in.Agent, Longer: time.Duration(in.Longer) * time.Second, Audience: audienceOf(ctx), Rank: in.Rank, Limit: in.Limit, Before: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	hits := make([]Hit, len(found))
	for i, f := range found {
		parts := cut(f.Snippet)
		hits[i] = Hit{
			Utterance: f.Utterance, Speaker: f.Speaker, CallStartedAt: f.CallStartedAt,
			Snippet: joined(parts), Parts: parts,
		}
	}
	return pageOf(hits, next), nil
}

// cut divides a snippet at its marks.
func cut(snippet string) []Part {
	parts := []Part{}
	for snippet != "" {
		before, rest, _ := strings.Cut(snippet, MarkStart)
		if before != "" {
			parts = append(parts, Part{Text: before})
		}
		word, after, _ := strings.Cut(rest, MarkEnd)
		if word != "" {
			parts = append(parts, Part{Text: word, Match: true})
		}
		snippet = after
	}
	return parts
}

func joined(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}
