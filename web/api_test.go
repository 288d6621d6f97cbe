package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// checkProblem asserts that the answer is a problem document (RFC 9457).
func checkProblem(t *testing.T, answer *http.Response, body []byte, status int) huma.ErrorModel {
	t.Helper()
	var p huma.ErrorModel
	if answer.StatusCode != status {
		t.Fatalf("status %d, want %d: %s", answer.StatusCode, status, body)
	}
	if ct := answer.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q of %s", ct, body)
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Status != status || p.Title == "" || p.Detail == "" {
		t.Errorf("problem %s: %v", body, err)
	}
	return p
}

// checkSchema asserts that a JSON answer is what the API description says.
func checkSchema(t *testing.T, f *fixture, method, route string, body []byte) {
	t.Helper()
	item := f.spec.Paths[route]
	if item == nil {
		t.Fatalf("%s is not described", route)
	}
	op := item.Get
	if method == http.MethodPost {
		op = item.Post
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	res := &huma.ValidateResult{}
	schema := op.Responses["200"].Content["application/json"].Schema
	huma.Validate(f.spec.Components.Schemas, schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, value, res)
	for _, err := range res.Errors {
		t.Errorf("%s %s: %v", method, route, err)
	}
}

func items[T any](t *testing.T, body []byte) ([]T, string) {
	t.Helper()
	var p struct {
		Items []T     `json:"items"`
		Next  *string `json:"next"`
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Items == nil || p.Next == nil {
		t.Fatalf("not a page: %s: %v", body, err)
	}
	return p.Items, *p.Next
}

func TestLists(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) {
		d.Live = liveFunc(func(c earshot.Call) earshot.Call {
			c.Streams = []earshot.Stream{{ID: "s1", StreamStats: earshot.StreamStats{PacketsReceived: 42}}}
			return c
		})
		d.Jobs = &fakeJobs{
			jobs: func(state earshot.JobState, limit int) ([]earshot.Job, error) {
				if state != earshot.JobDead || limit != 7 {
					return nil, fmt.Errorf("asked for %q, %d", state, limit)
				}
				return []earshot.Job{{ID: 3, Kind: earshot.JobDeliver, State: state, LastError: "no answer"}}, nil
			},
		}
	})
	note := earshot.Delivery{NoteID: "n", CallID: "done1", Connector: "webhook", Revision: 1, State: earshot.DeliveryConfirmed}
	f.store.commit(earshot.NewEvent(earshot.EventUtteranceFinal, "done1", final("done1", 100)))
	f.store.commit(earshot.NewEvent(earshot.EventSuggestionCreated, "done1", earshot.Suggestion{
		ID: "g", CallID: "done1", Kind: "answer", Source: &earshot.Citation{Article: "a"},
	}))
	f.store.commit(earshot.NewEvent(earshot.EventNoteUpdated, "done1", note))
	f.store.commit(earshot.NewEvent(earshot.EventSummaryCreated, "done1", earshot.Summary{CallID: "done1", Revision: 1}))

	for _, c := range []struct{ path, route, want string }{
		{"/api/v1/calls", "/api/v1/calls", `"id":"done1"`},
		{"/api/v1/calls?state=live", "/api/v1/calls", `"packets_received":42`},
		{"/api/v1/calls/done1/suggestions", "/api/v1/calls/{id}/suggestions", `"article":"a"`},
		{"/api/v1/calls/live1/suggestions", "/api/v1/calls/{id}/suggestions", `"items":[]`},
		{"/api/v1/calls?tag=queue:nobody", "/api/v1/calls", `"items":[]`},
		{"/api/v1/calls/done1/metadata", "/api/v1/calls/{id}/metadata", `"raw":["<recording/>"]`},
		{"/api/v1/calls/live1/metadata", "/api/v1/calls/{id}/metadata", `"items":[]`},
		{"/api/v1/calls/done1/notes", "/api/v1/calls/{id}/notes", `"state":"confirmed"`},
		{"/api/v1/calls/done1/transcript", "/api/v1/calls/{id}/transcript", `"text":"word"`},
		{"/api/v1/calls/live1/transcript", "/api/v1/calls/{id}/transcript", `"items":[]`},
		{"/api/v1/jobs?state=dead&limit=7", "/api/v1/jobs", `"last_error":"no answer"`},
	} {
		t.Run(c.path, func(t *testing.T) {
			answer, body := f.do(t, http.MethodGet, c.path)
			if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("%s %q: %s", answer.Status, answer.Header.Get("Content-Type"), body)
			}
			items[json.RawMessage](t, body)
			if !strings.Contains(string(body), c.want) {
				t.Errorf("no %s in %s", c.want, body)
			}
			if !strings.HasSuffix(c.route, "transcript") { // either a list or a file
				checkSchema(t, f, http.MethodGet, c.route, body)
			}
		})
	}
}

