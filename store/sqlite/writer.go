package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
	"earshot/store"
)

// maxGroup is how many commits share one transaction at the most.
const maxGroup = 256

// A change is one write within a transaction: it applies wholly or returns an
// error. It may run twice, when the transaction it was in is lost. It returns
// the events it appended.
type change func(*tx) ([]earshot.Event, error)

// request is a change that waits for the writing goroutine.
type request struct {
	change change
	// taken is set by who decides the request's fate: the writer, or the caller
	// that gives up.
	taken  atomic.Bool
	answer chan answer // holds one
}

type answer struct {
	events []earshot.Event
	err    error
}

// write hands a change to the writing goroutine and waits until it is durable
// or has failed. Once the writer has begun with it, ctx no longer matters: the
// caller always learns what became of it.
func (s *Store) write(ctx context.Context, c change) ([]earshot.Event, error) {
	r := &request{change: c, answer: make(chan answer, 1)}
	if err := s.enqueue(ctx, r); err != nil {
		return nil, err
	}
	select {
	case a := <-r.answer:
		return a.events, a.err
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return nil, ctx.Err()
		}
		a := <-r.answer
		return a.events, a.err
	}
}

// exec writes one statement. It reports how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	var n int64
	_, err := s.write(ctx, func(t *tx) ([]earshot.Event, error) {
		res, err := t.exec(query, args...)
		if err != nil {
			return nil, err
		}
		n, err = res.RowsAffected()
		return nil, err
	})
	return n, err
}

func (s *Store) enqueue(ctx context.Context, r *request) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	switch {
	case s.closed:
		return store.ErrClosed
	case s.queue == nil:
		return store.ErrReadOnly
	}
	select {
	case s.queue <- r:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// writeLoop is the writing goroutine.
func (s *Store) writeLoop(t *tx) {
	defer close(s.ended)
	defer t.close()
	purge := time.NewTimer(0)
	defer purge.Stop()
	for {
		select {
		case r, ok := <-s.queue:
			if !ok {
				return
			}
			s.commit(t, s.collect(r))
		case <-purge.C:
			wait := purgeInterval
			if more := s.purge(t); more {
				wait = time.Second
			}
			purge.Reset(wait)
		}
	}
}

// collect returns the first request and those that wait behind it.
func (s *Store) collect(first *request) []*request {
	var group []*request
	for r, ok := first, true; ok; {
		if r.taken.CompareAndSwap(false, true) {
			group = append(group, r)
		}
		if len(group) == maxGroup {
			break
		}
		select {
		case r, ok = <-s.queue:
		default:
			ok = false
		}
	}
	return group
}

// commit makes a group durable, answers it and calls the hooks.
func (s *Store) commit(t *tx, group []*request) {
	if len(group) == 0 {
		return
	}
	begin := time.Now()
	answers := t.transaction(group)
	s.metrics.group.Observe(float64(len(group)))
	s.metrics.duration.Observe(time.Since(begin).Seconds())
	var events []earshot.Event
	for i, r := range group {
		a := answers[i]
		s.metrics.count(a.err)
		events = append(events, a.events...)
		r.answer <- a
	}
	s.mu.RLock()
	hooks := slices.Clone(s.hooks)
	s.mu.RUnlock()
	for _, f := range hooks {
		f(slices.Clip(events))
	}
}

// tx is the connection of the writing goroutine with its statements.
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	waits prometheus.Counter // times that lockLook was not enough
}

// transaction applies the changes in one transaction, a savepoint each, and
// returns what became of them, in order.
//
// SQLite may roll back a whole transaction by itself when a statement meets a
// full disk or an I/O error. The change that met it has failed then, and the
// others are done again without it.
func (t *tx) transaction(group []*request) []answer {
	answers := make([]answer, len(group))
	for {
		lost, err := t.attempt(group, answers)
		if lost >= 0 {
			continue
		}
		if err != nil {
			for i := range answers {
				if answers[i].err == nil {
					answers[i] = answer{err: fmt.Errorf("commit: %w", err)}
				}
			}
		}
		return answers
	}
}

// attempt applies the changes that have not failed yet. It returns the index
// of the change that lost the transaction, or -1.
func (t *tx) attempt(group []*request, answers []answer) (lost int, err error) {
	if err := t.begin(); err != nil {
		return -1, err
	}
	for i, r := range group {
		if answers[i].err != nil {
			continue
		}
		a, alive := t.savepoint(r.change)
		answers[i] = a
		if !alive {
			_, _ = t.exec("ROLLBACK") // fails if SQLite has done it already
			return i, nil
		}
	}
	if _, err := t.exec("COMMIT"); err != nil {
		_, _ = t.exec("ROLLBACK")
		return -1, err
	}
	return -1, nil
}

// begin takes the write lock, which another process may hold now and again.
func (t *tx) begin() error {
	for end := time.Now().Add(lockTimeout); ; t.waits.Inc() {
		_, err := t.exec("BEGIN IMMEDIATE")
		if !isBusy(err) || time.Now().After(end) {
			return err
		}
	}
}

// savepoint applies one change. It reports false when the transaction around
// it is gone.
func (t *tx) savepoint(c change) (answer, bool) {
	if _, err := t.exec("SAVEPOINT change"); err != nil {
		return answer{err: err}, false
	}
	events, err := c(t)
	if err == nil {
		_, err = t.exec("RELEASE change")
	}
	if err == nil {
		return answer{events: events}, true
	}
	if _, gone := t.exec("ROLLBACK TO change"); gone != nil {
		return answer{err: err}, false
	}
	_, gone := t.exec("RELEASE change")
	return answer{err: err}, gone == nil
}

// exec runs a statement, prepared at its first use. It takes no context: an
// interrupted statement would take the transaction of the whole group down.
func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	stmt := t.stmts[query]
	if stmt == nil {
		var err error
		stmt, err = t.conn.PrepareContext(context.Background(), query)
		if err != nil {
			return nil, err
		}
		t.stmts[query] = stmt
	}
	return stmt.ExecContext(context.Background(), args...)
}

func (t *tx) close() {
	for _, stmt := range t.stmts {
		_ = stmt.Close()
	}
	_ = t.conn.Close()
}
