package earshot

import "time"

// Metadata is the recording metadata of RFC 7865 in the state all documents of
// a recording session so far add up to. Dangling references are kept: elements
// from another recording client may define them (RFC 7866 9.2).
type Metadata struct {
	Groups       []MetaGroup       `json:"groups,omitempty"`
	Sessions     []MetaSession     `json:"sessions,omitempty"`
	Participants []MetaParticipant `json:"participants,omitempty"`
	Streams      []MetaStream      `json:"streams,omitempty"`
	// SessionParticipants are the participantsessionassoc elements (6.6).
	SessionParticipants []MetaSessionParticipant `json:"session_participants,omitempty"`
	// ParticipantStreams are the participantstreamassoc elements (6.8).
	ParticipantStreams []MetaParticipantStream `json:"participant_streams,omitempty"`
	// Raw are the documents as they came, oldest first, the last few of them.
	Raw []string `json:"raw,omitempty"`
}

// MetaGroup is a group of communication sessions (RFC 7865 6.2).
type MetaGroup struct {
	ID           string      `json:"id"`
	Associate    time.Time   `json:"associate,omitzero"`
	Disassociate time.Time   `json:"disassociate,omitzero"`
	Extensions   []Extension `json:"extensions,omitempty"`
}

// MetaSession is a communication session (RFC 7865 6.3).
type MetaSession struct {
	ID            string      `json:"id"`
	GroupID       string      `json:"group_id,omitempty"`
	SIPSessionIDs []string    `json:"sip_session_ids,omitempty"`
	Reason        string      `json:"reason,omitempty"`
	Start         time.Time   `json:"start,omitzero"`
	Stop          time.Time   `json:"stop,omitzero"`
	Extensions    []Extension `json:"extensions,omitempty"`
}

// MetaParticipant is a participant (RFC 7865 6.5). The first name and address
// of record count; the others are kept.
type MetaParticipant struct {
	ID         string      `json:"id"`
	Names      []string    `json:"names,omitempty"`
	AORs       []string    `json:"aors,omitempty"`
	Extensions []Extension `json:"extensions,omitempty"`
}

// MetaStream is a media stream (RFC 7865 6.7). Label ties it to an m-line.
type MetaStream struct {
	ID        string `json:"id"`
	SessionID string `json:"session_id,omitempty"`
	Label     string `json:"label"`
}

// MetaSessionParticipant is when a participant was in a session.
type MetaSessionParticipant struct {
	ParticipantID string    `json:"participant_id"`
	SessionID     string    `json:"session_id"`
	Associate     time.Time `json:"associate,omitzero"`
	Disassociate  time.Time `json:"disassociate,omitzero"`
}

// MetaParticipantStream is what a participant sends to and receives from.
type MetaParticipantStream struct {
	ParticipantID string    `json:"participant_id"`
	Send          []string  `json:"send,omitempty"`
	Recv          []string  `json:"recv,omitempty"`
	Associate     time.Time `json:"associate,omitzero"`
	Disassociate  time.Time `json:"disassociate,omitzero"`
}

// Extension is one leaf element of extension data: the names of the elements
// from the extension's root down to it, joined by "/", without prefixes, its
// namespace and its text.
type Extension struct {
	Space string `json:"space,omitempty"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// SegmentMetadata is the metadata of one recording session of a call.
type SegmentMetadata struct {
	CallID    CallID    `json:"call_id"`
	SegmentID SegmentID `json:"segment_id"`
	Metadata  Metadata  `json:"metadata"`
}
