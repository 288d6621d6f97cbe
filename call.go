package earshot

import (
	"net/netip"
	"time"
)

// CallState is where a call is in its life:
//
//	live -> wrapping -> settled
//	live -> interrupted
//
// A wrapping call is over but may still be stitched to a further segment,
// receive late finals or the agent's edits. Whatever changes after settled
// makes a new revision. An interrupted call ended without a BYE, because the
// server was down and the call did not come back.
type CallState string

// The states of a call. The HTTP filter "ended" means all but live.
const (
	CallLive        CallState = "live"
	CallWrapping    CallState = "wrapping"
	CallSettled     CallState = "settled"
	CallInterrupted CallState = "interrupted"
)

// Ended reports whether no more media is expected.
func (s CallState) Ended() bool { return s != CallLive }

// Direction of a call as the contact centre sees it.
type Direction string

// The directions of a call.
const (
	DirectionUnknown  Direction = "unknown"
	DirectionInbound  Direction = "inbound"
	DirectionOutbound Direction = "outbound"
	DirectionInternal Direction = "internal"
)

// Role of a participant.
type Role string

// The roles of participants.
const (
	RoleUnknown  Role = "unknown"
	RoleAgent    Role = "agent"
	RoleCustomer Role = "customer"
)

// RoleSource is what a role was found by, the surest first.
type RoleSource string

// The sources of roles.
const (
	RoleFromExtension RoleSource = "extension" // our own extension data
	RoleFromDirectory RoleSource = "directory" // an agent of the directory
	RoleFromPattern   RoleSource = "pattern"   // calls.agents
	RoleFromVendor    RoleSource = "vendor"    // extension data of the recording client
	RoleFromDirection RoleSource = "direction" // direction of the call and who called
	RoleFromDomain    RoleSource = "domain"    // the domain of the recording session
	RoleFromNumber    RoleSource = "number"    // a short number beside a whole one
	RoleFromOrder     RoleSource = "order"     // order of the streams
	RoleFromOther     RoleSource = "other"     // what the other of two is not
	RoleFromNothing   RoleSource = ""
)

// Call is one conversation. It consists of one or more segments, each a
// recording session (RFC 7866) of its own.
type Call struct {
	ID           CallID        `json:"id"`
	State        CallState     `json:"state"`
	Direction    Direction     `json:"direction"`
	StartedAt    time.Time     `json:"started_at"`
	EndedAt      *time.Time    `json:"ended_at"`
	Participants []Participant `json:"participants"`
	Streams      []Stream      `json:"streams"`
	Segments     []Segment     `json:"segments"`
	Summary      *Summary      `json:"summary"`
	Tags         []string      `json:"tags"`
	// CorrelationIDs are the names of the call in other systems, as
	// "kind:value": group and session IDs of RFC 7865, UCID and the like. Two
	// calls that have one in common are recordings of the same conversation.
	CorrelationIDs []string `json:"correlation_ids,omitempty"`
	// Conversation is made of the first of these names that tells: two servers
	// that are given the same recording session give it the same one. It does
	// not change; "" as long as there is no such name.
	Conversation string `json:"conversation,omitempty"`
	// Queue is the ID of the directory's queue that was dialled, "" for none.
	Queue string `json:"queue,omitempty"`
	// Problems are what went wrong without costing the recording, each one
	// lower-case phrase: "metadata: no recording element".
	Problems []string `json:"problems,omitempty"`
	// Matches are whose number the customer's is in the systems that notes go
	// to, one for each that can look it up.
	Matches []Match `json:"matches,omitempty"`
	// Marks are what else happened, in order: keys pressed, pauses, holds.
	Marks []Mark `json:"marks"`
	// Paused is set while nothing is recorded at somebody's wish. It stays set
	// when the call ends like that.
	Paused bool `json:"paused"`
	// TranscriptComplete is set once every stream is recognised to its end.
	TranscriptComplete bool `json:"transcript_complete"`
	// TranscriptRevision counts how often the call was recognised again: the
	// revision of its utterances.
	TranscriptRevision int `json:"transcript_revision,omitempty"`
	// RecordingReady is set once the WAV file is rendered.
	RecordingReady bool `json:"recording_ready"`
	// Recording is what was rendered last. It holds while RecordingReady is set.
	Recording *Recording `json:"recording,omitempty"`
	// Revision counts the changes after the call settled.
	Revision int `json:"revision"`
}

