package record

import (
	"cmp"
	"slices"
	"time"

	"earshot"
	"earshot/media/codec"
)

// Lengths of concealment. What a read has to look back at is a gap's
// concealment and the history it is made of.
const (
	concealment = 60 * time.Millisecond
	history     = 40 * time.Millisecond
)

// Packets is where an [Assembler] takes packets from: it appends those that
// touch the span between two positions to dst, in the order of arrival. The
// payloads are valid until the next call.
type Packets interface {
	Packets(dst []Packet, from, to earshot.Position) ([]Packet, error)
}

// Assembler makes PCM of packets: each is decoded by its own format to its
// own place, whatever overlaps an earlier one is cut off, and a gap is at most
// 60 ms of concealment and then silence. The samples depend on the packets
// only, not on how the reads divide the stream. It is not safe for concurrent
// use.
type Assembler struct {
	rate     int
	lookback int
	packets  []Packet
	scratch  []int16
	decoded  []int16
	decoders map[earshot.Format]codec.Decoder
}

// NewAssembler returns an assembler that makes PCM of that many samples a
// second.
func NewAssembler(rate int) *Assembler {
	return &Assembler{
		rate:     rate,
		lookback: samples(concealment+history, rate),
		decoders: map[earshot.Format]codec.Decoder{},
	}
}

func samples(d time.Duration, rate int) int {
	return int(earshot.PositionOf(d).Samples(rate))
}

// Fill makes all of pcm, which begins at pos.
func (a *Assembler) Fill(pcm []int16, pos earshot.Position, from Packets) error {
	first := pos.Samples(a.rate)
	for len(pcm) > 0 {
		n := min(len(pcm), a.rate) // a second at a time bounds the memory
		if err := a.fill(pcm[:n], first, from); err != nil {
			return err
		}
		pcm, first = pcm[n:], first+int64(n)
	}
	return nil
}

func (a *Assembler) fill(pcm []int16, first int64, from Packets) error {
	if err := a.fetch(first, len(pcm), from); err != nil {
		return err
	}
	if a.complete(first, len(pcm)) {
		a.assemble(pcm, first)
		return nil
	}
	first -= int64(a.lookback)
	n := a.lookback + len(pcm)
	if err := a.fetch(first, n, from); err != nil {
		return err
	}
	a.scratch = slices.Grow(a.scratch[:0], n)[:n]
	clear(a.scratch)
	a.assemble(a.scratch, first)
	copy(pcm, a.scratch[a.lookback:])
	return nil
}

// fetch gets the packets of a span, ordered by position.
func (a *Assembler) fetch(first int64, n int, from Packets) (err error) {
	a.packets, err = from.Packets(a.packets[:0], earshot.At(first, a.rate), earshot.At(first+int64(n), a.rate))
	slices.SortStableFunc(a.packets, func(p, q Packet) int { return cmp.Compare(p.Position, q.Position) })
	return err
}

// complete reports whether the packets fill the span without a gap.
func (a *Assembler) complete(first int64, n int) bool {
	at, end := earshot.At(first, a.rate), earshot.At(first+int64(n), a.rate)
	for i := range a.packets {
		p := &a.packets[i]
		if p.Position > at {
			return false
		}
		if p.Flags&Silent == 0 && a.decoder(p) != nil {
			at = max(at, p.End())
		}
	}
	return at >= end
}

// assemble decodes the packets into buf, whose first sample has the number
// first, and conceals the gaps.
func (a *Assembler) assemble(buf []int16, first int64) {
	g := gap{buf: buf, limit: -1}
	for i := range a.packets {
		p := &a.packets[i]
		start := int(p.Position.Samples(a.rate) - first)
		d := a.decoder(p)
		if p.Flags&Silent != 0 || d == nil {
			g.silence(start)
			continue
		}
		n := d.Samples(p.Payload)
		lo, hi := max(start, g.from, 0), min(start+n, len(buf))
		if lo >= hi {
			continue
		}
		a.decoded = slices.Grow(a.decoded[:0], n)[:n]
		if got, err := d.Decode(a.decoded, p.Payload); err != nil || got != n {
			continue // as if it had been lost
		}
		g.close(lo, samples(concealment, a.rate), samples(history, a.rate))
		copy(buf[lo:hi], a.decoded[lo-start:])
		g.from = hi
	}
	g.close(len(buf), samples(concealment, a.rate), samples(history, a.rate))
}

// decoder returns the decoder of the packet's format, nil if it has none.
func (a *Assembler) decoder(p *Packet) codec.Decoder {
	if p.Format == nil {
		return nil
	}
	d, known := a.decoders[*p.Format]
	if !known {
		if d, _ = codec.New(*p.Format); d != nil && d.Rate() != a.rate {
			d = nil
		}
		a.decoders[*p.Format] = d
	}
	return d
}
