package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-chi/chi/v5"

	"earshot"
	"earshot/web/access"
)

// staff has an account behind each secret, and keeps the audit trail.
type staff struct {
	noAccounts

	mu     sync.Mutex
	people map[string]principal
	trail  []earshot.AuditEntry
}

func newStaff() *staff {
	person := func(login string, role earshot.AccountRole, scopes ...earshot.Scope) principal {
		a := earshot.Account{ID: login, Login: login, Role: role}
		switch role {
		case earshot.AccountAgent:
			a.AgentID = login
		case earshot.AccountSupervisor:
			a.Team = "desk"
		}
		return principal{account: a, scopes: scopes}
	}
	everything := earshot.Scopes()
	return &staff{people: map[string]principal{
		"dana":    person("dana", earshot.AccountAgent, everything...),
		"other":   person("other", earshot.AccountAgent, everything...),
		"lead":    person("lead", earshot.AccountSupervisor, everything...),
		"boss":    person("boss", earshot.AccountAdmin, everything...),
		"reading": person("reading", earshot.AccountAdmin, earshot.ScopeRead),
	}}
}

func (*staff) Any(context.Context) (bool, error) { return true, nil }

func (s *staff) Token(_ context.Context, secret string) (earshot.Account, earshot.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, ok := s.people[secret]
	if !ok {
		return p.account, earshot.Token{}, access.ErrUnknown
	}
	return p.account, earshot.Token{Scopes: p.scopes}, nil
}

func (s *staff) Session(ctx context.Context, secret string) (earshot.Account, error) {
	a, _, err := s.Token(ctx, secret)
	return a, err
}

func (s *staff) SignIn(ctx context.Context, login, password, _ string) (earshot.Account, string, error) {
	a, _, err := s.Token(ctx, login)
	if err != nil || password != "right" {
		return a, "", access.ErrDenied
	}
	return a, login, nil
}

func (s *staff) Audit(_ context.Context, e earshot.AuditEntry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trail = append(s.trail, e)
	return nil
}

func (s *staff) actions() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.trail {
		out = append(out, e.Login+": "+e.Action+" "+string(e.CallID))
	}
	return out
}

// staffed is a fixture in which dana of the desk has live1 and done1.
func staffed(t *testing.T, change ...func(*Config, *Deps)) (*fixture, *staff) {
	t.Helper()
	people := newStaff()
	f := newFixture(t, append(change, func(_ *Config, d *Deps) { d.Accounts, d.Connectors = people, fakeConnectors{} })...)
	for id, c := range f.store.calls {
		c.Participants[0].AgentID, c.Participants[0].Team = "dana", "desk"
		f.store.calls[id] = c
	}
	return f, people
}

func (f *fixture) as(t *testing.T, secret, method, path string) (int, string) {
	t.Helper()
	answer, body := f.do(t, method, path, "Authorization", "Bearer "+secret)
	return answer.StatusCode, string(body)
}

// routesOf lists what the API serves: "GET /api/v1/calls/live1".
func routesOf(t *testing.T, f *fixture) (list []string) {
	t.Helper()
	fill := strings.NewReplacer("{id}", "live1")
	err := chi.Walk(f.Handler().(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/api/") || route == "/metrics" {
			list = append(list, method+" "+fill.Replace(route))
		}
		return nil
	})
	if err != nil || len(list) < 30 {
		t.Fatalf("%d routes, %v", len(list), err)
	}
	return list
}

// Nobody gets anything without signing in, by any route, but the way to do so.
func TestNothingWithoutSigningIn(t *testing.T) {
	f, _ := staffed(t)
	for _, r := range routesOf(t, f) {
		method, path, _ := strings.Cut(r, " ")
		if path == "/api/v1/session" {
			continue
		}
		answer, body := f.do(t, method, path)
		if answer.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %s %s", r, answer.Status, body)
		}
		if status, _ := f.as(t, "stolen", method, path); status != http.StatusUnauthorized {
			t.Errorf("%s with an unknown token: %d", r, status)
		}
	}
}

// An agent gets nothing of another's calls, by any route, nor what is an
// admin's.
func TestAnAgentSeesNoOthersCalls(t *testing.T) {
	f, _ := staffed(t)
	f.store.search = func(q SearchQuery) ([]SearchHit, string, error) {
		if q.Audience != (earshot.Audience{AgentID: "other"}) {
			t.Errorf("search for %+v", q.Audience)
		}
		return nil, "", nil
	}
	f.store.figures = func(q earshot.FiguresQuery) (earshot.DaysFigures, error) {
		if q.Audience != (earshot.Audience{AgentID: "other"}) {
			t.Errorf("figures for %+v", q.Audience)
		}
		return earshot.DaysFigures{}, nil
	}
	for _, r := range routesOf(t, f) {
		method, path, _ := strings.Cut(r, " ")
		switch path {
		case "/api/v1/session", "/api/v1/tokens", "/api/v1/tokens/live1", "/api/v1/events":
			continue // their own
		case "/api/v1/search":
			path += "?q=parcel"
		case "/api/v1/calls/live1/notes/preview":
			path += "?to=crm"
		}
		status, body := f.as(t, "other", method, path)
		if strings.Contains(path, "/calls/") && status != http.StatusNotFound && status != http.StatusForbidden {
			t.Errorf("%s: %d %s", r, status, body)
		}
		if strings.Contains(body, "live1") || strings.Contains(body, "Dana") {
			t.Errorf("%s tells of the call: %s", r, body)
		}
		if strings.Contains(path, "account") || strings.Contains(path, "jobs") || strings.Contains(path, "audit") || strings.Contains(path, "connectors") || path == "/metrics" {
			if status != http.StatusForbidden {
				t.Errorf("%s: %d", r, status)
			}
		}
	}
}

