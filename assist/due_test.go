package assist

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

const waiting = `
stages: {opening: 20s}
rules:
  - id: no-notice
    when: {speaker: agent, missing: 30s, phrases: [call is recorded], patterns: ['recorded line']}
    alert: {title: Recording was not announced}
  - id: dead-air
    when: {silence: 10s}
    cooldown: 1m
    max_per_call: 0
    card: {title: Nobody speaks, text: Say what you are doing.}
  - id: long-hold
    when: {hold: 45s}
    alert: {title: On hold for long}
  - id: late-silence
    when: {silence: 5s, stage: [middle, closing]}
    tag: quiet
`

func (r *waiter) due(at time.Duration, said ...earshot.Utterance) string {
	r.t.Helper()
	slices.SortFunc(said, func(a, b earshot.Utterance) int { return int(a.StartMS - b.StartMS) })
	fresh := r.a.Due(r.call, said, at.Milliseconds(), !r.untold, r.made)
	r.made = append(r.made, fresh...)
	return rules(fresh)
}

// waiter is a call of which moments come.
type waiter struct {
	t      *testing.T
	a      *Assistant
	call   earshot.Call
	made   []earshot.Suggestion
	untold bool
}

func newWaiter(t *testing.T) *waiter {
	t.Helper()
	return &waiter{t: t, a: playbook(t, waiting), call: earshot.Call{ID: "call"}}
}

func TestWaits(t *testing.T) {
	got := playbook(t, waiting).Waits()
	if !slices.Equal(got.Missing, []time.Duration{30 * time.Second}) || !slices.Equal(got.Hold, []time.Duration{45 * time.Second}) ||
		!slices.Equal(got.Silence, []time.Duration{5 * time.Second, 10 * time.Second}) {
		t.Errorf("%+v", got)
	}
}

func TestWhatWasNotSaid(t *testing.T) {
	for _, c := range []struct {
		name string
		said []earshot.Utterance
		want string
	}{
		{"nothing", nil, "no-notice"},
		{"by the agent", []earshot.Utterance{say(earshot.RoleAgent, 21_000, "This call is being recorded.")}, ""},
		{"as a pattern", []earshot.Utterance{say(earshot.RoleAgent, 21_000, "We are on a recorded line.")}, ""},
		{"by the customer", []earshot.Utterance{say(earshot.RoleCustomer, 21_000, "Is this call recorded?")}, "no-notice"},
		{"by who knows whom", []earshot.Utterance{say(earshot.RoleUnknown, 21_000, "This call is recorded.")}, ""},
		{"denied", []earshot.Utterance{say(earshot.RoleAgent, 21_000, "This call is not recorded.")}, "no-notice"},
		{"in two pieces", []earshot.Utterance{
			say(earshot.RoleAgent, 21_000, "Before we begin this call is"), say(earshot.RoleAgent, 23_500, "recorded for quality."),
		}, ""},
		{"too late", []earshot.Utterance{say(earshot.RoleAgent, 30_000, "This call is recorded.")}, "no-notice"},
	} {
		w := newWaiter(t)
		said := append(c.said, say(earshot.RoleCustomer, 27_000, "all right"))
		if got := w.due(30*time.Second, said...); got != c.want {
			t.Errorf("%s: fires %q, want %q", c.name, got, c.want)
		}
		if got := w.due(30*time.Second, said...); got != "" {
			t.Errorf("%s: fires %q again", c.name, got)
		}
	}
	w := newWaiter(t)
	if got := w.due(31*time.Second, say(earshot.RoleCustomer, 29_000, "yes")); got != "" {
		t.Errorf("at another moment: %q", got)
	}
}

