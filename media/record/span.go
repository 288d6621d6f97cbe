package record

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"earshot"
	"earshot/media/dtmf"
)

// Span is a piece of a stream's timeline.
type Span struct {
	From, To earshot.Position
}

const (
	// margin is what of the audio around a tone goes with it, so that neither
	// its onset nor its echo tells the digit.
	margin = 30 * time.Millisecond
	// edge is how long the audio takes to nothing before a silence, and back.
	edge = 5 * time.Millisecond
)

// around returns the spans of tones with their margins.
func around(tones []dtmf.Tone) []Span {
	spans := make([]Span, len(tones))
	m := earshot.PositionOf(margin)
	for i, t := range tones {
		spans[i] = Span{t.From - m, t.To + m}
	}
	return joined(spans)
}

// joined sorts spans and makes one of those that touch.
func joined(spans []Span) []Span {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Compare(a.From, b.From) })
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out
}

// after returns the joined spans that end after a position.
func after(spans []Span, pos earshot.Position) []Span {
	return spans[sort.Search(len(spans), func(i int) bool { return spans[i].To > pos }):]
}

// silence makes the spans silent in pcm, which begins at pos, and fades the
// audio around them.
func silence(pcm []int16, pos earshot.Position, rate int, spans []Span) {
	f := earshot.PositionOf(edge)
	end := pos + earshot.At(int64(len(pcm)), rate)
	for _, s := range after(spans, pos-f) {
		if s.From-f >= end {
			return
		}
		first := max(0, (s.From - f - pos).Samples(rate))
		last := min(int64(len(pcm)), (s.To+f-pos).Samples(rate)+1)
		for i := first; i < last; i++ {
			at := pos + earshot.At(i, rate)
			away := min(f, max(s.From-at, at-s.To, 0))
			pcm[i] = int16(int64(pcm[i]) * int64(away) / int64(f))
		}
	}
}
