package spoken

import (
	"slices"

	"earshot"
)

// Sentiment rates a text from -1 (upset) to 1 (glad) by the words in it. It
// reports false when no word of it says anything.
//
// A negation turns the next few words ("not happy", "isn't good enough"), and
// weakens them: "not bad" is less than "good".
func Sentiment(text string) (float64, bool) {
	const (
		turned = -0.7
		heavy  = 4 // the weight of words from which a text can be of one mind
	)
	terms := Terms(Words(text))
	sum, weight := 0.0, 0.0
	for i := 0; i < len(terms); i++ {
		if n := courtesy(terms[i:]); n > 0 {
			i += n - 1
			continue
		}
		w := moodOf(terms[i])
		if w == 0 {
			continue
		}
		rate := w
		if i > 0 && isIntensifier(terms[i-1]) {
			rate *= 1.4
		}
		if negated(terms[max(0, i-4):i]) {
			rate *= turned
		}
		sum, weight = sum+rate, weight+max(rate, -rate)
	}
	if weight == 0 {
		return 0, false
	}
	return max(-1, min(1, sum/max(weight, heavy))), true
}

// courtesy returns how many terms are a phrase that sounds of something and
// means nothing.
func courtesy(terms []string) int {
	for _, p := range [...][]string{
		{"no", "problem"},
		{"no", "worries"},
		{"not", "a", "problem"},
		{"good", "morning"},
		{"good", "afternoon"},
		{"good", "evening"},
		{"good", "day"},
		{"i", "am", "sorry"},
		{"sorry", "to", "hear"},
		{"thank", "you", "for", "calling"},
		{"thanks", "for", "calling"},
		{"would", "like"},
		{"like", "to"},
	} {
		if len(terms) >= len(p) && slices.Equal(terms[:len(p)], p) {
			return len(p)
		}
	}
	return 0
}

// negated reports whether the words just before another one turn its meaning.
func negated(before []string) bool {
	for _, w := range slices.Backward(before) {
		switch w {
		case "not", "no", "never", "nothing", "hardly", "without", "nobody", "none", "neither":
			return true
		case "but", "and", "because", "so", "if":
			return false
		}
	}
	return false
}

func isIntensifier(w string) bool {
	switch w {
	case "very", "really", "so", "extremely", "absolutely", "totally", "completely", "too", "utterly", "incredibly":
		return true
	}
	return false
}

// moodOf returns the rating of a word, 0 for one that has none.
func moodOf(term string) float64 {
	stem := Stem(term)
	for _, l := range moodWords() {
		if slices.ContainsFunc(l.words, func(w string) bool { return w == term || Stem(w) == stem }) {
			return l.rating
		}
	}
	return 0
}

// moodWords are the words that say how somebody feels, by their ratings. What
// every call to a service is about, a bill or an order, says nothing.
func moodWords() []struct {
	rating float64
	words  []string
} {
	return []struct {
		rating float64
		words  []string
	}{
		{-3, []string{
			"furious", "outrageous", "disgusting", "disgusted", "horrible", "terrible", "awful", "unacceptable", "ridiculous", "scam", "appalling", "disgraceful", "livid", "nightmare", "worst", "shocking", "pathetic", "joke", "lawyer", "incompetent",
		}},
		{-2, []string{
			"angry", "upset", "annoyed", "annoying", "frustrated", "frustrating", "disappointed", "disappointing", "unhappy", "useless", "rude", "hate", "mad", "fed", "sick", "lied", "lie", "cheated", "stolen", "insulting", "unfair", "waste", "fault",
			"complaint", "complain", "worse", "stupid", "nonsense",
		}},
		{-1, []string{
			"bad", "wrong", "broken", "damaged", "late", "worried", "afraid", "confusing", "confused", "slow", "missing", "unfortunately", "trouble", "problem", "failed", "fails", "poor", "annoy", "expensive", "tired", "ignored", "still", "sad", "scared", "mess", "overcharged",
		}},
		{0.5, []string{"thanks", "thank", "fine"}},
		{1, []string{"good", "nice", "helpful", "works", "fair", "better", "glad", "appreciate", "pleased", "relief", "relieved", "kind", "easy"}},
		{2, []string{"great", "happy", "lovely", "brilliant", "super", "love", "satisfied", "impressed", "perfect", "delighted", "wonderful", "excellent"}},
		{3, []string{"amazing", "fantastic", "awesome", "outstanding"}},
	}
}

// Bounds of moods and trends.
const (
	moodBound  = 0.15
	trendBound = 0.25
)

// MoodOf sums up the ratings of a party's utterances, in order.
func MoodOf(ratings []float64) earshot.Sentiment {
	out := earshot.Sentiment{Rated: len(ratings), Mood: earshot.MoodNeutral, Trend: earshot.TrendSteady}
	if len(ratings) == 0 {
		return out
	}
	out.Score = mean(ratings)
	switch {
	case out.Score < -moodBound:
		out.Mood = earshot.MoodNegative
	case out.Score > moodBound:
		out.Mood = earshot.MoodPositive
	}
	if len(ratings) < 2 {
		return out
	}
	half := len(ratings) / 2
	switch d := mean(ratings[half:]) - mean(ratings[:half]); {
	case d > trendBound:
		out.Trend = earshot.TrendImproving
	case d < -trendBound:
		out.Trend = earshot.TrendWorsening
	}
	return out
}

func mean(list []float64) float64 {
	sum := 0.0
	for _, v := range list {
		sum += v
	}
	return sum / float64(len(list))
}
