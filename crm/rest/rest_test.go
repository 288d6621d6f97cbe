package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, h http.HandlerFunc, cfg rest.Config) *rest.Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg.System, cfg.URL = "acme", srv.URL+"/api/"
	c, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func code(body []byte) string {
	var a struct {
		Code string `json:"code"`
	}
	_ = json.Unmarshal(body, &a)
	return a.Code
}

// TestOutcomes is the table of the package comment.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		status                   int
		body, after              string
		asks, ignored            bool // ignored: the answer is of no interest
		permanent, unknown, gone bool
		wait                     time.Duration
	}{
		{status: 302, permanent: true},
		{status: 400, body: `{"code":"BAD"}`, permanent: true},
		{status: 400, body: `{"code":"PASSES"}`},
		{status: 400, body: `{"code":"secret text, as it came"}`, permanent: true},
		{status: 401, permanent: true},
		{status: 404, permanent: true, after: "5"},
		{status: 409},
		{status: 410, permanent: true, gone: true},
		{status: 429, after: "7", wait: 7 * time.Second},
		{status: 429, after: "999999999", wait: 24 * time.Hour},
		{status: 429, after: "soon"},
		{status: 500, unknown: true},
		{status: 500, asks: true},
		{status: 503},
		{status: 504, unknown: true, after: "1", wait: time.Second},
		{status: 200, body: `{"name": secret`, unknown: true},
		{status: 200, body: `{"name": secret`, asks: true},
		{status: 200, body: "<html>maintenance</html>", unknown: true, ignored: true},
		{status: 200, body: "<html>maintenance</html>", asks: true, ignored: true},
	} {
		client := open(t, func(w http.ResponseWriter, _ *http.Request) {
			if c.after != "" {
				w.Header().Set("Retry-After", c.after)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}, rest.Config{Code: code, Passes: func(_ int, code string) bool { return code == "PASSES" }})
		var out struct{ Name string }
		request := rest.Request{Path: "/notes", In: map[string]string{"text": "secret"}, Out: &out, Asks: c.asks}
		if c.ignored {
			request.Out = nil
		}
		answer, err := client.Do(t.Context(), request)
		var permanent *earshot.PermanentError
		var after *earshot.RetryAfterError
		if answer == nil || answer.Status != c.status {
			t.Errorf("%d: answer %+v", c.status, answer)
		}
		if err == nil || errors.As(err, &permanent) != c.permanent || errors.Is(err, crm.ErrUnknown) != c.unknown || errors.Is(err, earshot.ErrGone) != c.gone {
			t.Errorf("%d %s: error %v", c.status, c.body, err)
			continue
		}
		if errors.As(err, &after) != (c.wait > 0) || after != nil && after.After != c.wait {
			t.Errorf("%d: come back %+v, want after %v", c.status, after, c.wait)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("error %q holds a text", err)
		}
		if s, ok := errors.AsType[*rest.StatusError](err); c.status != 200 && (!ok || s.Status != c.status) {
			t.Errorf("%d: no status in %v", c.status, err)
		}
	}
}

// TestRequests looks at what is sent.
func TestRequests(t *testing.T) {
	for _, c := range []struct {
		request    rest.Request
		want, kind string
	}{
		{rest.Request{Path: "/a", Query: url.Values{"q": {"x y"}}}, "GET /api/a?q=x+y ", ""},
		{rest.Request{Path: "/a", In: map[string]int{"n": 1}}, `POST /api/a {"n":1}`, "application/json"},
		{rest.Request{Method: http.MethodPatch, Path: "/a", In: url.Values{"n": {"1"}}}, "PATCH /api/a n=1", "application/x-www-form-urlencoded"},
		{rest.Request{Path: "/a", In: rest.Raw{Type: "audio/wav", Body: []byte("RIFF")}}, "POST /api/a RIFF", "audio/wav"},
	} {
		client := open(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if got := r.Method + " " + r.URL.RequestURI() + " " + string(body); got != c.want {
				t.Errorf("sent %q, want %q", got, c.want)
			}
			if r.Header.Get("Content-Type") != c.kind || r.Header.Get("X-Key") != "k" || r.Header.Get("X-More") != "m" {
				t.Errorf("headers %v", r.Header)
			}
			_, _ = io.WriteString(w, `{"name":"Ann"}`)
		}, rest.Config{Header: http.Header{"X-Key": {"k"}}})
		var out struct{ Name string }
		c.request.Out, c.request.Header = &out, http.Header{"X-More": {"m"}}
		if _, err := client.Do(t.Context(), c.request); err != nil || out.Name != "Ann" {
			t.Errorf("answer %+v, %v", out, err)
		}
	}
}

