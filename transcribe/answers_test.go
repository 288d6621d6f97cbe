package transcribe_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe"
	"earshot/transcribe/transcribetest"
)

// scaledTo returns audio with its peak at a level below full scale.
func scaledTo(pcm []int16, db float64) recording {
	peak := 0.0
	for _, s := range pcm {
		peak = max(peak, math.Abs(float64(s)))
	}
	out, gain := make(recording, len(pcm)), 32767*math.Pow(10, db/20)/peak
	for i, s := range pcm {
		out[i] = int16(gain * float64(s))
	}
	return out
}

// TestShortAnswersAreHeard plays "yes", "no" and the like, each alone, to the
// real detector and engine, from loud to very soft.
func TestShortAnswersAreHeard(t *testing.T) {
	sink := newMinutes()
	tr := engine(t, sink)
	answers := transcribetest.Answers()
	levels := []float64{-1, -10, -20, -30, -40}
	for _, db := range levels {
		id := earshot.StreamID(fmt.Sprint(db))
		if err := tr.Add(transcribe.Track{CallID: "call", StreamID: id, Source: scaledTo(answers.PCM, db)}); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.After(2 * time.Minute)
	for range levels {
		select {
		case <-sink.done:
		case <-deadline:
			t.Fatal("not completed within two minutes")
		}
	}
	for _, db := range levels {
		got := sink.texts[earshot.StreamID(fmt.Sprint(db))]
		if !slices.EqualFunc(answers.Turns, got, sameAnswer) {
			t.Errorf("at %v dB: %q, said was %q", db, got, answers.Turns)
		}
	}
}

// sameAnswer compares single words, however they are written; "yeah" is a yes.
func sameAnswer(want, got string) bool {
	plain := strings.NewReplacer(".", "", ",", "", "?", "", "!", "", "Yeah", "Yes").Replace
	return strings.EqualFold(plain(want), plain(got))
}
