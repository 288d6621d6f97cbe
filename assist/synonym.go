package assist

import (
	"slices"

	"earshot/spoken"
)

// synonyms are words that customers and articles use for the same thing.
func synonyms() [][]string {
	return [][]string{
		{"package", "parcel", "shipment"},
		{"refund", "money", "reimbursement"},
		{"bill", "invoice", "statement"},
		{"broken", "damaged", "faulty", "defective", "cracked"},
		{"cancel", "terminate", "quit"},
		{"price", "cost"},
		{"technician", "engineer"},
		{"down", "outage"},
		{"late", "delayed", "overdue"},
		{"lost", "missing"},
		{"recognize", "recognise", "unknown"},
		{"installment", "instalment", "rate"},
		{"phone", "telephone", "mobile"},
		{"password", "login"},
		{"wifi", "wireless"},
		{"discount", "reduction"},
	}
}

// alike holds, for each stem, the stems of the words that mean the same.
var alike = func() map[string][]string {
	out := map[string][]string{}
	for _, group := range synonyms() {
		for _, w := range group {
			for _, o := range group {
				if s := spoken.Stem(o); o != w {
					out[spoken.Stem(w)] = append(out[spoken.Stem(w)], s)
				}
			}
		}
	}
	return out
}()

// widen returns the terms with those that mean the same.
func widen(terms []string) []string {
	out := slices.Clone(terms)
	for _, group := range synonyms() {
		has := func(w string) bool {
			return spoken.Stem(w) != "" && slices.ContainsFunc(terms, func(t string) bool { return spoken.Stem(t) == spoken.Stem(w) })
		}
		if !slices.ContainsFunc(group, has) {
			continue
		}
		for _, w := range group {
			if !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}

// holdsLike reports whether a set of stems has one, or one that means the same.
func holdsLike(set map[string]bool, stem string) bool {
	return set[stem] || slices.ContainsFunc(alike[stem], func(s string) bool { return set[s] })
}
