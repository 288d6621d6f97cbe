package redact

import (
	"slices"
	"strings"
	"testing"
)

func patterns(t *testing.T) *Patterns {
	t.Helper()
	p, err := Compile([]Pattern{
		{Name: "ssn", Regexp: `\b\d{3}-?\d{2}-?\d{4}\b`, Label: "[social security number]"},
		{Name: "iban", Regexp: `\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}\b`},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPatterns(t *testing.T) {
	for text, want := range map[string]string{
		"it's 078-05-1120.":                      "it's [social security number].",
		"it's a 078051120":                       "it's a [social security number]",
		"oh seven eight, oh five, eleven twenty": "[social security number]",
		"zero seven eight dash zero five dash one one two zero thanks":                                    "[social security number] thanks",
		"my social is zero seven eight um zero five and then one one two oh.":                             "my social is [social security number].",
		"GB82 WEST 1234 5698 7654 32":                                                                     "[iban]",
		"DE89 3704 0044 0532 0130 00 okay":                                                                "[iban] okay",
		"D E eight nine three seven oh four double oh four four oh five three two oh one three double oh": "[iban]",
		"delta echo 89 3704 0044 0532 0130 00":                                                            "[iban]",
		"call 555 0142 or 4711":                                                                           "call 555 0142 or 4711",
		"":                                                                                                "",
	} {
		g := NewGuard(patterns(t))
		if got := masked(&g, text)[0]; got != want {
			t.Errorf("%q\n got %q\nwant %q", text, got, want)
		}
		g = NewGuard(patterns(t))
		if got := g.Partial(nil, text); strings.Contains(want, "[") && strings.ContainsAny(got, "12567") {
			t.Errorf("partial of %q is %q", text, got)
		}
	}
}

func TestPatternsOverUtterances(t *testing.T) {
	g := NewGuard(patterns(t))
	got := feed(&g, []string{"It's zero seven eight.", "zero five", "eleven twenty, okay?", "bye"})
	want := []string{"It's [social security number].", "[social security number]", "[social security number], okay?", "bye"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestCompileErrors(t *testing.T) {
	for want, list := range map[string][]Pattern{
		"pattern 1: its name":                              {{Regexp: `\d`}},
		"pattern 2: its name \"a\"":                        {{Name: "a", Regexp: `\d`}, {Name: "a", Regexp: `\d`}},
		"pattern a: error parsing regexp":                  {{Name: "a", Regexp: `(\d`}},
		"pattern a: the regular expression is missing":     {{Name: "a"}},
		"pattern a: the regular expression matches where":  {{Name: "a", Regexp: `\d*`}},
		"pattern a1: the regular expression matches the l": {{Name: "a1", Regexp: `\d`}},
	} {
		if _, err := Compile(list); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Compile(%v): %v, want %s", list, err, want)
		}
	}
	var none *Patterns
	if got := none.Mask("12"); got != "12" {
		t.Errorf("no patterns make %q of 12", got)
	}
}
