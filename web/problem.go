package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// problem is what a known error becomes over HTTP.
type problem struct {
	is     error
	status int
	detail string
	// retryAfter is in seconds; 0 leaves the header out.
	retryAfter int
}

var errNotReady = errors.New("recording not ready")

// problems is the one table of errors and their HTTP statuses. What is not in
// it is a 500 that says nothing but where to look.
var problems = []problem{
	{is: earshot.ErrNotFound, status: http.StatusNotFound, detail: "there is no such call"},
	{is: earshot.ErrExists, status: http.StatusConflict, detail: "the id is taken; PUT replaces"},
	{is: earshot.ErrEnded, status: http.StatusConflict, detail: "the call has ended"},
	{is: earshot.ErrNotEnded, status: http.StatusConflict, detail: "the call goes on, or is still being transcribed"},
	{is: earshot.ErrChanged, status: http.StatusPreconditionFailed, detail: "somebody else has changed this since it was read; read it again"},
	{is: earshot.ErrRunning, status: http.StatusConflict, detail: "this is being done already"},
	{is: earshot.ErrManaged, status: http.StatusConflict, detail: "this comes from a file of the server's (directory.file) and is changed there"},
	{is: errNotReady, status: http.StatusConflict, detail: "recording not ready", retryAfter: 5},
	{is: ErrCursor, status: http.StatusBadRequest, detail: "the cursor is not of an answer to this query"},
	{is: errTooManyReaders, status: http.StatusServiceUnavailable, detail: "too many readers of events", retryAfter: 10},
	{is: errBrokerClosed, status: http.StatusServiceUnavailable, detail: "the server is stopping", retryAfter: 5},
	{is: context.DeadlineExceeded, status: http.StatusServiceUnavailable, detail: "this took too long", retryAfter: 5},
	{is: context.Canceled, status: http.StatusServiceUnavailable, detail: "the request was cancelled"},
}

// mask returns the problem document of an error, and logs those whose cause
// the client is not told.
func (s *Server) mask(ctx context.Context, err error) error {
	if _, ok := errors.AsType[huma.StatusError](err); ok {
		return err
	}
	if e, ok := errors.AsType[*earshot.AccountError](err); ok {
		return huma.Error422UnprocessableEntity(e.Why)
	}
	for _, p := range problems {
		if !errors.Is(err, p.is) {
			continue
		}
		doc := huma.NewError(p.status, p.detail)
		if p.retryAfter == 0 {
			return doc
		}
		return huma.ErrorWithHeaders(doc, http.Header{"Retry-After": {strconv.Itoa(p.retryAfter)}})
	}
	id := requestID(ctx)
	s.log.ErrorContext(ctx, "request not answered", "request_id", id, "error", err)
	return huma.NewError(http.StatusInternalServerError, internalDetail(id))
}

func internalDetail(requestID string) string {
	return "something went wrong in the server; its log has the cause under request " + requestID
}

// writeProblem writes a problem document (RFC 9457) outside of the API's own
// handlers.
func writeProblem(w http.ResponseWriter, status int, detail string) {
	h := w.Header()
	h.Del("Content-Length")
	h.Del("Content-Disposition")
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(huma.ErrorModel{
		Title: http.StatusText(status), Status: status, Detail: detail,
	})
}
