package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"earshot"
	"earshot/store"
)

// waitFor waits until a condition holds.
func waitFor(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// hold keeps the writer busy until release is called.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := s.write(t.Context(), func(*tx) ([]earshot.Event, error) {
			close(busy)
			<-free
			return nil, nil
		})
		if err != nil {
			t.Errorf("hold the writer: %v", err)
		}
	})
	<-busy
	return func() {
		close(free)
		wg.Wait()
	}
}

// together has the writes done in one transaction, in this order, and returns
// their errors.
func together(t *testing.T, s *Store, writes ...func() error) []error {
	t.Helper()
	release := hold(t, s)
	errs := make([]error, len(writes))
	var wg sync.WaitGroup
	for i, w := range writes {
		wg.Go(func() { errs[i] = w() })
		waitFor(t, "a write waits", func() bool { return len(s.queue) == i+1 })
	}
	release()
	wg.Wait()
	return errs
}

// group applies the commits in one transaction and returns their errors.
func group(t *testing.T, s *Store, commits ...earshot.Commit) []error {
	t.Helper()
	var writes []func() error
	for _, c := range commits {
		writes = append(writes, func() error { _, err := s.Apply(t.Context(), c); return err })
	}
	return together(t, s, writes...)
}

// unstorable passes the checks, but breaks a constraint of its table after its
// first rows are written.
func unstorable(i int) earshot.Commit {
	c := wholeCommit(i)
	c.Utterances[parts-1].Confidence = math.NaN()
	return c
}

