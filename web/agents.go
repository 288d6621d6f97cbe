package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// Directory is who works in the contact centre. It is safe for concurrent use.
type Directory interface {
	// Entries returns everything, each list by ID. It is not changed.
	Entries() earshot.Directory
	// Save inserts or replaces entries by ID. With create an ID that is taken is
	// earshot.ErrExists; earshot.ErrManaged says that a file has the directory,
	// an *earshot.DirectoryError what can't be used.
	Save(ctx context.Context, d earshot.Directory, create bool) error
}

// noDirectory stands in where there is none.
type noDirectory struct{}

func (noDirectory) Entries() earshot.Directory { return earshot.Directory{} }
func (noDirectory) Save(context.Context, earshot.Directory, bool) error {
	return earshot.ErrManaged
}

// agentBody, teamBody and queueBody are what a client sends: the ID may be left
// out where the path has it or a new one is to be made.
type agentBody struct {
	ID         string   `json:"id,omitempty" maxLength:"200" doc:"Left out: made by the server, or that of the path."`
	Name       string   `json:"name" maxLength:"200"`
	Extensions []string `json:"extensions,omitempty" maxItems:"100" doc:"Numbers the agent is reached under, short or whole."`
	AORs       []string `json:"aors,omitempty" maxItems:"100" doc:"Addresses of record: sip:mira@desk.example."`
	Team       string   `json:"team,omitempty" maxLength:"200" doc:"ID of a team."`
}

type teamBody struct {
	ID   string `json:"id,omitempty" maxLength:"200" doc:"Left out: made by the server, or that of the path."`
	Name string `json:"name" maxLength:"200"`
}

type queueBody struct {
	ID      string   `json:"id,omitempty" maxLength:"200" doc:"Left out: made by the server, or that of the path."`
	Name    string   `json:"name" maxLength:"200"`
	Numbers []string `json:"numbers,omitempty" maxItems:"1000" doc:"What callers dial."`
}

func (s *Server) agentRoutes(api huma.API) {
	directoryRoutes(s, api, entryKind[earshot.Agent, agentBody]{
		one: "Agent", many: "agents", id: func(a earshot.Agent) string { return a.ID },
		list: func(d earshot.Directory) []earshot.Agent { return d.Agents },
		make: func(id string, b agentBody) (string, earshot.Agent) {
			v := earshot.Agent{ID: id, Name: b.Name, Extensions: b.Extensions, AORs: b.AORs, Team: b.Team}
			return b.ID, *filledAgent(&v)
		},
		set:    func(d *earshot.Directory, a earshot.Agent) { d.Agents = append(d.Agents, a) },
		filled: filledAgent,
	})
	directoryRoutes(s, api, entryKind[earshot.Team, teamBody]{
		one: "Team", many: "teams", id: func(t earshot.Team) string { return t.ID },
		list:   func(d earshot.Directory) []earshot.Team { return d.Teams },
		make:   func(id string, b teamBody) (string, earshot.Team) { return b.ID, earshot.Team{ID: id, Name: b.Name} },
		set:    func(d *earshot.Directory, t earshot.Team) { d.Teams = append(d.Teams, t) },
		filled: func(t *earshot.Team) *earshot.Team { return t },
	})
	directoryRoutes(s, api, entryKind[earshot.Queue, queueBody]{
		one: "Queue", many: "queues", id: func(q earshot.Queue) string { return q.ID },
		list: func(d earshot.Directory) []earshot.Queue { return d.Queues },
		make: func(id string, b queueBody) (string, earshot.Queue) {
			v := earshot.Queue{ID: id, Name: b.Name, Numbers: b.Numbers}
			return b.ID, *filledQueue(&v)
		},
		set:    func(d *earshot.Directory, q earshot.Queue) { d.Queues = append(d.Queues, q) },
		filled: filledQueue,
	})
}

func filledAgent(a *earshot.Agent) *earshot.Agent {
	fill(&a.Extensions)
	fill(&a.AORs)
	return a
}

func filledQueue(q *earshot.Queue) *earshot.Queue {
	fill(&q.Numbers)
	return q
}

// entryKind is one of the lists of the directory: T is what it has, B what a
// client sends.
type entryKind[T, B any] struct {
	one, many string
	id        func(T) string
	list      func(earshot.Directory) []T
	// make returns the ID in the body, and the entry with the one given.
	make   func(id string, body B) (string, T)
	set    func(d *earshot.Directory, v T)
	filled func(*T) *T
}

// EntryInput is the path of an entry of the directory. It is exported since the
// router reads only exported embedded fields.
type EntryInput struct {
	ID string `path:"id" maxLength:"200" doc:"ID of the entry."`
}

type putInput[B any] struct {
	EntryInput
	Body B
}

type postInput[B any] struct{ Body B }

func directoryRoutes[T, B any](s *Server, api huma.API, k entryKind[T, B]) {
	base, tags := "/api/v1/"+k.many, []string{"directory"}
	register(s, api, huma.Operation{
		OperationID: "list" + k.one + "s", Method: http.MethodGet, Path: base, Tags: tags,
		Summary: "All " + k.many + " by their IDs",
	}, func(context.Context, *struct{}) (*jsonBody[page[T]], error) {
		list := append([]T(nil), k.list(s.deps.Directory.Entries())...)
		for i := range list {
			k.filled(&list[i])
		}
		return pageOf(list, ""), nil
	})
	register(s, api, huma.Operation{
		OperationID: "get" + k.one, Method: http.MethodGet, Path: base + "/{id}", Tags: tags,
		Summary: "One of the " + k.many, Errors: []int{http.StatusNotFound},
	}, func(_ context.Context, in *EntryInput) (*jsonBody[T], error) {
		for _, v := range k.list(s.deps.Directory.Entries()) {
			if k.id(v) == in.ID {
				return &jsonBody[T]{Body: *k.filled(&v)}, nil
			}
		}
		return nil, huma.Error404NotFound("there is no such entry among the " + k.many)
	})
	bad := []int{http.StatusForbidden, http.StatusConflict, http.StatusUnprocessableEntity}
	register(s, api, huma.Operation{
		OperationID: "put" + k.one, Method: http.MethodPut, Path: base + "/{id}", Tags: tags,
		Summary: "Make or replace one of the " + k.many, Errors: bad,
	}, func(ctx context.Context, in *putInput[B]) (*jsonBody[T], error) {
		id, v := k.make(in.ID, in.Body)
		if id != "" && id != in.ID {
			return nil, huma.Error422UnprocessableEntity("the id of the body is not that of the path")
		}
		return saveEntry(ctx, s, k, v, false)
	})
	register(s, api, huma.Operation{
		OperationID: "post" + k.one, Method: http.MethodPost, Path: base, Tags: tags,
		Summary: "Make one of the " + k.many, Errors: bad,
	}, func(ctx context.Context, in *postInput[B]) (*jsonBody[T], error) {
		id, _ := k.make("", in.Body)
		if id == "" {
			id = earshot.NewID()
		}
		_, v := k.make(id, in.Body)
		return saveEntry(ctx, s, k, v, true)
	})
}

func saveEntry[T, B any](ctx context.Context, s *Server, k entryKind[T, B], v T, create bool) (*jsonBody[T], error) {
	var d earshot.Directory
	k.set(&d, v)
	err := s.deps.Directory.Save(ctx, d, create)
	if e, ok := errors.AsType[*earshot.DirectoryError](err); ok {
		return nil, huma.Error422UnprocessableEntity(e.Error())
	}
	if err != nil {
		return nil, err
	}
	return &jsonBody[T]{Body: v}, nil
}
