package sqlite

import (
	"fmt"
	"net/url"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// openOld opens a store whose file is from before the migration that has a text,
// with what was in it then.
func openOld(t *testing.T, migration string, rows ...string) *Store {
	t.Helper()
	path := filepath.Join(t.TempDir(), "earshot.db")
	all, err := scripts()
	if err != nil {
		t.Fatal(err)
	}
	before := slices.IndexFunc(all, func(script string) bool { return strings.Contains(script, migration) })
	old := slices.Concat(all[:before], rows, []string{
		fmt.Sprintf(`PRAGMA application_id = %d`, appID), fmt.Sprintf(`PRAGMA user_version = %d`, before),
	})
	db, err := pool(path, 1, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range old {
		if _, err := db.ExecContext(t.Context(), script); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return openAt(t, path)
}

// TestFiguresOfAnOldStore opens a file from before calls were counted.
func TestFiguresOfAnOldStore(t *testing.T) {
	s := openOld(t, "CREATE TABLE call_figures",
		`INSERT INTO calls (id, state, started_at, ended_at, transcript_complete, doc) VALUES
			('c1', 'settled', 1767225600000000, 1767225660000000, 1, '{"id": "c1", "direction": "outbound"}'),
			('c2', 'live', 1767225600000000, NULL, 0, '{"id": "c2", "direction": "inbound"}')`,
		`INSERT INTO summaries VALUES ('c1', 1, '{"disposition": "none", "sentiment": {"rated": 2, "mood": "negative"}}'),
			('c1', 2, '{"disposition": "resolved", "sentiment": {"rated": 2, "mood": "positive"}}')`,
		`INSERT INTO suggestions (id, call_id, at_ms, doc) VALUES ('g1', 'c1', 0, '{"kind": "card"}'), ('g2', 'c1', 0, '{"kind": "tag"}')`,
		`INSERT INTO feedback VALUES ('g1', 'c1', '', '', 'used', '{}')`,
		`INSERT INTO deliveries VALUES ('n1', 1, 'c1', 'failed', '{}'), ('n1', 2, 'c1', 'confirmed', '{}')`)
	day := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	got, err := s.Figures(t.Context(), earshot.FiguresQuery{Days: []time.Time{day, day.AddDate(0, 0, 1)}})
	want := []earshot.Figures{{
		Calls: 2, Inbound: 1, Outbound: 1, Ended: 1, HandledMS: 60_000, Positive: 1, Suggested: 1, Used: 1, Notes: 2, NotesFailed: 1,
	}}
	if err != nil || !reflect.DeepEqual(got.Days, want) || !slices.Equal(got.Outcomes, []earshot.NamedCount{{Name: "resolved", Calls: 1}}) {
		t.Errorf("%+v, %v", got, err)
	}
}
