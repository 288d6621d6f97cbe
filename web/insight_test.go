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
