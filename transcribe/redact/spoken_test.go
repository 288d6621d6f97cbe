package redact

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// caller makes up card numbers and says them as people do.
type caller struct{ *rand.Rand }

// card returns a number with a right check digit.
func (c caller) card() string {
	prefix, length := "4", 16
	switch c.IntN(5) {
	case 0:
		prefix = "5" + string("12345"[c.IntN(5)])
	case 1:
		prefix, length = "37", 15
	case 2:
		prefix = "6011"
	case 3:
		prefix = "2" + string("34567"[c.IntN(5)])
	}
	digits := prefix
	for len(digits) < length-1 {
		digits += string("0123456789"[c.IntN(10)])
	}
	for d := range 10 {
		if n := digits + fmt.Sprint(d); luhn(n) {
			return n
		}
	}
	return digits
}

// groups cuts digits into pieces as they are read off a card.
func (c caller) groups(digits string) []string {
	var out []string
	size := 1 + c.IntN(4)
	for len(digits) > 0 {
		n := min(size, len(digits))
		out = append(out, digits[:n])
		digits = digits[n:]
		if c.IntN(4) == 0 {
			size = 1 + c.IntN(4)
		}
	}
	return out
}

var (
	names = [...]string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"}
	teens = [...]string{"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"}
	tens  = [...]string{"", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"}
)

func (c caller) digit(d byte) string {
	if d == '0' && c.IntN(2) == 0 {
		return "oh"
	}
	if c.IntN(3) == 0 {
		return string(d)
	}
	return names[d-'0']
}

// say says the digits of one group.
func (c caller) say(group string) string {
	if c.IntN(4) == 0 {
		return group
	}
	var said []string
	for i := 0; i < len(group); {
		same := 1
		for i+same < len(group) && group[i+same] == group[i] && same < 3 {
			same++
		}
		two := group[i:min(i+2, len(group))]
		switch {
		case same > 1 && c.IntN(2) == 0:
			said = append(said, [...]string{"double", "triple"}[same-2], c.digit(group[i]))
			i += same
		case len(two) == 2 && two[0] == '1' && c.IntN(3) == 0:
			said = append(said, teens[two[1]-'0'])
			i += 2
		case len(two) == 2 && two[0] >= '2' && two[1] == '0' && c.IntN(3) == 0 && i+2 == len(group):
			said = append(said, tens[two[0]-'0'])
			i += 2
		case len(two) == 2 && two[0] >= '2' && two[1] != '0' && c.IntN(3) == 0:
			said = append(said, tens[two[0]-'0']+c.pick("-", " ")+names[two[1]-'0'])
			i += 2
		case c.IntN(12) == 0 && i > 0 && i+1 < len(group) && strings.ContainsRune("248", rune(group[i])):
			said = append(said, map[byte]string{'2': "to", '4': "for", '8': "ate"}[group[i]])
			i++
		default:
			said = append(said, c.digit(group[i]))
			i++
		}
	}
	return strings.Join(said, c.pick(" ", " ", ", ", "-"))
}

func (c caller) pick(of ...string) string { return of[c.IntN(len(of))] }

// turns says a card number in one utterance or several.
func (c caller) turns(card string) []string {
	turns := []string{c.pick("", "It's ", "sure, ", "yeah it's ", "My card is ")}
	split := c.IntN(3) == 0
	for i, group := range c.groups(card) {
		between := c.pick(" ", " ", ", ", ". ", " uh ", ", um, ", " dash ", " - ", "... ", " and then ", " then ", ", okay, ", ", next four ", " and the last four digits are ")
		said := c.say(group)
		switch {
		case i == 0:
			turns[0] += said
		case split && len(group) > 2 && c.IntN(2) == 0:
			turns = append(turns, said)
		default:
			turns[len(turns)-1] += between + said
		}
	}
	return turns
}

// left returns the longest part of a number that texts still have.
func left(card string, texts []string) string {
	said := digitsOf(scan(texts), false)
	longest := ""
	for i := range card {
		for k := i + len(longest) + 1; k <= len(card) && strings.Contains(said, card[i:k]); k++ {
			longest = card[i:k]
		}
	}
	return longest
}

// attack says one card number and returns what is left of it.
func attack(seed uint64) (turns, masked []string, rest string) {
	c := caller{rand.New(rand.NewPCG(seed, 7))}
	card := c.card()
	turns = c.turns(card)
	g := &Guard{}
	if c.IntN(2) == 0 {
		g.Heard("Can I have the card number?")
	}
	masked = feed(g, turns)
	return turns, masked, left(card, masked)
}

func TestSpokenCardsAreMasked(t *testing.T) {
	const (
		cards = 20_000
		most  = 4
	)
	for seed := range uint64(cards) {
		if turns, masked, rest := attack(seed); len(rest) > most {
			t.Errorf("seed %d: %q became %q, with %s", seed, turns, masked, rest)
		}
		if t.Failed() && seed > 1000 {
			return
		}
	}
}

func FuzzSpokenCard(f *testing.F) {
	for seed := range uint64(8) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		if turns, masked, rest := attack(seed); len(rest) > 4 {
			t.Errorf("%q became %q, with %s", turns, masked, rest)
		}
	})
}
