package summarize

import (
	"bufio"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
	"earshot/spoken"
)

// dialogue is a scripted call with what a person would note of it.
type dialogue struct {
	name       string
	utterances []earshot.Utterance
	reason     []string
	facts      []earshot.Fact
	actions    []expectedAction
}

type expectedAction struct {
	owner earshot.Role
	words []string
	due   string
}

func dialogues(t *testing.T) []dialogue {
	t.Helper()
	files, err := fs.Glob(os.DirFS("testdata/dialogues"), "*.txt")
	if err != nil || len(files) < 5 {
		t.Fatalf("%d dialogues, %v", len(files), err)
	}
	var out []dialogue
	for _, f := range files {
		out = append(out, readDialogue(t, filepath.Join("testdata/dialogues", f)))
	}
	return out
}

func readDialogue(t *testing.T, path string) dialogue {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := dialogue{name: strings.TrimSuffix(filepath.Base(path), ".txt")}
	expected := false
	for s := bufio.NewScanner(f); s.Scan(); {
		line := s.Text()
		switch {
		case line == "---":
			expected = true
		case expected:
			d.expect(t, line)
		default:
			d.say(line)
		}
	}
	return d
}

// say appends a line "A: ...". Two words are spoken a second.
func (d *dialogue) say(line string) {
	who, text, _ := strings.Cut(line, ": ")
	role := map[string]earshot.Role{"A": earshot.RoleAgent, "C": earshot.RoleCustomer}[who]
	if role == "" {
		role = earshot.RoleUnknown
	}
	start := int64(0)
	if n := len(d.utterances); n > 0 {
		start = d.utterances[n-1].EndMS + 500
	}
	d.utterances = append(d.utterances, earshot.Utterance{
		ID: earshot.UtteranceID(fmt.Sprintf("%s-%d", who, len(d.utterances))), StreamID: earshot.StreamID(who), Role: role, Text: text,
		StartMS: start, EndMS: start + int64(len(strings.Fields(text)))*500, Final: true,
	})
}

func (d *dialogue) expect(t *testing.T, line string) {
	t.Helper()
	what, rest, _ := strings.Cut(line, " ")
	switch what {
	case "reason":
		d.reason = strings.Fields(rest)
	case "fact":
		kind, value, _ := strings.Cut(rest, " ")
		d.facts = append(d.facts, earshot.Fact{Kind: earshot.FactKind(kind), Value: value})
	case "action":
		rest, due, _ := strings.Cut(rest, " | ")
		w := strings.Fields(rest)
		d.actions = append(d.actions, expectedAction{owner: earshot.Role(w[0]), words: w[1:], due: due})
	default:
		t.Fatalf("%s: %q", d.name, line)
	}
}

// score counts what was found of what was expected, and what was found at all.
type score struct{ hit, expected, found int }

func (s score) recall() float64    { return float64(s.hit) / float64(max(s.expected, 1)) }
func (s score) precision() float64 { return float64(s.hit) / float64(max(s.found, 1)) }

func TestDialogues(t *testing.T) { measure(t, dialogues(t), 0.85, 0.9) }

// TestDialoguesWithoutPunctuation reads the same dialogues as a recogniser that
// knows neither case nor punctuation writes them.
func TestDialoguesWithoutPunctuation(t *testing.T) {
	list := dialogues(t)
	for _, d := range list {
		for i := range d.utterances {
			var plain []string
			for w := range strings.FieldsSeq(strings.ToLower(d.utterances[i].Text)) {
				plain = append(plain, strings.Trim(w, ".,?!"))
			}
			d.utterances[i].Text = strings.Join(plain, " ")
		}
	}
	measure(t, list, 0.75, 0.85)
}

