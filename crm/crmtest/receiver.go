// Package crmtest holds what tests of connectors share: a strict receiver of
// webhooks that misbehaves on demand, and the contract every connector passes.
package crmtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/crm/webhook"
)

// maxBody is the longest request taken, in bytes.
const maxBody = 4 << 20

// Fault is what a receiver does to one request instead of taking it well. The
// zero value is no fault.
type Fault struct {
	// Status is the answer when it is not 0.
	Status int
	// RetryAfter is that header of the answer, "" for none.
	RetryAfter string
	// Location is that header of the answer, "" for none.
	Location string
	// Body is that of the answer, of status 200 when Status is 0. Only a [Proxy]
	// gives it.
	Body string
	// Drop closes the connection without an answer, after reading.
	Drop bool
	// Stall gives no answer before the client has gone.
	Stall bool
	// Keep takes the note nevertheless: only the answer is lost or wrong.
	Keep bool
}

// Receiver is an [http.Handler] that takes notes as a careful receiver would:
// only POST with JSON, signed, of now, and each webhook-id once. It is safe for
// concurrent use.
type Receiver struct {
	secret string

	mu       sync.Mutex
	faults   []Fault
	requests []Request
	seen     map[string]bool
	notes    map[earshot.NoteID]earshot.Note
	order    []earshot.NoteID
}

// Request is one request as it came.
type Request struct {
	ID     string
	Header http.Header
	Body   []byte
	// Problem is why the request was refused, "" when it was well formed.
	Problem string
	// Double is set when the ID had been taken before.
	Double bool
	At     time.Time
}

// NewReceiver makes a receiver that knows the secret.
func NewReceiver(secret string) *Receiver {
	return &Receiver{secret: secret, seen: map[string]bool{}, notes: map[earshot.NoteID]earshot.Note{}}
}

// Fail has the next requests meet these faults, one each, in order. They are
// used up by well-formed requests only.
func (r *Receiver) Fail(faults ...Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, faults...)
}

// Notes returns the notes taken, each in its newest revision, in the order
// they first came.
func (r *Receiver) Notes() []earshot.Note {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]earshot.Note, 0, len(r.order))
	for _, id := range r.order {
		out = append(out, r.notes[id])
	}
	return out
}

// Requests returns all requests so far.
func (r *Receiver) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// ServeHTTP takes or refuses one request.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	note, status, problem := r.read(req, body, err)
	fault := r.record(req, body, note, problem)
	switch {
	case problem != "":
		http.Error(w, problem, status)
	case fault.Stall:
		<-req.Context().Done()
	case fault.Drop:
		panic(http.ErrAbortHandler)
	case fault.Status != 0:
		setIf(w.Header(), "Retry-After", fault.RetryAfter)
		setIf(w.Header(), "Location", fault.Location)
		w.WriteHeader(fault.Status)
	default:
		w.WriteHeader(http.StatusNoContent)
	}
}

func setIf(h http.Header, key, value string) {
	if value != "" {
		h.Set(key, value)
	}
}

// read checks a request all over and returns its note, or a status and what is
// wrong.
func (r *Receiver) read(req *http.Request, body []byte, readErr error) (n earshot.Note, status int, problem string) {
	if readErr != nil {
		return n, http.StatusBadRequest, "body: " + readErr.Error()
	}
	if req.Method != http.MethodPost {
		return n, http.StatusMethodNotAllowed, "method " + req.Method
	}
	if t, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return n, http.StatusUnsupportedMediaType, "content type is not application/json"
	}
	if err := webhook.Verify(r.secret, req.Header, body, webhook.DefaultTolerance); err != nil {
		return n, http.StatusUnauthorized, err.Error()
	}
	n, err := parse(body)
	if err != nil {
		return n, http.StatusUnprocessableEntity, err.Error()
	}
	if strings.Contains(req.Header.Get(webhook.HeaderID), ".") {
		return n, http.StatusBadRequest, "a dot in the webhook-id"
	}
	return n, 0, ""
}

func parse(body []byte) (earshot.Note, error) {
	var event struct {
		Type      string          `json:"type"`
		Timestamp time.Time       `json:"timestamp"`
		Data      json.RawMessage `json:"data"`
	}
	var n earshot.Note
	if err := json.Unmarshal(body, &event); err != nil {
		return n, fmt.Errorf("body: %w", err)
	}
	if event.Type != webhook.EventType || event.Timestamp.IsZero() {
		return n, errors.New("type or timestamp is wrong")
	}
	if err := json.Unmarshal(event.Data, &n); err != nil {
		return n, fmt.Errorf("data: %w", err)
	}
	if n.ID == "" || n.CallID == "" || n.Revision < 1 {
		return n, errors.New("the note lacks id, call or revision")
	}
	return n, nil
}

// record notes a request, keeps its note if it is to be kept, and returns the
// fault it meets.
func (r *Receiver) record(req *http.Request, body []byte, n earshot.Note, problem string) (f Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := req.Header.Get(webhook.HeaderID)
	r.requests = append(r.requests, Request{
		ID: id, Header: req.Header.Clone(), Body: body, Problem: problem, Double: r.seen[id], At: time.Now(),
	})
	if problem != "" {
		return f
	}
	if len(r.faults) > 0 {
		f, r.faults = r.faults[0], r.faults[1:]
	}
	if f != (Fault{}) && !f.Keep || r.seen[id] {
		return f
	}
	r.seen[id] = true
	old, known := r.notes[n.ID]
	if !known {
		r.order = append(r.order, n.ID)
	}
	if n.Revision > old.Revision {
		r.notes[n.ID] = n
	}
	return f
}
