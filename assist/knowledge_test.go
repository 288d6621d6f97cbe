package assist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

func TestSplitMarkdown(t *testing.T) {
	list := split("shop/returns.md", `---
title: x
---
# Returns

Intro with a [link](http://x) and **bold** and *slanted* `+"`code`"+`.

## How long

- first item
- second
  item goes on

| a | b |
|---|---|
| 1 | 2 |

### Deep
Text here.

# Other
More.
`)
	want := []earshot.Passage{
		{Heading: "Returns", Text: "Intro with a link and bold and slanted code."},
		{Heading: "Returns › How long", Text: "first item\nsecond item goes on\na, b\n1, 2"},
		{Heading: "Returns › How long › Deep", Text: "Text here."},
		{Heading: "Other", Text: "More."},
	}
	comparePassages(t, list, want)
	if list[0].Article != "shop/returns.md" || !strings.HasPrefix(list[1].ID, "shop/returns.md#2-") {
		t.Errorf("passage = %+v", list[1])
	}
}

func TestSplitHTML(t *testing.T) {
	list := split("a.html", `<!doctype html><html><head><title>A &amp; B</title><style>p{color:red}</style></head><body><!-- no -->
		<p>Before <b>all</b>.</p><h1>Returns <i>here</i></h1><div>Send it<br>back &lt; 30 days.</div><script>alert("x")</script>
		<H2>How</H2><ul><li>one<li>two</ul><p>3 < 4`)
	comparePassages(t, list, []earshot.Passage{
		{Heading: "A & B", Text: "Before all."},
		{Heading: "Returns here", Text: "Send it\nback < 30 days."},
		{Heading: "Returns here › How", Text: "one\ntwo\n3 < 4"},
	})
}

func TestSplitText(t *testing.T) {
	comparePassages(t, split("opening-hours.txt", "We are open.\r\n\r\nEvery day.\n"), []earshot.Passage{{Heading: "opening hours", Text: "We are open.\nEvery day."}})
	comparePassages(t, split("x.txt", "Opening hours\n\nWe are open."), []earshot.Passage{{Heading: "Opening hours", Text: "We are open."}})
	comparePassages(t, split("x.txt", " \n"), nil)
}

func comparePassages(t *testing.T, got, want []earshot.Passage) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d passages, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i].Heading != want[i].Heading || got[i].Text != want[i].Text {
			t.Errorf("passage %d = %q: %q\nwant %q: %q", i, got[i].Heading, got[i].Text, want[i].Heading, want[i].Text)
		}
	}
}

func TestPassagesAreShort(t *testing.T) {
	sentence := "This sentence, e.g. as an example, has ten words altogether. "
	list := split("x.md", "# Long\n"+strings.Repeat(sentence, 40)+"\n\nLast block.")
	if len(list) < 4 {
		t.Fatalf("%d passages", len(list))
	}
	ids := map[string]bool{}
	words := 0
	for _, p := range list {
		n := len(strings.Fields(p.Text))
		words += n
		if n > maxPassage || ids[p.ID] || !strings.HasPrefix(p.Text, "This") {
			t.Errorf("passage %s of %d words: %q", p.ID, n, p.Text)
		}
		ids[p.ID] = true
	}
	if words != 402 {
		t.Errorf("%d words in all, want 402", words)
	}
}

func TestIndexAll(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.md", "# A\nText of a.")
	write(t, dir, "deep/b.txt", "Text of b.")
	write(t, dir, ".hidden.md", "# No")
	write(t, dir, "picture.png", "no")
	index := &memory{articles: map[string][]earshot.Passage{"gone.md": {{ID: "g", Article: "gone.md", Heading: "Zebra", Text: "A zebra refund costs a lot."}}}}
	a, _ := newAssistant(t, Config{Knowledge: dir}, index, nil)
	if got := strings.Join(index.names(), " "); got != "a.md deep/b.txt gone.md" {
		t.Errorf("index has %s", got)
	}
	if err := a.IndexAll(t.Context()); err != nil || index.replaced != 2 {
		t.Errorf("%d articles indexed, %v", index.replaced, err)
	}
	if got := ask(t, a, nil, customer("How much does the zebra refund cost?"), nil); len(got) != 0 {
		t.Errorf("answered from an article that is gone: %+v", got)
	}
	if got := strings.Join(index.names(), " "); got != "a.md deep/b.txt" {
		t.Errorf("index has %s", got)
	}
}

