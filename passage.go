package earshot

import "time"

// FoundPassage is a piece of a call that may answer a question.
type FoundPassage struct {
	// Score is the share of the question that the passage holds, from 0 to 1.
	Score         float64   `json:"score"`
	CallID        CallID    `json:"call_id"`
	CallStartedAt time.Time `json:"call_started_at"`
	// Utterances are what was said, in order: the one that was found, cited by
	// UtteranceID, and what another party replied.
	Utterances  []Utterance `json:"utterances"`
	UtteranceID UtteranceID `json:"utterance_id"`
	AtMS        int64       `json:"at_ms"`
	Speaker     string      `json:"speaker"`
}
