package web

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"earshot"
)

// fakeInsight knows the call done1.
type fakeInsight struct{}

func (fakeInsight) Measures(_ context.Context, id earshot.CallID) (earshot.Measures, error) {
	if id != "done1" {
		return earshot.Measures{}, earshot.ErrNotFound
	}
	score := -0.5
	return earshot.Measures{
		CallID: id, TalkMS: 1200, Parties: []earshot.PartyMeasure{{Role: earshot.RoleAgent, Sentiment: earshot.Sentiment{Mood: earshot.MoodNegative, Trend: earshot.TrendSteady}}},
		Minutes: []earshot.MinuteMeasure{{Parties: []earshot.MinuteParty{{TalkMS: 1200, Sentiment: &score}, {}}}},
	}, nil
}

func (fakeInsight) Summary(_ context.Context, id earshot.CallID) (earshot.Summary, error) {
	if id == "nobody" {
		return earshot.Summary{}, earshot.ErrNotFound
	}
	return earshot.Summary{CallID: id, Reason: "so far", By: "extractive"}, nil
}

func (fakeInsight) Ask(_ context.Context, q Question) ([]earshot.FoundPassage, error) {
	if q.CallID != "done1" || !q.Audience.All() {
		return nil, nil
	}
	return []earshot.FoundPassage{{Score: 1, CallID: q.CallID, Utterances: []earshot.Utterance{final("done1", 1)}}}[:min(1, q.Limit)], nil
}

func (fakeInsight) Checklist(_ context.Context, id earshot.CallID) ([]earshot.ChecklistItem, error) {
	if id == "nobody" {
		return nil, earshot.ErrNotFound
	}
	at := int64(2500)
	return []earshot.ChecklistItem{
		{Item: "Greeted", Rules: []string{"greeted"}, Done: true, AtMS: &at, UtteranceID: "s1-1"}, {Item: "Identified", Rules: []string{"name", "number"}},
	}, nil
}

func TestChecklist(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Insight = fakeInsight{} })
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls/live1/checklist")
	for _, want := range []string{`"item":"Greeted"`, `"done":true,"at_ms":2500`, `"item":"Identified","rules":["name","number"],"done":false}`} {
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s lacks %s", answer.Status, body, want)
		}
	}
	checkSchema(t, f, http.MethodGet, "/api/v1/calls/{id}/checklist", body)
	if answer, body := f.do(t, http.MethodGet, "/api/v1/calls/nobody/checklist"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%s: %s", answer.Status, body)
	}
}

func TestSummaryOnDemand(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Insight = fakeInsight{} })
	answer, body := f.do(t, http.MethodPost, "/api/v1/calls/live1/summary")
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"reason":"so far"`) || !strings.Contains(string(body), `"open_questions":[]`) {
		t.Errorf("%s: %s", answer.Status, body)
	}
	checkSchema(t, f, http.MethodPost, "/api/v1/calls/{id}/summary", body)
	if answer, body := f.do(t, http.MethodPost, "/api/v1/calls/nobody/summary"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%s: %s", answer.Status, body)
	}
}

func TestAsk(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Insight = fakeInsight{} })
	for path, want := range map[string]string{
		"/api/v1/ask?q=what+was+it&call=done1": `"text":"word"`,
		"/api/v1/ask?q=what+was+it":            `"items":[]`,
	} {
		answer, body := f.do(t, http.MethodGet, path)
		if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s: %s", path, answer.Status, body)
		}
		checkSchema(t, f, http.MethodGet, "/api/v1/ask", body)
	}
	if answer, body := f.do(t, http.MethodGet, "/api/v1/ask?q="); answer.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%s: %s", answer.Status, body)
	}
}

func TestMeasures(t *testing.T) {
	f := newFixture(t, func(_ *Config, d *Deps) { d.Insight = fakeInsight{} })
	answer, body := f.do(t, http.MethodGet, "/api/v1/calls/done1/measures")
	if answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"talk_ms":1200`) || !strings.Contains(string(body), `"mood":"negative"`) {
		t.Errorf("%s: %s", answer.Status, body)
	}
	checkSchema(t, f, http.MethodGet, "/api/v1/calls/{id}/measures", body)
	if answer, body := f.do(t, http.MethodGet, "/api/v1/calls/nobody/measures"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("%s: %s", answer.Status, body)
	}
}
