package sqlite

import (
	"context"
	"fmt"
	"time"

	"earshot"
	"earshot/store"
)

// purgeChunk is how many done jobs one transaction removes, so that a purge
// does not hold up commits for long.
const purgeChunk = 2000

const dueJobs = `SELECT min(id) AS first FROM jobs INDEXED BY jobs_pending WHERE state = 'pending' AND run_at <= ?
	AND lane NOT IN (SELECT value FROM json_each(?)) GROUP BY lane ORDER BY first LIMIT ?`

// DueJobs returns the first pending job of each lane that may run now, except
// for the busy lanes, oldest first.
func (s *Store) DueJobs(ctx context.Context, now time.Time, limit int, busyLanes []string) ([]earshot.Job, error) {
	list, err := collect(ctx, s.reader, scanJob, `SELECT `+jobColumns+` FROM jobs WHERE id IN (`+dueJobs+`) ORDER BY id`, now.UnixMicro(), jsonList(busyLanes), limit)
	return list, readError("due jobs", err)
}

// Jobs returns jobs in a state, or in all with "", the newest first.
func (s *Store) Jobs(ctx context.Context, state earshot.JobState, limit int) ([]earshot.Job, error) {
	where, args := ``, []any{}
	if state != "" {
		where, args = `WHERE state = ?`, []any{string(state)}
	}
	list, err := collect(ctx, s.reader, scanJob,
		`SELECT `+jobColumns+` FROM jobs `+where+` ORDER BY id DESC LIMIT ?`, append(args, store.Limit(limit))...)
	return list, readError("jobs", err)
}

// LastJob returns the newest job of a kind whose key begins with a prefix, or
// earshot.ErrNotFound.
func (s *Store) LastJob(ctx context.Context, kind earshot.JobKind, prefix string) (earshot.Job, error) {
	job, err := scanJob(s.reader.QueryRowContext(ctx, `SELECT `+jobColumns+` FROM jobs WHERE kind = ? AND key >= ? AND key < ?
		ORDER BY id DESC LIMIT 1`, string(kind), prefix, prefix+"\x7f"))
	return job, readError("last job", err)
}

// RetryJob counts a failed attempt of a pending job and says when the next may
// be. Any other job is earshot.ErrNotFound.
func (s *Store) RetryJob(ctx context.Context, id int64, runAt time.Time, msg string) error {
	return s.one(ctx, "retry job", `UPDATE jobs SET attempts = attempts + 1, run_at = ?, last_error = ?
		WHERE id = ? AND state = 'pending'`, runAt.UnixMicro(), msg, id)
}

// KillJob counts the last failed attempt of a pending job: it is dead. Any
// other job is earshot.ErrNotFound.
func (s *Store) KillJob(ctx context.Context, id int64, msg string) error {
	return s.one(ctx, "kill job", `UPDATE jobs SET attempts = attempts + 1, state = 'dead', last_error = ?
		WHERE id = ? AND state = 'pending'`, msg, id)
}

const replay = `UPDATE jobs SET state = 'pending', attempts = 0, run_at = ? WHERE state = 'dead'`

// ReplayJob makes a dead job pending again, as if it was never tried. Any
// other job is earshot.ErrNotFound.
func (s *Store) ReplayJob(ctx context.Context, id int64) error {
	return s.one(ctx, "replay job", replay+` AND id = ?`, time.Now().UnixMicro(), id)
}

// ReplayDead makes all dead jobs pending again, but for the bus messages that
// nobody can read, and returns how many there were.
func (s *Store) ReplayDead(ctx context.Context) (int, error) {
	n, err := s.exec(ctx, replay+` AND kind <> 'poison'`, time.Now().UnixMicro())
	return int(n), writeError("replay jobs", err)
}

// ReplayNotes makes the dead jobs pending again that write and deliver the notes
// of a call, and returns how many there were.
func (s *Store) ReplayNotes(ctx context.Context, call earshot.CallID) (int, error) {
	n, err := s.exec(ctx, replay+` AND call_id = ? AND kind IN (?, ?)`,
		time.Now().UnixMicro(), string(call), string(earshot.JobNote), string(earshot.JobDeliver))
	return int(n), writeError("replay notes", err)
}

// one writes a statement that must change a row.
func (s *Store) one(ctx context.Context, what, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n == 0 {
		err = earshot.ErrNotFound
	}
	return writeError(what, err)
}

func writeError(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

const oldJobs = `SELECT id FROM jobs INDEXED BY jobs_done WHERE state = 'done' AND done_at < ? LIMIT ?`

// purge removes done jobs that are old enough and reports whether more may be
// left. It runs in the writing goroutine, in a transaction of its own.
func (s *Store) purge(t *tx) (more bool) {
	res, err := t.exec(`DELETE FROM jobs WHERE id IN (`+oldJobs+`)`,
		time.Now().Add(-s.keepDone).UnixMicro(), purgeChunk)
	if err != nil {
		s.log.Warn("done jobs not purged", "error", err)
		return false
	}
	n, err := res.RowsAffected()
	return err == nil && n == purgeChunk
}
