package earshot

import (
	"encoding/json"
	"fmt"
)

// Commit is everything that becomes true at one moment: the store writes all
// of it in one transaction or none of it. Empty fields write nothing.
type Commit struct {
	// Calls are inserted or replaced, with their participants, streams and
	// segments, but without their summary.
	Calls []Call
	// Metadata replaces that of a segment.
	Metadata []SegmentMetadata
	// Transcripts are new ones of calls: once Utterances are written, those of the
	// call with a lower revision are only kept as its earlier transcripts.
	Transcripts []TranscriptRevision
	// Utterances are inserted, or replaced when their Revision is higher than
	// the stored one; the same or a lower revision is ignored.
	Utterances []Utterance
	// Watermarks replace the stored ones; a position never goes back.
	Watermarks  []Watermark
	Suggestions []Suggestion
	// Feedback replaces what was said of the same suggestion before.
	Feedback []Feedback
	// Summaries are kept by revision; the highest one counts.
	Summaries []Summary
	// Follows are what the newest summaries of calls must be for anything of the
	// commit to be written; otherwise it is ErrChanged.
	Follows []SummaryRevision
	// Matches are inserted or replaced by (call, connector).
	Matches []CallMatch
	// Deliveries are inserted or replaced by (note, revision).
	Deliveries []Delivery
	// Jobs are inserted unless (kind, key) exists.
	Jobs []Job
	// Done are jobs that ended well.
	Done []int64
	// Dialogs are inserted or replaced; EndedDialogs are removed.
	Dialogs      []Dialog
	EndedDialogs []string
	// SIPMessages are appended to the ladders of their calls. Of a recording
	// session only the first and the newest messages are kept.
	SIPMessages []SIPMessage
	// Events are appended to the one sequence, in order; the relay publishes
	// them afterwards. Their Seq is assigned by the store.
	Events []Event
}

// SummaryRevision names a revision of a call's summary; 0 is that there is none.
type SummaryRevision struct {
	CallID   CallID
	Revision int
}

// Dialog is what the SIP side needs to go on with a recording session after
// a restart. State belongs to the siprec package; it is opaque to others.
type Dialog struct {
	// ID is unique among the dialogs of this server.
	ID        string    `json:"id"`
	CallID    CallID    `json:"call_id"`
	SegmentID SegmentID `json:"segment_id"`
	// State is a JSON object of the SIP side. All that others read of it is its
	// "answer": the answered m-lines with their keys, which nothing else stores.
	State []byte `json:"state"`
}

// Answers returns the answered m-lines.
func (d Dialog) Answers() ([]MediaAnswer, error) {
	if len(d.State) == 0 {
		return nil, nil
	}
	var state struct {
		Answer []MediaAnswer `json:"answer"`
	}
	if err := json.Unmarshal(d.State, &state); err != nil {
		return nil, fmt.Errorf("read answers of dialog %s: %w", d.ID, err)
	}
	return state.Answer, nil
}
