// Package sqlite keeps Earshot's truth in one SQLite file: calls, utterances,
// jobs, the outbox of events, the search index and the knowledge index.
//
// One goroutine writes. It takes all commits that wait, applies each in a
// savepoint of its own and makes them durable with one COMMIT, so that a
// commit that fails fails alone and the disk is synced once for many. Readers
// have connections of their own and see what was committed; other processes
// may read the same file with [OpenReadOnly].
//
// The file is in WAL mode with synchronous=FULL: when Apply returns, the
// commit is on the disk.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"earshot"
	"earshot/store"
)

// The words of all stores, so that users of this one need no other package.
type (
	// CallQuery asks for calls.
	CallQuery = store.CallQuery
	// SearchQuery asks for utterances by their words.
	SearchQuery = store.SearchQuery
	// SearchHit is one utterance found.
	SearchHit = store.SearchHit
)

const (
	// busyTimeout is how long a connection waits for a lock of another process.
	busyTimeout = 10 * time.Second
	// lockTimeout is how long a transaction waits until another process lets it
	// write.
	lockTimeout = time.Minute
	// lockLook is after how long SQLite's waiting for the write lock begins
	// anew. It looks after 1, 2, 5, 10 ms, and later only every 100 ms, which a
	// process that writes all the time can outrun for long.
	lockLook = 100 * time.Millisecond
	// readers is how many queries run at the same time.
	readers = 8
	// defaultKeepDone is how long done jobs are kept.
	defaultKeepDone = 7 * 24 * time.Hour
	purgeInterval   = time.Hour
)

// Option changes a store as it is opened.
type Option func(*Store)

// KeepDone sets how long done jobs are kept, so that the same event seen again
// does not make them again. The default is 7 days.
func KeepDone(d time.Duration) Option { return func(s *Store) { s.keepDone = d } }

// Store is one open file. It is safe for concurrent use.
type Store struct {
	log      *slog.Logger
	keepDone time.Duration
	metrics  *metrics

	reader *sql.DB
	writer *sql.DB // nil when open for reading only
	queue  chan *request
	ended  chan struct{} // closed when the writing goroutine is done

	mu     sync.RWMutex // guards what follows; held while sending to queue
	closed bool
	hooks  []func([]earshot.Event)
}

// Open opens the store in the file at path, makes it when it is not there, and
// brings its schema up to date. A file with a newer schema is refused.
func Open(ctx context.Context, path string, log *slog.Logger, opts ...Option) (*Store, error) {
	s := &Store{log: log, keepDone: defaultKeepDone, metrics: newMetrics()}
	for _, o := range opts {
		o(s)
	}
	if err := create(path); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	w, err := s.openWriter(ctx, path)
	if err == nil {
		s.reader, err = openReader(ctx, path)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.closePools())
	}
	s.queue = make(chan *request, maxGroup)
	s.ended = make(chan struct{})
	go s.writeLoop(w)
	return s, nil
}

// OpenReadOnly opens the store in the file at path for reading, while another
// process may write it. It never changes the schema.
func OpenReadOnly(ctx context.Context, path string) (*Store, error) {
	reader, err := openReader(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", path, err)
	}
	return &Store{reader: reader, metrics: newMetrics()}, nil
}

// Close ends the store after the commits that wait. It may be called twice.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	if first && s.queue != nil {
		close(s.queue)
	}
	s.mu.Unlock()
	if s.ended != nil {
		<-s.ended
	}
	if !first {
		return nil
	}
	return s.closePools()
}

// closePools closes the writer last: the last connection to leave moves the
// write-ahead log into the file, which readers must not do.
func (s *Store) closePools() error {
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// OnCommit adds a function that is called after each transaction, in their
// order, with the events it appended, in rising Seq; there may be none. It
// must not block, write to the store or change the events.
func (s *Store) OnCommit(f func([]earshot.Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, f)
}

// create makes the file, readable by its owner only, so that SQLite does not
// make it readable by all.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
