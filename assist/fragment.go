package assist

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"earshot"
	"earshot/spoken"
)

// maxFragmentGap is the longest pause in milliseconds within one sentence.
const maxFragmentGap = 2500

// fragmentBefore returns the text of the utterance that u goes on with: the
// last of the same speaker, shortly before, if either of the two looks like a
// piece of a sentence. Otherwise it is empty.
func fragmentBefore(history []earshot.Utterance, u earshot.Utterance) string {
	for i := len(history) - 1; i >= max(0, len(history)-6); i-- {
		h := history[i]
		if h.ID == u.ID || h.StartMS > u.StartMS {
			continue
		}
		if h.StreamID != u.StreamID {
			if len(strings.Fields(h.Text)) > 2 {
				return ""
			}
			continue
		}
		if u.StartMS-h.EndMS > maxFragmentGap || !cut(h.Text, u.Text) {
			return ""
		}
		return strings.TrimSpace(h.Text)
	}
	return ""
}

// cut reports whether a pause cut one sentence into before and after.
func cut(before, after string) bool {
	b, a := spoken.Words(before), spoken.Words(after)
	if len(a) == 0 || len(b) == 0 || len(b) > 40 {
		return false
	}
	last := b[len(b)-1]
	if !last.Stop || strings.HasSuffix(strings.TrimSpace(before), "...") || len(a) < 4 || len(b) < 4 {
		return true
	}
	first, _ := utf8.DecodeRuneInString(a[0].Text)
	return unicode.IsLower(first)
}
