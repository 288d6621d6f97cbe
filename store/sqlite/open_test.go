package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"earshot"
	"earshot/store"
)

// TestDurability asserts what the package comment promises.
func TestDurability(t *testing.T) {
	s := openTest(t)
	got := map[string]string{}
	s.inWriter(t, func(x *tx) {
		for _, name := range []string{"journal_mode", "synchronous", "busy_timeout"} {
			var v string
			if err := x.conn.QueryRowContext(context.Background(), `PRAGMA `+name).Scan(&v); err != nil {
				t.Error(err)
			}
			got[name] = v
		}
	})
	if got["journal_mode"] != "wal" || got["synchronous"] != "2" || got["busy_timeout"] != "100" {
		t.Errorf("pragmas %v", got)
	}
}

func TestOpenOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder", "calls?mode=memory&x=%41#1.db")
	s := openAt(t, path)
	if _, err := s.Apply(t.Context(), wholeCommit(0)); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, want 0600", info.Mode())
	}
}

// TestOpenTogether has several stores make the same file at the same time.
func TestOpenTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			s, err := Open(t.Context(), path, discard())
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if _, err := s.Apply(t.Context(), wholeCommit(i)); err != nil {
				t.Errorf("apply: %v", err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
	wg.Wait()
	if n := count(t, openAt(t, path), `SELECT count(*) FROM calls`); n != 4 {
		t.Errorf("%d calls, want 4", n)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	if _, err := OpenReadOnly(t.Context(), path); err == nil {
		t.Error("a file that is not there was opened")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("opening for reading made the file: %v", err)
	}
	w := openAt(t, path)
	if _, err := w.Apply(t.Context(), wholeCommit(0)); err != nil {
		t.Fatal(err)
	}
	for _, server := range []string{"up", "down"} {
		r, err := OpenReadOnly(t.Context(), path)
		if err != nil {
			t.Fatalf("server %s: %v", server, err)
		}
		if c, err := r.Call(t.Context(), wholeCall(0).ID); err != nil || c.ID == "" {
			t.Errorf("server %s: %v", server, err)
		}
		if hits, _, err := r.Search(t.Context(), SearchQuery{Text: "hello", Rank: true}); err != nil || len(hits) != parts {
			t.Errorf("server %s: %d hits, %v", server, len(hits), err)
		}
		if _, err := r.Apply(t.Context(), wholeCommit(1)); !errors.Is(err, store.ErrReadOnly) {
			t.Errorf("server %s: Apply: %v, want ErrReadOnly", server, err)
		}
		if _, err := r.reader.ExecContext(t.Context(), `DELETE FROM calls`); err == nil {
			t.Errorf("server %s: a reader deleted rows", server)
		}
		if err := errors.Join(r.Close(), r.Close(), w.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSchemas(t *testing.T) {
	for name, c := range map[string]struct{ pragma, want, wantReader string }{
		"newer":    {`PRAGMA user_version = 999`, "schema 999", "schema 999"},
		"older":    {`PRAGMA user_version = 0`, "migrate to schema 1", "must have run once"},
		"stranger": {`PRAGMA application_id = 7`, "not a store of Earshot", "not a store of Earshot"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "earshot.db")
			s := openAt(t, path)
			s.inWriter(t, func(x *tx) {
				if _, err := x.exec(c.pragma); err != nil {
					t.Error(err)
				}
			})
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), path, discard())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("Open: %v, want %q and the path", err, c.want)
			}
			if _, err = OpenReadOnly(t.Context(), path); err == nil || !strings.Contains(err.Error(), c.wantReader) {
				t.Errorf("OpenReadOnly: %v, want %q", err, c.wantReader)
			}
		})
	}
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, discard()); err == nil {
		t.Error("Open took a file that is no database")
	}
}

// TestReopen has everything there after a restart, the sequence going on.
func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	for i := range 3 {
		s := openAt(t, path)
		events, err := s.Apply(t.Context(), wholeCommit(i))
		if err != nil || len(events) != 1 || events[0].Seq != int64(i+1) {
			t.Fatalf("events %+v, %v", events, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	checkWhole(t, path, map[int]bool{0: true, 1: true, 2: true})
}

// TestQueryPlans asserts that what is asked for all the time reads an index in
// its order, however many rows there are.
func TestQueryPlans(t *testing.T) {
	s := openTest(t)
	where, args := filter(matchAll("hello"), SearchQuery{Role: earshot.RoleAgent}, 1<<40)
	args = append([]any{store.MarkStart, store.MarkEnd, snippetWords}, append(args, 20)...)
	firstJobs, _, _ := strings.Cut(dueJobs, "ORDER BY") // there are few lanes to sort
	for name, q := range map[string]struct {
		query string
		args  []any
		want  string
	}{
		"search":      {selectHits + where + ` ORDER BY f.rowid DESC LIMIT ?`, args, "SCAN f VIRTUAL TABLE INDEX"},
		"calls":       {selectCalls + `WHERE c.state <> 'live' ORDER BY c.started_at DESC, c.id DESC LIMIT 50`, nil, "calls_newest"},
		"live":        {selectCalls + `WHERE c.state = 'live' ORDER BY c.started_at, c.id`, nil, "calls_live"},
		"open":        {selectCalls + `WHERE c.transcript_complete = 0 ORDER BY c.started_at, c.id`, nil, "calls_open"},
		"utterances":  {`SELECT text FROM utterances WHERE call_id = 'c' ORDER BY start_ms, n`, nil, "utterances_call"},
		"unpublished": {`SELECT data FROM events WHERE published = 0 ORDER BY seq LIMIT 9`, nil, "events_unpublished"},
		"events":      {`SELECT data FROM events WHERE call_id = 'c' AND seq > 7 ORDER BY seq LIMIT 9`, nil, "events_call"},
		"jobs":        {`SELECT payload FROM jobs WHERE state = 'dead' ORDER BY id DESC LIMIT 9`, nil, "jobs_state"},
		"due jobs":    {firstJobs, []any{7, "[]"}, "SCAN jobs USING COVERING INDEX jobs_pending\n"},
		"purge":       {oldJobs, []any{7, 9}, "jobs_done"},
	} {
		steps, err := collect(t.Context(), s.reader, func(row scanner) (string, error) {
			var id, parent, unused int
			var detail string
			err := row.Scan(&id, &parent, &unused, &detail)
			return detail, err
		}, `EXPLAIN QUERY PLAN `+q.query, q.args...)
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(steps, "\n")
		if !strings.Contains(plan, q.want) || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: want %s and no sorting\n%s", name, q.want, plan)
		}
	}
}
