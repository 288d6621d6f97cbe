package sqlite

import (
	"context"
	"errors"

	"earshot"
	"earshot/store"
)

// Utterances returns the newest revision of each final utterance of the call,
// by their start.
func (s *Store) Utterances(ctx context.Context, id earshot.CallID) ([]earshot.Utterance, error) {
	return s.utterances(ctx, `SELECT `+utteranceColumns+` FROM utterances WHERE call_id = ? ORDER BY start_ms, n`, string(id))
}

// EarlierTranscript returns the utterances of a transcript that was made anew
// since, by their start.
func (s *Store) EarlierTranscript(ctx context.Context, id earshot.CallID, revision int) ([]earshot.Utterance, error) {
	return s.utterances(ctx, `SELECT `+utteranceColumns+` FROM utterance_history WHERE call_id = ? AND revision = ?
		ORDER BY start_ms, id`, string(id), revision)
}

// History returns the earlier revisions of an utterance, oldest first.
func (s *Store) History(ctx context.Context, id earshot.UtteranceID) ([]earshot.Utterance, error) {
	return s.utterances(ctx, `SELECT `+utteranceColumns+` FROM utterance_history WHERE id = ? ORDER BY revision`, string(id))
}

func (s *Store) utterances(ctx context.Context, query string, args ...any) ([]earshot.Utterance, error) {
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.Utterance, error) { return scanUtterance(row) }, query, args...)
	return list, readError("utterances", err)
}

// Watermarks returns how far the call's streams are recognised.
func (s *Store) Watermarks(ctx context.Context, id earshot.CallID) ([]earshot.Watermark, error) {
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.Watermark, error) {
		var w earshot.Watermark
		err := row.Scan(&w.StreamID, &w.Position, &w.Finals, &w.Completed)
		return w, err
	}, `SELECT w.stream_id, w.position, w.finals, w.completed FROM streams s JOIN watermarks w ON w.stream_id = s.id
		WHERE s.call_id = ? ORDER BY s.id`, string(id))
	return list, readError("watermarks", err)
}

// Suggestions returns the suggestions of the call in the order of the talk.
func (s *Store) Suggestions(ctx context.Context, id earshot.CallID) ([]earshot.Suggestion, error) {
	list, err := collect(ctx, s.reader, scanSuggestion,
		`SELECT s.doc, coalesce(f.doc, 'null') FROM suggestions s LEFT JOIN feedback f ON f.suggestion_id = s.id
		WHERE s.call_id = ? ORDER BY s.at_ms, s.n`, string(id))
	return list, readError("suggestions", err)
}

// Summary returns the newest summary of the call, or nil when it has none.
func (s *Store) Summary(ctx context.Context, id earshot.CallID) (*earshot.Summary, error) {
	v, err := docScanner(store.FillSummary)(s.reader.QueryRowContext(ctx,
		`SELECT doc FROM summaries WHERE call_id = ? ORDER BY revision DESC LIMIT 1`, string(id)))
	err = readError("summary", err)
	if errors.Is(err, earshot.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &v, nil
}

// SummaryRevision returns one revision of the call's summary, or
// earshot.ErrNotFound.
func (s *Store) SummaryRevision(ctx context.Context, id earshot.CallID, revision int) (earshot.Summary, error) {
	v, err := docScanner(store.FillSummary)(s.reader.QueryRowContext(ctx,
		`SELECT doc FROM summaries WHERE call_id = ? AND revision = ?`, string(id), revision))
	return v, readError("summary", err)
}

// Deliveries returns the deliveries of the call's notes, by note and revision.
func (s *Store) Deliveries(ctx context.Context, id earshot.CallID) ([]earshot.Delivery, error) {
	list, err := collect(ctx, s.reader, docScanner(fillDelivery),
		`SELECT doc FROM deliveries WHERE call_id = ? ORDER BY note_id, revision`, string(id))
	return list, readError("deliveries", err)
}

// Delivery returns the delivery of one revision of a note, or
// earshot.ErrNotFound.
func (s *Store) Delivery(ctx context.Context, id earshot.NoteID, revision int) (earshot.Delivery, error) {
	d, err := docScanner(fillDelivery)(s.reader.QueryRowContext(ctx,
		`SELECT doc FROM deliveries WHERE note_id = ? AND revision = ?`, string(id), revision))
	return d, readError("delivery", err)
}

func fillDelivery(d *earshot.Delivery) { store.FillNote(&d.Note) }
