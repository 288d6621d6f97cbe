package moonshine

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"earshot/transcribe/models"
	"earshot/transcribe/transcribetest"
	"earshot/transcribe/wer"
)

func load(t testing.TB) *Recogniser {
	t.Helper()
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestContract(t *testing.T) { transcribetest.TestRecogniser(t, load(t), 0.14) }

// The error rate of the engine alone, cut where the turns are.
func TestWordErrorRate(t *testing.T) {
	r := load(t)
	var all wer.Result
	for _, speech := range []transcribetest.Speech{transcribetest.Agent(), transcribetest.Customer()} {
		var texts []string
		for _, pcm := range turns(speech.PCM) {
			got, err := r.Recognise(t.Context(), pcm, transcribetest.Rate)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, got.Text)
		}
		if len(texts) != len(speech.Turns) {
			t.Errorf("%s: %d turns, want %d", speech.Name, len(texts), len(speech.Turns))
		}
		got := wer.Compare(speech.Text(), strings.Join(texts, " "))
		t.Logf("%s: word error rate %.1f %% of %d words: %q", speech.Name, 100*got.Rate(), got.Words, texts)
		all = all.Add(got)
	}
	if all.Rate() > 0.14 {
		t.Errorf("word error rate %.1f %%", 100*all.Rate())
	}
}

// turns cuts what is said between silences longer than a second, with 120 ms
// around it.
func turns(pcm []int16) [][]int16 {
	const window, pad = transcribetest.Rate / 100, transcribetest.Rate * 12 / 100
	var out [][]int16
	first, last := -1, 0
	for at := 0; at+window <= len(pcm); at += window {
		if silent(pcm[at : at+window]) {
			continue
		}
		if first >= 0 && at-last > transcribetest.Rate {
			out = append(out, pcm[max(0, first-pad):last+pad])
			first = -1
		}
		if first < 0 {
			first = at
		}
		last = at + window
	}
	return append(out, pcm[max(0, first-pad):min(len(pcm), last+pad)])
}

// Silence around it must not make the model miss speech altogether.
func TestSpeechInMuchSilenceIsHeard(t *testing.T) {
	r := load(t)
	for i, pcm := range turns(transcribetest.Agent().PCM) {
		silence := make([]int16, transcribetest.Rate*3/4)
		padded := slices.Concat(silence, pcm, silence)
		got, err := r.Recognise(t.Context(), padded, transcribetest.Rate)
		if err != nil || got.Text == "" {
			t.Errorf("turn %d: %q, %v", i, got.Text, err)
		}
	}
}

func TestDamagedFilesAreErrors(t *testing.T) {
	from, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{models.Encoder, models.Decoder, models.Tokens, models.Library} {
		dir := t.TempDir()
		for _, other := range []string{models.Encoder, models.Decoder, models.Tokens, models.Library} {
			if err := os.Symlink(filepath.Join(from, other), filepath.Join(dir, other)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := New(filepath.Join(dir, "none")); !errors.Is(err, models.ErrMissing) {
			t.Errorf("no folder: %v", err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), raw[:len(raw)*2/3], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = New(dir)
		if !errors.Is(err, models.ErrDamaged) || !strings.Contains(err.Error(), "make setup") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s cut short: %v", name, err)
		}
	}
}

func TestTooLong(t *testing.T) {
	pcm := make([]int16, 31*8000)
	if _, err := load(t).Recognise(t.Context(), pcm, 8000); !errors.Is(err, ErrTooLong) {
		t.Errorf("error %v", err)
	}
}

func TestVocabulary(t *testing.T) {
	v, err := newVocabulary([]byte("<unk>\n<s>\n</s>\n<0xC3>\n<0xA9>\n\u2581t\ner\n\u2581\u2581\n<0xZZ>\n<0x41"))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		ids  []int64
		want string
	}{
		{[]int64{1, 5, 6, 2}, "ter"},
		{[]int64{5, 3, 4, 7, 5}, "t\u00e9 t"},
		{[]int64{5, 3, 5}, "t t"},
		{[]int64{-1, 32000, 5, 32767}, "t"},
		{[]int64{8, 9}, "<0xZZ><0x41"},
		{nil, ""},
	}
	for _, tt := range tests {
		if got := v.text(tt.ids); got != tt.want {
			t.Errorf("text(%v) = %q, want %q", tt.ids, got, tt.want)
		}
	}
	for _, bad := range []string{"", "a\nb\nc", "a\nb\nc\n\xff"} {
		if _, err := newVocabulary([]byte(bad)); err == nil {
			t.Errorf("vocabulary %q is taken", bad)
		}
	}
}

func TestLoop(t *testing.T) {
	said := []int64{7, 8, 9}
	repeat := func(phrase []int64, n int) []int64 {
		out := append([]int64{}, said...)
		for range n {
			out = append(out, phrase...)
		}
		return out
	}
	tests := []struct {
		name string
		ids  []int64
		want int
	}{
		{"nothing", nil, 0},
		{"speech", said, 0},
		{"a card number of one digit", repeat([]int64{5}, 16), 0},
		{"groups of a card number", repeat([]int64{3, 5, 5, 5, 5}, 4), 0},
		{"one token", repeat([]int64{5}, 24), 23},
		{"a phrase", repeat([]int64{1, 2, 3, 4, 5, 6}, 5), 24},
	}
	for _, tt := range tests {
		if got := loop(tt.ids); got != tt.want {
			t.Errorf("%s: loop = %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestLikeliest(t *testing.T) {
	if i, p := likeliest([]float32{0, 3, 1}); i != 1 || math.Abs(p-0.8438) > 1e-3 {
		t.Errorf("likeliest = %d, %g", i, p)
	}
	nan := float32(math.NaN())
	for _, logits := range [][]float32{nil, {nan, nan}} {
		if i, p := likeliest(logits); i != endToken || p != 0 {
			t.Errorf("likeliest(%v) = %d, %g", logits, i, p)
		}
	}
}

func FuzzVocabulary(f *testing.F) {
	f.Add([]byte("<unk>\n<s>\n</s>\n<0xC3>\n\u2581t"), int64(3))
	f.Add([]byte("\n\n\n<0x>\n\n"), int64(4))
	f.Fuzz(func(t *testing.T, lines []byte, id int64) {
		v, err := newVocabulary(lines)
		if err != nil {
			return
		}
		if text := v.text([]int64{id, 3, id}); text != strings.TrimSpace(text) || strings.Contains(text, "\n") {
			t.Errorf("text %q", text)
		}
	})
}

func BenchmarkRecognise5s(b *testing.B) {
	r := load(b)
	pcm := transcribetest.Agent().PCM[:5*transcribetest.Rate]
	for b.Loop() {
		if _, err := r.Recognise(b.Context(), pcm, transcribetest.Rate); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDigits(t *testing.T) {
	v := &vocabulary{pieces: []string{"", "", "", " ", "1", "4", ",", "a", "11"}}
	for _, tt := range []struct {
		ids  []int64
		want bool
	}{
		{nil, false},
		{[]int64{4, 4, 4}, true},
		{[]int64{3, 8, 6}, true},
		{[]int64{3, 6}, false},
		{[]int64{4, 7}, false},
	} {
		if got := v.digits(tt.ids); got != tt.want {
			t.Errorf("digits(%v) = %v", tt.ids, got)
		}
	}
}
