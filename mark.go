package earshot

import (
	"cmp"
	"slices"
)

// MarkKind says what happened at a [Mark]. Further kinds may come.
type MarkKind string

// The kinds of marks.
const (
	MarkDTMF    MarkKind = "dtmf"    // somebody pressed a key (RFC 4733)
	MarkPause   MarkKind = "pause"   // recording was paused
	MarkResume  MarkKind = "resume"  // recording went on
	MarkHold    MarkKind = "hold"    // the recording client stopped a stream (RFC 3264 8.4)
	MarkUnhold  MarkKind = "unhold"  // and sends it again
	MarkTone    MarkKind = "tone"    // somebody pressed keys that were heard as tones in the audio
	MarkMissed  MarkKind = "missed"  // speech that has no text, Reason says why
	MarkDropped MarkKind = "dropped" // packets came but could not be recorded: the disk was too slow
)

// Mark is something on a call's timeline that is not speech.
type Mark struct {
	ID   MarkID   `json:"id"`
	Kind MarkKind `json:"kind"`
	// StreamID is that of the stream it is about, "" for the whole call, and
	// ParticipantID who sent that stream, as far as it is known.
	StreamID      StreamID      `json:"stream_id,omitempty"`
	ParticipantID ParticipantID `json:"participant_id,omitempty"`
	// AtMS and EndMS are in milliseconds since the call's start, like those of
	// an utterance. They are the same for what takes no time.
	AtMS  int64 `json:"at_ms"`
	EndMS int64 `json:"end_ms"`
	// Digit is the key pressed, 0 to 9, *, #, A to D or "flash", and empty when
	// Masked.
	Digit  string `json:"digit,omitempty"`
	Masked bool   `json:"masked,omitempty"`
	// Packets counts those that were dropped.
	Packets uint64 `json:"packets,omitempty"`
	// By is who did it, and Reason why, in their own words.
	By     string `json:"by,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// StreamMark is a mark as the media plane knows it: on a stream's own
// timeline. One that is told again under the same ID has gone on.
type StreamMark struct {
	ID      MarkID
	Kind    MarkKind
	From    Position
	To      Position
	Digit   string
	Masked  bool
	Packets uint64
	Reason  string
}

// PutMark puts a mark in its place in a list ordered by time, instead of the
// one with the same ID if there is one. The list given stays as it is.
func PutMark(list []Mark, m Mark) []Mark {
	list = slices.DeleteFunc(slices.Clone(list), func(have Mark) bool { return have.ID == m.ID })
	i, _ := slices.BinarySearchFunc(list, m.AtMS+1, func(have Mark, ms int64) int { return cmp.Compare(have.AtMS, ms) })
	return slices.Insert(list, i, m)
}