func TestGetCall(t *testing.T) {
	f := newFixture(t)
	f.store.commit(earshot.NewEvent(earshot.EventSummaryCreated, "done1", earshot.Summary{CallID: "done1", Reason: "why"}))
	for id, want := range map[string]string{"live1": `"summary":null`, "done1": `"reason":"why"`} {
		answer, body := f.do(t, http.MethodGet, "/api/v1/calls/"+id)
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: no %s in %s", answer.Status, want, body)
		}
		checkSchema(t, f, http.MethodGet, "/api/v1/calls/{id}", body)
		var c map[string]any
		if err := json.Unmarshal(body, &c); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"participants", "streams", "segments", "tags"} {
			if _, ok := c[key].([]any); !ok {
				t.Errorf("%s of %s is %v, want a list", key, id, c[key])
			}
		}
	}
}

func TestCallPaging(t *testing.T) {
	f := newFixture(t)
	var asked CallQuery
	f.store.list = func(q CallQuery) ([]earshot.Call, string, error) {
		asked = q
		if q.Before == "bad" {
			return nil, "", fmt.Errorf("calls: %w", ErrCursor)
		}
		return []earshot.Call{testCall("a", earshot.CallSettled)}, "more", nil
	}
	_, body := f.do(t, http.MethodGet, "/api/v1/calls?state=ended&limit=1&cursor=abc")
	list, next := items[earshot.Call](t, body)
	if len(list) != 1 || next != "more" || asked != (CallQuery{State: "ended", Limit: 1, Before: "abc"}) {
		t.Errorf("asked %+v, got %d calls, next %q", asked, len(list), next)
	}
	f.do(t, http.MethodGet, "/api/v1/calls")
	if asked != (CallQuery{Limit: 50}) {
		t.Errorf("default query %+v", asked)
	}
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls?cursor=bad")
	checkProblem(t, answer, body, http.StatusBadRequest)
}

func TestSearch(t *testing.T) {
	f := newFixture(t)
	var asked SearchQuery
	f.store.search = func(q SearchQuery) ([]SearchHit, string, error) {
		asked = q
		return []SearchHit{{
			Utterance: final("done1", 9000), Speaker: "Dana Reyes", CallStartedAt: time.Unix(0, 0).UTC(),
			Snippet: "…the \x02order\x03 and \x02orders\x03 <b>",
		}}, "n2", nil
	}
	_, body := f.do(t, http.MethodGet, "/api/v1/search?q=order*&call=done1&role=agent&rank=true&limit=5&cursor=c"+
		"&agent=ada&direction=inbound&tag=refund&from=2026-05-01T00:00:00Z&to=2026-06-01T00:00:00Z&longer=60")
	checkSchema(t, f, http.MethodGet, "/api/v1/search", body)
	hits, next := items[Hit](t, body)
	want := SearchQuery{
		Text: "order*", CallID: "done1", Role: earshot.RoleAgent, Rank: true, Limit: 5, Before: "c",
		AgentID: "ada", Direction: earshot.DirectionInbound, Tag: "refund", Longer: time.Minute,
		From: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
	}
	if asked != want || next != "n2" || len(hits) != 1 {
		t.Fatalf("asked %+v, next %q, hits %v", asked, next, hits)
	}
	h := hits[0]
	if h.CallID != "done1" || h.StartMS != 9000 || h.Speaker != "Dana Reyes" || h.Snippet != "…the order and orders <b>" {
		t.Errorf("hit %+v", h)
	}
	parts := []Part{{"…the ", false}, {"order", true}, {" and ", false}, {"orders", true}, {" <b>", false}}
	if !reflect.DeepEqual(h.Parts, parts) {
		t.Errorf("parts %+v", h.Parts)
	}
}

func TestProblems(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) {
		d.Jobs = &fakeJobs{replay: func(int64) error { return earshot.ErrNotFound }}
	})
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/api/v1/calls/nope", 404},
		{"GET", "/api/v1/calls/nope/transcript", 404},
		{"GET", "/api/v1/calls/nope/suggestions", 404},
		{"GET", "/api/v1/calls/nope/notes", 404},
		{"GET", "/api/v1/calls/nope/audio", 404},
		{"GET", "/api/v1/calls/nope/events", 404},
		{"GET", "/api/v1/calls/done1/audio", 404},
		{"GET", "/api/v1/calls/live1/audio", 409},
		{"GET", "/api/v1/calls?state=odd", 422},
		{"GET", "/api/v1/calls?limit=0", 422},
		{"GET", "/api/v1/calls?limit=501", 422},
		{"GET", "/api/v1/calls/done1/transcript?format=docx", 422},
		{"GET", "/api/v1/search", 422},
		{"GET", "/api/v1/search?q=x&role=boss", 422},
		{"GET", "/api/v1/events?last_event_id=x", 422},
		{"GET", "/api/v1/jobs?state=odd", 422},
		{"POST", "/api/v1/jobs/7/replay", 404},
		{"POST", "/api/v1/jobs/x/replay", 422},
		{"POST", "/api/v1/calls", 405},
		{"GET", "/api/v1/jobs/replay", 405},
		{"GET", "/api/v2/calls", 404},
		{"GET", "/no/such/page", 404},
	} {
		answer, body := f.do(t, c.method, c.path)
		t.Run(c.method+c.path, func(t *testing.T) { checkProblem(t, answer, body, c.status) })
		switch allow := answer.Header.Get("Allow"); {
		case c.status != 405:
		case c.method == "POST" && allow != "GET, HEAD", c.method == "GET" && allow != "POST":
			t.Errorf("%s %s: Allow %q", c.method, c.path, allow)
		}
	}
	answer, _ := f.do(t, http.MethodGet, "/api/v1/calls/live1/audio")
	if answer.Header.Get("Retry-After") == "" {
		t.Error("409 without Retry-After")
	}
}

