package spoken

import (
	"testing"

	"earshot"
)

func TestSentiment(t *testing.T) {
	for text, want := range map[string]int{
		"This is absolutely ridiculous, I'm furious.":  -1,
		"I am not happy with this at all.":             -1,
		"That isn't good enough.":                      -1,
		"Great, thank you so much, that was helpful.":  1,
		"It's not bad, actually.":                      1,
		"No problem.":                                  0,
		"Good morning, I'd like to change my address.": 0,
		"My number is 4 4 1 2.":                        0,
	} {
		got, rated := Sentiment(text)
		if sign(got) != want || rated != (want != 0) || got < -1 || got > 1 {
			t.Errorf("%q: %v, %v", text, got, rated)
		}
	}
}

func sign(v float64) int {
	switch {
	case v < 0:
		return -1
	case v > 0:
		return 1
	}
	return 0
}

func TestMoodOf(t *testing.T) {
	for _, c := range []struct {
		ratings []float64
		mood    earshot.Mood
		trend   earshot.Trend
	}{
		{nil, earshot.MoodNeutral, earshot.TrendSteady},
		{[]float64{-1}, earshot.MoodNegative, earshot.TrendSteady},
		{[]float64{-1, -0.8, 0.1, 0.5}, earshot.MoodNegative, earshot.TrendImproving},
		{[]float64{0.5, 0.5, 0.5}, earshot.MoodPositive, earshot.TrendSteady},
		{[]float64{0.5, 0.5, -0.5, -0.5}, earshot.MoodNeutral, earshot.TrendWorsening},
	} {
		got := MoodOf(c.ratings)
		if got.Mood != c.mood || got.Trend != c.trend || got.Rated != len(c.ratings) {
			t.Errorf("%v: %+v", c.ratings, got)
		}
	}
}
