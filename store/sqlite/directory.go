package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"earshot"
	"earshot/store"
)

// Directory returns the agents, teams and queues, each list by ID.
func (s *Store) Directory(ctx context.Context) (earshot.Directory, error) {
	var d earshot.Directory
	var err error
	if d.Agents, err = entries(ctx, s, earshot.DirectoryAgent, store.FillAgent); err != nil {
		return d, err
	}
	if d.Teams, err = entries[earshot.Team](ctx, s, earshot.DirectoryTeam, nil); err != nil {
		return d, err
	}
	d.Queues, err = entries(ctx, s, earshot.DirectoryQueue, store.FillQueue)
	return d, err
}

func entries[T any](ctx context.Context, s *Store, kind earshot.DirectoryKind, fill func(*T)) ([]T, error) {
	list, err := collect(ctx, s.reader, docScanner(fill), `SELECT doc FROM directory WHERE kind = ? ORDER BY id`, string(kind))
	return list, readError("directory", err)
}

// DirectoryRevision returns a number that rises with each change of the
// directory, of any process.
func (s *Store) DirectoryRevision(ctx context.Context) (int64, error) {
	var n int64
	err := s.reader.QueryRowContext(ctx, `SELECT n FROM directory_revision`).Scan(&n)
	return n, readError("directory revision", err)
}

// SaveDirectory inserts the entries or replaces those with the same IDs, all of
// them or none; with replace, the others are removed. A directory with an entry
// that can't be used is an [earshot.PermanentError] around an
// [earshot.DirectoryError]; whether entries go together with those that stay is
// the caller's to check.
func (s *Store) SaveDirectory(ctx context.Context, d earshot.Directory, replace bool) error {
	var b batch
	if replace {
		if err := d.Check(); err != nil {
			return earshot.Permanent(err)
		}
		b.add(`DELETE FROM directory`)
	}
	for _, v := range d.Agents {
		store.FillAgent(&v)
		if err := b.entry(earshot.DirectoryAgent, v.ID, v); err != nil {
			return err
		}
	}
	for _, v := range d.Teams {
		if err := b.entry(earshot.DirectoryTeam, v.ID, v); err != nil {
			return err
		}
	}
	for _, v := range d.Queues {
		store.FillQueue(&v)
		if err := b.entry(earshot.DirectoryQueue, v.ID, v); err != nil {
			return err
		}
	}
	b.add(`UPDATE directory_revision SET n = n + 1`)
	_, err := s.write(ctx, func(t *tx) ([]earshot.Event, error) { return b.run(t, nil) })
	return writeError("save directory", err)
}

func (b *batch) entry(kind earshot.DirectoryKind, id string, v any) error {
	if id == "" {
		return earshot.Permanent(&earshot.DirectoryError{Kind: kind, Why: "it has no id"})
	}
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", kind, err)
	}
	b.add(`INSERT INTO directory (kind, id, doc) VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET doc = excluded.doc`,
		string(kind), id, string(doc))
	return nil
}
