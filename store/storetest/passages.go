package storetest

import (
	"fmt"
	"testing"

	"earshot"
)

func passageID(p earshot.Passage) string { return p.ID }

func ids(t *testing.T, s Store, query string, n int) []string {
	t.Helper()
	return pick(must(s.SearchPassages(t.Context(), query, n))(t), passageID)
}

func testPassages(t *testing.T, s Store) {
	ctx := t.Context()
	replace := func(article string, list ...earshot.Passage) {
		t.Helper()
		if err := s.ReplacePassages(ctx, article, list); err != nil {
			t.Fatal(err)
		}
	}
	refunds := earshot.Passage{ID: "r1", Article: "refunds.md", Heading: "Refunds", Text: "We pay within ten days after the parcel came back."}
	replace("refunds.md", refunds, earshot.Passage{ID: "r2", Heading: "Vouchers", Text: "A voucher is never paid out."})
	replace("shipping.md", earshot.Passage{ID: "s1", Heading: "Shipping", Text: "Parcels leave the house every evening."})
	filler(t, s)

	got := must(s.SearchPassages(ctx, "When do I get my refund, and is the voucher refunded?", 5))(t)
	equal(t, "best first, by stems", pick(got, passageID)[:2], []string{"r1", "r2"})
	if got[0].Score <= 0 || got[0].Score >= 1 {
		t.Errorf("score %v is not between 0 and 1", got[0].Score)
	}
	refunds.Score = got[0].Score
	equal(t, "passage", got[0], refunds)
	equal(t, "limited", len(ids(t, s, "parcels", 1)), 1)
	equal(t, "nothing", ids(t, s, "zebra", 5), []string{})
	equal(t, "no words", ids(t, s, "?!", 5), []string{})

	replace("refunds.md", earshot.Passage{ID: "r3", Heading: "Money back", Text: "Ask the desk."})
	equal(t, "replaced", ids(t, s, "refund voucher", 5), []string{})
	equal(t, "new", ids(t, s, "money", 5), []string{"r3"})
	if err := s.RemovePassages(ctx, "refunds.md"); err != nil {
		t.Fatal(err)
	}
	equal(t, "removed", ids(t, s, "money", 5), []string{})
	equal(t, "others stay", ids(t, s, "parcels", 5), []string{"s1"})
}

// filler stores passages that have nothing to do with the others.
func filler(t *testing.T, s Store) {
	t.Helper()
	var list []earshot.Passage
	for i := range 20 {
		list = append(list, earshot.Passage{ID: fmt.Sprint(i), Heading: "Filler", Text: fmt.Sprintf("Lorem ipsum dolor sit amet %d.", i)})
	}
	if err := s.ReplacePassages(t.Context(), "filler.md", list); err != nil {
		t.Fatal(err)
	}
}

// testPassageScore asserts what the score means at two sizes of the knowledge
// base: more rare words score higher, a word in every passage nothing.
func testPassageScore(t *testing.T, s Store) {
	ctx := t.Context()
	p := earshot.Passage{ID: "p", Heading: "Filler", Text: "Lorem ipsum modem router amet."}
	if err := s.ReplacePassages(ctx, "a.md", []earshot.Passage{p}); err != nil {
		t.Fatal(err)
	}
	score := func(query string) float64 {
		t.Helper()
		list := must(s.SearchPassages(ctx, query, 1))(t)
		if len(list) != 1 {
			t.Fatalf("%q finds %d passages", query, len(list))
		}
		return list[0].Score
	}
	filler(t, s)
	one, two, common := score("modem"), score("the modem and the router"), score("lorem")
	if one < 0.4 || one > 0.6 || two < one+0.1 || two > 0.75 || common > 0.05 {
		t.Errorf("one rare word %.2f, two %.2f, a common one %.2f", one, two, common)
	}
}
