package redact

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"earshot"
	"earshot/transcribe/line"
)

func TestMask(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"plain", "it is 4111111111111111 thanks", "it is [card number] thanks"},
		{"spaces", "It's 4111 1111 1111 1111.", "It's [card number]."},
		{"dashes", "4111-1111-1111-1111", "[card number]"},
		{"dots", "4111.1111.1111.1111 ok", "[card number] ok"},
		{"odd groups", "41 11 111 1111 11111 11", "[card number]"},
		{"amex", "3782 822463 10005", "[card number]"},
		{"visa of 13", "4222222222222", "[card number]"},
		{"diners", "3056 930902 5904", "[card number]"},
		{"spoken", "four one one one one one one one one one one one one one one one", "[card number]"},
		{"spoken with commas", "Four, five, three, two, seven, one, five, nine, three, six, six, two, one, zero, eight, seven.", "[card number]."},
		{"double and oh", "five five double oh oh oh oh oh double zero zero oh oh double oh four", "[card number]"},
		{"triple", "four triple one 1111 one one one one 1111 please", "[card number] please"},
		{"pairs", "forty-one eleven eleven eleven eleven eleven eleven eleven", "[card number]"},
		{"fillers", "4111 uh 1111 and then 1111 um 1111", "[card number]"},
		{"mixed", "four 111, one one 11 1111 1111", "[card number]"},
		{"two cards", "4111111111111111 or is it 5500 0000 0000 0004", "[card number] or is it [card number]"},
		{"card in longer run", "7 4111 1111 1111 1111", "[card number]"},
		{"everything in one go", "4111 1111 1111 1111 04 27 341", "[card number]"},
		{"glued", "it is 41111111111111110427341", "it is [card number]"},
		{"misheard", "My card number is 4532715936621088.", "My card number is [card number]."},
		{"misheard, a digit lost", "the visa is 453271593662", "the visa is [card number]"},
		{"security code", "the security code is 341", "the security code is [security code]"},
		{"security code spoken", "and my CVV is three four one okay", "and my CVV is [security code] okay"},
		{"whole", "My card number is 4532715936621087. Expiary is of 427 and the security code is 341.", "My card number is [card number]. Expiary is of [expiry date] and the security code is [security code]."},
		{"expiry", "4111 1111 1111 1111 expiry date oh four twenty seven", "[card number] expiry date [expiry date]"},
		{"expiry with slash", "My card 4111111111111111, valid until 04/27", "My card [card number], valid until [expiry date]/[expiry date]"},

		{"phone", "call me on +1 415 555 2671", "call me on +1 415 555 2671"},
		{"phone spoken", "oh seven seven double zero nine hundred four one two", "oh seven seven double zero nine hundred four one two"},
		{"order", "order number 4111111111111112", "order number 4111111111111112"},
		{"short", "my order is 4539 148 803", "my order is 4539 148 803"},
		{"order paid by card", "I paid by card for order 4111111111111112", "I paid by card for order 4111111111111112"},
		{"amounts", "it was $4,111.11 and 1,111 more, and 11% of 11,111.11 dollars", "it was $4,111.11 and 1,111 more, and 11% of 11,111.11 dollars"},
		{"zeros", "0000 0000 0000 0000", "0000 0000 0000 0000"},
		{"dates", "between 2024 and 2027, on March 12", "between 2024 and 2027, on March 12"},
		{"expiry of something else", "the offer expires on 12 May", "the offer expires on 12 May"},
		{"oh", "oh I see, oh no", "oh I see, oh no"},
		{"words", "one of them or two", "one of them or two"},
		{"empty", "", ""},
		{"other scripts", "\u0664\u0661 caf\u00e9 4111 1111 1111 1111 \u2014 \u00fcber", "\u0664\u0661 caf\u00e9 [card number] \u2014 \u00fcber"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Mask(tt.text); got != tt.want {
				t.Errorf("Mask(%q)\n = %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestGuardMasksPieces(t *testing.T) {
	tests := []struct {
		name        string
		texts, want []string
	}{
		{
			"four pieces",
			[]string{"Sure, it's 4111.", "1111", "uh 1111", "one one one one."},
			[]string{"Sure, it's [card number].", "[card number]", "uh [card number]", "[card number]."},
		},
		{
			"noise between",
			[]string{"4111 1111", "", "11111111 that's it"},
			[]string{"[card number]", "", "[card number] that's it"},
		},
		{
			"no card after all",
			[]string{"it's 4711", "I think"},
			[]string{"it's 4711", "I think"},
		},
		{
			"in pairs",
			[]string{"It's 41", "eleven", "eleven eleven", "one one", "11 11", "uh 11"},
			[]string{"It's 41", "[card number]", "[card number]", "[card number]", "[card number]", "uh [card number]"},
		},
		{
			"code after card",
			[]string{"4111 1111 1111 1111", "341", "oh four twenty seven"},
			[]string{"[card number]", "[security code]", "[security code]"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := feed(&Guard{}, tt.texts); !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}

// feed gives the guard one utterance after the other, as a stream does.
func feed(g *Guard, texts []string) []string {
	var out, pending []string
	for _, text := range texts {
		pending = append(pending, text)
		ready := len(pending) - g.Hold(pending)
		out = append(out, masked(g, pending[:ready]...)...)
		pending = pending[ready:]
	}
	return append(out, masked(g, pending...)...)
}

// masked returns what the guard makes of texts that belong together.
func masked(g *Guard, texts ...string) []string {
	lines := make([][]earshot.Word, len(texts))
	for i, text := range texts {
		lines[i] = line.Split(text)
	}
	var out []string
	for _, l := range g.Mask(lines) {
		out = append(out, line.Text(l))
	}
	return out
}

func TestGuardHolds(t *testing.T) {
	tests := []struct {
		texts []string
		want  int
	}{
		{nil, 0},
		{[]string{""}, 0},
		{[]string{"hello there"}, 0},
		{[]string{"it is 41"}, 0},
		{[]string{"it is 4111"}, 1},
		{[]string{"hello", "it is 4111", "1111."}, 2},
		{[]string{"it is 4111", ""}, 2},
		{[]string{"it is 4111 uh"}, 1},
		{[]string{"it is 4111 I think"}, 0},
		{[]string{"since 2024"}, 0},
		{[]string{"call 0771 234"}, 0},
		{[]string{"4111 1111 1111 1111"}, 0},
		{[]string{strings.Repeat("4711 ", 20)}, 0},
	}
	for _, tt := range tests {
		if got := (&Guard{}).Hold(tt.texts); got != tt.want {
			t.Errorf("Hold(%q) = %d, want %d", tt.texts, got, tt.want)
		}
	}
}

func TestGuardListensToTheOtherParty(t *testing.T) {
	g := &Guard{}
	g.Heard("And the security code on the back of your card?")
	if got := masked(g, "it's three four one")[0]; got != "it's [security code]" {
		t.Errorf("code: %q", got)
	}
	g = &Guard{}
	g.Heard("Can I have your card number please?")
	if got := masked(g, "yes 4111 1111 1111 1112")[0]; got != "yes [card number]" {
		t.Errorf("misheard number: %q", got)
	}
	if got := masked(&Guard{}, "yes 4111 1111 1111 1112")[0]; got != "yes 4111 1111 1111 1112" {
		t.Errorf("number nobody asked for: %q", got)
	}
}

// apart gives the guard each text for itself, as when the speaker is slow and
// none waits for the next.
func apart(g *Guard, texts ...string) []string {
	var out []string
	for _, text := range texts {
		out = append(out, masked(g, text)...)
	}
	return out
}

func TestGuardMasksSlowPieces(t *testing.T) {
	g := &Guard{}
	g.Heard("Could you read me the long number on your card?")
	got := apart(g, "sure", "it's 4111", "one one one one", "1111", "thank you", "1111.")
	want := []string{"sure", "it's [card number]", "[card number]", "[card number]", "thank you", "[security code]."}
	if !slices.Equal(got, want) {
		t.Errorf("asked: %q", got)
	}
	got = apart(&Guard{}, "it's 4111", "1111 1111", "1111")
	if want := []string{"it's 4111", "1111 1111", "[card number]"}; !slices.Equal(got, want) {
		t.Errorf("unasked: %q", got)
	}
}

func TestGuardAsksForMore(t *testing.T) {
	for asked, want := range map[string]string{
		"And the three digits on the back?":             "[security code]",
		"What is the number on the front, four digits?": "[security code]",
		"When does it expire?":                          "[security code]",
		"Okay. What was your order number?":             "3417",
		"Is the card for your zip code?":                "3417",
		"Read me your card number.":                     "[card number]",
		"And which year did you get the credit card?":   "[card number]",
	} {
		g := &Guard{}
		g.Heard(asked)
		if got := apart(g, "3417")[0]; got != want {
			t.Errorf("after %q: %q, want %q", asked, got, want)
		}
	}
	g := &Guard{}
	g.Heard("Is that card from this year?")
	for text, want := range map[string]string{
		"2019": "2019", "It's 1420 Maple Avenue": "It's 1420 Maple Avenue", "that is $1,420": "that is $1,420", "It's 4555.": "It's [card number].",
	} {
		if got := apart(g, text)[0]; got != want {
			t.Errorf("got %q", got)
		}
	}
}

func TestCodesAndDatesAfterACard(t *testing.T) {
	for text, want := range map[string]string{
		"c v v is three four one":                    "c v v is [security code]",
		"see vee vee three for one":                  "see vee vee [security code]",
		"the code on the back is three four one":     "the code on the back is [security code]",
		"the three digits are 341":                   "the three digits are [security code]",
		"the last three on the back 341":             "the last three on the back [security code]",
		"security code's three four one":             "security code's [security code]",
		"verification code three four one two":       "verification code [security code]",
		"it expires oh four twenty seven":            "it expires [expiry date]",
		"good through april twenty seven":            "good through april [expiry date]",
		"valid till 4 slash 27":                      "valid till [expiry date]",
		"it expires in April of twenty twenty seven": "it expires in April of [expiry date]",
		"04/27":                  "[expiry date]",
		"it's 4 / 2027.":         "it's [expiry date].",
		"oh four two seven":      "[security code]",
		"I live at number 12":    "I live at number 12",
		"my order number is 341": "my order number is 341",
		"it's $341":              "it's $341",
	} {
		g := &Guard{}
		if got := apart(g, "It's 4111 1111 1111 1111", text)[1]; got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestGuardForgets(t *testing.T) {
	g := &Guard{}
	masked(g, "4111 1111 1111 1111")
	for range carefulAfterCard {
		masked(g, "and now something else altogether")
	}
	if got := masked(g, "just 341")[0]; got != "just 341" {
		t.Errorf("still careful: %q", got)
	}
}

func TestPartial(t *testing.T) {
	tests := []struct {
		pending    []string
		text, want string
	}{
		{nil, "it is 41", "it is 41"},
		{nil, "it is 4111", "it is " + InProgress},
		{nil, "it is 4111 one one", "it is " + InProgress},
		{nil, "order 4711 is late", "order 4711 is late"},
		{nil, "it is 4111 1111 1111 wait", "it is " + InProgress + " wait"},
		{nil, "it is 4111 1111 1111 1111", "it is [card number]"},
		{[]string{"it is 4111"}, "1", InProgress},
		{[]string{"it is 4111 1111 1111"}, "1111 yes", "[card number] yes"},
		{nil, "hello", "hello"},
	}
	for _, tt := range tests {
		if got := (&Guard{}).Partial(tt.pending, tt.text); got != tt.want {
			t.Errorf("Partial(%q, %q) = %q, want %q", tt.pending, tt.text, got, tt.want)
		}
	}
}

// inClear finds a card number that stands alone: the same digits at either end
// of a longer number are no card number.
var inClear = regexp.MustCompile(`(^|\D)4111 1111 1111 1111(\D|$)`)

func FuzzMask(f *testing.F) {
	f.Add("it is 4111 1111 1111 1111 ok", "341")
	f.Add("four triple one oh", "double double")
	f.Add("41\xff11", "\u2028 9\u0301")
	f.Add("", "o")
	f.Add("114111 1111 1111 1111\x10", "143A")
	f.Add("4111 1111 1111 11111\a", "")
	f.Fuzz(func(t *testing.T, a, b string) {
		g := &Guard{}
		g.Partial([]string{a}, b)
		if n := g.Hold([]string{a, b}); n < 0 || n > 2 {
			t.Fatalf("Hold = %d", n)
		}
		if got := masked(g, a, b); len(got) != 2 {
			t.Fatalf("%d texts", len(got))
		}
		// A card number in the clear never comes through, whatever is around it.
		if got := Mask(a + " 4111 1111 1111 1111 " + b); inClear.MatchString(got) {
			t.Fatalf("card number left in %q", got)
		}
	})
}
