package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"
)

// pool opens a pool of connections with the pragmas in params. It does not
// connect yet.
func pool(path string, size int, params url.Values) (*sql.DB, error) {
	params.Set("_busy_timeout", strconv.FormatInt(busyTimeout.Milliseconds(), 10))
	params.Set("_dqs", "0")
	// A path is escaped, so that a "?" in it does not start the parameters.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + params.Encode()
	c, err := driver.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(c)
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// openReader opens the connections that read. They can't write, whatever
// statement they are given.
func openReader(ctx context.Context, path string) (*sql.DB, error) {
	db, err := pool(path, readers, url.Values{"mode": {"ro"}})
	if err != nil {
		return nil, err
	}
	if err := checkSchema(ctx, db); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

// openWriter opens the one connection that writes and migrates the file.
func (s *Store) openWriter(ctx context.Context, path string) (*tx, error) {
	var err error
	s.writer, err = pool(path, 1, url.Values{
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		// After a burst or a long reader the log shrinks to 64 MiB again.
		"_pragma": {"journal_size_limit(67108864)"},
	})
	if err != nil {
		return nil, err
	}
	conn, err := connect(ctx, s.writer)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if err := migrate(ctx, conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", lockLook.Milliseconds())); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &tx{conn: conn, stmts: map[string]*sql.Stmt{}, waits: s.metrics.waits}, nil
}

// connect opens a connection. SQLite does not wait for another process that
// switches the same new file to WAL mode, so connect does.
func connect(ctx context.Context, db *sql.DB) (*sql.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, busyTimeout)
	defer cancel()
	for {
		conn, err := db.Conn(ctx)
		if !isBusy(err) {
			return conn, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// isBusy reports whether another process holds the lock that was wanted.
func isBusy(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_BUSY
}
