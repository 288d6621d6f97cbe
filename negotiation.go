package earshot

import (
	"net/netip"
	"strconv"
	"strings"
)

// MediaDirection is a direction attribute of SDP (RFC 8866 6.7).
type MediaDirection string

// The directions of an m-line, as seen by who wrote it.
const (
	SendRecv MediaDirection = "sendrecv"
	SendOnly MediaDirection = "sendonly"
	RecvOnly MediaDirection = "recvonly"
	Inactive MediaDirection = "inactive"
)

// Format is one payload type of an m-line with its rtpmap and fmtp. Static
// payload types without rtpmap are filled in (RFC 3551 6).
type Format struct {
	PayloadType uint8  `json:"pt"`
	Encoding    string `json:"encoding"` // as in the rtpmap, upper case
	ClockRate   int    `json:"clock_rate"`
	Channels    int    `json:"channels"`
	FMTP        string `json:"fmtp,omitempty"`
}

// Name returns the encoding as the registry of IANA writes it (RFC 4855):
// "PCMU", "opus", "telephone-event". Names are the same in any case, but not
// everybody compares them like that.
func (f Format) Name() string {
	switch name := strings.ToLower(f.Encoding); name {
	case "opus", "telephone-event", "tone", "red", "speex":
		return name
	case "ilbc":
		return "iLBC"
	}
	return strings.ToUpper(f.Encoding)
}

// String returns name, clock rate and, if there are more than one, channels:
// "PCMU/8000", "opus/48000/2".
func (f Format) String() string {
	s := f.Name() + "/" + strconv.Itoa(f.ClockRate)
	if f.Channels > 1 {
		s += "/" + strconv.Itoa(f.Channels)
	}
	return s
}

// Is reports whether the encoding has this name, in any case.
func (f Format) Is(encoding string) bool { return strings.EqualFold(f.Encoding, encoding) }

// Parameter returns the value of a parameter of the fmtp, "" if it is not
// there. Names are compared in any case (RFC 8866 6.15 leaves that to the
// format; the ones of audio are written in all ways).
func (f Format) Parameter(name string) string {
	for part := range strings.SplitSeq(f.FMTP, ";") {
		key, value, _ := strings.Cut(part, "=")
		if strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// MediaOffer is one m-line of an offer (or of an answer to a late offer).
type MediaOffer struct {
	// Kind is the media type: "audio", "video", ...
	Kind string `json:"kind"`
	// Profile is the transport: "RTP/AVP", "RTP/SAVP", ...
	Profile string `json:"profile"`
	// Port 0 means that the stream is gone (RFC 3264 8.2).
	Port int `json:"port"`
	// Remote is where the sender takes RTCP and sends from; the zero value when
	// the SDP names no address. Media is accepted from elsewhere too.
	Remote     netip.AddrPort `json:"remote"`
	RemoteRTCP netip.AddrPort `json:"remote_rtcp"`
	// Label is the a=label, "" when there is none (RFC 4574).
	Label     string         `json:"label"`
	Direction MediaDirection `json:"direction"`
	Formats   []Format       `json:"formats"`
	// Spelled has the names of encodings as the offer wrote them, by payload
	// type, where that is not the registered way. The answer repeats them.
	Spelled map[uint8]string `json:"spelled,omitempty"`
	// PTime and MaxPTime are ms of audio in a packet, 0 if not said.
	PTime    int  `json:"ptime"`
	MaxPTime int  `json:"max_ptime,omitempty"`
	RTCPMux  bool `json:"rtcp_mux"`
	// XR are the extended reports that are asked for.
	XR XR `json:"xr,omitzero"`
	// Crypto are the keys offered that can be used, in the offer's order
	// (RFC 4568).
	Crypto []Crypto `json:"crypto,omitempty"`
	// DTLS is what was offered of DTLS-SRTP, nil without (RFC 5763).
	DTLS *DTLS `json:"dtls,omitempty"`
}

// XR says which RTCP extended reports go to the sender of a stream, as far as
// there are any that a receiver can fill (RFC 3611 5.1).
type XR struct {
	// RoundTrip is "all" or "sender" when both sides measure the round trip, ""
	// when they do not.
	RoundTrip string `json:"rcvr_rtt,omitempty"`
	// Loss, Duplicates and Jitter are the statistics in the summary.
	Loss       bool `json:"loss,omitempty"`
	Duplicates bool `json:"dup,omitempty"`
	Jitter     bool `json:"jitt,omitempty"`
	// VoIPMetrics are burst and gap statistics, delays and MOS.
	VoIPMetrics bool `json:"voip_metrics,omitempty"`
}

// MediaAnswer is our side of one m-line.
type MediaAnswer struct {
	// Accepted is false for a refused m-line: port 0.
	Accepted bool `json:"accepted"`
	// Port is the even RTP port; RTCP is on the next one unless muxed.
	Port      int            `json:"port"`
	Formats   []Format       `json:"formats"`
	Direction MediaDirection `json:"direction"`
	RTCPMux   bool           `json:"rtcp_mux"`
	// XR are the extended reports that will be sent.
	XR       XR       `json:"xr,omitzero"`
	StreamID StreamID `json:"stream_id"`
	// Security is how the stream is protected, nil if it is not.
	Security *Security `json:"security,omitempty"`
}

// SessionOffer is one recording session as the SIP side hands it to the
// calls: at its start and, whole again, at each change.
type SessionOffer struct {
	// DialogID is the SIP side's key of the session, unique in this server.
	DialogID string `json:"dialog_id"`
	// SIPCallID is the Call-ID header of the recording session.
	SIPCallID string `json:"sip_call_id"`
	// Peer is the transport address the request came from.
	Peer string `json:"peer"`
	// From and To are the URIs of those headers, for sessions without metadata.
	From string `json:"from"`
	To   string `json:"to"`
	// Media is nil when the request had no SDP (nothing changes then).
	Media []MediaOffer `json:"media"`
	// Metadata is the merged state of all the documents so far; nil while
	// there was none.
	Metadata *Metadata `json:"metadata"`
	// Headers are header fields of the request that say something about the communication session
	Headers []Extension `json:"headers,omitempty"`
	// Problems are what was wrong with the message without being fatal.
	Problems []string `json:"problems"`
	// SRTP is what this peer must do; empty is what every peer must do.
	SRTP SRTPPolicy `json:"srtp,omitempty"`
}

// SessionAnswer is the answer to a SessionOffer.
type SessionAnswer struct {
	CallID    CallID    `json:"call_id"`
	SegmentID SegmentID `json:"segment_id"`
	// Media has one answer per m-line, in order; nil when the offer had none.
	Media []MediaAnswer `json:"media"`
}
