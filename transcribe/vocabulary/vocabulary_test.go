package vocabulary

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"earshot"
	"earshot/transcribe/line"
)

// terms are names that no recogniser knows.
var terms = []Term{
	{Term: "Larkfield"},
	{Term: "Kowalczyk"},
	{Term: "Brightwater Energy", Near: []string{"electricity", "speak"}},
	{Term: "Voxtral Connect"},
	{Term: "Quillbrook", SoundsLike: []string{"quill group", "coil birth"}, Not: []string{"quill book"}},
	{Term: "Zentara"},
	{Term: "Apple"},
}

func corrected(text string, confidence float64, names ...string) string {
	words, _ := correct(line.Split(text), confidence, newList(terms), nameList(names))
	return line.Text(words)
}

func TestCorrect(t *testing.T) {
	for _, tt := range []struct {
		text       string
		confidence float64
		want       string
	}{
		// What the built-in engine makes of these terms.
		{"Thank you for calling Clarkfield insurance.", 0.79, "Thank you for calling Larkfield insurance."},
		{"I would like to speak to Kowlshik about it", 0.74, "I would like to speak to Kowalczyk about it"},
		{"Does Voxpool connect work with the quill group router?", 0.7, "Does Voxpool connect work with the Quillbrook router?"},
		{"The coil-birth rooter does not work with Zentarat.", 0.7, "The Quillbrook rooter does not work with Zentara."},
		{"does Voxtrel connect work?", 0.9, "does Voxtral Connect work?"},

		// Possessives, case, marks.
		{"it is quillbrook's, ZENTARA (larkfeld).", 0.9, "it is Quillbrook's, Zentara (Larkfield)."},

		// Everyday words: only if unsure, and where the term fits.
		{"speak to bright water energy please", 0.6, "speak to Brightwater Energy please"},
		{"speak to bright water energy please", 0.95, "speak to bright water energy please"},
		{"we like bright water energy here", 0.6, "we like bright water energy here"},

		// What is never replaced.
		{"a quill book", 0.3, "a quill book"},
		{"an apple and apples", 0.3, "an apple and apples"},
		{"the larch field is far, the lark. Field mice", 0.9, "the larch field is far, the lark. Field mice"},
		{"", 0.1, ""},
		{"[card number] 4111 and $25.10", 0.1, "[card number] 4111 and $25.10"},
	} {
		if got := corrected(tt.text, tt.confidence); got != tt.want {
			t.Errorf("%q\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func TestNamesOfTheCall(t *testing.T) {
	for text, want := range map[string]string{
		"This is Shobhan Kowaltschik.":    "This is Siobhan Kowaltschik.",
		"my name is Sean Hendersen":       "my name is Sean Henderson",
		"hello Sean":                      "hello Sean",
		"my name is hander sun, you know": "my name is Henderson, you know",
		"under the sun":                   "under the sun",
	} {
		words, _ := correct(line.Split(text), 0.7, newList(nil), nameList([]string{"Siobhan Henderson", "4711", "sip:x@example.com"}))
		if got := line.Text(words); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

func TestWordsKeepTheirTimes(t *testing.T) {
	words := []earshot.Word{{Text: "quill", StartMS: 10, EndMS: 20}, {Text: "group,", StartMS: 30, EndMS: 40}}
	got, n := correct(words, 0.9, newList(terms))
	if n != 1 || len(got) != 1 || got[0] != (earshot.Word{Text: "Quillbrook,", StartMS: 10, EndMS: 40}) {
		t.Errorf("%d: %v", n, got)
	}
}

// ordinary returns what people say in calls that have none of the terms.
func ordinary(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"../../summarize/testdata/dialogues/*.txt", "../../examples/knowledge/*.md", "../../demo/knowledge/*.md", "../../demo/*.txt"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files {
			raw, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			said, _, _ := strings.Cut(string(raw), "\n---")
			all.WriteString(said + "\n")
		}
	}
	return all.String()
}

// TestOrdinaryTextStays counts how often a term is written where nobody said
// it, at any confidence.
func TestOrdinaryTextStays(t *testing.T) {
	list := newList([]Term{
		{Term: "Kowalczyk"},
		{Term: "Voxtral Connect"},
		{Term: "Quillbrook"},
		{Term: "Zentara"},
		{Term: "Nordhavn"},
		{Term: "Meridian Plus"},
		{Term: "Castellane"},
		{Term: "Pronto Fiber"},
		{Term: "Halverson"},
		{Term: "Tresca"},
		{Term: "Veltrix"},
		{Term: "Okonkwo"},
		{Term: "Billwise"},
		{Term: "Homeward Shield"},
		{Term: "Paystream"},
		{Term: "Routerra"},
		{Term: "Delivero"},
		{Term: "Accounta"},
	})
	words := line.Split(ordinary(t))
	if len(words) < 3500 {
		t.Fatalf("%d words", len(words))
	}
	for _, confidence := range []float64{0.95, 0.3} {
		got, n := correct(words, confidence, list)
		t.Logf("confidence %.2f: %d of %d words corrected", confidence, n, len(words))
		if n > 0 {
			t.Errorf("%d corrections in %d words: %q", n, len(words), line.Text(got))
		}
	}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func counted(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var out dto.Metric
	if err := c.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetCounter().GetValue()
}

func TestFileIsFollowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "terms.yaml")
		write(t, file, "terms:\n- Zentara\n- {term: Quillbrook, sounds_like: [coil birth]}\n")
		v := New(file, 0, slog.New(slog.DiscardHandler))
		said := func(text string) string { return line.Text(v.Correct(line.Split(text), 0.9, nil)) }
		go v.Follow(t.Context())
		if got := said("a coil birth"); got != "a Quillbrook" {
			t.Errorf("at first: %q", got)
		}
		for _, step := range []struct {
			file, said, want string
			errors           float64
		}{
			{"terms: [Larkfield, Zentara]\n", "calling clarkfield about a coil birth", "calling Larkfield about a coil birth", 0},
			{"terms:\n- one two three four five six\n", "clarkfield", "Larkfield", 1},
			{"terms: []\n", "clarkfield", "clarkfield", 1},
		} {
			write(t, file, step.file)
			<-time.After(3 * DefaultInterval)
			synctest.Wait()
			if got := said(step.said); got != step.want {
				t.Errorf("%q: %q became %q, want %q", step.file, step.said, got, step.want)
			}
			if got := counted(t, v.errors); got != step.errors {
				t.Errorf("%q: %v errors", step.file, got)
			}
		}
		if got := counted(t, v.corrections); got != 3 {
			t.Errorf("%v corrections", got)
		}
	})
}

func TestBadFilesNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"terms:\n- a\n  b: [\n": "terms.yaml:",
		"words: []\n":           `terms.yaml:1: this is not a list with the name "terms"`,
		"terms: 5\n":            "terms.yaml:1: this is not a list",
		"terms:\n- Ann\n- 55\n": `terms.yaml:3: the term "55" has no letters`,
		"terms:\n- Ann\n- {term: Bob, sound: [x]}\n":     `terms.yaml:3: there is no "sound"`,
		"terms:\n- Ann\n- {term: Bob, not: {a: b}}\n":    "terms.yaml:3: ",
		"terms:\n- Ann\n- - Bob\n":                       "terms.yaml:3: this is neither a text nor a term",
		"terms:\n- {term: Bob, sounds_like: ['', Bobb]}": `terms.yaml:2: "" has 0 words`,
		"terms:\n" + strings.Repeat("- Ann\n", 5001):     "terms.yaml:5002: these are more than 5000 terms",
	} {
		_, err := parse("terms.yaml", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	if terms, err := parse("terms.yaml", nil); err != nil || terms != nil {
		t.Errorf("an empty file: %v, %v", terms, err)
	}
}

func FuzzCorrect(f *testing.F) {
	f.Add("speak to bright water energy's, quill group (zentarat)", "Ann O'Hara")
	f.Add("\xff é [", "\x00")
	f.Fuzz(func(t *testing.T, text, name string) {
		words := line.Split(text)
		got, n := correct(words, 0.1, newList(terms), nameList([]string{name}))
		if n == 0 && line.Text(got) != line.Text(words) {
			t.Fatalf("%q became %q without a correction", text, line.Text(got))
		}
	})
}
