package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClientBehindProxies(t *testing.T) {
	trusted, err := parseProxies([]string{"127.0.0.1", "10.0.0.0/8", "fd00::/8"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		remote    string
		forwarded []string
		want      string
	}{
		{"192.0.2.1:5000", nil, "192.0.2.1"},
		{"192.0.2.1:5000", []string{"198.51.100.7"}, "192.0.2.1"}, // nobody of ours
		{"127.0.0.1:5000", nil, "127.0.0.1"},
		{"127.0.0.1:5000", []string{"198.51.100.7"}, "198.51.100.7"},
		{"127.0.0.1:5000", []string{"203.0.113.9, 198.51.100.7"}, "198.51.100.7"}, // the first is anybody's word
		{"127.0.0.1:5000", []string{"198.51.100.7, 10.1.2.3"}, "198.51.100.7"},
		{"127.0.0.1:5000", []string{"198.51.100.7", "10.1.2.3"}, "198.51.100.7"},
		{"127.0.0.1:5000", []string{"10.9.9.9, 10.1.2.3"}, "10.9.9.9"},
		{"127.0.0.1:5000", []string{"<script>, 10.1.2.3"}, "10.1.2.3"},
		{"[fd00::1]:5000", []string{"[2001:db8::5]:4711"}, "2001:db8::5"},
		{"[::ffff:127.0.0.1]:5000", []string{"::ffff:198.51.100.7"}, "198.51.100.7"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr, r.Header["X-Forwarded-For"] = c.remote, c.forwarded
		if got := trusted.client(r); got != c.want {
			t.Errorf("%s, %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
	if _, err := parseProxies([]string{"proxy.example"}); err == nil {
		t.Error("a name is no address")
	}
}

func TestFrameAncestors(t *testing.T) {
	f := newFixture(t, func(c *Config, _ *Deps) { c.FrameAncestors = []string{"https://crm.example", "http://127.0.0.1:8090"} })
	answer, _ := f.do(t, http.MethodGet, "/")
	if csp := answer.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "; frame-ancestors 'self' https://crm.example http://127.0.0.1:8090") {
		t.Errorf("policy %q", csp)
	}
	for _, bad := range []string{"crm.example", "https://crm.example/", "https://*.example", "*", "https://a.example; script-src *"} {
		if _, err := (&Config{FrameAncestors: []string{bad}}).check(); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
