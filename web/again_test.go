package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"earshot"
)

func TestTranscribeAgain(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, body string
		status       int
		want         earshot.Retranscription
	}{
		{http.MethodPost, `{"engine": "moonshine"}`, http.StatusAccepted, earshot.Retranscription{Engine: "moonshine", State: "waiting"}},
		{http.MethodPost, "", http.StatusAccepted, earshot.Retranscription{State: "waiting"}},
		{http.MethodGet, "", http.StatusOK, earshot.Retranscription{State: "running", Done: 0.5}},
	} {
		answer, body := f.send(t, c.method, "/api/v1/calls/done1/transcribe", c.body)
		c.want.CallID, c.want.Revision = "done1", 1
		var got earshot.Retranscription
		if err := json.Unmarshal(body, &got); err != nil || answer.StatusCode != c.status || got != c.want {
			t.Errorf("%s %s: %s %s", c.method, c.body, answer.Status, body)
		}
	}
}

func TestTranscribeAgainThatCannotBe(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, call, body string
		status             int
		says               string
	}{
		{http.MethodPost, "live1", "", http.StatusConflict, "goes on"},
		{http.MethodPost, "busy", "", http.StatusConflict, "already"},
		{http.MethodPost, "nobody", "", http.StatusNotFound, "no such call"},
		{http.MethodPost, "done1", `{"engine": "other"}`, http.StatusUnprocessableEntity, "not moonshine"},
		{http.MethodPost, "done1", `{"motor": "other"}`, http.StatusUnprocessableEntity, ""},
		{http.MethodGet, "nobody", "", http.StatusNotFound, "nobody wanted"},
	} {
		answer, body := f.send(t, c.method, "/api/v1/calls/"+c.call+"/transcribe", c.body)
		checkProblem(t, answer, body, c.status)
		if !strings.Contains(string(body), c.says) {
			t.Errorf("%s of %s: %s", c.method, c.call, body)
		}
	}
}

func TestEarlierTranscripts(t *testing.T) {
	f := newFixture(t)
	call := testCall("done1", earshot.CallSettled)
	call.TranscriptRevision = 2
	f.store.calls["done1"] = call
	text := func(s string) []earshot.Utterance {
		return []earshot.Utterance{{ID: "u", CallID: "done1", Text: s, Final: true}}
	}
	f.store.utterances["done1"] = text("third")
	f.store.earlier = map[earshot.CallID]map[int][]earshot.Utterance{"done1": {0: text("first"), 1: text("second")}}
	for query, want := range map[string]string{
		"": "third", "?revision=2": "third", "?revision=1": "second", "?revision=0": "first", "?revision=0&format=text": "first",
	} {
		answer, body := f.send(t, http.MethodGet, "/api/v1/calls/done1/transcript"+query, "")
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s %s", query, answer.Status, body)
		}
	}
	answer, body := f.send(t, http.MethodGet, "/api/v1/calls/done1/transcript?revision=3", "")
	checkProblem(t, answer, body, http.StatusNotFound)
}
