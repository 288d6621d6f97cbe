package timing

import (
	"math"
	"strings"

	"earshot"
)

// What a share costs beside stretches that are too long or too short for their
// words, in the same unit: about the square of seconds by seconds.
const (
	// unmarked is for a pause where the text has no mark.
	unmarked = 0.4
	// unpaused is for a mark where nobody pauses.
	unpaused = 0.1
	// unused is for a second of voice without words.
	unused = 1.5
)

// share returns how many of the words are said in each stretch: the choice that
// costs least.
func share(words []earshot.Word, weights []float64, voice []stretch) []int {
	n, pace := len(words), length(voice)/sum(weights)
	until := make([]float64, n+1) // weight of the words before
	marks := make([]float64, n+1) // marks within the words before
	for i, w := range weights {
		until[i+1] = until[i] + w
		marks[i+1] = marks[i]
		if marked(words[i].Text) {
			marks[i+1] += unpaused
		}
	}
	cost := func(s stretch, from, to int) float64 {
		if from == to {
			return unused * s.seconds()
		}
		expected := pace * (until[to] - until[from])
		c := (s.seconds()-expected)*(s.seconds()-expected)/expected + marks[to-1] - marks[from]
		if to < n && !marked(words[to-1].Text) {
			c += unmarked
		}
		return c
	}
	best := make([][]float64, len(voice)+1)
	from := make([][]int, len(voice)+1)
	for k := range best {
		best[k], from[k] = make([]float64, n+1), make([]int, n+1)
		for j := range best[k] {
			best[k][j] = math.Inf(1)
		}
	}
	best[0][0] = 0
	for k, s := range voice {
		for j := 0; j <= n; j++ {
			for i := 0; i <= j; i++ {
				if c := best[k][i] + cost(s, i, j); c < best[k+1][j] {
					best[k+1][j], from[k+1][j] = c, i
				}
			}
		}
	}
	out := make([]int, len(voice))
	for k, j := len(voice), n; k > 0; k-- {
		out[k-1] = j - from[k][j]
		j = from[k][j]
	}
	return out
}

func length(voice []stretch) float64 {
	total := 0.0
	for _, s := range voice {
		total += s.seconds()
	}
	return total
}

// marked reports whether a mark of punctuation follows a word.
func marked(text string) bool { return strings.ContainsAny(text[len(text)-1:], ".,;:?!") }

// weight is how long a word takes to say, in syllables: vowels, a little for
// consonants, less for words that nobody stresses, more before a pause.
func weight(text string) float64 {
	w := strings.ToLower(strings.Trim(text, ".,;:?!\"'()[]"))
	vowels, consonants, digits, after := 0, 0, 0, false
	for _, r := range w {
		switch {
		case r >= '0' && r <= '9':
			digits++
			after = false
		case strings.ContainsRune("aeiouy", r):
			if !after {
				vowels++
			}
			after = true
		default:
			consonants++
			after = false
		}
	}
	if vowels > 1 && strings.HasSuffix(w, "e") && !strings.HasSuffix(w, "le") {
		vowels--
	}
	total := 0.6*float64(max(vowels, 1)) + 0.22*float64(consonants)
	if digits > 0 {
		total = 1.3*float64(digits) + 0.4*float64(vowels+consonants)
	}
	if isWeak(w) {
		total *= 0.65
	}
	if marked(text) {
		total *= 1.2
	}
	return total
}

// isWeak reports whether a word is hardly ever stressed.
func isWeak(w string) bool {
	switch w {
	case "a", "an", "the", "of", "to", "and", "in", "is", "it", "for", "on", "at", "as", "you", "your", "that", "with", "was", "are", "can", "do", "or", "be", "have", "i":
		return true
	}
	return false
}
