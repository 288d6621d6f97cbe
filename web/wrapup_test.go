package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
)

// fakeWrapUp has the summaries of done1.
type fakeWrapUp struct {
	revisions []earshot.Summary
	retried   []earshot.CallID
}

func newFakeWrapUp() *fakeWrapUp {
	return &fakeWrapUp{revisions: []earshot.Summary{{
		CallID: "done1", Revision: 1, Reason: "A parcel.", Text: "The parcel is late.", Disposition: "old outcome",
		Actions: []earshot.Action{{Text: "Call back", Owner: earshot.RoleAgent, UtteranceID: "u1", AtMS: 700}},
	}}}
}

func (*fakeWrapUp) Dispositions() []string { return []string{"resolved", "escalated"} }

func (f *fakeWrapUp) SummaryRevision(_ context.Context, id earshot.CallID, revision int) (earshot.Summary, error) {
	if id != "done1" || revision > len(f.revisions) {
		return earshot.Summary{}, earshot.ErrNotFound
	}
	if revision == 0 {
		revision = len(f.revisions)
	}
	return f.revisions[revision-1], nil
}

func (f *fakeWrapUp) EditSummary(_ context.Context, id earshot.CallID, revision int, e earshot.SummaryEdit, by string) (earshot.Summary, error) {
	if id != "done1" {
		return earshot.Summary{}, earshot.ErrNotEnded
	}
	if revision != len(f.revisions) {
		return earshot.Summary{}, earshot.ErrChanged
	}
	s := f.revisions[revision-1].Edited(e, by, time.Unix(60, 0).UTC())
	f.revisions = append(f.revisions, s)
	return s, nil
}

func (f *fakeWrapUp) RetryNotes(_ context.Context, id earshot.CallID) (int, error) {
	f.retried = append(f.retried, id)
	return 1, nil
}

func wrappingUp(t *testing.T) (*fixture, *fakeWrapUp) {
	t.Helper()
	w := newFakeWrapUp()
	return newFixture(t, func(_ *Config, d *Deps) { d.WrapUp = w }), w
}

const (
	summaryPath = "/api/v1/calls/done1/summary"
	edited      = `{"reason":"Late parcel.","text":" It is found. ","disposition":"resolved","by":"dana","actions":[
		{"text":"Call back","owner":"agent","due":"Friday","utterance_id":"u1"},{"text":"Send a voucher","owner":"agent","utterance_id":"forged"}]}`
)

func TestSummaryIsCorrected(t *testing.T) {
	f, w := wrappingUp(t)
	answer, body := f.do(t, http.MethodGet, summaryPath)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("ETag") != `"1"` {
		t.Fatalf("%s, ETag %s: %s", answer.Status, answer.Header.Get("ETag"), body)
	}
	checkSchema(t, f, http.MethodGet, "/api/v1/calls/{id}/summary", body)
	answer, body = f.send(t, http.MethodPut, summaryPath, edited, "If-Match", `"1"`)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("ETag") != `"2"` {
		t.Fatalf("%s, ETag %s: %s", answer.Status, answer.Header.Get("ETag"), body)
	}
	checkSchema(t, f, http.MethodPut, "/api/v1/calls/{id}/summary", body)
	got := w.revisions[1]
	if got.Text != "It is found." || got.EditedBy != "dana" || got.Actions[0].AtMS != 700 || got.Actions[1].UtteranceID != "" {
		t.Errorf("%+v", got)
	}
	answer, body = f.do(t, http.MethodGet, summaryPath+"?revision=1")
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), "The parcel is late.") {
		t.Errorf("%s: %s", answer.Status, body)
	}
}

func TestSummaryConflict(t *testing.T) {
	f, w := wrappingUp(t)
	for _, c := range []struct {
		match string
		want  int
	}{
		{"", http.StatusPreconditionRequired},
		{`"2"`, http.StatusPreconditionFailed},
		{`"nonsense"`, http.StatusPreconditionFailed},
		{"*", http.StatusPreconditionFailed},
	} {
		answer, body := f.send(t, http.MethodPut, summaryPath, edited, "If-Match", c.match)
		checkProblem(t, answer, body, c.want)
		if c.want == http.StatusPreconditionFailed && !strings.Contains(string(body), "read it again") {
			t.Errorf("If-Match %s: %s", c.match, body)
		}
	}
	answer, body := f.send(t, http.MethodPut, strings.Replace(summaryPath, "done1", "live1", 1), edited, "If-Match", `"1"`)
	checkProblem(t, answer, body, http.StatusConflict)
	if len(w.revisions) != 1 {
		t.Errorf("%d revisions", len(w.revisions))
	}
}

