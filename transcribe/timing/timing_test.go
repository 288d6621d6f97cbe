package timing

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"earshot"
	"earshot/transcribe/transcribetest"
)

// spoken returns a sentence, its audio and when each word of it ends, in
// milliseconds.
func spoken(t *testing.T, voice string) (text string, pcm []int16, ends []int64) {
	t.Helper()
	read := func(ending string) []byte {
		raw, err := os.ReadFile(filepath.Join("testdata", voice+ending))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for l := range strings.Lines(string(read(".ends"))) {
		var end float64
		var word string
		if _, err := fmt.Sscan(l, &end, &word); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, int64(end*1000))
	}
	return string(read(".txt")), transcribetest.MuLaw(read(".ul")), ends
}

// The times festival gives for what its voices say are within a quarter of a
// second for nearly all words.
func TestEstimatesAreGoodEnoughToJumpTo(t *testing.T) {
	for _, voice := range []string{"kal", "slt"} {
		text, pcm, ends := spoken(t, voice)
		words := Words(earshot.Recognition{Text: text}, pcm, 8000)
		if len(words) != len(ends) {
			t.Fatalf("%s: %d words, not %d", voice, len(words), len(ends))
		}
		var off []int64
		for i, w := range words {
			off = append(off, max(w.EndMS-ends[i], ends[i]-w.EndMS))
		}
		slices.Sort(off)
		median, most := off[len(off)/2], off[len(off)*9/10]
		t.Logf("%s: median %d ms, nine of ten below %d ms", voice, median, most)
		if median > 120 || most > 300 {
			t.Errorf("%s: median %d ms, nine of ten below %d ms: %v", voice, median, most, words)
		}
	}
}

// check reports words out of order, or outside the audio.
func check(t *testing.T, words []earshot.Word, length int64) {
	t.Helper()
	last := int64(0)
	for _, w := range words {
		if w.StartMS < last || w.EndMS < w.StartMS || w.EndMS > length {
			t.Fatalf("word %+v behind %d of %d: %v", w, last, length, words)
		}
		last = w.StartMS
	}
}

func TestEngineTimesAreKept(t *testing.T) {
	pcm := make([]int16, 16000)
	heard := earshot.Recognition{Text: "Hello, there.", Words: []earshot.Word{{Text: "hello", StartMS: 100, EndMS: 300}, {Text: "there", StartMS: 400, EndMS: 2500}}}
	want := []earshot.Word{{Text: "Hello,", StartMS: 100, EndMS: 300}, {Text: "there.", StartMS: 400, EndMS: 2000}}
	if got := Words(heard, pcm, 8000); !slices.Equal(got, want) {
		t.Errorf("one to one: %v", got)
	}
	heard.Text = "Hello over there, you."
	got := Words(heard, pcm, 8000)
	check(t, got, 2000)
	if len(got) != 4 || got[0].StartMS != 100 || got[3].EndMS != 2000 {
		t.Errorf("other words: %v", got)
	}
}

func TestAnyAudioAndText(t *testing.T) {
	_, pcm, _ := spoken(t, "slt")
	for _, text := range []string{"", "one", "...", "a b", strings.Repeat("word, ", 200), "\u65e5\u672c\u8a9e \xff"} {
		for _, audio := range [][]int16{nil, pcm[:10], make([]int16, 8000), pcm} {
			words := Words(earshot.Recognition{Text: text}, audio, 8000)
			if len(words) != len(strings.Fields(text)) {
				t.Errorf("%d words of %.20q", len(words), text)
			}
			check(t, words, int64(len(audio)/8))
		}
	}
}

func BenchmarkWords(b *testing.B) {
	pcm := make([]int16, 15*8000)
	for i := range pcm {
		if i/4000%3 > 0 {
			pcm[i] = int16(8000 * (i%80 - 40) / 40)
		}
	}
	text := strings.Repeat("some words of a long turn, ", 8)
	for b.Loop() {
		Words(earshot.Recognition{Text: text}, pcm, 8000)
	}
}
