package phone

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in, region, e164 string
		ok               bool
	}{
		{"sip:+4930901820@sbc.example;user=phone", "DE", "+4930901820", true},
		{"sip:030901820@sbc.example", "DE", "+4930901820", true},
		{"sip:004930901820@sbc.example", "DE", "+4930901820", true},
		{"sip:4930901820@sbc.example", "US", "+4930901820", true},
		{"tel:+49-30-90-18-20;phone-context=example.com", "DE", "+4930901820", true},
		{`"Ann" <sip:+14155552671;npdi@192.0.2.1>`, "DE", "+14155552671", true},
		{"(415) 555-2671", "US", "+14155552671", true},
		{"4155552671", "US", "+14155552671", true},
		{"sip:%2B442079460018@x", "GB", "+442079460018", true},
		{"sip:2001@pbx.example", "DE", "", true},
		{"110", "DE", "", true},
		{"sip:anonymous@anonymous.invalid", "DE", "", false},
		{"sip:Restricted@x", "DE", "", false},
		{"sip:anna@pbx.example", "DE", "", false},
		{"", "DE", "", false},
	} {
		n, ok := Parse(c.in, c.region)
		if n.E164 != c.e164 || ok != c.ok {
			t.Errorf("Parse(%q, %s) = %q, %v; want %q, %v", c.in, c.region, n.E164, ok, c.e164, c.ok)
		}
	}
}

func TestSpellings(t *testing.T) {
	n, _ := Parse("sip:+442079460018@x", "GB")
	want := []string{"+442079460018", "442079460018", "020 7946 0018", "02079460018"}
	if got := n.Spellings(); !slices.Equal(got, want) {
		t.Errorf("spellings %q, want %q", got, want)
	}
	for _, s := range want {
		if !n.Same(s) {
			t.Errorf("%q is not the same number", s)
		}
	}
	if n.Suffix() != "9460018" {
		t.Errorf("suffix %q", n.Suffix())
	}
	extension, _ := Parse("sip:2001@pbx", "GB")
	if got := extension.Spellings(); !slices.Equal(got, []string{"2001"}) || extension.Suffix() != "2001" {
		t.Errorf("an extension is spelled %q, %q", got, extension.Suffix())
	}
}

func TestSame(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"+4930901820", "030 / 90 18 20", true},
		{"+4930901820", "0049 (30) 901820", true},
		{"+4930901820", "+4989901820", false},       // the same end in another city
		{"+4930901820", "901820", false},            // without its area code
		{"+4930901820", "+14930901820", false},      // another country
		{"sip:2001@pbx", "2001", true},              // extensions
		{"sip:2001@pbx", "+4930902001", false},      // an extension is no number's end
		{"+4930901820", "anonymous", false},         // no number
		{"+4930901820", "ext. 12, see file", false}, // a note in place of a number
	} {
		n, _ := Parse(c.a, "DE")
		if got := n.Same(c.b); got != c.same {
			t.Errorf("%q and %q: same is %v", c.a, c.b, got)
		}
	}
	if (Number{}).Same("") {
		t.Error("no number is the same as none")
	}
}

func TestSignificant(t *testing.T) {
	for address, want := range map[string]string{
		"+4930901820": "30901820", "030 901820": "30901820", "+12025550100": "2025550100", "+390612345678": "0612345678",
		"+5491112345678": "12345678", // 011 15-1234-5678 in Argentina
		"sip:2001@pbx":   "2001", "sip:anonymous@x": "",
	} {
		if n, _ := Parse(address, "DE"); n.Significant() != want {
			t.Errorf("%s: %q, want %q", address, n.Significant(), want)
		}
	}
}

func TestValidRegion(t *testing.T) {
	if !ValidRegion("DE") || ValidRegion("XX") || ValidRegion("") {
		t.Error("regions are not told apart")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"sip:+4930901820@x", "tel:110", "<", "+", "%", "((((0", "sip:;=@"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, ok := Parse(s, "DE")
		if !ok {
			return
		}
		if !n.Same(s) {
			t.Errorf("%q is not itself", s)
		}
		if len(n.Spellings()) == 0 {
			t.Errorf("%q has no spelling", s)
		}
	})
}