func TestWhoMay(t *testing.T) {
	f, _ := staffed(t, func(_ *Config, d *Deps) { d.Insight = fakeInsight{} })
	for _, c := range []struct {
		who, request string
		want         int
	}{
		{"dana", "GET /api/v1/calls/live1", 200},
		{"dana", "GET /api/v1/calls/live1/transcript", 200},
		{"dana", "GET /api/v1/calls/live1/checklist", 200},
		{"other", "GET /api/v1/calls/live1/checklist", 404},
		{"dana", "GET /api/v1/calls/live1/sip", 403},
		{"dana", "GET /api/v1/agents", 403},
		{"lead", "GET /api/v1/calls/live1", 200},
		{"lead", "GET /api/v1/calls/live1/sip", 200},
		{"lead", "GET /api/v1/agents", 200},
		{"lead", "GET /api/v1/jobs", 403},
		{"dana", "GET /api/v1/suggestions/feedback", 403},
		{"lead", "GET /api/v1/suggestions/feedback", 200},
		{"dana", "POST /api/v1/calls/live1/suggestions/g/feedback", 422}, // she may, but says nothing
		{"reading", "POST /api/v1/calls/live1/suggestions/g/feedback", 403},
		{"boss", "GET /api/v1/accounts", 200},
		{"boss", "GET /metrics", 200},
		{"reading", "GET /api/v1/calls/live1", 200},
		{"reading", "GET /api/v1/calls/live1/audio", 403},
		{"reading", "POST /api/v1/calls/live1/pause", 403},
		{"reading", "GET /metrics", 403},
	} {
		method, path, _ := strings.Cut(c.request, " ")
		if status, body := f.as(t, c.who, method, path); status != c.want {
			t.Errorf("%s as %s: %d, want %d: %s", c.request, c.who, status, c.want, body)
		}
	}
}

// A route of which nobody has decided who may use it is not served.
func TestEveryOperationIsDecided(t *testing.T) {
	f := newFixture(t)
	decided := map[string]bool{}
	for _, item := range f.spec.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Delete} {
			if op != nil {
				decided[op.OperationID] = true
			}
		}
	}
	for id := range needs {
		if !decided[id] {
			t.Errorf("%s is decided, but there is no such operation", id)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an operation without a decision is served")
		}
	}()
	delete(needs, "getCall")
	defer func() { needs["getCall"] = need{role: earshot.AccountAgent, scope: earshot.ScopeRead} }()
	newFixture(t)
}

func TestTheTrail(t *testing.T) {
	f, people := staffed(t)
	f.as(t, "dana", http.MethodPost, "/api/v1/calls/live1/pause")
	f.as(t, "dana", http.MethodGet, "/api/v1/calls/done1/audio")
	f.as(t, "dana", http.MethodGet, "/api/v1/calls/done1/audio") // the next part of it
	f.as(t, "other", http.MethodGet, "/api/v1/calls/done1/audio")
	f.as(t, "dana", http.MethodGet, "/api/v1/calls/done1")
	want := []string{"dana: pause recording live1", "dana: hear recording done1"}
	if got := people.actions(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if asked := f.deps.Recorder.(*fakeRecorder).asked; !slices.Equal(asked, []string{"pause|live1|dana|"}) {
		t.Errorf("asked %q", asked)
	}
}

func TestSittings(t *testing.T) {
	var s sittings
	now := time.Now()
	for _, c := range []struct {
		login string
		call  earshot.CallID
		after time.Duration
		want  bool
	}{
		{"dana", "a", 0, false},
		{"dana", "a", time.Minute, true},
		{"dana", "b", time.Minute, false},
		{"lead", "a", time.Minute, false},
		{"dana", "a", sittingLength, false},
		{"dana", "a", sittingLength + time.Minute, true},
	} {
		if got := s.goesOn(c.login, c.call, now.Add(c.after)); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
	s.end("dana", "a")
	if s.goesOn("dana", "a", now.Add(sittingLength+2*time.Minute)) {
		t.Error("a sitting goes on that has ended")
	}
	if s.goesOn("x", "y", now.Add(time.Hour)); len(s.began) != 1 {
		t.Errorf("%d sittings are kept", len(s.began))
	}
}

// Events of all calls are those that the account may see, and those of a call
// that becomes one's own later.
func TestEventsOfOnesOwnCalls(t *testing.T) {
	f, people := staffed(t)
	base := start(t, f)
	s := openAs(t, base+"/api/v1/events", "other")
	m, _ := s.next()
	var snap callsSnapshot
	if err := json.Unmarshal(m.data.Data, &snap); err != nil || len(snap.Calls) != 0 {
		t.Fatalf("snapshot %s, %v", m.data.Data, err)
	}
	f.publish(finalEvent("live1", 100))
	f.broker.Publish([]earshot.Event{partialEvent("live1", 700)})
	mine := testCall("mine", earshot.CallLive)
	f.publish(earshot.NewEvent(earshot.EventCallStarted, "mine", mine))
	mine.Participants = slices.Clone(mine.Participants)
	mine.Participants[0].AgentID = "other"
	f.publish(earshot.NewEvent(earshot.EventCallUpdated, "mine", mine))
	f.publish(finalEvent("mine", 200))
	for updated := false; m.data.Type != earshot.EventUtteranceFinal || !updated; updated = updated || m.data.Type == earshot.EventCallUpdated {
		var ok bool
		if m, ok = s.next(); !ok || m.data.CallID != "mine" {
			t.Fatalf("%s of %q", m.data.Type, m.data.CallID)
		}
	}
	s.close()
	people.mu.Lock()
	delete(people.people, "other")
	people.mu.Unlock()
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), principalKey{}, &principal{}), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer other")
	if f.still(r) {
		t.Error("whoever is signed out goes on reading")
	}
}

