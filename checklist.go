package earshot

// ChecklistItem is one thing that the playbook wants said in a call.
type ChecklistItem struct {
	// Item is what it is called, once in a checklist.
	Item string `json:"item"`
	// Rules are the rules that tick it, any of which is enough.
	Rules []string `json:"rules"`
	Done  bool     `json:"done"`
	// AtMS is when it was said first, from the start of the call, in UtteranceID;
	// both are left out before.
	AtMS        *int64      `json:"at_ms,omitempty"`
	UtteranceID UtteranceID `json:"utterance_id,omitempty"`
	// SpeakerUnsure is set when it is not known whether the right party said it.
	SpeakerUnsure bool `json:"speaker_unsure,omitempty"`
}

// Tick takes a suggestion for what it says: that the item was said, unless it was
// earlier.
func (i *ChecklistItem) Tick(s Suggestion) {
	if i.AtMS != nil && *i.AtMS <= s.AtMS {
		return
	}
	at := s.AtMS
	i.Done, i.AtMS, i.UtteranceID, i.SpeakerUnsure = true, &at, s.UtteranceID, s.SpeakerUnsure
}
