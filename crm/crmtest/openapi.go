package crmtest

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// ErrUnauthorized says that a request lacks the credentials its operation needs.
var ErrUnauthorized = errors.New("unauthorized")

// API is a slice of a vendor's API, as an OpenAPI file in our own words has it.
// It is safe for concurrent use.
type API struct {
	router     routers.Router
	authorized func(*http.Request) bool
}

// OpenAPI reads such a file. authorized says of a request to an operation that
// needs credentials whether it has them.
func OpenAPI(t testing.TB, file string, authorized func(*http.Request) bool) *API {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &API{router: router, authorized: authorized}
}

// Check returns the operation of a request with the parameters in its path, and
// an error unless the request is as the file has it: one of ErrUnauthorized, or
// one that says what is wrong. The body can be read afterwards.
func (a *API) Check(r *http.Request) (operation string, path map[string]string, err error) {
	route, path, err := a.router.FindRoute(r)
	if err != nil {
		return "", nil, err
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: path, Route: route, QueryParams: r.URL.Query(),
		Options: &openapi3filter.Options{
			AuthenticationFunc: func(_ context.Context, in *openapi3filter.AuthenticationInput) error {
				if !a.authorized(in.RequestValidationInput.Request) {
					return ErrUnauthorized
				}
				return nil
			},
		},
	})
	if refused, ok := errors.AsType[*openapi3filter.SecurityRequirementsError](err); ok {
		err = errors.Join(append(refused.Errors, ErrUnauthorized)...)
	}
	return route.Operation.OperationID, path, err
}
