package assist

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"earshot"
)

const good = `
version: 1
rules:
  - id: one
    when: {phrases: [cancel my contract], not: [cancel my appointment]}
    cooldown: 30s
    max_per_call: 2
    card: {title: Title, text: Text}
  - id: two
    when:
      speaker: any
      patterns: ['order \d+']
    tag: order
`

func TestParsePlaybook(t *testing.T) {
	book, err := ParsePlaybook([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	one, two := book.Rules[0], book.Rules[1]
	if one.ID != "one" || one.Kind != "card" || one.Title != "Title" || one.Text != "Text" || one.Cooldown != 30*time.Second || one.MaxPerCall != 2 || one.When.Speaker != "customer" {
		t.Errorf("first rule = %+v", one)
	}
	if two.Kind != "tag" || two.Title != "order" || two.MaxPerCall != 1 || two.Cooldown != 0 || two.When.Speaker != "any" || two.Line != 9 {
		t.Errorf("second rule = %+v", two)
	}
}

func TestPlaybookProblems(t *testing.T) {
	rule := func(s string) string { return "rules:\n  - id: one\n" + s }
	when := "    when: {phrases: [hello there]}\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "line 1: file is empty"},
		"comment only":      {"# nothing\n", "line 1: file is empty"},
		"not YAML":          {"rules:\n  - id: [\n", "line "},
		"tab":               {"rules:\n\t- id: x\n", "line 2: "},
		"not a mapping":     {"- a\n", "line 1: playbook must be a mapping"},
		"two documents":     {"rules: []\n---\nrules: []\n", "more than one document"},
		"no rules":          {"version: 1\n", "line 1: rules are missing"},
		"empty rules":       {"version: 1\nrules: []\n", "line 2: rules is empty"},
		"version":           {"version: 7\nrules: []\n", `line 1: version "7" is not known`},
		"unknown key":       {rule(when + "    tag: x\n    colour: red\n"), `line 5: unknown key "colour" in rule`},
		"key twice":         {rule(when + "    tag: x\n    tag: y\n"), "line 5: "},
		"no id":             {"rules:\n  - tag: x\n    when: {phrases: [a b]}\n", "line 2: rule has no id"},
		"same id":           {rule(when+"    tag: x\n") + "  - id: one\n" + when + "    tag: x\n", `line 5: rule "one" is there already, on line 2`},
		"no when":           {rule("    tag: x\n"), "line 2: rule has no when"},
		"empty when":        {rule("    tag: x\n    when: {speaker: agent}\n"), "line 4: when needs phrases, patterns, silence, hold, overtalk or mood"},
		"empty phrases":     {rule("    tag: x\n    when:\n      phrases: []\n"), "line 5: phrases is empty"},
		"empty phrase":      {rule("    tag: x\n    when:\n      phrases: ['']\n"), "line 5: phrase is empty"},
		"no words":          {rule("    tag: x\n    when:\n      phrases: ['?!']\n"), "line 5: phrase has no words"},
		"phrases no list":   {rule("    tag: x\n    when: {phrases: hello}\n"), "line 4: phrases must be a list"},
		"speaker":           {rule("    tag: x\n    when: {speaker: boss, phrases: [a b]}\n"), `line 4: speaker "boss" is none of`},
		"bad pattern":       {rule("    tag: x\n    when:\n      patterns:\n        - ok\n        - 'a(b'\n"), "line 7: pattern: error parsing regexp"},
		"greedy pattern":    {rule("    tag: x\n    when:\n      patterns: ['a*']\n"), "line 5: pattern matches everything"},
		"cooldown":          {rule(when + "    tag: x\n    cooldown: soon\n"), `line 5: cooldown "soon"`},
		"negative cooldown": {rule(when + "    tag: x\n    cooldown: -1s\n"), "line 5: cooldown"},
		"max":               {rule(when + "    tag: x\n    max_per_call: -1\n"), "line 5: max_per_call"},
		"no action":         {rule(when), "line 2: rule needs one of card"},
		"two actions":       {rule(when + "    tag: x\n    alert: {title: y}\n"), "rule has both alert and tag"},
		"card without text": {rule(when + "    card: {title: x}\n"), "line 4: text is missing"},
		"card no mapping":   {rule(when + "    card: hello\n"), "line 4: card must be a mapping"},
		"empty item":        {rule(when + "    checklist: {item: }\n"), "line 4: item is empty"},
		"alert typo":        {rule(when + "    alert: {titel: x}\n"), `line 4: unknown key "titel" in alert`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePlaybook([]byte(c.text))
			if _, ok := errors.AsType[*PlaybookError](err); !ok || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
		})
	}
}

