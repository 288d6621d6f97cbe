package summarize

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"earshot"
)

// found reads the facts of one utterance as "kind value" in order.
func found(role earshot.Role, asked, text string) []string {
	var list []earshot.Utterance
	if asked != "" {
		list = append(list, earshot.Utterance{ID: "u0", StreamID: "other", Role: earshot.RoleAgent, Text: asked, EndMS: 1000})
	}
	list = append(list, earshot.Utterance{ID: "u1", StreamID: "one", Role: role, Text: text, StartMS: 1500, EndMS: 5000})
	out := []string{}
	for _, f := range extract(list).Facts {
		if f.UtteranceID == "u1" {
			out = append(out, string(f.Kind)+" "+f.Value)
		}
	}
	return out
}

func TestFacts(t *testing.T) {
	for _, c := range []struct{ asked, said, want string }{
		// Numbers.
		{"", "my order number is 45817", "number 45817"},
		{"", "45817 is my order number", "number 45817"},
		{"What's your account number?", "four five double eight one", "number 45881"},
		{"What's your account number?", "It's 12 34.", "number 1234"},
		{"", "the reference is A B as in boy 4 4 1", "number AB441"},
		{"", "It's INV-2039-7.", "number INV20397"},
		{"", "my booking code is X K Q Z P T", "number XKQZPT"},
		{"", "extension 412 please, the number is 412", "number 412"},
		{"", "I waited 45 minutes and paid 20 percent for 12000 users", ""},
		{"", "my PIN is 4 5 8 1 and the password is 99887", ""},
		{"", "card ending in [card number], security code [security code]", ""},
		{"", "I live at 12450 Maple Street", ""},
		{"", "there were two hundred thousand people", ""},
		{"", "in the year 2026 I had two of them", ""},
		{"", "one of three, maybe four or five", ""},
		// Amounts.
		{"", "it was $1,250.50 and then twenty euros", "amount $1250.50, amount €20"},
		{"", "forty nine dollars and ninety nine cents", "amount $49.99"},
		{"", "you charged me nineteen ninety nine", "amount 19.99"},
		{"", "a hundred and five pounds fifty.", "amount £105.50"},
		{"", "it weighs five pounds", ""},
		{"", "only fifty cents", "amount 50 cents"},
		{"", "1.5 million dollars", "amount $1500000"},
		{"", "thirty bucks a month", "amount $30"},
		// Dates.
		{"", "on March 3rd, 2026", "date March 3 2026"},
		{"", "the third of march twenty twenty six", "date March 3 2026"},
		{"", "on the 14th at noon", "date the 14th, time noon"},
		{"", "on the second floor of the first building", ""},
		{"", "next tuesday or the day after tomorrow", "date next Tuesday, date day after tomorrow"},
		{"", "two weeks ago and last month", "date 2 weeks ago, date last month"},
		{"", "Friday the 13th", "date Friday the 13th"},
		{"", "it may be that we march on", ""},
		{"", "since January", "date January"},
		{"", "03/14/2026 and 2026-03-15", "date 03/14/2026, date 2026-03-15"},
		{"", "How can I help you today?", ""},
		{"", "the engineer came today", "date today"},
		{"", "support is there 24/7", ""},
		// Times.
		{"", "at half past three in the afternoon", "time 3:30 PM"},
		{"", "at quarter to four", "time 3:45"},
		{"", "at 9 a.m. or 330 PM", "time 9:00 AM, time 3:30 PM"},
		{"", "between eight and twelve on Monday", "time 8:00, time 12:00, date Monday"},
		{"", "between two and three people", ""},
		{"", "at ten o'clock", "time 10:00"},
		{"", "tomorrow at three", "date tomorrow, time 3:00"},
		{"", "at three", ""},
		{"", "call at 14:30", "time 14:30"},
		{"", "I am at nine of ten", ""},
		// Phones.
		{"", "call me back at 212 555 0187", "phone 2125550187"},
		{"What's the best number to reach you?", "five five five oh one four two", "phone 5550142"},
		{"", "it's plus four four two zero seven nine four six zero nine five eight", "phone +442079460958"},
		{"", "+1 (212) 555-0187", "phone +12125550187"},
		{"", "eight hundred five five five one two three four is the phone number", "phone 8005551234"},
		{"", "my account number is 2125550187", "number 2125550187"},
		// E-mails.
		{"", "john dot smith at example dot com", "email john.smith@example.com"},
		{"", "my email is j o h n underscore five at my shop dot co dot uk", "email john_5@myshop.co.uk"},
		{"", "Write to John.Smith@Example.com.", "email john.smith@example.com"},
		{"", "we met at the station dot", ""},
		{"", "it's anna at example.org", "email anna@example.org"},
		{"", "meet me at nine dot thirty", ""},
		// Names.
		{"", "My name is Anna Berg and I'm calling about a bill", "name Anna Berg"},
		{"", "my name is anna berg and i'm calling about a bill", "name Anna Berg"},
		{"", "Hi, this is Tom from Larkfield.", "name Tom"},
		{"", "This is ridiculous.", ""},
		{"", "I'm Sorry, I'm Not sure.", ""},
		{"", "I'm Peter, the neighbour", "name Peter"},
		{"May I have your full name?", "Yes, it's Maria Lopez.", "name Maria Lopez"},
		{"And your last name?", "Novak, N O V A K.", "name Novak"},
		{"", "the name of the shop is Flowers", ""},
		{"", "your name is not on the list", ""},
		{"", "O'Brien speaking", "name O'Brien"},
	} {
		want := []string{}
		if c.want != "" {
			want = strings.Split(c.want, ", ")
		}
		if got := found(earshot.RoleCustomer, c.asked, c.said); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", c.said, got, want)
		}
	}
}