func TestBadCommitFailsAlone(t *testing.T) {
	s := openTest(t)
	var seqs []int64
	s.OnCommit(func(events []earshot.Event) {
		for _, e := range events {
			seqs = append(seqs, e.Seq)
		}
	})
	errs := group(t, s, wholeCommit(0), unstorable(1), wholeCommit(2), unstorable(3), wholeCommit(4))
	for i, err := range errs {
		if bad := i%2 == 1; bad != (err != nil) {
			t.Errorf("commit %d: %v", i, err)
		}
		_, err = s.Call(t.Context(), wholeCall(i).ID)
		if bad := i%2 == 1; bad != errors.Is(err, earshot.ErrNotFound) {
			t.Errorf("call of commit %d: %v", i, err)
		}
	}
	if n := count(t, s, `SELECT count(*) FROM utterances`); n != 3*parts {
		t.Errorf("%d utterances, want %d", n, 3*parts)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if len(seqs) != 3 || seqs[0] >= seqs[1] || seqs[1] >= seqs[2] {
		t.Errorf("hook saw events %v", seqs)
	}
}

func TestManyCommitsOneTransaction(t *testing.T) {
	s := openTest(t)
	commits := make([]earshot.Commit, 100)
	for i := range commits {
		commits[i] = wholeCommit(i)
	}
	for i, err := range group(t, s, commits...) {
		if err != nil {
			t.Fatalf("commit %d: %v", i, err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The one that kept the writer busy, then all the others.
	h := gather(t, s)["earshot_store_group_commits"]
	if h.count != 2 || h.sum != 101 {
		t.Errorf("%v commits in %v transactions", h.sum, h.count)
	}
}

// setPages limits the file to its size now plus some pages.
func setPages(t *testing.T, s *Store, more int) {
	t.Helper()
	_, err := s.write(t.Context(), func(x *tx) ([]earshot.Event, error) {
		var pages, limit int
		if err := x.conn.QueryRowContext(context.Background(), `PRAGMA page_count`).Scan(&pages); err != nil {
			return nil, err
		}
		q := fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+more)
		return nil, x.conn.QueryRowContext(context.Background(), q).Scan(&limit)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// huge is a commit that needs about a megabyte.
func huge(i int) earshot.Commit {
	c := wholeCommit(i)
	c.Events[0].Data = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	return c
}

func TestDiskFull(t *testing.T) {
	s := openTest(t)
	if _, err := s.Apply(t.Context(), wholeCommit(0)); err != nil {
		t.Fatal(err)
	}
	setPages(t, s, 60)
	errs := group(t, s, wholeCommit(1), huge(2), wholeCommit(3))
	var full *sqlite.Error
	if !errors.As(errs[1], &full) || full.Code()&0xff != lib.SQLITE_FULL {
		t.Errorf("commit on a full disk: %v, want SQLITE_FULL", errs[1])
	}
	if errs[0] != nil || errs[2] != nil {
		t.Errorf("commits beside it: %v, %v", errs[0], errs[2])
	}
	setPages(t, s, 0)
	var failed int
	for i := 4; i < 40; i++ { // until the free pages are used up
		if _, err := s.Apply(t.Context(), wholeCommit(i)); err != nil {
			failed++
		}
	}
	if failed == 0 {
		t.Error("no commit failed on a full disk")
	}
	setPages(t, s, 100_000)
	if _, err := s.Apply(t.Context(), huge(2)); err != nil {
		t.Errorf("commit when there is space again: %v", err)
	}
	calls := count(t, s, `SELECT count(*) FROM calls`)
	if got := count(t, s, `SELECT count(*) FROM utterances`); calls != 40-failed || got != parts*calls {
		t.Errorf("%d calls with %d utterances after %d failed commits", calls, got, failed)
	}
	checkIntegrity(t, s)
}

// TestLostTransaction rolls the transaction back under the writer, as SQLite
// may do by itself: what was in it is done again.
func TestLostTransaction(t *testing.T) {
	s := openTest(t)
	errLost := errors.New("lost")
	errs := together(t, s,
		func() error { _, err := s.Apply(t.Context(), wholeCommit(0)); return err },
		func() error {
			_, err := s.write(t.Context(), func(x *tx) ([]earshot.Event, error) {
				_, err := x.exec("ROLLBACK")
				return nil, errors.Join(errLost, err)
			})
			return err
		},
		func() error { _, err := s.Apply(t.Context(), wholeCommit(1)); return err },
	)
	if errs[0] != nil || !errors.Is(errs[1], errLost) || errs[2] != nil {
		t.Errorf("errors %v", errs)
	}
	if n := count(t, s, `SELECT count(*) FROM calls`); n != 2 {
		t.Errorf("%d calls, want 2", n)
	}
	if seq, err := s.LastSeq(t.Context()); err != nil || seq != 2 {
		t.Errorf("last event %d, %v", seq, err)
	}
}

// TestAbandoned cancels a commit that waits: it must not be applied.
func TestAbandoned(t *testing.T) {
	s := openTest(t)
	release := hold(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	abandoned := make(chan error, 1)
	go func() {
		_, err := s.Apply(ctx, wholeCommit(0))
		abandoned <- err
	}()
	waitFor(t, "the commit waits", func() bool { return len(s.queue) == 1 })
	cancel()
	if err := <-abandoned; !errors.Is(err, context.Canceled) {
		t.Errorf("abandoned commit: %v", err)
	}
	release()
	if _, err := s.Apply(t.Context(), wholeCommit(1)); err != nil {
		t.Fatal(err)
	}
	if n := count(t, s, `SELECT count(*) FROM calls`); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestClosed(t *testing.T) {
	s := openTest(t)
	var wg sync.WaitGroup
	for i := range 20 { // either applied or refused, never stuck
		wg.Go(func() {
			if _, err := s.Apply(t.Context(), wholeCommit(i)); err != nil && !errors.Is(err, store.ErrClosed) {
				t.Errorf("commit %d: %v", i, err)
			}
		})
	}
	for range 2 {
		wg.Go(func() {
			if err := s.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	wg.Wait()
	if _, err := s.Apply(t.Context(), wholeCommit(99)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("commit after Close: %v", err)
	}
}

type sample struct{ value, count, sum float64 }

// gather returns the metrics by name and label.
func gather(t *testing.T, s *Store) map[string]sample {
	t.Helper()
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(s.Collectors()...)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]sample{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			h := m.GetHistogram()
			got[name] = sample{m.GetCounter().GetValue(), float64(h.GetSampleCount()), h.GetSampleSum()}
		}
	}
	return got
}

func TestMetrics(t *testing.T) {
	s := openTest(t)
	group(t, s, wholeCommit(0), unstorable(1))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := gather(t, s)
	if ok, bad := got["earshot_store_commits_total ok"], got["earshot_store_commits_total error"]; ok.value != 2 || bad.value != 1 {
		t.Errorf("%v commits, %v failed, want 2 and 1", ok.value, bad.value)
	}
	if d := got["earshot_store_transaction_seconds"]; d.count != 2 || d.sum <= 0 {
		t.Errorf("%v transactions took %v s", d.count, d.sum)
	}
}

// TestPurge has a done job purged when it is old enough, a pending one never.
func TestPurge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "earshot.db")
	s := openAt(t, path)
	if s.keepDone != 7*24*time.Hour {
		t.Errorf("done jobs are kept for %v, want 7 days", s.keepDone)
	}
	jobs := []earshot.Job{earshot.NewJob(earshot.JobRender, "c", "done", nil), earshot.NewJob(earshot.JobRender, "c", "pending", nil)}
	for _, c := range []earshot.Commit{{Jobs: jobs}, {Done: []int64{1}}} {
		if _, err := s.Apply(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	s.inWriter(t, func(x *tx) { s.purge(x) })
	if n := count(t, s, `SELECT count(*) FROM jobs`); n != 2 {
		t.Errorf("%d jobs left, want both", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, path, KeepDone(0))
	waitFor(t, "purge", func() bool { return count(t, s, `SELECT count(*) FROM jobs`) == 1 })
	list, err := s.Jobs(t.Context(), "", 10)
	if err != nil || len(list) != 1 || list[0].Key != "pending" {
		t.Errorf("jobs left: %+v, %v", list, err)
	}
}

// inWriter runs f in the writing goroutine.
func (s *Store) inWriter(t *testing.T, f func(*tx)) {
	t.Helper()
	_, err := s.write(t.Context(), func(x *tx) ([]earshot.Event, error) { f(x); return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
}
