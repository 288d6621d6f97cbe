package record

import (
	"cmp"
	"slices"
	"time"

	"earshot"
)

// Lookback is how much of what came before a place is decoded to read from
// there: the decoders have settled by then (RFC 7845 4.6 asks 80 ms of Opus),
// and a gap's concealment and the history it is made of fit in.
const Lookback = 200 * time.Millisecond

// Lookahead is how far behind a place the next packet may say something of
// what was lost before it.
const Lookahead = 120 * time.Millisecond

// Packets is where an [Assembler] takes packets from: it appends those that
// touch the span between two positions to dst, in the order of arrival. The
// payloads are valid until the next call.
type Packets interface {
	Packets(dst []Packet, from, to earshot.Position) ([]Packet, error)
}

// Assembler makes PCM of packets: each is decoded by its own format to its
// own place, whatever overlaps an earlier one is cut off, and a gap is at most
// 60 ms of concealment and then silence. A read that goes on where the last
// one ended, or little before, goes on with the same decoders; any other one
// begins with new ones 200 ms earlier. With formats that keep no state the
// samples depend on the packets only, not on how the reads divide the stream.
// It is not safe for concurrent use.
type Assembler struct {
	rate    int
	packets []Packet
	voices  map[earshot.Format]*voice
	decoded []int16

	// tape are the samples made last, from number base on.
	tape []int16
	base int64
	// done is where the tape ends, hole where the audio on it does, and run
	// where that audio began without a hole.
	done, hole, run int64
	// quiet is set when a packet said that there is silence from quietAt on.
	quiet   bool
	quietAt int64
	// speaker decoded last: the packet numbered seq.
	speaker *voice
	seq     uint16
}

// NewAssembler returns an assembler that makes PCM of that many samples a
// second.
func NewAssembler(rate int) *Assembler {
	return &Assembler{rate: rate, voices: map[earshot.Format]*voice{}}
}

// samples returns the length in samples of the assembler.
func (a *Assembler) samples(d time.Duration) int64 {
	return earshot.PositionOf(d).Samples(a.rate)
}

// From returns from where on the packets must be at hand to read from pos on.
func (a *Assembler) From(pos earshot.Position) earshot.Position {
	if a.continues(pos.Samples(a.rate)) {
		return earshot.At(a.done, a.rate)
	}
	return pos - earshot.PositionOf(Lookback)
}

// continues reports whether a read from that sample on goes on with the tape.
func (a *Assembler) continues(first int64) bool {
	return len(a.tape) > 0 && first >= a.base && first <= a.done
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
	if !a.continues(first) {
		a.seek(first - a.samples(Lookback))
	}
	if err := a.play(first+int64(len(pcm)), from); err != nil {
		return err
	}
	copy(pcm, a.tape[first-a.base:])
	a.forget(first + int64(len(pcm)) - a.samples(concealment+history))
	return nil
}

// seek begins a new tape.
func (a *Assembler) seek(at int64) {
	a.tape, a.base = a.tape[:0], at
	a.done, a.hole, a.run = at, at, at
	a.quiet, a.speaker = false, nil
	clear(a.voices)
}

// forget drops what lies before a sample from the tape.
func (a *Assembler) forget(before int64) {
	if n := before - a.base; n > 0 {
		a.tape = a.tape[:copy(a.tape, a.tape[n:])]
		a.base = before
	}
}

// play makes the tape reach to a sample at least.
func (a *Assembler) play(to int64, from Packets) (err error) {
	if a.done >= to {
		return nil
	}
	a.packets, err = from.Packets(a.packets[:0],
		earshot.At(a.done, a.rate), earshot.At(to, a.rate)+earshot.PositionOf(Lookahead))
	if err != nil {
		a.tape = a.tape[:0] // begin anew
		return err
	}
	slices.SortStableFunc(a.packets, func(p, q Packet) int { return cmp.Compare(p.Position, q.Position) })
	for i := range a.packets {
		p := &a.packets[i]
		v := a.voice(p)
		if p.Flags&Silent != 0 || v == nil {
			a.silence(p.Position.Samples(a.rate))
			continue
		}
		if p.End().Samples(a.rate) <= a.done {
			continue
		}
		if a.bridge(to, p, v); a.done >= to {
			return nil
		}
		a.decode(p, v)
	}
	a.bridge(to, nil, nil)
	return nil
}

// silence notes that the sender was silent from there: comfort noise or a
// telephone event, not a loss.
func (a *Assembler) silence(at int64) {
	if at >= a.hole && !a.quiet {
		a.quiet, a.quietAt = true, at
	}
}

// decode puts the packet's audio on the tape, at whose end it begins or which
// it overlaps. One that cannot be decoded is as if it had been lost.
func (a *Assembler) decode(p *Packet, v *voice) {
	start, n := p.Position.Samples(a.rate), p.End().Samples(a.rate)-p.Position.Samples(a.rate)
	a.decoded = slices.Grow(a.decoded[:0], int(n))[:n]
	if !v.decode(a.decoded, p, v == a.speaker && a.done == a.hole) {
		return
	}
	if a.hole < a.done {
		a.run = a.done
	}
	a.tape = append(a.tape, a.decoded[max(0, a.done-start):]...)
	a.done = max(a.done, start+n)
	a.hole, a.quiet, a.speaker, a.seq = a.done, false, v, p.Seq
	if v.pauses(p.Payload) {
		a.silence(a.done)
	}
}