func TestNumberOverPauses(t *testing.T) {
	u := func(id, stream string, at int64, text string) earshot.Utterance {
		return earshot.Utterance{ID: earshot.UtteranceID(id), StreamID: earshot.StreamID(stream), Role: earshot.RoleCustomer, Text: text, StartMS: at, EndMS: at + 1000}
	}
	got := extract([]earshot.Utterance{
		u("a", "one", 0, "My order number is 4, 5, 8."), u("b", "two", 1500, "Mm-hm."), u("c", "one", 2500, "1, 7, 2. And I want my money."),
	}).Facts
	if len(got) != 1 || got[0].Value != "458172" || got[0].UtteranceID != "a" || got[0].Said != "4, 5, 8 1, 7, 2" {
		t.Errorf("facts = %+v", got)
	}
	got = extract([]earshot.Utterance{u("a", "one", 0, "My order number is 4, 5, 8, 1."), u("c", "one", 9000, "7, 2, 3, 3, 3.")}).Facts
	if len(got) != 2 {
		t.Errorf("after a long pause: %+v", got)
	}
}

func TestFactsAreDistinct(t *testing.T) {
	got := found(earshot.RoleCustomer, "", "Order 45817. Yes, 4 5 8 1 7. My name is Anna. Anna Berg speaking. Tuesday, next Tuesday.")
	if want := []string{"number 45817", "name Anna Berg", "date next Tuesday"}; !slices.Equal(got, want) {
		t.Errorf("facts = %q, want %q", got, want)
	}
}

func TestActions(t *testing.T) {
	for _, c := range []struct {
		role earshot.Role
		said string
		want string // "text | due; ..."
	}{
		{"agent", "I'll send you the form by Friday.", "I'll send you the form by Friday | by Friday"},
		{"agent", "i will call you back tomorrow at three and i'll email you the label", "I will call you back tomorrow at three | tomorrow at 3:00; I'll email you the label |"},
		{"agent", "We're going to refund forty dollars within five to seven business days.", "We're going to refund forty dollars within five to seven business days | within 5 to 7 business days"},
		{"agent", "A technician will come on Monday between eight and ten.", "A technician will come on Monday between eight and ten | Monday"},
		{"agent", "You'll receive an email in 24 hours.", "You'll receive an email in 24 hours | in 24 hours"},
		{"agent", "Someone will call you by the end of the day.", "Someone will call you by the end of the day | by the end of the day"},
		{"agent", "I'll go ahead and cancel the order, okay?", "I'll go ahead and cancel the order |"},
		{"agent", "I'll check with the warehouse and get back to you.", "I'll check with the warehouse and get back to you |"},
		{"agent", "I'll find out if it was shipped and let you know.", "I'll find out if it was shipped and let you know |"},
		{"agent", "I won't charge you. I will not cancel it. I'm not going to send it.", ""},
		{"agent", "If it doesn't work, I'll send a technician.", ""},
		{"agent", "I'll send you a new one if you return the old one.", ""},
		{"agent", "I'll have a look. I'll be happy to help. I will put you on hold. I'll check that for you.", ""},
		{"agent", "You'll need to pay the fee. You will see a menu.", ""},
		{"agent", "Let me check. I can send you that.", ""},
		{"agent", "He said he will call you back.", ""},
		{"customer", "I'll send you the photos tonight.", "I'll send you the photos tonight | tonight"},
		{"customer", "I will call back next week.", "I will call back next week | next week"},
		{"customer", "I'm going to cancel my contract. I'll think about it. I'll wait.", ""},
		{"customer", "You said you will send it. Will I get a refund? I'll get it by Friday?", ""},
		{"customer", "You will hear from my lawyer.", ""},
		{"unknown", "We'll ship it on the 14th of May.", "We'll ship it on the 14th of May | May 14"},
	} {
		u := earshot.Utterance{ID: "u", StreamID: "s", Role: c.role, Text: c.said, EndMS: 9000}
		var got []string
		for _, a := range extract([]earshot.Utterance{u}).Actions {
			got = append(got, strings.TrimSpace(fmt.Sprintf("%s | %s", a.Text, a.Due)))
			if a.Owner != c.role || a.UtteranceID != "u" {
				t.Errorf("%q: %+v", c.said, a)
			}
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%q:\n got %q\nwant %q", c.said, s, c.want)
		}
	}
}

