package summarize

import (
	"cmp"
	"slices"
	"strings"

	"earshot"
)

// span is a fact found in a turn, in words [from, to).
type span struct {
	kind     earshot.FactKind
	value    string
	from, to int
	// addressed names are those somebody was called by, with a title.
	addressed bool
}

// facts finds what was said that can be checked, in order, each value once.
func facts(list []*turn) []earshot.Fact {
	out := []earshot.Fact{}
	var addressed []earshot.Fact
	for _, t := range list {
		for _, s := range t.spans() {
			if s.addressed {
				addressed = append(addressed, t.fact(s))
				continue
			}
			out = append(out, t.fact(s))
		}
	}
	// Who says their name knows it better than who speaks to them.
	if !slices.ContainsFunc(out, func(f earshot.Fact) bool { return f.Kind == earshot.FactName && f.Role != earshot.RoleAgent }) {
		out = append(out, addressed...)
		slices.SortStableFunc(out, func(a, b earshot.Fact) int { return cmp.Compare(a.AtMS, b.AtMS) })
	}
	return distinctFacts(out)
}

// spans reads the facts of one turn. What is easiest to tell goes first, so
// that a date or an amount is not taken for a number.
func (t *turn) spans() []span {
	var out []span
	for _, read := range []func(*turn) []span{emails, amounts, dates, clocks, names, numbers} {
		for _, s := range read(t) {
			if t.free(s.from, s.to) {
				t.take(s.from, s.to)
				out = append(out, s)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b span) int { return a.from - b.from })
	return out
}

func (t *turn) fact(s span) earshot.Fact {
	at := t.words[s.from].Start
	return earshot.Fact{
		Kind: s.kind, Value: s.value, Said: t.said(s.from, s.to),
		UtteranceID: t.partAt(at).u.ID, AtMS: t.msAt(at), Role: t.role,
	}
}

// distinctFacts keeps each value once, where it was said first, and of a value
// said in full and in part only the full one.
func distinctFacts(list []earshot.Fact) []earshot.Fact {
	out := list[:0:0]
	for i, f := range list {
		drop := slices.ContainsFunc(list[:i], func(o earshot.Fact) bool { return o.Kind == f.Kind && sameValue(o.Value, f.Value) })
		drop = drop || slices.ContainsFunc(list, func(o earshot.Fact) bool {
			if o.Kind == earshot.FactPhone && f.Kind == earshot.FactNumber {
				return sameValue(o.Value, f.Value)
			}
			return o.Kind == f.Kind && !sameValue(o.Value, f.Value) && partOf(f.Kind, f.Value, o.Value)
		})
		if !drop {
			out = append(out, f)
		}
	}
	return out
}

func sameValue(a, b string) bool { return strings.EqualFold(a, b) }

// partOf reports whether value says less of the same thing than full.
func partOf(kind earshot.FactKind, value, full string) bool {
	v, f := strings.ToLower(value), strings.ToLower(full)
	switch kind {
	case earshot.FactName:
		return strings.HasPrefix(f, v+" ") || strings.HasSuffix(f, " "+v)
	case earshot.FactDate:
		return f == "next "+v || f == "this "+v || strings.HasPrefix(f, v+" ") && f != v
	case earshot.FactTime:
		return f == v+" am" || f == v+" pm"
	case earshot.FactPhone:
		return len(v) >= 7 && strings.HasSuffix(f, v)
	case earshot.FactNumber:
		return len(v) >= 5 && strings.HasSuffix(f, v)
	}
	return false
}
