package record

import (
	"fmt"
	"iter"
	"slices"

	"earshot"
)

// Arrivals returns what is recorded up to now in the order it arrived. A
// packet's payload is valid until the next one. An error ends it.
func (r *Reader) Arrivals() iter.Seq2[Packet, error] {
	return func(yield func(Packet, error) bool) {
		r.log.mu.Lock()
		blocks := slices.Clone(r.log.idx.blocks)
		r.log.mu.Unlock()
		var buf []byte
		for _, b := range blocks { // blocks and records stand as they were appended
			var err error
			if buf, err = r.log.load(b, buf); err != nil {
				yield(Packet{}, fmt.Errorf("recording of stream %s: %w", r.log.cfg.StreamID, err))
				return
			}
			r.log.mu.Lock()
			known := r.log.formats[b.segment]
			r.log.mu.Unlock()
			if !yieldBlock(buf, known, yield) {
				return
			}
		}
	}
}

func yieldBlock(buf []byte, known map[uint8]*earshot.Format, yield func(Packet, error) bool) bool {
	for len(buf) > 0 {
		p, size, err := parseRecord(buf)
		if err != nil {
			yield(Packet{}, err)
			return false
		}
		p.Format = known[p.PayloadType]
		if !yield(p, nil) {
			return false
		}
		buf = buf[size:]
	}
	return true
}
