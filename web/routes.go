package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// routes makes the handler of everything.
func (s *Server) routes() (http.Handler, error) {
	sameSite, err := s.sameSite()
	if err != nil {
		return nil, err
	}
	r := chi.NewRouter()
	r.Use(s.observe, s.protect, s.ownHost, sameSite, s.identify,
		middleware.Compress(5, "application/json", "application/problem+json", "text/html", "text/css",
			"text/javascript", "image/svg+xml", "text/plain", "text/vtt", "application/x-subrip"),
		middleware.GetHead, revalidate)
	r.NotFound(notFound)
	r.MethodNotAllowed(methodNotAllowed(r))
	api := humachi.New(r, s.apiConfig())
	s.sessionRoutes(api)
	s.externalRoutes(api)
	s.accountRoutes(api)
	s.callRoutes(api)
	s.pauseRoutes(api)
	s.againRoutes(api)
	s.connectorRoutes(api)
	s.insightRoutes(api)
	s.feedbackRoutes(api)
	s.wrapUpRoutes(api)
	s.mediaRoutes(api)
	s.sipRoutes(api)
	s.eventRoutes(api)
	s.searchRoutes(api)
	s.analyticsRoutes(api)
	s.jobRoutes(api)
	s.agentRoutes(api)
	s.healthRoutes(api)
	if err := s.describe(r, api); err != nil {
		return nil, err
	}
	if err := pageRoutes(r); err != nil {
		return nil, err
	}
	return r, nil
}

// apiConfig has no documentation page, since that would load scripts from
// elsewhere, and no $schema in the answers.
func (s *Server) apiConfig() huma.Config {
	cfg := huma.DefaultConfig("Earshot", s.cfg.Version)
	cfg.Info.Description = "Calls, their transcripts, suggestions, summaries and notes, live and past.\n\n" +
		"Lists are `{\"items\": [...], \"next\": \"cursor\"}`; `next` is empty on the last page, else it is " +
		"the `cursor` of the next one. Errors are problem documents (RFC 9457)."
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath, cfg.CreateHooks = "", "", "", nil
	if s.public != nil {
		cfg.Servers = []*huma.Server{{URL: s.public.String()}}
	}
	return cfg
}

// register adds an operation whose errors are masked, for those who may do it.
func register[I, O any](s *Server, api huma.API, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	n, decided := needs[op.OperationID]
	if !decided {
		panic("web: nobody has decided who may do " + op.OperationID) // a bug, seen at the start
	}
	op.Errors = refusals(op, n)
	op.Middlewares = append(op.Middlewares, s.gate(api, n))
	huma.Register(api, op, func(ctx context.Context, in *I) (*O, error) {
		if err := s.admit(ctx, n, in); err != nil {
			return nil, s.mask(ctx, err)
		}
		out, err := handle(ctx, in)
		if err != nil {
			return nil, s.mask(ctx, err)
		}
		return out, nil
	})
}

// refusals returns the errors of an operation, with those of its gate.
func refusals(op huma.Operation, n need) []int {
	if n.role == "" {
		return op.Errors
	}
	out := slices.Clone(op.Errors)
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		if !slices.Contains(out, status) {
			out = append(out, status)
		}
	}
	return out
}

func (s *Server) healthRoutes(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "alive", Method: http.MethodGet, Path: "/livez", Tags: []string{"health"},
		Summary: "Whether the process is alive",
	}, func(context.Context, *struct{}) (*jsonBody[health], error) {
		return &jsonBody[health]{Body: health{Status: "alive"}}, nil
	})
	register(s, api, huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/readyz", Tags: []string{"health"},
		Summary: "Whether the server can take calls", Errors: []int{http.StatusServiceUnavailable},
	}, func(context.Context, *struct{}) (*jsonBody[health], error) {
		if problems := s.deps.Ready(); len(problems) > 0 {
			return nil, huma.Error503ServiceUnavailable("not ready", problems...)
		}
		return &jsonBody[health]{Body: health{Status: "ready"}}, nil
	})
	gather := promhttp.HandlerFor(s.deps.Gatherer, promhttp.HandlerOpts{})
	register(s, api, huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Tags: []string{"health"},
		Summary: "Metrics in the Prometheus format", Responses: rawResponse("The metrics", "text/plain"),
	}, func(context.Context, *struct{}) (*huma.StreamResponse, error) {
		return raw(gather.ServeHTTP), nil
	})
}

type health struct {
	Status string `json:"status" enum:"alive,ready"`
}

type jsonBody[T any] struct{ Body T }

// raw hands an answer to a plain HTTP handler.
func raw(h http.HandlerFunc) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humachi.Unwrap(ctx)
		h(w, r)
	}}
}

// rawResponse describes an answer that is not JSON.
func rawResponse(description string, types ...string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return map[string]*huma.Response{"200": {Description: description, Content: content}}
}

// describe serves the OpenAPI document, encoded once.
func (s *Server) describe(r chi.Router, api huma.API) error {
	s.spec = api.OpenAPI()
	tightenSchemas(s.spec.Components.Schemas)
	doc, err := json.Marshal(s.spec)
	if err != nil {
		return fmt.Errorf("encode API description: %w", err)
	}
	r.Get("/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc)
	})
	return nil
}

// tightenSchemas says what the root package's types can't: lists are never
// null, a call may have no summary and a stream no quality, and answers may
// grow new fields; requests (the types named ...Body) may not.
func tightenSchemas(registry huma.Registry) {
	for name, schema := range registry.Map() {
		if schema.AdditionalProperties == false && !strings.HasSuffix(name, "Body") {
			schema.AdditionalProperties = nil
		}
		for field, p := range schema.Properties {
			if p.Type == huma.TypeArray && name != "ErrorModel" {
				p.Nullable = false
			}
			if name == "Call" && field == "summary" || name == "Stream" && field == "quality" {
				either := &huma.Schema{AnyOf: []*huma.Schema{p, {Type: "null"}}}
				either.PrecomputeMessages()
				schema.Properties[field] = either
			}
		}
	}
}

func writeJSON(v any) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/json")
		if err := huma.DefaultJSONFormat.Marshal(ctx.BodyWriter(), v); err != nil {
			panic(http.ErrAbortHandler) // the connection is gone
		}
	}}
}
