package measure

import (
	"cmp"
	"slices"
)

// span is a time in milliseconds since the call's start.
type span struct{ from, to int64 }

func (s span) length() int64 { return max(0, s.to-s.from) }

// within returns the part of s between two moments.
func (s span) within(from, to int64) span { return span{max(s.from, from), min(s.to, to)} }

// union returns the spans in order, those that touch made one.
func union(list []span) []span {
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range sorted {
		if s.length() == 0 {
			continue
		}
		if n := len(out); n > 0 && s.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, s.to)
			continue
		}
		out = append(out, s)
	}
	return out
}

// total is the length of spans that don't overlap, between two moments.
func total(list []span, from, to int64) int64 {
	sum := int64(0)
	for _, s := range list {
		sum += s.within(from, to).length()
	}
	return sum
}

// gaps returns what is left of a time without the spans, which are a union.
func gaps(list []span, to int64) []span {
	var out []span
	at := int64(0)
	for _, s := range list {
		if s.from > at {
			out = append(out, span{at, min(s.from, to)})
		}
		at = max(at, s.to)
	}
	if at < to {
		out = append(out, span{at, to})
	}
	return out
}
