package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"earshot"
)

// fakeFeedback knows the suggestion g of the call live1.
type fakeFeedback struct{ asked []string }

func (f *fakeFeedback) Rate(_ context.Context, call earshot.CallID, id earshot.SuggestionID, v earshot.Verdict, by string) (earshot.Feedback, error) {
	f.asked = append(f.asked, strings.Join([]string{string(call), string(id), string(v), by}, "|"))
	if call != "live1" || id != "g" {
		return earshot.Feedback{}, earshot.ErrNotFound
	}
	return earshot.FeedbackOf(earshot.Suggestion{ID: id, CallID: call, Rule: "angry"}, v, by, time.Unix(1, 0)), nil
}

func (*fakeFeedback) FeedbackCounts(context.Context) ([]earshot.FeedbackCount, error) {
	return []earshot.FeedbackCount{{Rule: "angry", Wrong: 2}}, nil
}

func TestRateSuggestion(t *testing.T) {
	feedback := &fakeFeedback{}
	f := newFixture(t, func(_ *Config, d *Deps) { d.Feedback = feedback })
	const path = "/api/v1/calls/live1/suggestions/g/feedback"
	answer, body := f.send(t, http.MethodPost, path, `{"verdict":"wrong","by":"dana"}`)
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"rule":"angry"`) || !strings.Contains(string(body), `"by":"dana"`) {
		t.Errorf("%s: %s", answer.Status, body)
	}
	checkSchema(t, f, http.MethodPost, "/api/v1/calls/{id}/suggestions/{sid}/feedback", body)
	answer, body = f.send(t, http.MethodPost, strings.Replace(path, "/g/", "/h/", 1), `{"verdict":"used"}`)
	checkProblem(t, answer, body, http.StatusNotFound)
	if len(feedback.asked) != 2 || feedback.asked[0] != "live1|g|wrong|dana" || feedback.asked[1] != "live1|h|used|api" {
		t.Errorf("asked for %q", feedback.asked)
	}
	for _, wrong := range []string{`{}`, `{"verdict":"great"}`, `{"verdict":"used","more":1}`, ``} {
		answer, body := f.send(t, http.MethodPost, path, wrong)
		checkProblem(t, answer, body, http.StatusUnprocessableEntity)
	}
	if len(feedback.asked) != 2 {
		t.Errorf("asked for %q", feedback.asked)
	}
}

func TestFeedbackCounts(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Feedback = &fakeFeedback{} })
	answer, body := f.do(t, http.MethodGet, "/api/v1/suggestions/feedback")
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"rule":"angry"`) || !strings.Contains(string(body), `"wrong":2`) {
		t.Errorf("%s: %s", answer.Status, body)
	}
	checkSchema(t, f, http.MethodGet, "/api/v1/suggestions/feedback", body)
}