func TestTouchedFilesAreNotIndexedAgain(t *testing.T) {
	dir := t.TempDir()
	file := write(t, dir, "a.md", "# A\nText of a.")
	index := &memory{}
	a, _ := newAssistant(t, Config{Knowledge: dir}, index, nil)
	later(t, file)
	if err := a.IndexAll(t.Context()); err != nil || index.replaced != 1 {
		t.Errorf("%d articles indexed, %v", index.replaced, err)
	}
}

// later makes a file look changed.
func later(t *testing.T, file string) {
	t.Helper()
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	at := info.ModTime().Add(5 * time.Second)
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestNewChecksFiles(t *testing.T) {
	dir := t.TempDir()
	for name, cfg := range map[string]Config{
		"no playbook":    {Playbook: filepath.Join(dir, "none.yaml")},
		"wrong playbook": {Playbook: write(t, dir, "bad.yaml", "rules: 7\n")},
		"no folder":      {Knowledge: filepath.Join(dir, "none")},
		"a file":         {Knowledge: write(t, dir, "file.md", "x")},
	} {
		if _, err := New(cfg, &memory{}, nil, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWatch(t *testing.T) {
	dir := t.TempDir()
	book := write(t, dir, "p.yaml", good)
	folder := filepath.Join(dir, "k")
	article := write(t, folder, "a.md", "# Refunds\nA refund takes 5 days.")
	synctest.Test(t, func(t *testing.T) {
		index := &memory{}
		a, l := newAssistant(t, Config{Playbook: book, Knowledge: folder}, index, nil)
		done := make(chan error, 1)
		stop := watch(t, a, done)
		defer stop()

		write(t, dir, "p.yaml", strings.ReplaceAll(good, "cancel my contract", "sell my horse"))
		later(t, book)
		write(t, folder, "a.md", "# Refunds\nA refund takes 9 days.")
		later(t, article)
		write(t, folder, "b.md", "# More\nMore text.")
		time.Sleep(pollEvery + time.Second) // the bubble's clock
		synctest.Wait()
		if got := rules(ask(t, a, nil, customer("I sell my horse"), nil)); got != "one" {
			t.Errorf("the changed playbook fires %q", got)
		}
		if got := index.articles["a.md"]; len(index.names()) != 2 || !strings.Contains(got[0].Text, "9 days") {
			t.Errorf("index = %v, %+v", index.names(), got)
		}

		write(t, dir, "p.yaml", "rules:\n  - id: x\n    colour: red\n")
		later(t, book)
		if err := os.Remove(article); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * pollEvery)
		synctest.Wait()
		if got := rules(ask(t, a, nil, customer("I sell my horse"), nil)); got != "one" {
			t.Errorf("with a wrong playbook the last good one fires %q", got)
		}
		if n := strings.Count(l.String(), "the last good one stays in use"); n != 1 || !strings.Contains(l.String(), "line 3") {
			t.Errorf("logged %d times: %s", n, l)
		}
		if got := strings.Join(index.names(), " "); got != "b.md" {
			t.Errorf("index has %s", got)
		}

		write(t, dir, "p.yaml", good)
		later(t, book)
		time.Sleep(pollEvery + time.Second)
		synctest.Wait()
		if got := rules(ask(t, a, nil, customer("cancel my contract"), nil)); got != "one" {
			t.Errorf("the mended playbook fires %q", got)
		}
	})
}

func watch(t *testing.T, a *Assistant, done chan error) (stop func()) {
	t.Helper()
	ctx, cancel := contextWithCancel(t)
	go func() { done <- a.Watch(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Watch: %v", err)
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"# A\n- b\n\n|c|\n```\nd", "<h1>A</h1><p>b<script>", "A\n\nb. c", "<", "<!--", "</>", "#\n##", "<h1><h2></h1>x", "<title>", "\xff# x\n\xfe"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, name := range []string{"a.md", "a.html", "a.txt"} {
			ids := map[string]bool{}
			for _, p := range split(name, s) {
				if strings.TrimSpace(p.Text) == "" || ids[p.ID] || p.Article != name {
					t.Fatalf("%s: passage %+v of %q", name, p, s)
				}
				ids[p.ID] = true
			}
		}
	})
}
