// Package timing says when each word of an utterance is said: as the engine
// says, or else estimated from where in the audio there is voice and how long
// the words take to say. Estimates are good enough to jump to, not to cut at;
// docs/text.md has their errors.
package timing

import (
	"earshot"
	"earshot/transcribe/line"
)

// Words returns the words of what an engine heard in pcm, one for each piece of
// its text between white space, with their times from the start of the audio.
func Words(heard earshot.Recognition, pcm []int16, rate int) []earshot.Word {
	words := line.Split(heard.Text)
	if len(words) == 0 {
		return nil
	}
	length := int64(len(pcm)) * 1000 / int64(max(1, rate))
	if len(heard.Words) > 0 {
		spread(words, heard.Words, length)
	} else {
		estimate(words, voiced(pcm, rate), length)
	}
	return words
}

// spread gives the words the engine's times: one to one where they are as
// many, else by how far in the text they stand.
func spread(words, timed []earshot.Word, length int64) {
	if len(words) == len(timed) {
		for i := range words {
			words[i].StartMS, words[i].EndMS = clamp(timed[i].StartMS, timed[i].EndMS, length)
		}
		return
	}
	total, all := letters(words), letters(timed)
	at := 0
	for i := range words {
		from := momentAt(timed, float64(at)/float64(total)*float64(all))
		at += len(words[i].Text)
		to := momentAt(timed, float64(at)/float64(total)*float64(all))
		words[i].StartMS, words[i].EndMS = clamp(from, to, length)
	}
}

func letters(words []earshot.Word) int {
	n := 0
	for _, w := range words {
		n += len(w.Text)
	}
	return max(1, n)
}

// momentAt returns when the letter at a place in the words is said.
func momentAt(timed []earshot.Word, place float64) int64 {
	for _, w := range timed {
		n := float64(len(w.Text))
		if place <= n && n > 0 {
			return w.StartMS + int64(place/n*float64(w.EndMS-w.StartMS))
		}
		place -= n
	}
	return timed[len(timed)-1].EndMS
}

func clamp(from, to, length int64) (int64, int64) {
	from = max(0, min(from, length))
	return from, max(from, min(to, length))
}

// estimate lays the words over the stretches of voice so that each stretch has
// words that take about as long as it lasts, and stretches change at the marks
// of the text.
func estimate(words []earshot.Word, voice []stretch, length int64) {
	if len(voice) == 0 {
		voice = []stretch{{0, length}}
	}
	weights := make([]float64, len(words))
	for i, w := range words {
		weights[i] = weight(w.Text)
	}
	first := 0
	for k, n := range share(words, weights, voice) {
		lay(words[first:first+n], weights[first:first+n], voice[k])
		first += n
	}
}

// lay gives words their part of one stretch.
func lay(words []earshot.Word, weights []float64, s stretch) {
	total := sum(weights)
	at := 0.0
	for i := range words {
		words[i].StartMS = s.from + int64(at/total*float64(s.to-s.from))
		at += weights[i]
		words[i].EndMS = s.from + int64(at/total*float64(s.to-s.from))
	}
}

func sum(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v
	}
	return total
}
