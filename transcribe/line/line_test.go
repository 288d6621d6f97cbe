package line

import (
	"slices"
	"testing"

	"earshot"
)

// timed gives each word 100 ms.
func timed(text string) []earshot.Word {
	words := Split(text)
	for i := range words {
		words[i].StartMS, words[i].EndMS = int64(i)*100, int64(i)*100+100
	}
	return words
}

func TestApply(t *testing.T) {
	for _, tt := range []struct {
		text  string
		edits []Edit
		want  []earshot.Word
	}{
		{"it is so", nil, []earshot.Word{{Text: "it", EndMS: 100}, {Text: "is", StartMS: 100, EndMS: 200}, {Text: "so", StartMS: 200, EndMS: 300}}},
		{"pay ten dollars.", []Edit{{4, 15, "$10"}}, []earshot.Word{{Text: "pay", EndMS: 100}, {Text: "$10.", StartMS: 100, EndMS: 300}}},
		{"(ten) ten", []Edit{{1, 4, "10"}, {6, 9, "11"}}, []earshot.Word{{Text: "(10)", EndMS: 100}, {Text: "11", StartMS: 100, EndMS: 200}}},
		{"ten-ten a", []Edit{{0, 3, "10"}, {4, 9, "11 b"}}, []earshot.Word{{Text: "10-11 b", EndMS: 200}}},
		{"a b c d", []Edit{{0, 3, "x"}, {4, 7, "y"}}, []earshot.Word{{Text: "x", EndMS: 200}, {Text: "y", StartMS: 200, EndMS: 400}}},
	} {
		words := timed(tt.text)
		if got := Apply(words, tt.edits); !slices.Equal(got, tt.want) {
			t.Errorf("%q %v\n got %v\nwant %v", tt.text, tt.edits, got, tt.want)
		}
		if !slices.Equal(words, timed(tt.text)) {
			t.Errorf("%q: the words given are changed", tt.text)
		}
	}
}