func TestSilence(t *testing.T) {
	yes := say(earshot.RoleCustomer, 30_000, "yes") // up to 32 s
	w := newWaiter(t)
	if got := w.due(10 * time.Second); got != "dead-air" {
		t.Errorf("nobody has said anything: %q", got)
	}
	if got := w.due(42*time.Second, yes); got != "late-silence" {
		t.Errorf("within the cooldown: %q", got)
	}
	if got := w.due(112*time.Second, yes, say(earshot.RoleAgent, 100_000, "so")); got != "dead-air" {
		t.Errorf("after the cooldown: %q", got)
	}
	w = newWaiter(t)
	if got := w.due(42*time.Second, yes, say(earshot.RoleAgent, 41_000, "so")); got != "" {
		t.Errorf("somebody speaks: %q", got)
	}
	if got := w.due(42*time.Second, yes, say(earshot.RoleAgent, 42_000, "so")); got == "" {
		t.Error("who speaks later is no matter")
	}
	first := w.made[0]
	if first.UtteranceID != yes.ID || first.AtMS != 42_000 {
		t.Errorf("made %+v", first)
	}
	again := newWaiter(t)
	if again.due(42*time.Second, yes); again.made[0].ID != first.ID {
		t.Error("the same moment makes another ID")
	}
	for name, marks := range map[string][]earshot.Mark{
		"on hold":           {{Kind: earshot.MarkHold, StreamID: "s", AtMS: 20_000}},
		"hold begins":       {{Kind: earshot.MarkHold, StreamID: "s", AtMS: 35_000}, {Kind: earshot.MarkUnhold, StreamID: "s", AtMS: 36_000}},
		"paused":            {{Kind: earshot.MarkPause, AtMS: 20_000}},
		"paused in it":      {{Kind: earshot.MarkPause, AtMS: 40_000}},
		"resumed meanwhile": {{Kind: earshot.MarkPause, AtMS: 20_000}, {Kind: earshot.MarkResume, AtMS: 35_000}},
	} {
		w := newWaiter(t)
		w.call.Marks = marks
		if got := w.due(42*time.Second, yes); strings.Contains(got, "dead-air") {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestHold(t *testing.T) {
	w := newWaiter(t)
	w.untold = true // nothing is recognised
	w.call.Marks = []earshot.Mark{
		{Kind: earshot.MarkHold, StreamID: "a", AtMS: 5000},
		{Kind: earshot.MarkUnhold, StreamID: "a", AtMS: 6000},
		{Kind: earshot.MarkHold, StreamID: "a", AtMS: 10_000},
		{Kind: earshot.MarkHold, StreamID: "b", AtMS: 20_000},
	}
	for _, c := range []struct {
		at   time.Duration
		want string
	}{{50 * time.Second, ""}, {55 * time.Second, "long-hold"}, {65 * time.Second, ""}} {
		if got := w.due(c.at); got != c.want {
			t.Errorf("at %v: %q, want %q", c.at, got, c.want)
		}
	}
	w = newWaiter(t)
	w.call.Marks = []earshot.Mark{{Kind: earshot.MarkHold, StreamID: "a", AtMS: 10_000}, {Kind: earshot.MarkUnhold, StreamID: "a", AtMS: 54_000}}
	if got := w.due(55*time.Second, say(earshot.RoleAgent, 53_000, "back")); got != "" {
		t.Errorf("back from it: %q", got)
	}
}

func TestStages(t *testing.T) {
	a := playbook(t, `
stages: {opening: 20s}
rules:
  - {id: open, when: {stage: opening, phrases: [refund]}, tag: a}
  - {id: mid, when: {stage: middle, phrases: [refund]}, tag: b}
  - {id: end, when: {stage: [closing], phrases: [refund]}, tag: c}
`)
	greeting := say(earshot.RoleAgent, 0, "Thank you for calling, how can I help?")
	more := say(earshot.RoleAgent, 40_000, "Is there anything else I can do?") // up to 42 s
	for at, want := range map[int64]string{5000: "open", 25_000: "mid", 50_000: "end", 110_000: "mid"} {
		history := []earshot.Utterance{greeting}
		if at > more.EndMS {
			history = append(history, more)
		}
		if got := rules(ask(t, a, history, say(earshot.RoleCustomer, at, "I want a refund"), nil)); got != want {
			t.Errorf("at %d ms: %q, want %q", at, got, want)
		}
	}
}

func TestMood(t *testing.T) {
	a := playbook(t, "rules:\n  - {id: upset, when: {mood: negative}, alert: {title: Upset}}\n  - {id: glad, when: {mood: positive, speaker: agent}, tag: glad}\n")
	angry := say(earshot.RoleCustomer, 0, "This is terrible, I am very angry.")
	for _, c := range []struct {
		name    string
		history []earshot.Utterance
		now     earshot.Utterance
		want    string
	}{
		{"once is not enough", nil, angry, ""},
		{"twice", []earshot.Utterance{angry}, say(earshot.RoleCustomer, 5000, "That is awful, really bad."), "upset"},
		{"nothing in it", []earshot.Utterance{angry, angry}, say(earshot.RoleCustomer, 5000, "It is number four."), ""},
		{"the agent", []earshot.Utterance{say(earshot.RoleAgent, 0, "terrible")}, say(earshot.RoleAgent, 5000, "awful"), ""},
		{
			"glad again",
			[]earshot.Utterance{angry, say(earshot.RoleCustomer, 3000, "Great, that is wonderful, perfect.")},
			say(earshot.RoleCustomer, 5000, "Excellent, you are very kind, thank you, great."), "",
		},
	} {
		if got := rules(ask(t, a, c.history, c.now, nil)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestOvertalk(t *testing.T) {
	a := playbook(t, "rules:\n  - {id: both, when: {overtalk: 3s}, alert: {title: They talk over each other}}\n")
	talk := func(role earshot.Role, from, to int64) earshot.Utterance {
		u := say(role, from, "well listen")
		u.EndMS = to
		return u
	}
	now := talk(earshot.RoleAgent, 61_000, 64_000)
	for _, c := range []struct {
		name    string
		history []earshot.Utterance
		want    string
	}{
		{"in turn", []earshot.Utterance{talk(earshot.RoleCustomer, 50_000, 61_000)}, ""},
		{"a little", []earshot.Utterance{talk(earshot.RoleCustomer, 58_000, 63_000)}, ""},
		{"added up", []earshot.Utterance{talk(earshot.RoleAgent, 20_000, 25_000), talk(earshot.RoleCustomer, 22_000, 24_000), talk(earshot.RoleCustomer, 62_000, 63_500)}, "both"},
		{"long ago", []earshot.Utterance{talk(earshot.RoleAgent, 0, 5000), talk(earshot.RoleCustomer, 0, 5000)}, ""},
	} {
		if got := rules(ask(t, a, c.history, now, nil)); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRulesThatWaitAreChecked(t *testing.T) {
	for text, want := range map[string]string{
		"{silence: 0s}":                                 `line 3: silence "0s" is not from 1s on`,
		"{silence: long}":                               `silence "long" is not a time`,
		"{overtalk: 2m}":                                `overtalk "2m" is not from 1s on, up to 1m`,
		"{missing: 30s}":                                "missing needs phrases or patterns",
		"{silence: 5s, hold: 5s}":                       "when has silence and hold; one is allowed",
		"{silence: 5s, phrases: [a b]}":                 "when has phrases or patterns and silence",
		"{mood: sad}":                                   `mood "sad" is neither`,
		"{hold: 5s, speaker: agent}":                    "speaker belongs to",
		"{hold: 5s, not: [a b]}":                        "not belongs to",
		"{stage: late, phrases: [a b]}":                 `stage "late" is none of`,
		"{stage: opening}":                              "when needs phrases",
		"{missing: 5h, phrases: [a b], speaker: agent}": `missing "5h" is not`,
	} {
		_, err := ParsePlaybook([]byte("rules:\n  - id: x\n    when: " + text + "\n    tag: y\n"))
		wantError(t, text, err, want)
	}
	for text, want := range map[string]string{
		"stages: {opening: x}\n":       `line 1: opening "x"`,
		"stages: {end: 5s}\n":          `line 1: unknown key "end"`,
		"stages: {closing: [a, '']}\n": "line 1: phrase is empty",
	} {
		_, err := ParsePlaybook([]byte(text + "rules:\n  - {id: x, when: {hold: 5s}, field: {name: a, value: b}}\n"))
		wantError(t, text, err, want)
	}
	_, err := ParsePlaybook([]byte("rules:\n  - {id: x, when: {hold: 5s}, field: {name: a}}\n"))
	wantError(t, "a field without value", err, "line 2: value is missing")
}

// What docs/playbook.md shows is a playbook each.
func TestDocumentedPlaybooks(t *testing.T) {
	page, err := os.ReadFile("../docs/playbook.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	rules := 0
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		book, err := ParsePlaybook([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		rules += len(book.Rules)
	}
	if len(blocks) != 2 || rules != 7 {
		t.Errorf("%d playbooks with %d rules", len(blocks), rules)
	}
}
