package sqlite

import (
	"testing"
	"time"

	"earshot"
)

// BenchmarkFigures asks for 90 days in which there were 100,000 calls, of ten
// agents in two teams.
func BenchmarkFigures(b *testing.B) {
	s := openTest(b)
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	days := make([]time.Time, 91)
	for i := range days {
		days[i] = begin.AddDate(0, 0, i)
	}
	for _, statement := range []string{
		`INSERT INTO call_figures (call_id, started_at, direction, handled_ms, mood, outcome, suggested, used, notes, in_500, in_1000)
			WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
			SELECT format('%08x-call', i), ? + i * 77760000, 'inbound', 1000 * (i % 600), i % 3 - 1, 'outcome ' || (i % 8), i % 5, i % 2, 1, 20, i % 9 FROM n`,
		`INSERT INTO call_agents SELECT call_id, 'agent' || (rowid % 10), 'team' || (rowid % 2) FROM call_figures WHERE ? > 0`,
		`INSERT INTO call_tags SELECT 'tag' || value, call_id FROM call_figures, json_each('[1,2]') WHERE call_figures.rowid % value = 0 AND ? > 0`,
	} {
		if _, err := s.exec(b.Context(), statement, begin.UnixMicro()); err != nil {
			b.Fatal(err)
		}
	}
	for name, who := range map[string]earshot.Audience{"all": {}, "team": {Team: "team1"}, "agent": {AgentID: "agent3"}} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f, err := s.Figures(b.Context(), earshot.FiguresQuery{Days: days, Audience: who})
				if err != nil || len(f.Days) != 90 || f.Days[89].Calls == 0 || len(f.Tags) == 0 {
					b.Fatalf("%d days, %d tags, %v", len(f.Days), len(f.Tags), err)
				}
			}
		})
	}
}
