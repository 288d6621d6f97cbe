package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"earshot"
)

// Reader reads a log as PCM: mono, 16 bit. It keeps no file open and at most
// two blocks of the log in memory. It is safe for concurrent use.
type Reader struct {
	log   *Log
	tally Tally // of a stream that is over

	mu     sync.Mutex
	asm    *Assembler // of ReadAt
	blocks []block    // scratch
	cache  [2]cached
	next   int // entry of cache to use next
	arena  []byte
}

// cached is a block of the log, parsed.
type cached struct {
	block   block
	buf     []byte
	packets []Packet
}

// OpenReader returns a reader of a stream that is over. The error wraps
// [earshot.ErrNotFound] if nothing of it is there.
func OpenReader(cfg Config) (*Reader, error) {
	r := &Reader{}
	l, err := Recover(cfg, r.tally.Add)
	if err != nil {
		return nil, err
	}
	r.log = l
	return r, nil
}

// NewReader returns a reader of all that was appended so far and will be.
func (l *Log) NewReader() *Reader { return &Reader{log: l} }

// Rate returns the samples per second: the highest rate of the formats that
// packets came in, before the first one of those that may come.
func (r *Reader) Rate() int {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return cmp.Or(r.log.used, r.log.rate, 8000)
}

// Start returns where the audio begins: 0, or less if the first packet
// received had been overtaken.
func (r *Reader) Start() earshot.Position {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return r.log.idx.start
}

// End returns where the last audio ends.
func (r *Reader) End() earshot.Position {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return r.log.idx.end
}

// Started returns the wall clock of position 0, false before the first packet.
func (r *Reader) Started() (time.Time, bool) { return r.log.Started() }

// LastPacket returns when the last packet of a stream opened by [OpenReader]
// came.
func (r *Reader) LastPacket() time.Time { return r.tally.LastPacket() }

// Codec returns the format of its last audio packet: "PCMU/8000".
func (r *Reader) Codec() string { return r.tally.Codec }

// Stats returns what its recording tells of the packets received.
func (r *Reader) Stats() earshot.StreamStats { return r.tally.Stats() }

// Recorded returns how many packets are recorded.
func (r *Reader) Recorded() int64 {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return r.log.idx.packets
}

// Problem tells what of the recording is missing or damaged, nil if nothing
// is known to be. It names the stream.
func (r *Reader) Problem() error { return r.log.Problem() }

// Masked returns where [Scrub] has taken the tones of keys, as far as it was
// known when the recording was opened.
func (r *Reader) Masked() []Span {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	return joined(slices.Clone(r.log.masked))
}

// ReadAt fills pcm from pos on. It returns less than asked for only at the
// end, and 0 with io.EOF behind it.
func (r *Reader) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	rate := r.Rate()
	rest := r.End().Samples(rate) - pos.Samples(rate)
	if rest <= 0 {
		return 0, io.EOF
	}
	pcm = pcm[:min(int64(len(pcm)), rest)]
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asm == nil || r.asm.rate != rate {
		r.asm = NewAssembler(rate)
	}
	if err := r.asm.Fill(pcm, pos, (*packetReader)(r)); err != nil {
		return 0, err
	}
	return len(pcm), nil
}

// Fill makes all of pcm from pos on by an assembler of the caller's, whether
// or not there is audio.
func (r *Reader) Fill(a *Assembler, pcm []int16, pos earshot.Position) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return a.Fill(pcm, pos, (*packetReader)(r))
}

// packetReader is the Reader as its own assembler sees it.
type packetReader Reader

// Packets returns the packets of a span, their payloads copied.
func (r *packetReader) Packets(dst []Packet, from, to earshot.Position) ([]Packet, error) {
	r.log.mu.Lock()
	r.blocks = r.log.idx.find(r.blocks[:0], from, to)
	r.log.mu.Unlock()
	r.arena = r.arena[:0]
	for _, b := range r.blocks {
		c, err := r.block(b)
		if err != nil {
			return dst, fmt.Errorf("recording of stream %s: %w", r.log.cfg.StreamID, err)
		}
		for i := range c.packets {
			if p := c.packets[i]; p.Position < to && p.End() >= from {
				start := len(r.arena)
				r.arena = append(r.arena, p.Payload...)
				p.Payload = r.arena[start:len(r.arena):len(r.arena)]
				dst = append(dst, p)
			}
		}
	}
	return dst, nil
}

// block returns a block from the cache or from the log.
func (r *packetReader) block(b block) (*cached, error) {
	for i := range r.cache {
		c := &r.cache[i].block
		if c.segment == b.segment && c.offset == b.offset && c.size == b.size {
			return &r.cache[i], nil
		}
	}
	c := &r.cache[r.next]
	r.next = (r.next + 1) % len(r.cache)
	c.block = block{}
	var err error
	if c.buf, err = r.log.load(b, c.buf); err != nil {
		return nil, err
	}
	r.log.mu.Lock()
	known := r.log.formats[b.segment]
	r.log.mu.Unlock()
	c.packets = c.packets[:0]
	for rest := c.buf; len(rest) > 0; {
		p, size, err := parseRecord(rest)
		if err != nil {
			return nil, errors.Join(ErrDamaged, err)
		}
		p.Format = known[p.PayloadType]
		c.packets = append(c.packets, p)
		rest = rest[size:]
	}
	c.block = b
	return c, nil
}
