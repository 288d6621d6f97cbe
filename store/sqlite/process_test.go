package sqlite

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/store/storetest"
)

// TestKill9 kills a writing process at random moments. What it acknowledged
// must be there, and nothing may be there in part.
func TestKill9(t *testing.T) {
	rounds := 10
	if testing.Short() {
		rounds = 2
	}
	path := filepath.Join(t.TempDir(), "earshot.db")
	acked := map[int]bool{}
	for range rounds {
		c := startChild(t, path)
		c.read(t, 1+rand.IntN(60))
		// Somewhere within the next commits, most likely inside of one.
		kill := time.AfterFunc(time.Duration(rand.IntN(5000))*time.Microsecond, func() { _ = c.cmd.Process.Kill() })
		c.read(t, -1)
		kill.Stop()
		if err := c.cmd.Wait(); err == nil {
			t.Fatal("the child ended by itself")
		}
		for _, n := range c.last {
			acked[n] = true
		}
		checkWhole(t, path, acked)
	}
	if len(acked) < rounds {
		t.Errorf("only %d commits in %d rounds", len(acked), rounds)
	}
}

// checkWhole opens the store as a server does that starts again.
func checkWhole(t *testing.T, path string, acked map[int]bool) {
	t.Helper()
	s, err := Open(t.Context(), path, discard())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	for n := range acked {
		if _, err := s.Call(ctx, wholeCall(n).ID); err != nil {
			t.Fatalf("acknowledged commit %d: %v", n, err)
		}
	}
	calls := count(t, s, `SELECT count(*) FROM calls`)
	for table, want := range map[string]int{
		"utterances": parts * calls, "utterances_fts": parts * calls, "watermarks": calls, "streams": 2 * calls,
		"suggestions": calls, "summaries": calls, "deliveries": calls, "jobs": calls, "dialogs": calls, "events": calls,
		"utterances u JOIN calls c ON c.id = u.call_id": parts * calls,
		"events e JOIN calls c ON c.id = e.id":          calls,
	} {
		if got := count(t, s, `SELECT count(*) FROM `+table); got != want {
			t.Errorf("%s: %d rows, want %d", table, got, want)
		}
	}
	checkIntegrity(t, s)
}

func count(t *testing.T, s *Store, query string) int {
	t.Helper()
	var n int
	if err := s.reader.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// checkIntegrity has SQLite check the file and both indexes against the rows.
func checkIntegrity(t *testing.T, s *Store) {
	t.Helper()
	var result string
	if err := s.reader.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&result); err != nil || result != "ok" {
		t.Errorf("integrity check: %q, %v", result, err)
	}
	for _, table := range []string{"utterances_fts", "passages_fts"} {
		if _, err := s.exec(t.Context(), `INSERT INTO `+table+` (`+table+`, rank) VALUES ('integrity-check', 1)`); err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}

// TestReadWhileAnotherProcessWrites reads all the time while a child writes.
func TestReadWhileAnotherProcessWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	c := startChild(t, path)
	c.read(t, 1) // it has made the file
	s, err := OpenReadOnly(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for seen := 0; ; {
				select {
				case <-stop:
					return
				default:
				}
				n, err := readNewest(t.Context(), s)
				if err != nil || n < seen {
					t.Errorf("read %d events after %d: %v", n, seen, err)
					return
				}
				seen = n
			}
		})
	}
	c.read(t, 300)
	close(stop)
	wg.Wait()
	for _, n := range c.last { // acknowledged is visible at once, elsewhere too
		if _, err := s.Call(t.Context(), wholeCall(n).ID); err != nil {
			t.Errorf("commit %d: %v", n, err)
		}
	}
	_ = c.stdin.Close()
	c.read(t, -1)
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("child: %v", err)
	}
}

// readNewest asks for the newest calls and their words.
func readNewest(ctx context.Context, s *Store) (events int, err error) {
	seq, err := s.LastSeq(ctx)
	if err != nil {
		return 0, err
	}
	calls, _, err := s.Calls(ctx, CallQuery{Limit: 3})
	if err != nil {
		return 0, err
	}
	for _, c := range calls {
		if _, _, err := s.Search(ctx, SearchQuery{Text: "hello " + string(c.ID)}); err != nil {
			return 0, err
		}
	}
	return int(seq), nil
}

// TestWaitForTheOtherWriter holds the write lock longer than SQLite waits.
func TestWaitForTheOtherWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	s := openAt(t, path)
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	lock, err := other.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if _, err := lock.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := s.Apply(t.Context(), wholeCommit(0))
		done <- err
	}()
	waitFor(t, "three waits for the lock", func() bool { return gather(t, s)["earshot_store_lock_waits_total"].value >= 3 })
	if _, err := lock.ExecContext(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestTwoWriters has a second process on the file: they wait for each other.
func TestTwoWriters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	s := openAt(t, path)
	c := startChild(t, path)
	c.read(t, 1)
	for i := range 50 {
		call := storetest.NewCall(1_000_000+i, earshot.CallLive)
		if _, err := s.Apply(t.Context(), earshot.Commit{Calls: []earshot.Call{call}}); err != nil {
			t.Fatalf("commit %d: %v", i, err)
		}
	}
	_ = c.stdin.Close()
	c.read(t, -1)
	if err := c.cmd.Wait(); err != nil {
		t.Fatalf("child: %v", err)
	}
	if got, want := count(t, s, `SELECT count(*) FROM calls`), len(c.last)+50; got != want {
		t.Errorf("%d calls, want %d", got, want)
	}
}
