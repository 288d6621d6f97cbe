package main

import (
	"fmt"
	"io"
	"time"

	"earshot"
)

// printMeasures tells how a conversation went, unless nobody spoke.
func printMeasures(w io.Writer, call *earshot.Call, m *earshot.Measures) {
	if len(m.Parties) == 0 {
		return
	}
	fmt.Fprintf(w, "\nConversation: %s of talk, %s of silence (longest %s), %s of overtalk, %s on hold\n",
		seconds(m.TalkMS), seconds(m.SilenceMS), seconds(m.LongestSilenceMS), seconds(m.OvertalkMS), seconds(m.HoldMS))
	for _, p := range m.Parties {
		name := string(p.Role)
		if who := call.Participant(p.ParticipantID); who != nil {
			name = speakerName(who.Name, p.Role)
		}
		fmt.Fprintf(w, "  %s: %.0f %% of the talk", name, 100*p.TalkShare)
		if p.WordsPerMinute > 0 {
			fmt.Fprintf(w, ", %.0f words a minute", p.WordsPerMinute)
		}
		if p.Interruptions > 0 {
			fmt.Fprintf(w, ", interrupted %d times", p.Interruptions)
		}
		if p.Sentiment.Rated > 0 {
			fmt.Fprintf(w, ", sounded %s and %s (%+.2f)", p.Sentiment.Mood, p.Sentiment.Trend, p.Sentiment.Score)
		}
		fmt.Fprintln(w)
	}
}

func seconds(ms int64) time.Duration {
	return (time.Duration(ms) * time.Millisecond).Round(100 * time.Millisecond)
}
