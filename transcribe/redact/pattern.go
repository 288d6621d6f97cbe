package redact

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"earshot/spoken"
	"earshot/transcribe/line"
)

// Pattern is a further kind of number that is masked.
type Pattern struct {
	// Name names it in errors.
	Name string
	// Regexp is what is masked, in the syntax of Go's regexp package.
	Regexp string
	// Label stands in its place; "" for the name in brackets.
	Label string
}

// Patterns are patterns ready for use. They are safe for concurrent use; nil
// has none.
type Patterns struct{ list []compiled }

type compiled struct {
	re    *regexp.Regexp
	label string
}

// Compile checks patterns: each has a name of its own and a regular expression
// that does not match nothing nor its own label.
func Compile(list []Pattern) (*Patterns, error) {
	p := &Patterns{}
	seen := map[string]bool{}
	for i, in := range list {
		if in.Name == "" || seen[in.Name] {
			return nil, fmt.Errorf("pattern %d: its name %q is empty or that of another", i+1, in.Name)
		}
		seen[in.Name] = true
		c, err := in.compile()
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", in.Name, err)
		}
		p.list = append(p.list, c)
	}
	return p, nil
}

func (p Pattern) compile() (compiled, error) {
	c := compiled{label: cmp.Or(p.Label, "["+p.Name+"]")}
	if p.Regexp == "" {
		return c, errors.New("the regular expression is missing")
	}
	var err error
	if c.re, err = regexp.Compile(p.Regexp); err != nil {
		return c, err
	}
	switch {
	case c.re.MatchString(""):
		return c, errors.New("the regular expression matches where there is nothing")
	case c.re.MatchString(c.label):
		return c, fmt.Errorf("the regular expression matches the label %s", c.label)
	}
	return c, nil
}

// Mask masks what a text has as it is written.
func (p *Patterns) Mask(text string) string {
	if p == nil {
		return text
	}
	for _, c := range p.list {
		text = c.re.ReplaceAllLiteralString(text, c.label)
	}
	return text
}

// find finds what to mask in the texts, taken as one piece of speech: as it is
// written, with digits said one by one written together, and with letters
// spelled among them too.
func (p *Patterns) find(texts []string) [][]line.Edit {
	out := make([][]line.Edit, len(texts))
	if p == nil || len(p.list) == 0 {
		return out
	}
	atoms := scan(texts)
	for _, v := range []view{written(texts), together(atoms, false), together(atoms, true)} {
		for _, c := range p.list {
			for _, m := range c.re.FindAllStringIndex(v.text, -1) {
				v.cover(out, m[0], m[1], c.label)
			}
		}
	}
	for i := range out {
		out[i] = merge(out[i])
	}
	return out
}

// view is a form of texts in which patterns are looked for: each byte of text
// stands for a piece of one of them.
type view struct {
	text string
	at   []place
}

type place struct{ text, start, end int }

func (v *view) add(s string, p place) {
	v.text += s
	v.at = append(v.at, slices.Repeat([]place{p}, len(s))...)
}

// written is the texts as they are, with a space between.
func written(texts []string) view {
	v := view{text: strings.Join(texts, " ")}
	for i, s := range texts {
		if i > 0 {
			v.at = append(v.at, place{text: -1})
		}
		for k := range len(s) {
			v.at = append(v.at, place{i, k, k + 1})
		}
	}
	return v
}

// together writes the signs of a number without what is said between them.
func together(atoms []atom, letters bool) view {
	const mostFillers = 2
	var v view
	open, fillers := false, 0
	for i, a := range atoms {
		sign := a.digits
		if letters && sign == "" {
			sign = letterOf(atoms, i)
		}
		p := place{a.text, a.start, a.end}
		switch {
		case sign == "" && open && a.joined && isFiller(a.word) && fillers < mostFillers:
			fillers++
			continue
		case sign == "":
			v.add(" ", place{text: -1})
			v.add(a.word, p)
		case open && a.joined:
			v.add(sign, p)
		default:
			v.add(" ", place{text: -1})
			v.add(sign, p)
		}
		open, fillers = sign != "", 0
	}
	return v
}

// letterOf returns the letters a word spells: one alone, a word of a spelling
// alphabet, or what is written together with digits.
func letterOf(atoms []atom, i int) string {
	a := atoms[i]
	glued := i > 0 && atoms[i-1].text == a.text && atoms[i-1].end == a.start && atoms[i-1].digits != "" ||
		i+1 < len(atoms) && atoms[i+1].text == a.text && atoms[i+1].start == a.end && atoms[i+1].digits != ""
	switch {
	case a.word == "":
		return ""
	case spoken.IsLetter(a.word):
		return strings.ToUpper(a.word[:1])
	case glued && len(a.word) <= 4:
		return strings.ToUpper(a.word)
	}
	return ""
}

// cover masks what bytes [from, to) of the view stand for, in one piece in each
// text.
func (v *view) cover(out [][]line.Edit, from, to int, label string) {
	last := -1
	for _, p := range v.at[from:to] {
		switch {
		case p.text < 0:
		case p.text == last:
			edits := out[p.text]
			edits[len(edits)-1].End = max(edits[len(edits)-1].End, p.end)
		default:
			last = p.text
			out[p.text] = append(out[p.text], line.Edit{Start: p.start, End: p.end, By: label})
		}
	}
}

// merge brings edits in order and makes one of those that overlap.
func merge(edits []line.Edit) []line.Edit {
	slices.SortStableFunc(edits, func(a, b line.Edit) int { return cmp.Compare(a.Start, b.Start) })
	out := edits[:0]
	for _, e := range edits {
		if n := len(out); n > 0 && e.Start < out[n-1].End {
			out[n-1].End = max(out[n-1].End, e.End)
			continue
		}
		out = append(out, e)
	}
	return out
}