func TestPlaybookListsAllProblems(t *testing.T) {
	_, err := ParsePlaybook([]byte("rules:\n  - id: a\n    tag: x\n  - id: b\n    when: {patterns: ['(']}\n    tag: y\n"))
	e, ok := errors.AsType[*PlaybookError](err)
	if !ok || len(e.Problems) != 2 || e.Problems[0].Line != 2 || e.Problems[1].Line != 5 {
		t.Errorf("error = %v", err)
	}
}

func TestExamplePlaybook(t *testing.T) {
	a, _ := examples(t, nil)
	for said, want := range map[string]string{
		"I'd like to cancel my contract.":                         "cancellation cancellation-tag",
		"i want to cancel":                                        "cancellation cancellation-tag",
		"I'm thinking about cancelling my old contract":           "cancellation cancellation-tag",
		"I want to cancel my appointment.":                        "",
		"I don't want to cancel, I just have a question.":         "",
		"That is far too expensive.":                              "price-objection",
		"that's quite expansive":                                  "price-objection",
		"Another company made me a better offer.":                 "competitor",
		"This is absolutely ridiculous!":                          "upset",
		"Let me talk to your manager.":                            "supervisor",
		"I can't pay that right now.":                             "cannot-pay",
		"The glass arrived completely broken.":                    "damaged",
		"It's order number four five eight one seven, I think.":   "order-number-said",
		"My order is 45817.":                                      "order-number-said",
		"Where is my order?":                                      "",
		"Is there anything else you need? Calls may be recorded.": "",
	} {
		if got := rules(ask(t, a, nil, customer(said), nil)); got != want {
			t.Errorf("%q fires %q, want %q", said, got, want)
		}
	}
	for said, want := range map[string]string{
		"This call is being recorded for training.":    "recording-notice",
		"Could I have your account number?":            "identified",
		"Is there anything else I can do for you?":     "anything-else",
		"So you would like to cancel your contract?":   "",
		"Please don't tell me your credit card number": "card-number",
	} {
		if got := rules(ask(t, a, nil, say(earshot.RoleAgent, 0, said), nil)); got != want {
			t.Errorf("agent: %q fires %q, want %q", said, got, want)
		}
	}
}

func TestPhrases(t *testing.T) {
	for _, c := range []struct {
		phrase, said string
		want         bool
	}{
		{"cancel my contract", "I cancelled my contract", true},
		{"cancel my contract", "cancel, um, my old contract", true},
		{"cancel my contract", "cancel all of this my contract", false},
		{"cancel my contract", "my contract cancel", false},
		{"cancel my contract", "cancel my contact", false},
		{"delivery is late", "the delivers is late", true},
		{"wifi", "the wi-fi is slow", true},
		{"wi-fi", "the wifi is slow", true},
		{"within thirty days", "within 30 days", true},
		{"within 30 days", "within thirteen days", false},
		{"I would like", "I'd like", true},
		{"can't pay", "I cannot pay", true},
		{"can't pay", "cant pay", true},
		{"pay my bill", "I can't pay my bill", true},
		{"not working", "it is not working", true},
		{"want to cancel", "I do not want to cancel", false},
		{"want to cancel", "I never said I want to cancel", true},
		{"like this", "like, not this", false},
		{"charge me", "change me", false},
		{"refund", "REFUNDS!", true},
	} {
		if got := newPhrase(c.phrase).in(newSpeech("", c.said).terms, 0); got != c.want {
			t.Errorf("phrase %q in %q: %v", c.phrase, c.said, got)
		}
	}
}

func playbook(t *testing.T, text string) *Assistant {
	t.Helper()
	a, _ := newAssistant(t, Config{Playbook: write(t, t.TempDir(), "p.yaml", text)}, nil, nil)
	return a
}

func TestCooldownAndMost(t *testing.T) {
	a := playbook(t, good)
	said := "I want to cancel my contract"
	at := func(ms int64) earshot.Utterance { return say(earshot.RoleCustomer, ms, said) }
	first := ask(t, a, nil, at(0), nil)
	if len(first) != 1 || first[0].Kind != "card" || first[0].Title != "Title" || first[0].AtMS != 2000 || first[0].By != "rules" {
		t.Fatalf("first = %+v", first)
	}
	if got := ask(t, a, nil, at(29_000), first); len(got) != 0 {
		t.Errorf("fires within the cooldown: %+v", got)
	}
	second := ask(t, a, nil, at(30_000), first)
	if len(second) != 1 || second[0].ID == first[0].ID {
		t.Fatalf("second = %+v", second)
	}
	if got := ask(t, a, nil, at(90_000), append(first, second...)); len(got) != 0 {
		t.Errorf("fires a third time: %+v", got)
	}
	if got := ask(t, a, nil, at(0), nil); got[0].ID != first[0].ID {
		t.Errorf("run again, the suggestion is called %s, was %s", got[0].ID, first[0].ID)
	}
}

