package web

import (
	"context"
	"fmt"
	"net/http"
	"time"
	_ "time/tzdata" // days begin where the reader is, also if the machine knows no time zones

	"github.com/danielgtaylor/huma/v2"

	"earshot"
)

// How many days analytics is about: at the most, and if nobody says.
const (
	mostDays    = 366
	defaultDays = 30
)

type analyticsInput struct {
	From  string `query:"from" format:"date" doc:"The first day. Default: 30 days up to the last one."`
	To    string `query:"to" format:"date" doc:"The last day. Default: today."`
	Zone  string `query:"tz" maxLength:"64" default:"UTC" doc:"The time zone in which days begin: a name of the IANA database, such as Europe/Berlin."`
	Agent string `query:"agent" maxLength:"200" doc:"Only calls of this agent: an ID of the directory."`
}

// Analytics is what the calls of some days add up to.
type Analytics struct {
	Zone  string          `json:"tz"`
	Days  []DayFigures    `json:"days" doc:"Each day, also those without a call."`
	Total earshot.Figures `json:"total" doc:"Of all the days together."`
	// The most frequent come first.
	Tags     []earshot.NamedCount `json:"tags" doc:"The most frequent tags."`
	Outcomes []earshot.NamedCount `json:"outcomes" doc:"The most frequent outcomes (dispositions)."`
}

// DayFigures are the calls that began on a day.
type DayFigures struct {
	Day string `json:"day" format:"date"`
	earshot.Figures
}

func (s *Server) analyticsRoutes(api huma.API) {
	register(s, api, huma.Operation{
		OperationID: "getAnalytics", Method: http.MethodGet, Path: "/api/v1/analytics", Tags: []string{"analytics"},
		Summary: "What calls add up to, day by day",
		Description: "Volume, handling time, how customers sounded, what became of suggestions, how fast recognition was and which notes " +
			"could not be delivered, by the day a call began on. Counted are the calls that whoever asks may see: a supervisor's are " +
			"those of the team, an agent's their own. At most 366 days.",
		Errors: []int{http.StatusUnprocessableEntity},
	}, func(ctx context.Context, in *analyticsInput) (*jsonBody[Analytics], error) {
		days, err := in.days(time.Now())
		if err != nil {
			return nil, err
		}
		found, err := s.deps.Reader.Figures(ctx, earshot.FiguresQuery{Days: days, AgentID: in.Agent, Audience: audienceOf(ctx)})
		if err != nil {
			return nil, err
		}
		out := Analytics{Zone: in.Zone, Days: []DayFigures{}, Tags: found.Tags, Outcomes: found.Outcomes}
		for i, f := range found.Days {
			out.Days = append(out.Days, DayFigures{Day: days[i].Format(time.DateOnly), Figures: f})
			out.Total.Add(f)
		}
		fill(&out.Tags)
		fill(&out.Outcomes)
		return &jsonBody[Analytics]{Body: out}, nil
	})
}

// days returns when the days begin, and when the last one ends.
func (in *analyticsInput) days(now time.Time) ([]time.Time, error) {
	zone, err := time.LoadLocation(in.Zone)
	if err != nil || in.Zone == "Local" {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("there is no time zone %q", in.Zone))
	}
	last := now.In(zone)
	if in.To != "" {
		if last, err = time.ParseInLocation(time.DateOnly, in.To, zone); err != nil {
			return nil, huma.Error422UnprocessableEntity("to is no day")
		}
	}
	first := last.AddDate(0, 0, 1-defaultDays)
	if in.From != "" {
		if first, err = time.ParseInLocation(time.DateOnly, in.From, zone); err != nil {
			return nil, huma.Error422UnprocessableEntity("from is no day")
		}
	}
	var out []time.Time
	// Noon is on its day in every zone; midnight may not be, where clocks change.
	year, month, day := first.Date()
	for noon := time.Date(year, month, day, 12, 0, 0, 0, zone); len(out) <= mostDays+1; noon = noon.AddDate(0, 0, 1) {
		y, m, d := noon.Date()
		out = append(out, time.Date(y, m, d, 0, 0, 0, 0, zone))
		if noon.Format(time.DateOnly) > last.Format(time.DateOnly) {
			break
		}
	}
	if len(out) < 2 || len(out) > mostDays+1 {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("from one day to %d, the first not after the last", mostDays))
	}
	return out, nil
}
