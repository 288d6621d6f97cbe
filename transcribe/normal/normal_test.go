package normal

import (
	"strings"
	"testing"
	"unicode/utf8"

	"earshot"
	"earshot/transcribe/line"
)

func TestText(t *testing.T) {
	for said, want := range map[string]string{
		// Numbers.
		"I have twenty five of them.":                     "I have 25 of them.",
		"We have Twenty-five people and a hundred chairs": "We have 25 people and a hundred chairs",
		"one hundred and twenty three boxes":              "123 boxes",
		"it took thirty four thousand five hundred":       "it took 34,500",
		"two point five million users":                    "2.5 million users",
		"between twenty and thirty, or ten to fifteen":    "between 20 and 30, or 10 to 15",
		"we won twenty four to seventeen":                 "we won 24 to 17",
		"a ten-year-old and Windows eleven":               "a 10-year-old and Windows 11",
		"the twenty first century":                        "the 21st century",

		// Amounts.
		"It is twenty five dollars and ten cents.":    "It is $25.10.",
		"that's Forty-nine dollars ninety nine cents": "that's $49.99",
		"two thousand five hundred dollars, please":   "$2,500, please",
		"two point five dollars":                      "$2.50",
		"twelve dollars fifty.":                       "$12.50.",
		"thirty euros":                                "€30",
		"ten pounds and fifty pence":                  "£10.50",
		"2.5 million dollars":                         "2.5 million dollars",

		// Percents.
		"ten percent off, or two point five per cent": "10% off, or 2.5%",

		// Times and dates.
		"at three thirty p m.":                         "at 3:30 p.m.",
		"at three thirty p. M. on Monday":              "at 3:30 p.m. on Monday",
		"at three thirty p.m. on Monday":               "at 3:30 p.m. on Monday",
		"Ten a.m. is fine":                             "10 a.m. is fine",
		"at nine oh five PM":                           "at 9:05 PM",
		"come at three o'clock":                        "come at 3 o'clock",
		"at eight fifteen in the morning":              "at 8:15 in the morning",
		"call tomorrow at ten thirty":                  "call tomorrow at 10:30",
		"seven thirty tomorrow":                        "7:30 tomorrow",
		"on march third twenty twenty six":             "on March 3rd 2026",
		"on March twenty-third, two thousand and five": "on March 23rd, 2005",
		"the third of May nineteen ninety nine":        "the 3rd of May 1999",
		"since twenty nineteen":                        "since 2019",

		// Codes and phone numbers.
		"it's A B one two three":                                        "it's AB123",
		"my order number is four five eight one seven.":                 "my order number is 45817.",
		"the reference is forty five eighteen":                          "the reference is 4518",
		"B as in boy, D for delta, four five":                           "BD45",
		"the code is X Q R":                                             "the code is XQR",
		"K I. November twenty second nineteen eighty five":              "K I. November 22nd 1985",
		"call me on five five five one two three four five six seven":   "call me on 555-123-4567",
		"my phone is five five five oh one four two":                    "my phone is 555-0142",
		"eight hundred five five five one two three four":               "800-555-1234",
		"plus four four two oh seven nine four six oh one double eight": "+442079460188",

		// Addresses.
		"It's jane dot doe at example dot com.":     "It's jane.doe@example.com.",
		"my email is jane at example dot co dot uk": "my email is jane@example.co.uk",
		"j d o e four two at example dot com":       "jdoe42@example.com",
		"go to w w w dot example dot com, please":   "go to www.example.com, please",
		"look at example dot com":                   "look at example.com",
	} {
		if got := Text(said); got != want {
			t.Errorf("%q\n got %q\nwant %q", said, got, want)
		}
	}
}

// TestStays has what must not be touched: small numbers in prose, what can be
// read in two ways, and what is written in digits already.
func TestStays(t *testing.T) {
	for _, said := range []string{
		"", "  ", "hello there",
		"I have two of them, one for each.", "one or two, nine or ten", "from nine to five, ten to five",
		"a hundred times", "a thousand thanks", "a million", "twenty four seven", "seven eleven", "twenty thirty people",
		"version two point one point three",
		"second to none", "just a second", "thirty second delay", "twenty-second pause", "first of all", "on the third floor", "two thirds", "a tenth of it",
		"at one point five people left", "one, two, three, go", "one two three testing",
		"it's nineteen ninety nine", "at five twenty.", "three thirty Main Street",
		"I may come", "march on", "in May or June", "may I have it", "you may second that",
		"Oh, oh no.", "I am at the top", "mike called, hotel golf", "look at me", "look at it dot by dot", "I'm a bit late",
		"five-dollar bill", "that is three am I right", "two three days",
		"It's $25.10, 25 dollars and 10 cents, 10% of 1,250.", "4 5 8 1 7", "call 555-123-4567 at 3:30 p.m. on March 3rd, 2026",
		"AB123 and 2019 and 45th", "jane.doe@example.com", "www.example.com", "12 34 56", "0 0 7",
		"S M I T H is the name", "Olsen, O L S E N", "my ticket is T-20931", "S-M-I-T-H", "nineteen ninety nine dollars", "for five dollars two three people",
		"[card number] and the [security code]", "My Card is [card number]. Exp [expiry date]/[expiry date].",
		"\u2026 \u00e9t\u00e9 \u65e5\u672c\u8a9e one", "\xff\xfe",
	} {
		if got, want := Text(said), strings.Join(strings.Fields(said), " "); got != want {
			t.Errorf("%q became %q", said, got)
		}
	}
}

func TestWordsKeepTheirTimes(t *testing.T) {
	words := line.Split("Pay twenty five dollars and ten cents, Ann.")
	for i := range words {
		words[i].StartMS, words[i].EndMS = int64(i)*100, int64(i)*100+90
	}
	got := Words(words)
	want := []earshot.Word{{Text: "Pay", EndMS: 90}, {Text: "$25.10,", StartMS: 100, EndMS: 690}, {Text: "Ann.", StartMS: 700, EndMS: 790}}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("word %d is %v, want %v", i, got[i], want[i])
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"twenty five dollars and ten cents", "at three thirty p m.", "jane dot doe at example dot com", "plus double triple one two",
		"march third twenty twenty six", "A B as in boy 4-5", "\xff\u2026one", "at dot com", "oh a.m. one", "-- ten - ten",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Text(s)
		if strings.TrimSpace(s) != "" && got == "" {
			t.Fatalf("nothing is left of %q", s)
		}
		if utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Fatalf("%q became %q", s, got)
		}
		if !strings.ContainsAny(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") && got != strings.Join(strings.Fields(s), " ") {
			t.Fatalf("%q has no word and became %q", s, got)
		}
	})
}
