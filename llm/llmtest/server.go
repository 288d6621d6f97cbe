// Package llmtest is a strict OpenAI-compatible endpoint for tests: it refuses
// what the protocol does not know, streams, and fails in the ways endpoints do.
package llmtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Request is what the endpoint was asked.
type Request struct {
	// System and User are the two messages.
	System, User string
	// Schema is the name of the answer's schema.
	Schema string
	Stream bool
}

// Reply is what it answers. The zero value is an empty answer.
type Reply struct {
	// Status is refused with unless it is 0.
	Status int
	// Text is the answer, streamed in pieces where a stream was asked for.
	Text string
	// Silent says nothing after the text until the client is gone.
	Silent bool
	// Broken ends the stream within the answer.
	Broken bool
}

// Server is a running endpoint.
type Server struct {
	// URL is the base URL, ending in /v1.
	URL string

	close func()

	mu    sync.Mutex
	asked []Request
}

// New starts an endpoint on loopback, which ends with the test. answer is called
// for each request that is as the protocol wants it; others fail the test.
func New(t testing.TB, answer func(Request) Reply) *Server {
	t.Helper()
	s := Start(answer, func(err error) { t.Errorf("request to the language model: %v", err) })
	t.Cleanup(s.Close)
	return s
}

// Start is New without a test: refused is told of requests that are not as the
// protocol wants them, and the caller closes the endpoint.
func Start(answer func(Request) Reply, refused func(error)) *Server {
	s := &Server{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req, err := read(r)
		if err != nil {
			refused(err)
			http.Error(w, `{"error":{"message":"bad request"}}`, http.StatusUnprocessableEntity)
			return
		}
		s.mu.Lock()
		s.asked = append(s.asked, req)
		s.mu.Unlock()
		answer(req).write(w, r, req.Stream)
	}))
	s.URL, s.close = srv.URL+"/v1", srv.Close
	return s
}

// Close ends the endpoint.
func (s *Server) Close() { s.close() }

// Asked returns the requests so far.
func (s *Server) Asked() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.asked...)
}

// read takes only what a client of ours may send.
func read(r *http.Request) (Request, error) {
	var body struct {
		Model     string                           `json:"model"`
		Messages  []struct{ Role, Content string } `json:"messages"`
		MaxTokens int                              `json:"max_completion_tokens"`
		Stream    bool                             `json:"stream"`
		Options   *struct {
			Usage bool `json:"include_usage"`
		} `json:"stream_options"`
		Format struct {
			Type   string `json:"type"`
			Schema struct {
				Name   string `json:"name"`
				Strict bool   `json:"strict"`
				Schema struct {
					Type       string                     `json:"type"`
					Properties map[string]json.RawMessage `json:"properties"`
					Required   []string                   `json:"required"`
					More       *bool                      `json:"additionalProperties"`
				} `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&body); err != nil {
		return Request{}, fmt.Errorf("decode: %w", err)
	}
	s := body.Format.Schema
	switch {
	case r.Method != http.MethodPost || r.URL.Path != "/v1/chat/completions":
		return Request{}, fmt.Errorf("%s %s", r.Method, r.URL.Path)
	case body.Model == "" || body.MaxTokens <= 0:
		return Request{}, fmt.Errorf("model %q, %d tokens", body.Model, body.MaxTokens)
	case len(body.Messages) != 2 || body.Messages[0].Role != "system" || body.Messages[1].Role != "user":
		return Request{}, fmt.Errorf("%d messages", len(body.Messages))
	case body.Format.Type != "json_schema" || !s.Strict || s.Schema.Type != "object" || s.Schema.More == nil || *s.Schema.More:
		return Request{}, fmt.Errorf("format %s of %q is not strict", body.Format.Type, s.Name)
	case len(s.Schema.Required) != len(s.Schema.Properties):
		return Request{}, fmt.Errorf("schema %s: not all properties are required", s.Name)
	case body.Stream != (body.Options != nil):
		return Request{}, fmt.Errorf("stream options without a stream, or none for one")
	}
	return Request{System: body.Messages[0].Content, User: body.Messages[1].Content, Schema: s.Name, Stream: body.Stream}, nil
}

func (p Reply) write(w http.ResponseWriter, r *http.Request, stream bool) {
	switch {
	case p.Status != 0:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(p.Status)
		fmt.Fprint(w, `{"error":{"message":"no","type":"some_error","code":"x"}}`)
	case stream:
		p.stream(w, r)
	case p.Silent:
		<-r.Context().Done()
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"1","object":"chat.completion","choices":[{"index":0,"finish_reason":"stop",
			"message":{"role":"assistant","content":%s}}],"usage":{"prompt_tokens":60,"completion_tokens":40,"total_tokens":100}}`, quote(p.Text))
	}
}

func (p Reply) stream(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	flush := http.NewResponseController(w).Flush
	text := []rune(p.Text)
	if p.Broken || p.Silent {
		text = text[:len(text)/2]
	}
	for len(text) > 0 {
		n := min(9, len(text))
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}]}\n\n", quote(string(text[:n])))
		_ = flush() // the client may be gone
		text = text[n:]
	}
	if p.Silent {
		_ = flush()
		<-r.Context().Done()
	}
	if p.Broken || p.Silent {
		return
	}
	fmt.Fprint(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"+
		"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":60,\"completion_tokens\":40,\"total_tokens\":100}}\n\ndata: [DONE]\n\n")
}

func quote(s string) string {
	raw, _ := json.Marshal(s) // a string always marshals
	return string(raw)
}