func measure(t *testing.T, list []dialogue, leastRecall, leastPrecision float64) {
	t.Helper()
	s, err := New(Config{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var facts, actions, dues score
	reasons := 0
	for _, d := range list {
		got, err := s.Summarize(t.Context(), earshot.Call{ID: "c"}, d.utterances, false)
		if err != nil {
			t.Fatal(err)
		}
		d.checkFacts(t, got, &facts)
		d.checkActions(t, got, &actions, &dues)
		if holdsWords(got.Reason, d.reason) {
			reasons++
		} else {
			t.Logf("%s: reason %q lacks %v", d.name, got.Reason, d.reason)
		}
		if testing.Verbose() {
			t.Logf("%s: %s", d.name, got.Text)
		}
	}
	for name, s := range map[string]score{"facts": facts, "actions": actions} {
		t.Logf("%s: recall %.3f, precision %.3f of %+v", name, s.recall(), s.precision(), s)
		if s.recall() < leastRecall || s.precision() < leastPrecision {
			t.Errorf("%s: recall %.3f, precision %.3f; at least %v and %v", name, s.recall(), s.precision(), leastRecall, leastPrecision)
		}
	}
	if dues.recall() < leastRecall {
		t.Errorf("due: recall %.3f of %+v", dues.recall(), dues)
	}
	if r := float64(reasons) / float64(len(list)); r < leastRecall {
		t.Errorf("reasons: %.3f of %d", r, len(list))
	}
}

func (d *dialogue) checkFacts(t *testing.T, got earshot.Summary, s *score) {
	s.expected += len(d.facts)
	s.found += len(got.Facts)
	left := map[string]bool{}
	for _, f := range d.facts {
		left[string(f.Kind)+" "+f.Value] = true
	}
	for _, f := range got.Facts {
		d.checkCitation(t, f)
		key := string(f.Kind) + " " + f.Value
		if !left[key] {
			t.Logf("%s: unexpected fact %s (%q)", d.name, key, f.Said)
			continue
		}
		delete(left, key)
		s.hit++
	}
	for key := range left {
		t.Logf("%s: missed fact %s", d.name, key)
	}
}

// checkCitation holds a fact against the utterance it names.
func (d *dialogue) checkCitation(t *testing.T, f earshot.Fact) {
	t.Helper()
	for _, u := range d.utterances {
		if u.ID != f.UtteranceID {
			continue
		}
		first, _, _ := strings.Cut(f.Said, " ")
		if !strings.Contains(u.Text, first) || f.AtMS < u.StartMS || f.AtMS > u.EndMS || f.Role != u.Role {
			t.Errorf("%s: fact %+v is not in %+v", d.name, f, u)
		}
		return
	}
	t.Errorf("%s: fact %+v cites no utterance", d.name, f)
}

func (d *dialogue) checkActions(t *testing.T, got earshot.Summary, s, dues *score) {
	s.expected += len(d.actions)
	s.found += len(got.Actions)
	used := make([]bool, len(got.Actions))
	for _, want := range d.actions {
		ok := false
		for i, a := range got.Actions {
			if used[i] || a.Owner != want.owner || !holdsWords(a.Text, want.words) {
				continue
			}
			used[i], ok = true, true
			s.hit++
			if want.due != "" {
				dues.expected++
				if strings.EqualFold(a.Due, want.due) {
					dues.hit++
				} else {
					t.Logf("%s: %q is due %q, want %q", d.name, a.Text, a.Due, want.due)
				}
			}
			break
		}
		if !ok {
			t.Logf("%s: missed action %v", d.name, want)
		}
	}
	for i, a := range got.Actions {
		if !used[i] {
			t.Logf("%s: unexpected action %+v", d.name, a)
		}
	}
}

// holdsWords reports whether text has all of the words, inflected or not.
func holdsWords(text string, words []string) bool {
	terms := spoken.Terms(spoken.Words(text))
	for _, w := range words {
		found := false
		for _, term := range terms {
			found = found || spoken.Stem(term) == spoken.Stem(w)
		}
		if !found {
			return false
		}
	}
	return true
}
