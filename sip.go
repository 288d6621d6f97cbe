package earshot

import "time"

// SIPMessage is one SIP message of a recording session as the ladder of its
// call keeps it. Digest answers, SRTP keys and, unless an operator asked for
// more, the users of URIs and the recording metadata are not in it.
type SIPMessage struct {
	// ID orders the messages of all calls; the store assigns it.
	ID        int64     `json:"id"`
	CallID    CallID    `json:"call_id"`
	SegmentID SegmentID `json:"segment_id"`
	// At is when the message was received, or handed to the socket.
	At time.Time `json:"at"`
	// Sent tells Earshot's own messages from those of the recording client.
	Sent bool `json:"sent"`
	// Transport is UDP, TCP or TLS.
	Transport string `json:"transport"`
	// Peer and Local are transport addresses, HOST:PORT.
	Peer  string `json:"peer"`
	Local string `json:"local"`
	// FirstLine is the request line or status line.
	FirstLine string `json:"first_line"`
	CSeq      string `json:"cseq"`
	// Size is that of the message on the wire in octets.
	Size int `json:"size"`
	// Text is the message without what is left out, "" where the call had used
	// up its share of memory.
	Text string `json:"text"`
}

// RefusedSIP is an INVITE that began no call, or a message that is not SIP.
type RefusedSIP struct {
	At        time.Time `json:"at"`
	Transport string    `json:"transport"`
	Peer      string    `json:"peer"`
	SIPCallID string    `json:"sip_call_id"`
	// Status is that of the answer, 0 when there was none to give.
	Status int `json:"status"`
	// Reason is the text of the answer's Warning header, else its reason phrase.
	Reason string `json:"reason"`
	// Text is the message, with the same left out as in a [SIPMessage].
	Text string `json:"text"`
}
