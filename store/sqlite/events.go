package sqlite

import (
	"context"
	"time"

	"earshot"
	"earshot/store"
)

// EventsAfter returns the events after seq in their order, of one call or,
// with "", of all; at most [store.MaxLimit].
func (s *Store) EventsAfter(ctx context.Context, seq int64, call earshot.CallID, limit int) ([]earshot.Event, error) {
	if call != "" {
		return s.events(ctx, `call_id = ? AND seq > ?`, string(call), seq, store.Limit(limit))
	}
	return s.events(ctx, `seq > ?`, seq, store.Limit(limit))
}

// LastSeq returns the sequence of the last event, 0 when there is none.
func (s *Store) LastSeq(ctx context.Context) (int64, error) {
	var seq int64
	err := s.reader.QueryRowContext(ctx, `SELECT coalesce(max(seq), 0) FROM events`).Scan(&seq)
	return seq, readError("last event", err)
}

// Unpublished returns the first events after seq that are not on the bus, in
// their order.
func (s *Store) Unpublished(ctx context.Context, seq int64, limit int) ([]earshot.Event, error) {
	return s.events(ctx, `published = 0 AND seq > ?`, seq, limit)
}

func (s *Store) events(ctx context.Context, where string, args ...any) ([]earshot.Event, error) {
	list, err := collect(ctx, s.reader, scanEvent,
		`SELECT `+eventColumns+` FROM events WHERE `+where+` ORDER BY seq LIMIT ?`, args...)
	return list, readError("events", err)
}

// MarkPublished says that these events are on the bus.
func (s *Store) MarkPublished(ctx context.Context, seqs []int64) error {
	_, err := s.exec(ctx, `UPDATE events SET published = 1 WHERE seq IN (SELECT value FROM json_each(?))`, jsonList(seqs))
	return writeError("mark events", err)
}

// Republish says that the events since then are not on the bus any more.
func (s *Store) Republish(ctx context.Context, since time.Time) error {
	_, err := s.exec(ctx, `UPDATE events SET published = 0 WHERE at >= ? AND published = 1`, since.UnixMicro())
	return writeError("republish events", err)
}