func TestDispositionIsOfTheList(t *testing.T) {
	f, w := wrappingUp(t)
	put := func(outcome string) int {
		answer, _ := f.send(t, http.MethodPut, summaryPath, strings.Replace(edited, "resolved", outcome, 1), "If-Match", `"1"`)
		return answer.StatusCode
	}
	if status := put("made up"); status != http.StatusUnprocessableEntity {
		t.Errorf("an outcome that is not known: %d", status)
	}
	if status := put("old outcome"); status != http.StatusOK || w.revisions[1].Disposition != "old outcome" {
		t.Errorf("one that the call has: %d", status)
	}
	answer, body := f.do(t, http.MethodGet, "/api/v1/dispositions")
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `["resolved","escalated"]`) {
		t.Errorf("%s: %s", answer.Status, body)
	}
}

// Whoever may not see a call does not write its summary; whoever may is named.
func TestWhoCorrectsSummaries(t *testing.T) {
	w := newFakeWrapUp()
	f, people := staffed(t, func(_ *Config, d *Deps) { d.WrapUp = w })
	put := func(who string) int {
		answer, _ := f.send(t, http.MethodPut, summaryPath, edited, "If-Match", `"1"`, "Authorization", "Bearer "+who)
		return answer.StatusCode
	}
	retry := func(who string) int {
		status, _ := f.as(t, who, http.MethodPost, "/api/v1/calls/done1/notes/retry")
		return status
	}
	if put("other") != http.StatusNotFound || retry("other") != http.StatusNotFound || put("reading") != http.StatusForbidden {
		t.Error("somebody else may")
	}
	if len(w.revisions) != 1 || len(w.retried) != 0 || len(people.actions()) != 0 {
		t.Errorf("%d revisions, %q", len(w.revisions), people.actions())
	}
	if put("dana") != http.StatusOK || retry("dana") != http.StatusOK {
		t.Error("dana may not")
	}
	if w.revisions[1].EditedBy != "dana" || len(w.retried) != 1 {
		t.Errorf("%+v", w)
	}
	if trail := strings.Join(people.actions(), ", "); trail != "dana: edit summary done1, dana: retry notes done1" {
		t.Errorf("trail %s", trail)
	}
}

func TestAnswersAreRevalidated(t *testing.T) {
	f, _ := wrappingUp(t)
	f.store.list = func(CallQuery) ([]earshot.Call, string, error) {
		return []earshot.Call{testCall("done1", earshot.CallSettled)}, "", nil
	}
	for _, path := range []string{"/api/v1/calls", "/api/v1/calls/done1", "/api/v1/calls/done1/transcript", "/api/v1/calls/done1/transcript?format=vtt", summaryPath} {
		answer, body := f.do(t, http.MethodGet, path)
		tag := answer.Header.Get("ETag")
		if answer.StatusCode != http.StatusOK || tag == "" || len(body) == 0 {
			t.Fatalf("%s: %s, ETag %s", path, answer.Status, tag)
		}
		answer, body = f.do(t, http.MethodGet, path, "If-None-Match", `"other", `+tag)
		if answer.StatusCode != http.StatusNotModified || len(body) != 0 || answer.Header.Get("ETag") != tag {
			t.Errorf("%s again: %s %q", path, answer.Status, body)
		}
	}
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls/nobody", "If-None-Match", "*")
	checkProblem(t, answer, body, http.StatusNotFound)

	was, _ := f.do(t, http.MethodGet, "/api/v1/calls/live1")
	f.store.commit(earshot.NewEvent(earshot.EventTranscriptCompleted, "live1", earshot.TranscriptCompleted{}))
	answer, _ = f.do(t, http.MethodGet, "/api/v1/calls/live1", "If-None-Match", was.Header.Get("ETag"))
	if answer.StatusCode != http.StatusOK {
		t.Errorf("a call that has changed: %s", answer.Status)
	}
}
