package earshot_test

import (
	"testing"

	"earshot"
)

// What was cut off at the length limit reads as one turn; what others said, and
// what came after a pause, stays apart.
func TestJoinContinued(t *testing.T) {
	turn := func(stream earshot.StreamID, start, end int64, text, raw string, continues bool) earshot.Utterance {
		return earshot.Utterance{
			ID: earshot.UtteranceID(text), StreamID: stream, StartMS: start, EndMS: end, Text: text, Raw: raw, Continues: continues,
			Confidence: 0.9, Engine: "near", Words: []earshot.Word{{Text: text, StartMS: start, EndMS: end}},
		}
	}
	list := []earshot.Utterance{
		turn("a", 0, 15_000, "one", "", true), turn("b", 14_000, 15_000, "okay", "", false), turn("a", 15_000, 30_000, "2", "two", true),
		turn("a", 30_100, 31_000, "three", "", false), turn("a", 31_000, 32_000, "four", "", true), turn("a", 34_000, 35_000, "five", "", false),
	}
	got := earshot.JoinContinued(list)
	if len(got) != 4 {
		t.Fatalf("%d turns: %+v", len(got), got)
	}
	first := got[0]
	if first.ID != "one" || first.Text != "one 2 three" || first.Raw != "one two three" || first.EndMS != 31_000 || len(first.Words) != 3 || first.Continues {
		t.Errorf("joined to %+v", first)
	}
	for i, want := range []string{"one 2 three", "okay", "four", "five"} {
		if got[i].Text != want {
			t.Errorf("turn %d is %q, want %q", i, got[i].Text, want)
		}
	}
	if first.Engine != "near" {
		t.Errorf("one engine heard it, not %q", first.Engine)
	}
	list[3].Engine = "far"
	if mixed := earshot.JoinContinued(list)[0]; mixed.Engine != "" {
		t.Errorf("two engines heard it, not %q", mixed.Engine)
	}
	if list[0].Text != "one" {
		t.Error("the list was changed")
	}
}
