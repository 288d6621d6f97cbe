package export

import (
	"strings"

	"earshot"
)

// What fits into one subtitle: two lines of 42 letters, seven seconds.
const (
	mostLetters = 84
	mostTime    = 7000
)

// cues cuts turns that are too long for one subtitle at the times of their
// words, where a sentence or a part of it ends if there is such a place. A turn
// whose words have no times stays whole.
func cues(turns []Turn) []Turn {
	var out []Turn
	for _, t := range turns {
		fits := len(t.Text) <= mostLetters && t.EndMS-t.StartMS <= mostTime
		if fits || !hasTimes(t.Utterance) {
			out = append(out, t)
			continue
		}
		from := t.StartMS
		for words := t.Words; len(words) > 0; {
			n := fitting(words, from)
			cue := t
			cue.Text, cue.Words = join(words[:n]), words[:n]
			cue.StartMS, cue.EndMS = from, words[n-1].EndMS
			if words = words[n:]; len(words) > 0 {
				from = max(cue.EndMS, words[0].StartMS)
			} else {
				cue.EndMS = max(cue.StartMS, min(t.EndMS, cue.StartMS+mostTime))
			}
			out = append(out, cue)
		}
	}
	return out
}

// hasTimes reports whether the words are those of the text and have times.
func hasTimes(u earshot.Utterance) bool {
	n := len(u.Words)
	return n > 0 && u.Words[n-1].EndMS > u.Words[0].StartMS && join(u.Words) == oneLine(u.Text)
}

// fitting returns how many words go into the next cue.
func fitting(words []earshot.Word, from int64) int {
	letters, n, sentence, part := 0, 0, 0, 0
	for i, w := range words {
		letters += len(w.Text)
		if i > 0 && (letters+i > mostLetters || w.EndMS-from > mostTime) {
			break
		}
		n = i + 1
		switch {
		case strings.ContainsAny(w.Text[len(w.Text)-1:], ".?!"):
			sentence = n
		case strings.ContainsAny(w.Text[len(w.Text)-1:], ",;:"):
			part = n
		}
	}
	switch {
	case n == len(words):
		return n
	case 2*sentence > n:
		return sentence
	case 2*part > n:
		return part
	}
	return n
}

func join(words []earshot.Word) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return strings.Join(texts, " ")
}
