package web

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"earshot"
)

func TestPauseAndResume(t *testing.T) {
	recorder := &fakeRecorder{}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Recorder = recorder })
	for _, c := range []struct {
		what, body string
		paused     bool
	}{
		{"pause", `{"by": "Dana Reyes", "reason": "card number"}`, true},
		{"resume", "", false},
	} {
		answer, body := f.send(t, http.MethodPost, "/api/v1/calls/live1/"+c.what, c.body)
		var call earshot.Call
		if err := json.Unmarshal(body, &call); err != nil || answer.StatusCode != http.StatusOK || call.Paused != c.paused {
			t.Errorf("%s: %s %s", c.what, answer.Status, body)
		}
		checkSchema(t, f, http.MethodPost, "/api/v1/calls/{id}/"+c.what, body)
	}
	if want := []string{"pause|live1|Dana Reyes|card number", "resume|live1|api|"}; !slices.Equal(recorder.asked, want) {
		t.Errorf("asked for %q, want %q", recorder.asked, want)
	}
}

func TestPauseThatCannotBe(t *testing.T) {
	recorder := &fakeRecorder{}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Recorder = recorder })
	for _, what := range []string{"pause", "resume"} {
		for id, status := range map[string]int{"done1": http.StatusConflict, "nobody": http.StatusNotFound} {
			answer, body := f.send(t, http.MethodPost, "/api/v1/calls/"+id+"/"+what, "")
			checkProblem(t, answer, body, status)
		}
	}
	asked := len(recorder.asked)
	for _, body := range []string{`{"who": "me"}`, `{"by": "` + strings.Repeat("x", 201) + `"}`, `[]`} {
		answer, raw := f.send(t, http.MethodPost, "/api/v1/calls/live1/pause", body)
		checkProblem(t, answer, raw, http.StatusUnprocessableEntity)
	}
	answer, raw := f.do(t, http.MethodPost, "/api/v1/calls/live1/pause", "Origin", "https://elsewhere.example", "Sec-Fetch-Site", "cross-site")
	checkProblem(t, answer, raw, http.StatusForbidden)
	if len(recorder.asked) != asked {
		t.Errorf("asked for %q", recorder.asked[asked:])
	}
}
