package sqlite

import (
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/store/storetest"
)

func TestDaysFrom(t *testing.T) {
	for _, tc := range []struct{ from, to, want string }{
		{"2026-03-04T09:00:00Z", "2026-03-04T10:00:00Z", "k20260304"},
		{"2026-03-04T23:59:59Z", "2026-03-05T00:00:00Z", "k20260304 k20260305"},
		{"2026-01-30T00:00:00Z", "2026-03-02T00:00:00Z", "k20260130 k20260131 m202602 k20260301 k20260302"},
		{"2023-12-31T00:00:00Z", "2026-01-01T00:00:00Z", "k20231231 y2024 y2025 k20260101"},
		{"2024-02-01T00:00:00Z", "2024-02-29T12:00:00Z", "m202402"},
		{"2024-01-01T00:00:00Z", "2024-12-31T23:00:00Z", "y2024"},
		{"2026-03-05T00:00:00Z", "2026-03-04T00:00:00Z", ""},
	} {
		from, _ := time.Parse(time.RFC3339, tc.from)
		to, _ := time.Parse(time.RFC3339, tc.to)
		if got := strings.Join(daysFrom(from, to), " "); got != tc.want {
			t.Errorf("from %s to %s: %s, want %s", tc.from, tc.to, got, tc.want)
		}
	}
}

// TestIndexIsWhatItsContentSays compares the index with what is stored after
// each thing that changes either.
func TestIndexIsWhatItsContentSays(t *testing.T) {
	s := openTest(t)
	c := storetest.NewCall(1, earshot.CallLive)
	u := storetest.NewUtterance(c, 0, 0, "hello")
	steps := []earshot.Commit{
		{Utterances: []earshot.Utterance{u}},
		{Calls: []earshot.Call{c}},
	}
	c.Tags, c.Direction = append(c.Tags, "late"), earshot.DirectionInternal
	steps = append(steps, earshot.Commit{Calls: []earshot.Call{c}})
	u.Text, u.Role, u.Revision = "hullo", earshot.RoleCustomer, 1
	steps = append(steps,
		earshot.Commit{Utterances: []earshot.Utterance{u}},
		earshot.Commit{Transcripts: []earshot.TranscriptRevision{{CallID: c.ID, Revision: 2}}})
	for i, step := range steps {
		if _, err := s.Apply(t.Context(), step); err != nil {
			t.Fatal(err)
		}
		// With a rank that is not 0 the index is compared with its content.
		_, err := s.exec(t.Context(), `INSERT INTO utterances_fts (utterances_fts, rank) VALUES ('integrity-check', 1)`)
		if err != nil {
			t.Errorf("after step %d: %v", i, err)
		}
	}
}

// TestFacetsOfAnOldStore opens a file from before the index had facets.
func TestFacetsOfAnOldStore(t *testing.T) {
	s := openOld(t, "CREATE VIEW call_facets",
		`INSERT INTO calls (id, state, started_at, ended_at, transcript_complete, doc)
			VALUES ('c1', 'settled', 1767225600000000, 1767229200000000, 1, '{"id": "c1", "direction": "outbound"}')`,
		`INSERT INTO call_tags VALUES ('billing', 'c1')`,
		`INSERT INTO call_agents VALUES ('c1', 'ada', ''), ('c1', 'ada', 'red')`,
		`INSERT INTO utterances (n, id, call_id, stream_id, participant_id, role, start_ms, end_ms, text, confidence, late,
			revision, pos_from, pos_to) VALUES (7, 'u1', 'c1', 's1', 'p1', 'agent', 0, 1, 'hello', 1, 0, 0, 0, 1)`)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, q := range []SearchQuery{
		{},
		{Tag: "billing"},
		{AgentID: "ada"},
		{Direction: earshot.DirectionOutbound},
		{Role: earshot.RoleAgent},
		{CallID: "c1"},
		{From: day, To: day.Add(time.Second)},
		{Longer: time.Hour},
		{Audience: earshot.Audience{Team: "red"}},
	} {
		q.Text = "hello"
		hits, _, err := s.Search(t.Context(), q)
		if err != nil || len(hits) != 1 || hits[0].Utterance.ID != "u1" {
			t.Errorf("%+v: %+v, %v", q, hits, err)
		}
	}
	checkIntegrity(t, s)
}
