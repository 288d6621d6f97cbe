package record

import (
	"slices"
	"time"

	"earshot/media/codec"
)

// Lengths of concealment, and of the history that it is made of.
const (
	concealment = 60 * time.Millisecond
	history     = 40 * time.Millisecond
)

// bridge makes the tape reach to where the next packet begins, or to the
// sample asked for if that is nearer: a hole.
func (a *Assembler) bridge(to int64, next *Packet, v *voice) {
	known := int64(0)
	if next != nil {
		start := next.Position.Samples(a.rate)
		known = a.recoverable(next, v)
		if start <= to || known > 0 && start-known < to {
			to = start
		} else {
			known = 0
		}
	}
	a.conceal(min(to-known, a.hole+a.samples(concealment), a.silentFrom()))
	a.extend(to - known)
	if known > 0 && to-known == a.done {
		if !v.recover(a.extend(to), next.Payload) {
			return
		}
		a.run, a.hole, a.quiet = to-known, to, false
	}
}

func (a *Assembler) silentFrom() int64 {
	if a.quiet {
		return a.quietAt
	}
	return 1<<63 - 1
}

// recoverable returns how many samples before the next packet may be in it: as
// many as it is long itself, if packets were lost just there.
func (a *Assembler) recoverable(next *Packet, v *voice) int64 {
	start, end := next.Position.Samples(a.rate), next.End().Samples(a.rate)
	lost := v == a.speaker && next.SSRC == v.ssrc && int16(next.Seq-a.seq) > 1 && start-a.hole >= end-start
	if _, ok := v.decoder.(codec.Recoverer); !ok || !lost {
		return 0
	}
	return max(0, min(end-start, start-a.done))
}

// extend makes the tape reach to a sample and returns what is new: silence.
func (a *Assembler) extend(to int64) []int16 {
	if to <= a.done {
		return nil
	}
	old := len(a.tape)
	a.tape = slices.Grow(a.tape, int(to-a.done))[:old+int(to-a.done)]
	a.done = to
	added := a.tape[old:]
	clear(added)
	return added
}

// conceal fills the hole on the tape up to a sample.
func (a *Assembler) conceal(to int64) {
	if to <= a.done || a.hole == a.run {
		return
	}
	from := a.done - a.hole // of the concealment
	length := a.samples(concealment)
	pcm := a.extend(to)
	if a.speaker == nil || !a.speaker.conceal(pcm) {
		past := a.tape[max(a.run, a.hole-a.samples(history))-a.base : a.hole-a.base]
		repeat(pcm, past, int(from), int(length))
	}
	fade(pcm, int(from), int(length))
}

// fade makes concealment end at length samples: it is at full level for a
// sixth of it, then falls to nothing. pcm begins at sample from of it.
func fade(pcm []int16, from, length int) {
	full := length / 6
	for i := range pcm {
		if at := from + i; at > full {
			pcm[i] = int16(int(pcm[i]) * max(0, length-at) / (length - full))
		}
	}
}

// repeat repeats the last pitch period of past: what G.711 Appendix I does,
// without overlap into the packets received, which stay as they are. out
// begins at sample from of the concealment, whose length is 60 ms.
func repeat(out, past []int16, from, length int) {
	period := pitch(past, length)
	if period == 0 {
		return
	}
	last := past[len(past)-period:]
	for i := range out {
		out[i] = last[(from+i)%period]
	}
}

// pitch returns the lag between 2.5 and 15 ms at which the past resembles
// itself best; all of it if it is too short to tell, 0 if it is next to none.
// A length is 60 ms.
func pitch(past []int16, length int) int {
	shortest, longest := length/24, min(length/4, len(past)/2)
	if longest < shortest {
		if len(past) < shortest {
			return 0
		}
		return len(past)
	}
	window := min(len(past)-longest, length/3)
	recent := past[len(past)-window:]
	best, bestLag := float32(-1), longest
	for lag := shortest; lag <= longest; lag++ {
		earlier := past[len(past)-window-lag:][:window]
		var product, energy float32
		for i, s := range recent {
			e := float32(earlier[i])
			product += float32(s) * e
			energy += e * e
		}
		if product > 0 && energy > 0 && product*product/energy > best {
			best, bestLag = product*product/energy, lag
		}
	}
	return bestLag
}