func TestErrorsAreMasked(t *testing.T) {
	f := newFixture(t)
	f.store.fail = errors.New("disk sda1 is on fire")
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls/done1")
	p := checkProblem(t, answer, body, http.StatusInternalServerError)
	if strings.Contains(string(body), "sda1") {
		t.Errorf("the cause got out: %s", body)
	}
	id := answer.Header.Get("X-Request-Id")
	if id == "" || !strings.Contains(p.Detail, id) || !strings.Contains(f.log.String(), id) || !strings.Contains(f.log.String(), "sda1") {
		t.Errorf("request %q: detail %q, log %s", id, p.Detail, f.log.String())
	}
}

func TestPanicIsAProblem(t *testing.T) {
	f := newFixture(t)
	f.store.search = func(SearchQuery) ([]SearchHit, string, error) { panic("secret words") }
	answer, body := f.do(t, http.MethodGet, "/api/v1/search?q=secret")
	checkProblem(t, answer, body, http.StatusInternalServerError)
	if strings.Contains(string(body), "secret") {
		t.Errorf("the panic got out: %s", body)
	}
	if n := gathered(t, f.Collectors(), "earshot_web_panics_total"); n != 1 {
		t.Errorf("%v panics counted", n)
	}
	if answer, _ := f.do(t, http.MethodGet, "/livez"); answer.StatusCode != http.StatusOK {
		t.Error("the server is gone after a panic")
	}
}

func TestReplay(t *testing.T) {
	var ran []int64
	f := newFixture(t, func(_ *Config, d *Deps) {
		d.Jobs = &fakeJobs{
			replay: func(id int64) error { ran = append(ran, id); return nil },
			all:    func() (int, error) { return 4, nil },
		}
	})
	for path, want := range map[string]string{"/api/v1/jobs/12/replay": `{"replayed":1}`, "/api/v1/jobs/replay": `{"replayed":4}`} {
		answer, body := f.do(t, http.MethodPost, path)
		if answer.StatusCode != http.StatusOK || strings.TrimSpace(string(body)) != want {
			t.Errorf("%s: %s %s", path, answer.Status, body)
		}
	}
	if !reflect.DeepEqual(ran, []int64{12}) {
		t.Errorf("replayed %v", ran)
	}
}

func TestExport(t *testing.T) {
	f := newFixture(t)
	f.store.commit(earshot.NewEvent(earshot.EventUtteranceFinal, "done1", final("done1", 1000)))
	for format, want := range map[string][3]string{
		"text": {"text/plain; charset=utf-8", "done1.txt", "Dana Reyes: word"},
		"srt":  {"application/x-subrip; charset=utf-8", "done1.srt", "00:00:01,000 --> 00:00:01,500"},
		"vtt":  {"text/vtt; charset=utf-8", "done1.vtt", "<v Dana Reyes>word</v>"},
		"json": {"application/json", "done1.json", `"speaker": "Dana Reyes"`},
	} {
		answer, body := f.do(t, http.MethodGet, "/api/v1/calls/done1/transcript?format="+format)
		h := answer.Header
		if h.Get("Content-Type") != want[0] || !strings.Contains(h.Get("Content-Disposition"), want[1]) || !strings.Contains(string(body), want[2]) {
			t.Errorf("%s: %v %s", format, h, body)
		}
	}
}

func TestHealth(t *testing.T) {
	var problems []error
	f := newFixture(t, func(_ *Config, d *Deps) { d.Ready = func() []error { return problems } })
	for _, path := range []string{"/livez", "/readyz"} {
		if answer, body := f.do(t, http.MethodGet, path); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", path, answer.Status, body)
		}
	}
	problems = []error{errors.New("model is missing")}
	answer, body := f.do(t, http.MethodGet, "/readyz")
	p := checkProblem(t, answer, body, http.StatusServiceUnavailable)
	if len(p.Errors) != 1 || p.Errors[0].Message != "model is missing" {
		t.Errorf("problem %s", body)
	}
}

func FuzzCut(f *testing.F) {
	for _, s := range []string{"", "plain", "\x02a\x03", "a \x02b\x03 c", "\x02\x03", "\x02open", "\x03", "\x02a\x02b\x03"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts := cut(s)
		for _, p := range parts {
			if p.Text == "" {
				t.Fatalf("empty part of %q", s)
			}
		}
		if plain := strings.NewReplacer(MarkStart, "", MarkEnd, "").Replace(s); strings.NewReplacer(MarkStart, "", MarkEnd, "").Replace(joined(parts)) != plain {
			t.Fatalf("%q becomes %q", s, joined(parts))
		}
	})
}
