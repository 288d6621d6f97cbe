package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

// appID marks a file as Earshot's (PRAGMA application_id): "EARS".
const appID = 0x45415253

//go:embed migrations/*.sql
var migrations embed.FS

// scripts returns the migrations; the one at index i leads to schema i+1.
func scripts() ([]string, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	var out []string
	for i, name := range names {
		var n int
		if _, err := fmt.Sscanf(name, "migrations/%d_", &n); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", name, i+1)
		}
		raw, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out = append(out, string(raw))
	}
	return out, nil
}

// querier is a pool or one connection of it.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// schema is what a file says about itself.
type schema struct{ version, app, tables int }

func readSchema(ctx context.Context, q querier) (schema, error) {
	var s schema
	err := q.QueryRowContext(ctx, `SELECT
		(SELECT user_version FROM pragma_user_version),
		(SELECT application_id FROM pragma_application_id),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&s.version, &s.app, &s.tables)
	if err != nil {
		return s, fmt.Errorf("read schema version: %w", err)
	}
	return s, nil
}

// check says whether this program with its known schema can use the file.
func (s schema) check(known int) error {
	switch {
	case s.tables > 0 && s.app != appID:
		return errors.New("the file is not a store of Earshot")
	case s.version > known:
		return fmt.Errorf("the store has schema %d, this version of Earshot knows none after %d: use a newer one",
			s.version, known)
	}
	return nil
}

// migrate brings the schema up to date, each step in a transaction.
func migrate(ctx context.Context, conn *sql.Conn) error {
	steps, err := scripts()
	if err != nil {
		return err
	}
	for {
		done, err := migrateOne(ctx, conn, steps)
		if err != nil || done {
			return err
		}
	}
}

// migrateOne takes one step and reports whether none was left. The version is
// read under the lock: another process may be migrating the same file.
func migrateOne(ctx context.Context, conn *sql.Conn, steps []string) (done bool, err error) {
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return false, fmt.Errorf("begin migration: %w", err)
	}
	defer func() {
		if err != nil || done {
			_, _ = conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		}
	}()
	s, err := readSchema(ctx, conn)
	if err != nil {
		return false, err
	}
	if err := s.check(len(steps)); err != nil || s.version == len(steps) {
		return true, err
	}
	script := fmt.Sprintf("%s;\nPRAGMA user_version = %d;\nPRAGMA application_id = %d;\nCOMMIT",
		steps[s.version], s.version+1, appID)
	if _, err := conn.ExecContext(ctx, script); err != nil {
		return false, fmt.Errorf("migrate to schema %d: %w", s.version+1, err)
	}
	return false, nil
}

// checkSchema refuses a file that this program cannot read.
func checkSchema(ctx context.Context, db *sql.DB) error {
	steps, err := scripts()
	if err != nil {
		return err
	}
	s, err := readSchema(ctx, db)
	if err != nil {
		return err
	}
	if err := s.check(len(steps)); err != nil {
		return err
	}
	if s.version < len(steps) {
		return fmt.Errorf("the store has schema %d, this version of Earshot needs %d: the server must have run once",
			s.version, len(steps))
	}
	return nil
}
