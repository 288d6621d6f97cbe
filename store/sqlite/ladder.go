package sqlite

import (
	"context"
	"encoding/json"
	"fmt"

	"earshot"
	"earshot/store"
)

// ladder appends SIP messages and removes those between the first and the
// newest of each recording session that has too many.
func (b *batch) ladder(list []earshot.SIPMessage) error {
	segments := map[earshot.SegmentID]bool{}
	for _, m := range list {
		m.ID = 0
		m.At = fromMicro(m.At.UnixMicro())
		doc, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("encode SIP message: %w", err)
		}
		b.add(`INSERT INTO sip_messages (call_id, segment_id, doc) VALUES (?, ?, ?)`,
			string(m.CallID), string(m.SegmentID), string(doc))
		segments[m.SegmentID] = true
	}
	for id := range segments { // a comparison with no row is null and removes nothing
		b.add(`DELETE FROM sip_messages WHERE segment_id = ?1
			AND n > (SELECT n FROM sip_messages WHERE segment_id = ?1 ORDER BY n LIMIT 1 OFFSET ?2)
			AND n < (SELECT n FROM sip_messages WHERE segment_id = ?1 ORDER BY n DESC LIMIT 1 OFFSET ?3)`,
			string(id), store.FirstSIPMessages-1, store.NewestSIPMessages-1)
	}
	return nil
}

// SIPMessages returns the ladder of a call in order.
func (s *Store) SIPMessages(ctx context.Context, id earshot.CallID) ([]earshot.SIPMessage, error) {
	list, err := collect(ctx, s.reader, func(row scanner) (earshot.SIPMessage, error) {
		var m earshot.SIPMessage
		var n int64
		var doc []byte
		if err := row.Scan(&n, &doc); err != nil {
			return m, err
		}
		err := json.Unmarshal(doc, &m)
		m.ID = n
		return m, err
	}, `SELECT n, doc FROM sip_messages WHERE call_id = ? ORDER BY n`, string(id))
	return list, readError("SIP messages", err)
}
