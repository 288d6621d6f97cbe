package earshot

import "time"

// Verdict is what an agent made of a suggestion.
type Verdict string

// The verdicts on a suggestion.
const (
	VerdictUsed      Verdict = "used"
	VerdictDismissed Verdict = "dismissed" // right, but not wanted
	VerdictWrong     Verdict = "wrong"
)

// Feedback is what somebody made of a suggestion. The newest one counts.
type Feedback struct {
	CallID       CallID       `json:"call_id"`
	SuggestionID SuggestionID `json:"suggestion_id"`
	Verdict      Verdict      `json:"verdict"`
	// Rule and Article are what it is counted for: those of the suggestion.
	Rule    string `json:"rule,omitempty"`
	Article string `json:"article,omitempty"`
	// By is who said so: a login, or what the client calls itself.
	By string    `json:"by"`
	At time.Time `json:"at"`
}

// FeedbackOf returns feedback on a suggestion.
func FeedbackOf(s Suggestion, v Verdict, by string, at time.Time) Feedback {
	f := Feedback{CallID: s.CallID, SuggestionID: s.ID, Verdict: v, Rule: s.Rule, By: by, At: at}
	if s.Source != nil {
		f.Article = s.Source.Article
	}
	return f
}

// FeedbackCount counts the verdicts on what one rule or article gave rise to,
// one for each suggestion.
type FeedbackCount struct {
	Rule      string `json:"rule,omitempty"`
	Article   string `json:"article,omitempty"`
	Used      int    `json:"used"`
	Dismissed int    `json:"dismissed"`
	Wrong     int    `json:"wrong"`
}