func TestWhoMaySetOff(t *testing.T) {
	a := playbook(t, good)
	for role, want := range map[earshot.Role]string{earshot.RoleCustomer: "one", earshot.RoleAgent: "", earshot.RoleUnknown: "one", "": "one"} {
		if got := rules(ask(t, a, nil, say(role, 0, "cancel my contract"), nil)); got != want {
			t.Errorf("%q: %q, want %q", role, got, want)
		}
		if got := rules(ask(t, a, nil, say(role, 0, "it's order 1234"), nil)); got != "two" {
			t.Errorf("%q: %q, want two", role, got)
		}
	}
}

func TestPhraseOverTwoUtterances(t *testing.T) {
	a := playbook(t, good)
	before := say(earshot.RoleCustomer, 1000, "I'd like to cancel my")
	if got := rules(ask(t, a, []earshot.Utterance{before}, say(earshot.RoleCustomer, 3500, "contract please."), nil)); got != "one" {
		t.Errorf("fires %q", got)
	}
	before = say(earshot.RoleCustomer, 1000, "cancel my contract")
	if got := rules(ask(t, a, []earshot.Utterance{before}, say(earshot.RoleCustomer, 3500, "yes please"), nil)); got != "" {
		t.Errorf("what was said before fires again: %q", got)
	}
}

func TestPartialsAndSilence(t *testing.T) {
	a := playbook(t, good)
	u := customer("cancel my contract")
	u.Final = false
	if got := ask(t, a, nil, u, nil); len(got) != 0 {
		t.Errorf("a partial fires %+v", got)
	}
	if got := ask(t, a, nil, customer("  "), nil); len(got) != 0 {
		t.Errorf("silence fires %+v", got)
	}
}

func FuzzParsePlaybook(f *testing.F) {
	example, err := os.ReadFile("../examples/playbook.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{good, string(example), "rules: &a\n  - *a\n", "{", "rules:\n- {id: x, tag: y, when: {phrases: [z]}}", "a: &a [*a]", "\x00"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		book, err := ParsePlaybook(data)
		if err != nil {
			e, ok := errors.AsType[*PlaybookError](err)
			if !ok || len(e.Problems) == 0 || e.Problems[0].Line < 1 {
				t.Fatalf("error = %v", err)
			}
			return
		}
		for _, r := range book.Rules {
			if r.ID == "" || r.Kind == "" || r.Title == "" || len(r.When.phrases)+len(r.When.patterns) == 0 && !r.When.Timed() && r.When.Mood == "" && r.When.Overtalk == 0 {
				t.Fatalf("rule = %+v", r)
			}
			r.When.said(newSpeech("before", "some words, 4 5 6"))
		}
	})
}

// Who is not known to be the agent counts as the customer, unless they have
// greeted as agents do on a stream of their own; the suggestion says that it
// is not sure.
func TestSpeakerWhoseRoleIsNotSure(t *testing.T) {
	a := playbook(t, good)
	two := []earshot.Stream{{ID: "a", ParticipantIDs: []earshot.ParticipantID{"pa"}}, {ID: "b"}}
	mixed := []earshot.Stream{{ID: "a", ParticipantIDs: []earshot.ParticipantID{"pa", "pb"}}, {ID: "b"}}
	speak := func(stream earshot.StreamID, text string) earshot.Utterance {
		u := say(earshot.RoleUnknown, 10_000, text)
		u.StreamID = stream
		return u
	}
	greeting := speak("a", "Thank you for calling, how can I help?")
	for _, tc := range []struct {
		name    string
		streams []earshot.Stream
		stream  earshot.StreamID
		history []earshot.Utterance
		want    string
	}{
		{"nobody has greeted", two, "a", nil, "one"},
		{"who has greeted", two, "a", []earshot.Utterance{greeting}, ""},
		{"the other", two, "b", []earshot.Utterance{greeting}, "one"},
		{"all on one stream", two[:1], "a", []earshot.Utterance{greeting}, "one"},
		{"several on the stream", mixed, "a", []earshot.Utterance{greeting}, "one"},
	} {
		call := earshot.Call{ID: "call", State: earshot.CallLive, Streams: tc.streams}
		made, err := a.Answer(t.Context(), call, tc.history, speak(tc.stream, "cancel my contract"), nil)
		if err != nil || rules(made) != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.name, rules(made), err, tc.want)
		}
		for _, s := range made {
			if !s.SpeakerUnsure {
				t.Errorf("%s: %+v is sure", tc.name, s)
			}
		}
	}
	for _, s := range ask(t, a, nil, customer("cancel my contract"), nil) {
		if s.SpeakerUnsure {
			t.Errorf("the customer's own words: %+v", s)
		}
	}
}

func wantError(t *testing.T, what string, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*PlaybookError](err); !ok || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}
