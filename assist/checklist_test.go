package assist

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"earshot"
)

const checklistBook = `
version: 1
rules:
  - id: greeted
    when: {speaker: agent, phrases: [good morning]}
    checklist: {item: Greeted}
  - id: card
    when: {phrases: [anything]}
    card: {title: A card, text: Text}
  - id: by-number
    when: {speaker: agent, phrases: [order number]}
    checklist: {item: Identified}
  - id: by-name
    when: {speaker: agent, phrases: [confirm your name]}
    checklist: {item: Identified}
`

func TestChecklist(t *testing.T) {
	file := filepath.Join(t.TempDir(), "playbook.yaml")
	if err := os.WriteFile(file, []byte(checklistBook), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := New(Config{Playbook: file}, &memory{}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tick := func(rule, title string, at int64) earshot.Suggestion {
		return earshot.Suggestion{Kind: "checklist", Rule: rule, Title: title, AtMS: at, UtteranceID: "u"}
	}
	ms := func(at int64) *int64 { return &at }
	open := []earshot.ChecklistItem{{Item: "Greeted", Rules: []string{"greeted"}}, {Item: "Identified", Rules: []string{"by-number", "by-name"}}}
	for what, c := range map[string]struct {
		made []earshot.Suggestion
		want []earshot.ChecklistItem
	}{
		"nothing said": {want: open},
		"other suggestions": {
			made: []earshot.Suggestion{{Kind: "card", Rule: "card", Title: "A card"}}, want: open,
		},
		"either rule ticks, the first time counts": {
			made: []earshot.Suggestion{tick("by-name", "Identified", 9000), tick("by-number", "Identified", 4000)},
			want: []earshot.ChecklistItem{open[0], {Item: "Identified", Rules: open[1].Rules, Done: true, AtMS: ms(4000), UtteranceID: "u"}},
		},
		"worded anew since": {
			made: []earshot.Suggestion{tick("greeted", "Said hello", 0)},
			want: []earshot.ChecklistItem{{Item: "Greeted", Rules: open[0].Rules, Done: true, AtMS: ms(0), UtteranceID: "u"}, open[1]},
		},
		"no longer in the playbook": {
			made: []earshot.Suggestion{tick("gone", "Asked for the weather", 7)},
			want: append(append([]earshot.ChecklistItem{}, open...), earshot.ChecklistItem{Item: "Asked for the weather", Rules: []string{"gone"}, Done: true, AtMS: ms(7), UtteranceID: "u"}),
		},
	} {
		if got := a.Checklist(c.made); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", what, got, c.want)
		}
	}
	var none *Assistant
	if got := none.Checklist([]earshot.Suggestion{tick("x", "X", 1)}); len(got) != 1 || !got[0].Done {
		t.Errorf("without a playbook: %+v", got)
	}
}