func openAs(t *testing.T, url, secret string) *stream {
	t.Helper()
	c := client(t)
	c.Transport = bearer{c.Transport, secret}
	return open(t, c, url, "")
}

// bearer sends a token with each request.
type bearer struct {
	http.RoundTripper
	secret string
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+b.secret)
	return b.RoundTripper.RoundTrip(r)
}

// Whoever is signed in is told who they are in the directory, and of nobody else.
func TestWhoIAmInTheDirectory(t *testing.T) {
	f, _ := staffed(t, func(_ *Config, d *Deps) {
		d.Directory = &people{d: earshot.Directory{Agents: []earshot.Agent{{ID: "dana", Name: "Dana Reyes", Extensions: []string{"2001"}}, {ID: "ida"}}}}
	})
	for who, want := range map[string]string{"dana": `"agent":{"id":"dana","name":"Dana Reyes","extensions":["2001"],"aors":[]`, "other": "", "boss": ""} {
		status, body := f.as(t, who, http.MethodGet, "/api/v1/session")
		if status != http.StatusOK || want != "" && !strings.Contains(body, want) || strings.Contains(body, `"agent":{`) != (want != "") || strings.Contains(body, "ida") {
			t.Errorf("%s: %d %s", who, status, body)
		}
	}
}

func TestSessionCookie(t *testing.T) {
	for _, public := range []string{"", "https://calls.example.com"} {
		people := newStaff()
		f := newFixture(t, func(c *Config, d *Deps) { d.Accounts, c.PublicURL = people, public })
		answer, body := f.send(t, http.MethodPost, "/api/v1/session", `{"login":"dana","password":"right"}`)
		cookies := answer.Cookies()
		if answer.StatusCode != http.StatusOK || len(cookies) != 1 {
			t.Fatalf("%s %s", answer.Status, body)
		}
		c := cookies[0]
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure != (public != "") || strings.HasPrefix(c.Name, "__Host-") != c.Secure {
			t.Errorf("cookie %v", c)
		}
		answer, body = f.do(t, http.MethodGet, "/api/v1/session", "Cookie", c.Name+"="+c.Value)
		var me Me
		if err := json.Unmarshal(body, &me); err != nil || me.Account == nil || me.Account.Login != "dana" {
			t.Errorf("%s %s", answer.Status, body)
		}
		answer, _ = f.do(t, http.MethodDelete, "/api/v1/session", "Cookie", c.Name+"="+c.Value)
		if out := answer.Cookies(); len(out) != 1 || out[0].MaxAge >= 0 {
			t.Errorf("signing out sets %v", out)
		}
		answer, body = f.send(t, http.MethodPost, "/api/v1/session", `{"login":"dana","password":"wrong"}`)
		if answer.StatusCode != http.StatusUnauthorized || len(answer.Cookies()) != 0 {
			t.Errorf("%s %s", answer.Status, body)
		}
		if got := people.actions(); !slices.Equal(got, []string{"dana: sign in ", "dana: sign in refused "}) {
			t.Errorf("%q", got)
		}
	}
}

// Without a store of accounts that answers nobody gets anything.
func TestAccountsThatFail(t *testing.T) {
	f := newFixture(t)
	f.deps.Accounts = brokenAccounts{}
	f.Server.deps.Accounts = brokenAccounts{}
	if answer, body := f.do(t, http.MethodGet, "/api/v1/calls"); answer.StatusCode != http.StatusInternalServerError || strings.Contains(string(body), "live1") {
		t.Errorf("%s %s", answer.Status, body)
	}
}

type brokenAccounts struct{ noAccounts }

func (brokenAccounts) Any(context.Context) (bool, error) { return false, errors.New("disk is gone") }