// Participant returns the one with the given ID, or nil.
func (c *Call) Participant(id ParticipantID) *Participant {
	for i := range c.Participants {
		if c.Participants[i].ID == id {
			return &c.Participants[i]
		}
	}
	return nil
}

// Stream returns the stream with the given ID, or nil.
func (c *Call) Stream(id StreamID) *Stream {
	for i := range c.Streams {
		if c.Streams[i].ID == id {
			return &c.Streams[i]
		}
	}
	return nil
}

// Speaker returns the participant who sends the stream, or nil when nobody is
// known to or more than one do.
func (c *Call) Speaker(id StreamID) *Participant {
	s := c.Stream(id)
	if s == nil || len(s.ParticipantIDs) != 1 {
		return nil
	}
	return c.Participant(s.ParticipantIDs[0])
}

// SpeakerAt returns the participant who sent the stream at a moment, or nil
// when nobody is known to have, or more than one did.
func (c *Call) SpeakerAt(id StreamID, at time.Time) *Participant {
	s := c.Stream(id)
	if s == nil || len(s.Senders) == 0 {
		return c.Speaker(id)
	}
	var who *Participant
	for _, sender := range s.Senders {
		if at.Before(sender.From) || sender.Until != nil && !at.Before(*sender.Until) {
			continue
		}
		if who != nil {
			return nil
		}
		who = c.Participant(sender.ParticipantID)
	}
	return who
}

// Duration returns the length of the call, up to now if it is live.
func (c *Call) Duration(now time.Time) time.Duration {
	if c.EndedAt != nil {
		now = *c.EndedAt
	}
	return now.Sub(c.StartedAt)
}

// Segment is one recording session of a call: one SIP dialog from INVITE to
// BYE. GroupID and SessionIDs are those of RFC 7865 and tie segments together.
type Segment struct {
	ID         SegmentID `json:"id"`
	GroupID    string    `json:"group_id,omitempty"`
	SessionIDs []string  `json:"session_ids,omitempty"`
	SIPCallID  string    `json:"sip_call_id"`
	// ParticipantIDs are who takes part, as the metadata of the session has it.
	ParticipantIDs []ParticipantID `json:"participant_ids,omitempty"`
	// RedundantOf is set for a session that records the same streams as another
	// one of the call at the same time: it is kept, but neither recognised nor
	// in the WAV file, unless it has to stand in for the other.
	RedundantOf SegmentID  `json:"redundant_of,omitempty"`
	Peer        string     `json:"peer"`
	StartedAt   time.Time  `json:"started_at"`
	EndedAt     *time.Time `json:"ended_at"`
	// EndReason is "bye", "interrupted", "media timeout" or the like.
	EndReason string `json:"end_reason,omitempty"`
}

// Participant is one party of the call.
type Participant struct {
	ID   ParticipantID `json:"id"`
	Name string        `json:"name"`
	// AOR is the address of record as the metadata gave it.
	AOR  string `json:"aor"`
	Role Role   `json:"role"`
	// RoleConfidence is how sure the role is, from 0 (unknown) to 1 (said so),
	// and RoleSource by what it was found, see docs/roles.md.
	RoleConfidence float64    `json:"role_confidence"`
	RoleSource     RoleSource `json:"role_source"`
	// AgentID and Team are the directory's, "" for those it does not have.
	AgentID string `json:"agent_id,omitempty"`
	Team    string `json:"team,omitempty"`
	// JoinedAt and LeftAt are when the participant came to the call, and when it
	// was gone.
	JoinedAt *time.Time `json:"joined_at,omitempty"`
	LeftAt   *time.Time `json:"left_at,omitempty"`
	// SourceID is the participant_id of the recording metadata (RFC 7865 6.5).
	SourceID string `json:"source_id,omitempty"`
	// Aliases are further participant_ids of the same party.
	Aliases []string `json:"aliases,omitempty"`
}