// TestLostAnswers: what was written may have arrived, what was asked is asked
// again; an answer that is too long is none.
func TestLostAnswers(t *testing.T) {
	client := open(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, rest.Config{})
	if _, err := client.Do(t.Context(), rest.Request{Method: http.MethodPatch, Path: "/a", In: 1}); !errors.Is(err, crm.ErrUnknown) {
		t.Errorf("a write: %v", err)
	}
	if _, err := client.Do(t.Context(), rest.Request{Path: "/a"}); err == nil || errors.Is(err, crm.ErrUnknown) {
		t.Errorf("a question: %v", err)
	}
	stalled := open(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else its end is not seen
		<-r.Context().Done()
	}, rest.Config{Timeout: 50 * time.Millisecond})
	_, err := stalled.Do(t.Context(), rest.Request{Path: "/a", In: 1})
	if !errors.Is(err, crm.ErrUnknown) || !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("no answer: %v", err)
	}
	long := open(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `"`+strings.Repeat("a", 100)+`"`)
	}, rest.Config{MaxAnswer: 50})
	var out string
	if _, err := long.Do(t.Context(), rest.Request{Path: "/a", Out: &out}); err == nil {
		t.Error("a long answer is taken")
	}
}

// tokens gives one after the other.
type tokens struct {
	list    []string
	refused []string
}

func (k *tokens) Token(context.Context) (string, error) {
	if len(k.list) == 0 {
		return "", errors.New("there is none")
	}
	return k.list[0], nil
}

func (k *tokens) Refused(token string) bool {
	k.refused = append(k.refused, token)
	k.list = k.list[1:]
	return true
}

func TestTokens(t *testing.T) {
	requests := 0
	h := func(w http.ResponseWriter, r *http.Request) {
		requests++
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer new" || string(body) != "1" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	k := &tokens{list: []string{"old", "new"}}
	if _, err := open(t, h, rest.Config{Tokens: k}).Do(t.Context(), rest.Request{Path: "/a", In: 1}); err != nil || requests != 2 {
		t.Errorf("%v after %d requests", err, requests)
	}
	requests = 0
	k = &tokens{list: []string{"old", "older", "new"}}
	if _, err := open(t, h, rest.Config{Tokens: k}).Do(t.Context(), rest.Request{Path: "/a", In: 1}); err == nil || requests != 2 {
		t.Errorf("%v after %d requests, want two and no more", err, requests)
	}
	_, err := open(t, h, rest.Config{Tokens: &tokens{}}).Do(t.Context(), rest.Request{Path: "/a", In: 1})
	if err == nil || err.Error() != "sign in to acme: there is none" || errors.Is(err, crm.ErrUnknown) {
		t.Errorf("without a token: %v", err)
	}
}

func TestWhereCredentialsGo(t *testing.T) {
	for _, c := range []struct {
		url       string
		plain, ok bool
	}{
		{"https://crm.example", false, true},
		{"https://crm.example/api/", false, true},
		{"http://127.0.0.1:8080", false, true},
		{"http://[::1]:8080", false, true},
		{"http://crm.example", false, false},
		{"http://crm.example", true, true},
		{"https://user:secret@crm.example", true, false},
		{"https://crm.example?token=secret", true, false},
		{"ftp://crm.example", true, false},
		{"crm.example", true, false},
		{"", true, false},
	} {
		_, err := rest.New(rest.Config{System: "acme", URL: c.url, Plain: c.plain})
		if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", c.url, err)
		}
	}
}
