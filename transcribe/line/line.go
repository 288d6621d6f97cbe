// Package line holds what was said in one utterance as a line of timed words
// and edits it: what is masked, corrected or written in digits keeps the time
// at which it was said.
package line

import (
	"strings"

	"earshot"
)

// Edit replaces bytes [Start, End) of the text of a line.
type Edit struct {
	Start, End int
	By         string
}

// Split cuts a text at its white space into words without times.
func Split(text string) []earshot.Word {
	fields := strings.Fields(text)
	words := make([]earshot.Word, len(fields))
	for i, f := range fields {
		words[i].Text = f
	}
	return words
}

// Text returns the words with single spaces between.
func Text(words []earshot.Word) string {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.Text)
	}
	return b.String()
}

// Apply returns the words with the edits made, which are in order and do not
// overlap. Words that one edit touches become one, from the start of the first
// to the end of the last. The words given are left as they are.
func Apply(words []earshot.Word, edits []Edit) []earshot.Word {
	if len(edits) == 0 {
		return words
	}
	text := Text(words)
	out := make([]earshot.Word, 0, len(words))
	start := 0 // of words[i] in text
	for i := 0; i < len(words); {
		for len(edits) > 0 && edits[0].End <= start {
			edits = edits[1:]
		}
		w, end, own := words[i], start+len(words[i].Text), 0
		for i++; own < len(edits) && edits[own].Start < end; own++ {
			for ; edits[own].End > end+1 && i < len(words); i++ {
				end += 1 + len(words[i].Text)
				w.EndMS = words[i].EndMS
			}
		}
		if w.Text = replace(text, start, end, edits[:own]); w.Text != "" {
			out = append(out, w)
		}
		edits, start = edits[own:], end+1
	}
	return out
}

// replace returns text[start:end] with the edits within made.
func replace(text string, start, end int, edits []Edit) string {
	var b strings.Builder
	for _, e := range edits {
		b.WriteString(text[start:max(start, e.Start)])
		b.WriteString(e.By)
		start = max(start, e.End)
	}
	if start < end {
		b.WriteString(text[start:end])
	}
	return b.String()
}
