package wer

import (
	"math"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	tests := []struct {
		ref, hyp string
		want     Result
	}{
		{"the cat sat", "The cat, sat.", Result{Words: 3}},
		{"the cat sat", "the cat", Result{Words: 3, Deletions: 1}},
		{"the cat sat", "the black cat sat", Result{Words: 3, Insertions: 1}},
		{"the cat sat", "the hat sat", Result{Words: 3, Substitutions: 1}},
		{"a b c d", "", Result{Words: 4, Deletions: 4}},
		{"", "a b", Result{Insertions: 2}},
		{"a b c d e", "b c x e f", Result{Words: 5, Deletions: 1, Substitutions: 1, Insertions: 1}},
	}
	for _, tt := range tests {
		if got := Compare(tt.ref, tt.hyp); got != tt.want {
			t.Errorf("Compare(%q, %q) = %+v, want %+v", tt.ref, tt.hyp, got, tt.want)
		}
	}
}

func TestRate(t *testing.T) {
	sum := Compare("a b c d", "a b x d").Add(Compare("e f g h", "e f g h"))
	if got := sum.Rate(); math.Abs(got-0.125) > 1e-9 {
		t.Errorf("rate %g, want 0.125", got)
	}
}

func TestNumbersAreReadAlike(t *testing.T) {
	groups := [][]string{
		{"order four seven two nine one", "order 47291", "order 47 291", "order forty seven two hundred ninety one", "order 47,291"},
		{"on the twelfth of March", "on the 12th of march"},
		{"two hundred and five", "205", "two hundred five"},
		{"one thousand two hundred", "1200", "1,200", "twelve hundred"},
		{"forty-two dollars", "$42", "42"},
		{"twenty twenty four", "2024"},
		{"it's ok", "its okay", "it\u2019s OK!"},
		{"three hundred", "300", "3 hundred"},
		{"first", "1st"},
	}
	for _, group := range groups {
		for _, other := range group[1:] {
			if r := Compare(group[0], other); r.Rate() != 0 {
				t.Errorf("%q is %v and %q is %v", group[0], Words(group[0]), other, Words(other))
			}
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("two hundred and five thousand", "hundred")
	f.Add("1,234th, and", "oh '")
	f.Fuzz(func(t *testing.T, a, b string) {
		if r := Compare(a, a); r.Rate() != 0 {
			t.Errorf("%q differs from itself by %+v", a, r)
		}
		if r := Compare(a, b); r.Words-r.Deletions+r.Insertions != len(Words(b)) {
			t.Errorf("%+v does not turn %v into %v", r, Words(a), Words(b))
		}
		for _, w := range Words(a) {
			if strings.ContainsAny(w, " ,.") || w == "" {
				t.Errorf("word %q of %q", w, a)
			}
		}
	})
}
