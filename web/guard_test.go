package web

import (
	"compress/gzip"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSecurityHeaders(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/", "/app.js", "/api/v1/calls", "/api/v1/calls/nope", "/no/such"} {
		answer, _ := f.do(t, http.MethodGet, path)
		h := answer.Header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: policy %q lacks %s", path, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
			t.Errorf("%s: policy %q is not strict", path, csp)
		}
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s: headers %v", path, h)
		}
	}
	if answer, _ := f.do(t, http.MethodGet, "/api/v1/calls"); answer.Header.Get("Cache-Control") != "no-store" {
		t.Error("calls may be cached")
	}
}

func TestHostNames(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.PublicURL = "https://ear.example.com/shot" })
	for host, want := range map[string]int{
		"localhost": 200, "LOCALHOST:8080": 200, "127.0.0.1:8080": 200, "[::1]:8080": 200, "[::1]": 200, "": 200,
		"ear.example.com": 200, "Ear.Example.com:443": 200,
		"evil.example": 421, "localhost.evil.example:8080": 421, "192.168.0.4:8080": 421, "127.0.0.1.nip.io": 421,
	} {
		answer, body := f.do(t, http.MethodGet, "/api/v1/calls", "Host", host)
		if answer.StatusCode != want {
			t.Errorf("Host %q: %s", host, answer.Status)
		}
		if want == http.StatusMisdirectedRequest {
			checkProblem(t, answer, body, want)
		}
	}
}

func TestCrossSitePostIsRefused(t *testing.T) {
	f := newFixture(t, func(c *Config, d *Deps) {
		c.PublicURL = "https://ear.example.com"
		d.Jobs = &fakeJobs{all: func() (int, error) { return 0, nil }}
	})
	for _, c := range []struct {
		headers []string
		want    int
	}{
		{nil, 200}, // not a browser
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Origin", "http://localhost:8080"}, 200},
		{[]string{"Origin", "https://ear.example.com", "Sec-Fetch-Site", "cross-site"}, 200}, // the proxy's name
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
	} {
		answer, body := f.do(t, http.MethodPost, "/api/v1/jobs/replay", c.headers...)
		if answer.StatusCode != c.want {
			t.Errorf("%v: %s", c.headers, answer.Status)
		}
		if c.want == http.StatusForbidden {
			checkProblem(t, answer, body, c.want)
		}
	}
}

func TestCompression(t *testing.T) {
	f := newFixture(t)
	for path, want := range map[string]string{
		"/api/v1/calls": "gzip", "/app.js": "gzip", "/": "gzip", "/openapi.json": "gzip", "/api/v1/calls/nope": "gzip",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		f.Handler().ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("%s: encoding %q, want %q", path, got, want)
			continue
		}
		if _, err := gzip.NewReader(w.Body); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	var failed error
	h := new(Server).protect(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, failed = r.Body.Read(make([]byte, maxBodyBytes+1))
		for failed == nil {
			_, failed = r.Body.Read(make([]byte, maxBodyBytes+1))
		}
	}))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(strings.Repeat("x", maxBodyBytes+1)))
	h.ServeHTTP(httptest.NewRecorder(), r)
	if _, ok := errors.AsType[*http.MaxBytesError](failed); !ok {
		t.Errorf("reading a long body gives %v", failed)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	f := newFixture(t)
	f.do(t, http.MethodGet, "/api/v1/calls/done1")
	f.do(t, http.MethodGet, "/wp-login.php")
	if n := gathered(t, f.Collectors(), "earshot_web_requests_total"); n != 2 {
		t.Errorf("%v requests counted", n)
	}
}

// TestPanicInMidAnswer must not look like a whole answer.
func TestPanicInMidAnswer(t *testing.T) {
	f := newFixture(t)
	h := f.observe(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half"))
		panic("no more")
	}))
	defer func() {
		cause := recover()
		if err, ok := cause.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("recovered %v, want the connection to be cut", cause)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	t.Error("the handler returned")
}
