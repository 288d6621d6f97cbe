package earshot

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventType names a kind of event. Its text is also the last part of the bus
// subject "earshot.<type>".
type EventType string

// The types of events. Each comment names the type of Event.Data.
const (
	EventCallStarted         EventType = "call.started"         // Call
	EventCallUpdated         EventType = "call.updated"         // Call: participants, streams or segments changed
	EventCallEnded           EventType = "call.ended"           // Call: no more media; state wrapping or interrupted
	EventCallSettled         EventType = "call.settled"         // Call
	EventCallMarked          EventType = "call.marked"          // Mark: new, or gone on under the same ID
	EventCallMatched         EventType = "call.matched"         // CallMatch
	EventRecordingReady      EventType = "recording.ready"      // Call
	EventUtterancePartial    EventType = "utterance.partial"    // Utterance; never stored
	EventUtteranceFinal      EventType = "utterance.final"      // Utterance
	EventTranscriptCompleted EventType = "transcript.completed" // TranscriptCompleted
	EventSuggestionCreated   EventType = "suggestion.created"   // Suggestion
	EventSuggestionRated     EventType = "suggestion.rated"     // Feedback
	EventSummaryCreated      EventType = "summary.created"      // Summary
	EventHandOverCreated     EventType = "handover.created"     // HandOver
	EventNoteUpdated         EventType = "note.updated"         // Delivery
)

// EventTypes lists every type that is stored and published.
func EventTypes() []EventType {
	return []EventType{
		EventCallStarted, EventCallUpdated, EventCallEnded, EventCallSettled,
		EventCallMarked, EventCallMatched, EventRecordingReady, EventUtteranceFinal, EventTranscriptCompleted,
		EventSuggestionCreated, EventSuggestionRated, EventSummaryCreated, EventHandOverCreated, EventNoteUpdated,
	}
}

// Event is something that became true. Stored events carry the store's
// sequence; partials have Seq 0 and are only ever broadcast.
type Event struct {
	Seq    int64           `json:"seq"`
	ID     string          `json:"id"`
	Type   EventType       `json:"type"`
	CallID CallID          `json:"call_id"`
	At     time.Time       `json:"at"`
	Data   json.RawMessage `json:"data"`
}

// NewEvent makes an event of data, which must marshal to JSON.
func NewEvent(t EventType, call CallID, data any) Event {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(fmt.Sprintf("earshot: event %s of %T: %v", t, data, err))
	}
	return Event{ID: NewID(), Type: t, CallID: call, At: time.Now().UTC(), Data: raw}
}

// TranscriptCompleted follows the last final of a call. A summary that has
// read that many finals per stream has read them all.
type TranscriptCompleted struct {
	CallID  CallID      `json:"call_id"`
	Streams []Watermark `json:"streams"`
	// Revision is that of the transcript, 0 for the first.
	Revision int `json:"revision,omitempty"`
}