func TestReason(t *testing.T) {
	for said, want := range map[string]string{
		"C: Hi, good morning. C: My name is Anna. C: I'm calling about a refund. It has not arrived yet.": "I'm calling about a refund. It has not arrived yet.",
		"C: um yes hello my name is anna and i'd like to change my address":                               "I'd like to change my address.",
		"C: Hello. C: The washing machine leaks.":                                                         "The washing machine leaks.",
		"A: Hi, this is Tom. I'm calling about your open bill. C: Yes?":                                   "I'm calling about your open bill.",
		"U: Thanks for calling, how can I help you with your order? V: My toaster is broken.":             "My toaster is broken.",
		"U: Thanks for calling, how can I help you with your order? U: My toaster is broken.":             "My toaster is broken.", // all on one stream
		"C: Hello? C: Yes.": "",
		"C: Can you tell me whether you ship to Norway?": "Can you tell me whether you ship to Norway?",
	} {
		var d dialogue
		for _, line := range strings.SplitAfter(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(said, " C: ", "\nC: "), " U: ", "\nU: "), " V: ", "\nV: "), " A: ", "\nA: "), "\n") {
			d.say(strings.TrimSpace(line))
		}
		if got := extract(d.utterances).Reason; got != want {
			t.Errorf("%q: reason %q, want %q", said, got, want)
		}
	}
}

func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		"my name is anna and i'll send you $5 by friday at half past three if you like", "a at b dot c dot", "between 1 and", "at", "the", "$", "this is", "will",
		"I'll", "from nine to", "in a", "quarter to", "plus", "on the", "£ 5 and", "name of", "I will be", "a couple of", "within", "x@y dot",
	} {
		f.Add(s, "may I have your name and number?")
	}
	f.Fuzz(func(t *testing.T, said, asked string) {
		list := []earshot.Utterance{
			{ID: "a", StreamID: "a", Role: earshot.RoleAgent, Text: asked, EndMS: 1000},
			{ID: "b", StreamID: "b", Role: earshot.RoleCustomer, Text: said, StartMS: 1000, EndMS: 2000},
			{ID: "c", StreamID: "b", Role: earshot.RoleCustomer, Text: asked, StartMS: 2000, EndMS: 3000},
		}
		out := extract(list)
		for _, fact := range out.Facts {
			if fact.Value == "" || fact.Said == "" || fact.UtteranceID == "" || fact.AtMS < 0 || fact.AtMS > 3000 {
				t.Fatalf("fact = %+v", fact)
			}
		}
		for _, a := range out.Actions {
			if a.Text == "" || a.UtteranceID == "" {
				t.Fatalf("action = %+v", a)
			}
		}
	})
}

// A summary says when it is not sure who the agent is.
func TestRolesThatAreNotSure(t *testing.T) {
	s, err := New(Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	said := []earshot.Utterance{
		{ID: "1", StreamID: "a", Role: earshot.RoleAgent, Text: "How can I help?", EndMS: 900},
		{ID: "2", StreamID: "b", Role: earshot.RoleCustomer, Text: "My toaster is broken.", StartMS: 1000, EndMS: 2000},
	}
	for _, unsure := range []bool{false, true} {
		if unsure {
			said[0].Role, said[1].Role = earshot.RoleUnknown, earshot.RoleUnknown
		}
		out, err := s.Summarize(t.Context(), earshot.Call{}, said, false)
		if err != nil || out.RolesUnsure != unsure || out.Reason != "My toaster is broken." {
			t.Errorf("unsure %v: %+v, %v", unsure, out, err)
		}
	}
}

// TestCentsAfterAStop joins what a recogniser cut apart, and only that.
func TestCentsAfterAStop(t *testing.T) {
	for text, want := range map[string]string{
		"It is $112. And 15 cents.":      "$112.15",
		"It is 38 dollars. 25 cents.":    "$38.25",
		"It is 38 dollars. Twenty came.": "$38",
	} {
		got := extract(talk("C: " + text)).Facts
		if len(got) != 1 || got[0].Value != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}
