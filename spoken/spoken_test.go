package spoken

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestReadNumber(t *testing.T) {
	for text, want := range map[string]string{
		"zero":                              "0",
		"twenty five":                       "25",
		"twenty-five":                       "25",
		"a hundred":                         "100",
		"one hundred and twenty three":      "123",
		"Twelve hundred":                    "1200",
		"two thousand twenty six":           "2026",
		"two thousand and five":             "2005",
		"thirty four thousand five hundred": "34500",
		"one million two hundred thousand":  "1200000",
		"1,250":                             "1250",
		"49.99":                             "49.99",
		"two point five":                    "2.5",
		"nine point nine nine":              "9.99",
		"1.5 million":                       "1500000",
		"5 thousand":                        "5000",
		"four five":                         "4",
		"eight hundred five five five":      "800",
		"nine hundred ninety nine thousand and one": "999001",
	} {
		n, ok := ReadNumber(Words(text), 0)
		if !ok || n.Value != want {
			t.Errorf("ReadNumber(%q) = %q %v, want %q", text, n.Value, ok, want)
		}
	}
	for _, text := range []string{"", "hello", "a lot", "and five", "hundred", "$5"} {
		if n, ok := ReadNumber(Words(text), 0); ok {
			t.Errorf("ReadNumber(%q) = %q, want none", text, n.Value)
		}
	}
}

func TestReadOrdinal(t *testing.T) {
	for text, want := range map[string]int{
		"first": 1, "second": 2, "third": 3, "fourth": 4, "ninth": 9, "twelfth": 12, "nineteenth": 19,
		"twentieth": 20, "twenty first": 21, "twenty-third": 23, "thirty first": 31, "3rd": 3, "22nd": 22,
	} {
		if n, _, ok := ReadOrdinal(Words(text), 0); !ok || n != want {
			t.Errorf("ReadOrdinal(%q) = %d %v, want %d", text, n, ok, want)
		}
	}
	for _, text := range []string{"with", "month", "thirty second", "twenty", "32nd", "both", "tooth"} {
		if n, _, ok := ReadOrdinal(Words(text), 0); ok {
			t.Errorf("ReadOrdinal(%q) = %d, want none", text, n)
		}
	}
}

func TestReadCode(t *testing.T) {
	for text, want := range map[string]string{
		"four five eight one seven":           "45817",
		"4 5 8 1 7":                           "45817",
		"4-5-8-1-7.":                          "45817",
		"4,5,8,1,7":                           "45817",
		"45817":                               "45817",
		"four, five, eight. One, seven.":      "45817",
		"forty five eighteen":                 "4518",
		"double five triple zero one":         "550001",
		"oh two oh seven":                     "0207",
		"five five five oh one four two":      "5550142",
		"555-0142":                            "5550142",
		"A B 4 5 7 1":                         "AB4571",
		"a b four five seven one":             "AB4571",
		"B as in boy, D for delta, four five": "BD45",
		"alpha tango nine nine":               "AT99",
		"AB4571":                              "AB4571",
		"INV 2039":                            "INV2039",
		"INV-2039":                            "INV2039",
		"X R dash seven seven one":            "XR771",
		"eight hundred five five five one two three four": "8005551234",
		"four five for one to seven":                      "454127",
		"seven um eight nine":                             "789",
		"one two three and then four five":                "12345",
	} {
		c, ok := ReadCode(Words(text), 0)
		if text == "four five for one to seven" {
			want = "45" // two digits are too few to take "for" for a digit
		}
		if !ok || c.Value != want {
			t.Errorf("ReadCode(%q) = %q %v, want %q", text, c.Value, ok, want)
		}
	}
	for _, text := range []string{"", "a new phone", "I have two", "oh, five minutes", "TV", "hotel room", "mike called"} {
		if c, ok := ReadCode(Words(text), 0); ok {
			t.Errorf("ReadCode(%q) = %q, want none", text, c.Value)
		}
	}
}

func TestReadCodeEnds(t *testing.T) {
	for text, want := range map[string]string{
		"45817. 2 parcels":             "45817",
		"45817, 2 parcels":             "45817",
		"four five six and two others": "456",
		"7 7 1 for my wife":            "771",
		"7 7 1 I think":                "771",
		"7 7 1 a moment":               "771",
	} {
		if c, _ := ReadCode(Words(text), 0); c.Value != want {
			t.Errorf("ReadCode(%q) = %q, want %q", text, c.Value, want)
		}
	}
}

