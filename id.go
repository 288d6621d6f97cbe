package earshot

import (
	"crypto/rand"
	"encoding/binary"
	"time"
)

// Identifiers are 26 characters of lower-case Crockford base 32: 48 bits of
// Unix milliseconds, then 80 random bits (the layout of a ULID), so that they
// sort by the time they were made and are safe in file names and URLs.
type (
	// CallID names a call for good, in files, URLs and other systems.
	CallID string
	// SegmentID names one recording session within a call.
	SegmentID string
	// ParticipantID names a participant within a call.
	ParticipantID string
	// StreamID names one recorded media stream.
	StreamID string
	// UtteranceID names one turn of one speaker. It is derived from the stream
	// and the position the turn starts at, so that recognising the same span
	// again yields the same name.
	UtteranceID string
	// SuggestionID names one suggestion shown during a call.
	SuggestionID string
	// NoteID names the note of a call for one connector, over all revisions.
	NoteID string
	// MarkID names a mark on a call's timeline.
	MarkID string
)

const (
	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	idLength   = 26
)

// NewID returns a fresh identifier. It is safe for concurrent use.
func NewID() string { return newIDAt(time.Now()) }

func newIDAt(t time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(t.UnixMilli())<<16)
	if _, err := rand.Read(raw[6:]); err != nil {
		panic("earshot: the system's random source does not work: " + err.Error())
	}
	hi, lo := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])
	out := make([]byte, idLength)
	for i := idLength - 1; i >= 0; i-- {
		out[i] = idAlphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(out)
}

// NewCallID returns a fresh call identifier.
func NewCallID() CallID { return CallID(NewID()) }

// NewMarkID returns a fresh mark identifier.
func NewMarkID() MarkID { return MarkID(NewID()) }

// NewSegmentID returns a fresh segment identifier.
func NewSegmentID() SegmentID { return SegmentID(NewID()) }

// NewParticipantID returns a fresh participant identifier.
func NewParticipantID() ParticipantID { return ParticipantID(NewID()) }

// NewStreamID returns a fresh stream identifier.
func NewStreamID() StreamID { return StreamID(NewID()) }
