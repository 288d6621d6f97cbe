package web

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"earshot"
)

func TestAnalytics(t *testing.T) {
	f := newFixture(t)
	var asked earshot.FiguresQuery
	f.store.figures = func(q earshot.FiguresQuery) (earshot.DaysFigures, error) {
		asked = q
		out := earshot.DaysFigures{Days: make([]earshot.Figures, len(q.Days)-1), Tags: []earshot.NamedCount{{Name: "refund", Calls: 2}}}
		out.Days[0] = earshot.Figures{Calls: 2, Ended: 1, HandledMS: 60_000, Latencies: earshot.Latencies{3}}
		out.Days[1] = earshot.Figures{Calls: 1, Latencies: earshot.Latencies{0, 3}}
		return out, nil
	}
	answer, body := f.do(t, http.MethodGet, "/api/v1/analytics?from=2026-03-28&to=2026-03-30&tz=Europe/Berlin&agent=ada")
	checkSchema(t, f, http.MethodGet, "/api/v1/analytics", body)
	var got Analytics
	if err := json.Unmarshal(body, &got); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", answer.Status, body, err)
	}
	if len(got.Days) != 3 || got.Days[0].Day != "2026-03-28" || got.Days[2].Day != "2026-03-30" || got.Total.Calls != 3 || got.Total.Finals != 6 || got.Total.LatencyP50MS != 250 || len(got.Tags) != 1 || got.Outcomes == nil {
		t.Errorf("%+v", got)
	}
	// On the 29th clocks go forward.
	want := []string{"2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"}
	for i, day := range asked.Days {
		if day.UTC().Format(time.RFC3339) != want[i] {
			t.Errorf("day %d begins at %s", i, day.UTC())
		}
	}
	if asked.AgentID != "ada" || !asked.Audience.All() {
		t.Errorf("asked for %+v", asked)
	}
}

func TestAnalyticsDays(t *testing.T) {
	now := time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		in          analyticsInput
		days        int
		first, last string // begins
	}{
		{analyticsInput{Zone: "UTC"}, 30, "2026-10-26", "2026-11-24"},
		{analyticsInput{Zone: "Asia/Tokyo"}, 30, "2026-10-27", "2026-11-25"},
		{analyticsInput{Zone: "UTC", From: "2026-11-24"}, 1, "2026-11-24", "2026-11-24"},
		{analyticsInput{Zone: "UTC", From: "2024-01-01", To: "2024-12-31"}, 366, "2024-01-01", "2024-12-31"},
		{analyticsInput{Zone: "UTC", From: "2024-01-01", To: "2025-01-01"}, 0, "", ""},
		{analyticsInput{Zone: "UTC", From: "2026-11-25"}, 0, "", ""},
		{analyticsInput{Zone: "Nowhere/Land"}, 0, "", ""},
		{analyticsInput{Zone: "Local"}, 0, "", ""},
		{analyticsInput{Zone: "UTC", From: "2026-02-30"}, 0, "", ""},
	} {
		days, err := c.in.days(now)
		if c.days == 0 {
			if err == nil {
				t.Errorf("%+v: %d days", c.in, len(days)-1)
			}
			continue
		}
		if err != nil || len(days) != c.days+1 || days[0].Format(time.DateOnly) != c.first || days[c.days-1].Format(time.DateOnly) != c.last {
			t.Errorf("%+v: %v, %v", c.in, days, err)
		}
	}
}

// Whoever asks gets the figures of the calls that they may see, whatever agent
// they ask for.
func TestWhoseAnalytics(t *testing.T) {
	f, _ := staffed(t)
	var asked earshot.FiguresQuery
	f.store.figures = func(q earshot.FiguresQuery) (earshot.DaysFigures, error) {
		asked = q
		return earshot.DaysFigures{}, nil
	}
	for who, want := range map[string]earshot.Audience{
		"dana": {AgentID: "dana"}, "lead": {Team: "desk"}, "boss": {},
	} {
		if status, body := f.as(t, who, http.MethodGet, "/api/v1/analytics?agent=other"); status != http.StatusOK || asked.Audience != want || asked.AgentID != "other" {
			t.Errorf("%s: %d %s, asked for %+v", who, status, body, asked)
		}
	}
}
