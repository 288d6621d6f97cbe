package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"earshot"
)

// people is a directory of one process.
type people struct {
	mu      sync.Mutex
	d       earshot.Directory
	managed bool
}

func (p *people) Entries() earshot.Directory {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.d
}

func (p *people) Save(_ context.Context, with earshot.Directory, create bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.d.Merge(with)
	switch {
	case p.managed:
		return earshot.ErrManaged
	case create && len(d.Agents)+len(d.Teams)+len(d.Queues) == len(p.d.Agents)+len(p.d.Teams)+len(p.d.Queues):
		return earshot.ErrExists
	}
	if err := d.Check(); err != nil {
		return err
	}
	p.d = d
	return nil
}

// send sends a request with a body.
func (f *fixture) send(t *testing.T, method, path, body string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "http://localhost:8080"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.Handler().ServeHTTP(w, r)
	answer := w.Result()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, raw
}

func TestDirectory(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Directory = &people{} })
	for _, step := range []struct{ method, path, body, route, want string }{
		{"GET", "/api/v1/agents", "", "/api/v1/agents", `{"items":[],"next":""}`},
		{"PUT", "/api/v1/teams/desk", `{"name":"Front desk"}`, "", `{"id":"desk","name":"Front desk"}`},
		{"PUT", "/api/v1/agents/mira", `{"name":"Mira Holt","extensions":["2001"],"team":"desk"}`, "", `{"id":"mira","name":"Mira Holt","extensions":["2001"],"aors":[],"team":"desk"}`},
		{"PUT", "/api/v1/agents/mira", `{"id":"mira","name":"Mira Stone","aors":["sip:mira@desk.example"]}`, "", `{"id":"mira","name":"Mira Stone","extensions":[],"aors":["sip:mira@desk.example"],"team":""}`},
		{"POST", "/api/v1/queues", `{"id":"support","name":"Support","numbers":["+15550199"]}`, "/api/v1/queues", `{"id":"support","name":"Support","numbers":["+15550199"]}`},
		{"GET", "/api/v1/agents/mira", "", "/api/v1/agents/{id}", `"name":"Mira Stone"`},
		{"GET", "/api/v1/teams", "", "/api/v1/teams", `{"items":[{"id":"desk","name":"Front desk"}],"next":""}`},
		{"GET", "/api/v1/queues/support", "", "/api/v1/queues/{id}", `"numbers":["+15550199"]`},
	} {
		answer, body := f.send(t, step.method, step.path, step.body)
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), step.want) {
			t.Errorf("%s %s: %s %s, want %s", step.method, step.path, answer.Status, body, step.want)
		}
		if step.route != "" {
			checkSchema(t, f, step.method, step.route, body)
		}
	}
	answer, body := f.send(t, "POST", "/api/v1/agents", `{"name":"Jon Reyes"}`)
	var made earshot.Agent
	if err := json.Unmarshal(body, &made); err != nil || answer.StatusCode != http.StatusOK || len(made.ID) != 26 {
		t.Errorf("made %s %s", answer.Status, body)
	}
}

func TestDirectoryProblems(t *testing.T) {
	p := &people{d: earshot.Directory{Agents: []earshot.Agent{{ID: "mira", Extensions: []string{"2001"}}}}}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Directory = p })
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/v1/agents/jon", "", 404, "no such entry among the agents"},
		{"POST", "/api/v1/agents", `{"id":"mira","name":"M"}`, 409, "the id is taken"},
		{"POST", "/api/v1/agents", `{"id":"jon","name":"J","extensions":["2001"]}`, 422, `agent \"jon\": extension 2001 is mira's`},
		{"PUT", "/api/v1/agents/jon", `{"name":"J","team":"night"}`, 422, `there is no team \"night\"`},
		{"PUT", "/api/v1/agents/jon", `{"id":"ben","name":"J"}`, 422, "not that of the path"},
		{"PUT", "/api/v1/agents/jon", `{"name":"J","colour":"red"}`, 422, "colour"},
		{"PUT", "/api/v1/queues/q", `{"name":"Q","numbers":["desk"]}`, 422, "is no number"},
		{"PUT", "/api/v1/teams/t", `{"name":`, 400, ""},
		{"PUT", "/api/v1/teams/t", `{}`, 422, "name"},
		{"DELETE", "/api/v1/agents/mira", "", 405, "GET, HEAD, PUT"},
	} {
		answer, body := f.send(t, c.method, c.path, c.body)
		checkProblem(t, answer, body, c.status)
		if !strings.Contains(string(body), c.want) {
			t.Errorf("%s %s %s: %s, want %s", c.method, c.path, c.body, body, c.want)
		}
	}
	p.managed = true
	answer, body := f.send(t, "PUT", "/api/v1/agents/mira", `{"name":"M"}`)
	checkProblem(t, answer, body, 409)
	if !strings.Contains(string(body), "directory.file") {
		t.Errorf("%s does not say where to change it", body)
	}
	if a := p.d.Agents; len(a) != 1 || a[0].Name != "" {
		t.Errorf("refused requests changed %+v", a)
	}
}