// Sender is who sends a stream, from when on and, unless it is still so, until
// when (participantstreamassoc, RFC 7865 6.8).
type Sender struct {
	ParticipantID ParticipantID `json:"participant_id"`
	From          time.Time     `json:"from"`
	Until         *time.Time    `json:"until,omitempty"`
}

// Stream is one recorded media stream, from the m-line that announced it.
type Stream struct {
	ID             StreamID        `json:"id"`
	SegmentID      SegmentID       `json:"segment_id"`
	Label          string          `json:"label"`
	ParticipantIDs []ParticipantID `json:"participant_ids"`
	// Senders are all who ever sent the stream, in the order they began.
	Senders []Sender `json:"senders,omitempty"`
	// Codec is encoding name and RTP clock rate: "PCMU/8000".
	Codec string `json:"codec"`
	// Channel is the index of the stream's channel in the rendered WAV, -1 for a
	// redundant stream.
	Channel int `json:"channel"`
	// OffsetMS is when the stream's position 0 was, after the call's start.
	// It is negative for a stream whose first packet came before the answer.
	OffsetMS int64 `json:"offset_ms"`
	// Started is set with the first packet; before it OffsetMS means nothing.
	Started bool        `json:"started"`
	EndedAt *time.Time  `json:"ended_at,omitempty"`
	Media   StreamMedia `json:"media"`
	StreamStats
}

// Redundant reports whether the stream is a second recording of another one.
func (s *Stream) Redundant() bool { return s.Channel < 0 }

// StreamMedia is how a stream was negotiated: what a restarted server needs
// to go on receiving it.
type StreamMedia struct {
	// MLine is the index of the stream's m-line in the SDP.
	MLine int `json:"m_line"`
	// Port is the RTP port the stream is received on.
	Port      int            `json:"port"`
	Formats   []Format       `json:"formats"`
	Direction MediaDirection `json:"direction"`
	RTCPMux   bool           `json:"rtcp_mux"`
	// RemoteRTCP is where the SDP of the sender awaits reports; the zero value
	// when it names no address.
	RemoteRTCP netip.AddrPort `json:"remote_rtcp,omitzero"`
	// XR are the extended reports that were asked for.
	XR XR `json:"xr,omitzero"`
}

// StreamStats is what the media plane counts on a stream.
type StreamStats struct {
	PacketsReceived uint64 `json:"packets_received"`
	// PacketsLost is expected less received (RFC 3550 6.4.1), never negative.
	PacketsLost uint64 `json:"packets_lost"`
	// PacketsDuplicate counts packets dropped because the same sequence number
	// had been received already.
	PacketsDuplicate uint64 `json:"packets_duplicate"`
	// PacketsLate counts packets that came after the reorder window. They are in
	// the recording; live recognition did not hear them.
	PacketsLate uint64 `json:"packets_late"`
	// PacketsInvalid counts datagrams that are not RTP of an answered format.
	PacketsInvalid uint64 `json:"packets_invalid"`
	// PacketsDropped counts packets received but not recorded (disk too slow).
	PacketsDropped uint64 `json:"packets_dropped"`
	// JitterMS is the interarrival jitter of RFC 3550 6.4.1 in milliseconds.
	JitterMS float64 `json:"jitter_ms"`
	// Slips counts the times the audio was moved in a silence because the
	// sender's clock is not ours, and SlipMS is by how many milliseconds in all:
	// above 0 if silence was added, below if it was cut.
	Slips  uint64 `json:"slips"`
	SlipMS int64  `json:"slip_ms"`
	// DriftPPM is how many millionths faster than ours the sender's clock runs, as
	// far as the arrival of its packets tells; 0 in the first minute.
	DriftPPM float64 `json:"drift_ppm"`
	// Quality is nil before the first audio packet.
	Quality *Quality `json:"quality"`
}