func TestCanonical(t *testing.T) {
	for text, want := range map[string]string{
		"I'll need thirty-five.":             "i will need 35",
		"It\u2019s the Third of March!":      "it is the 3rd of march",
		"A B 4 5 7":                          "ab457",
		"I CANNOT, won't and don't":          "i can not will not and do not",
		"dont cant im":                       "do not can not i am",
		"at 3 P.M. on two lines":             "at 3 pm on 2 lines",
		"wi-fi":                              "wi fi",
		"$25, 10% and £1,200":                "25 dollars 10 percent and 1200 pounds",
		"gonna":                              "going to",
		"Anna's bill... and -- well\u2014ok": "anna bill and well ok",
	} {
		if got := Canonical(text); got != want {
			t.Errorf("Canonical(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestHolds(t *testing.T) {
	for _, c := range []struct {
		text, value string
		want        bool
	}{
		{"my number is four five eight one seven", "45817", true},
		{"it's A B 45 71", "AB-4571", true},
		{"it's 145817", "45817", false},
		{"next Tuesday, please", "next tuesday", true},
		{"thirty days", "30 days", true},
		{"thirteen days", "30 days", false},
		{"anything", "", false},
		{"annabel", "anna", false},
	} {
		if got := Holds(c.text, c.value); got != c.want {
			t.Errorf("Holds(%q, %q) = %v", c.text, c.value, got)
		}
	}
}

func TestAlike(t *testing.T) {
	for _, same := range []string{
		"cancel cancelled", "cancel cancelling", "cancel canceling", "delivery deliveries", "deliver delivery",
		"pay paid", "payment pay", "charge charged", "refund refunds", "bill billing", "router routers", "address addresses",
		"internet internit", "contract contracts", "stop stopped", "try tried", "box boxes", "slow slowly", "upgrade upgrading",
		"send sent", "expensive expensiv", "company companies", "move moving",
	} {
		a, b, _ := strings.Cut(same, " ")
		if !Alike(a, b) {
			t.Errorf("%q (%s) and %q (%s) differ", a, Stem(a), b, Stem(b))
		}
	}
	for _, other := range []string{
		"charge change", "contract contact", "letter better", "bill ball", "pay play", "order older", "phone home", "price prize",
		"refund return", "thing think", "king ring", "red reed",
	} {
		a, b, _ := strings.Cut(other, " ")
		if Alike(a, b) {
			t.Errorf("%q (%s) and %q (%s) are alike", a, Stem(a), b, Stem(b))
		}
	}
}

func TestWordsOffsets(t *testing.T) {
	text := "Well\u2026 it's $49.99, (e-mail jo-ann@example.com)? 3:30 p.m."
	var got []string
	for _, w := range Words(text) {
		if text[w.Start:w.End] != w.Text {
			t.Errorf("word %q is at %q", w.Text, text[w.Start:w.End])
		}
		got = append(got, w.Norm)
	}
	want := "well it's $49.99 e-mail jo-ann@example.com 3:30 pm"
	if strings.Join(got, " ") != want {
		t.Errorf("Words = %q", got)
	}
	words := Words("Is it? Yes, it is . ok")
	if !words[1].Question || !words[1].Stop || !words[2].Comma || words[0].Stop || !words[4].Stop {
		t.Errorf("punctuation is lost: %+v", words)
	}
}

func FuzzSpoken(f *testing.F) {
	for _, s := range []string{
		"my number is four five double one", "A as in alpha, B for boy 4-5", "$1,250.50 or twelve hundred and one point five",
		"twenty-third of March, 3:30 p.m.", "oh oh oh", "\xff\xfe one \u2026 two", "999999999999999 million million", "1,2,3,4", "..-..-",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := Words(s)
		for i, w := range words {
			if s[w.Start:w.End] != w.Text || w.Text == "" {
				t.Fatalf("word %d is not where it says: %+v", i, w)
			}
			if n, ok := ReadNumber(words, i); ok && (n.To <= i || n.To > len(words) || n.Value == "") {
				t.Fatalf("number at %d: %+v", i, n)
			}
			c, ok := ReadCode(words, i)
			if !ok {
				continue
			}
			sum := 0
			for _, g := range c.Groups {
				sum += g
			}
			if c.To <= i || c.To > len(words) || sum != len(c.Value) || c.Digits+c.Letters != sum {
				t.Fatalf("code at %d: %+v", i, c)
			}
		}
		terms, at := TermsAt(words)
		if len(terms) != len(at) {
			t.Fatalf("%d terms at %d places", len(terms), len(at))
		}
		if c := Canonical(s); utf8.ValidString(s) && !utf8.ValidString(c) {
			t.Fatalf("canonical form %q of %q", c, s)
		}
		for _, term := range terms {
			Stem(term)
		}
	})
}
