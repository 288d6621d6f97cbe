package transcribe

import (
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
	"earshot/transcribe/redact"
	"earshot/transcribe/vocabulary"
)

// said runs one stream of which every burst is recognised as the next of the
// texts, and returns its finals.
func said(t *testing.T, cfg Config, texts ...string) []earshot.Utterance {
	t.Helper()
	var finals []earshot.Utterance
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		rec := &levels{text: func(name string) string { return texts[strings.Index("b0b1b2b3b4b5b6b7", name)/2] }}
		tr := start(t, cfg, rec, sink)
		defer tr.Close()
		pairs := make([][2]int, len(texts))
		for i := range pairs {
			pairs[i] = [2]int{1000, 1000}
		}
		add(t, tr, "s", &tape{rate: 8000, pcm: bursts(0, pairs...)}, earshot.Watermark{})
		eventually(t, time.Minute, "completed", func() bool { return sink.completed("s") })
		finals = sink.finals
	})
	return finals
}

func TestFinalsAreReadable(t *testing.T) {
	got := said(t, Config{}, "It is twenty five dollars and ten cents.", "Fine.")
	if len(got) != 2 || got[0].Text != "It is $25.10." || got[0].Raw != "It is twenty five dollars and ten cents." ||
		got[1].Text != "Fine." || got[1].Raw != "" {
		t.Fatalf("%+v", got)
	}
	for _, u := range got {
		var texts []string
		last, length := int64(0), (u.To - u.From).Duration().Milliseconds()
		for _, w := range u.Words {
			texts = append(texts, w.Text)
			if w.StartMS < last || w.EndMS <= w.StartMS || w.EndMS > length {
				t.Errorf("word %+v of %d ms behind %d", w, length, last)
			}
			last = w.EndMS
		}
		if strings.Join(texts, " ") != u.Text {
			t.Errorf("words %q of %q", texts, u.Text)
		}
	}
}

func TestVocabularyComesBeforeWriting(t *testing.T) {
	file := filepath.Join(t.TempDir(), "terms.yaml")
	if err := os.WriteFile(file, []byte("terms:\n- {term: Plan Ninety Plus, sounds_like: [plan nine teapots]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := func(earshot.StreamID) []string { return []string{"Rosalind Achterberg"} }
	cfg := Config{Vocabulary: vocabulary.New(file, 0, slog.New(slog.DiscardHandler)), Names: names}
	got := said(t, cfg, "it is the plan nine teapots", "Rosalind Achtenburg for twenty dollars")
	const want = `it is the Plan 90 Plus / it is the plan nine teapots / it is the Plan 90 Plus
Rosalind Achterberg for $20 / Rosalind Achtenburg for twenty dollars / Rosalind Achterberg for $20
`
	if all := everything(got); all != want {
		t.Errorf("got\n%s", all)
	}
}

// everything returns all that an utterance says.
func everything(us []earshot.Utterance) string {
	var b strings.Builder
	for _, u := range us {
		b.WriteString(u.Text + " / " + u.Raw + " /")
		for _, w := range u.Words {
			b.WriteString(" " + w.Text)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestWhatIsMaskedIsNowhere(t *testing.T) {
	mask, err := redact.Compile([]redact.Pattern{
		{Name: "ssn", Regexp: `\b\d{3}-?\d{2}-?\d{4}\b`}, {Name: "email", Regexp: `\S+@\S+\.\w+`},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := said(t, Config{Mask: mask}, "The card is four one one one, one one one one.", "one one one one one one one one", "zero seven eight",
		"oh five eleven twenty", "jane dot doe at example dot com", "I have twenty five.")
	const want = `The card is [card number]. /  / The card is [card number].
[card number] /  / [card number]
[ssn] /  / [ssn]
[ssn] /  / [ssn]
[email] /  /
I have 25. / I have twenty five. / I have 25.
`
	if all := everything(got); all != want {
		t.Errorf("got\n%s", all)
	}
	if w := got[0].Words; len(w) == 4 && !reflect.DeepEqual(w[3].Text, "[card number].") || len(w) != 4 || w[3].EndMS <= w[3].StartMS {
		t.Errorf("words %+v", w)
	}
}
