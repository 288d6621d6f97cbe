package siprec

import (
	"github.com/emiago/sipgo/sip"

	"earshot"
)

// lateFormats are offered to who leaves the offer to us. A client that
// can't transcode takes the codec of its call (RFC 3264 6.1).
func lateFormats() []earshot.Format {
	return []earshot.Format{
		staticFormats[0], staticFormats[8], staticFormats[9], staticFormats[18],
		{PayloadType: 96, Encoding: "OPUS", ClockRate: 48000, Channels: 2},
		{PayloadType: 101, Encoding: "TELEPHONE-EVENT", ClockRate: 8000, Channels: 1},
	}
}

// lateOffer stands for the offer of an INVITE without SDP: one m-line with
// what we can record. What of it is accepted becomes our offer; the ACK
// answers it. Where only encrypted media is taken it has keys, of which those
// of the client are not known before the ACK: until then nobody knows them.
func lateOffer(policy earshot.SRTPPolicy) []earshot.MediaOffer {
	m := earshot.MediaOffer{
		Kind: "audio", Profile: "RTP/AVP", Port: 9, Direction: earshot.SendOnly, Formats: lateFormats(),
	}
	if policy == earshot.SRTPRequire {
		m.Profile = "RTP/SAVP"
		m.Crypto = []earshot.Crypto{earshot.NewCrypto(1, earshot.SuiteAES128CM80)} // all clients have it (RFC 4568 6.2)
	}
	return []earshot.MediaOffer{m}
}

// srtpOf is what counts for the media of who sent a request.
func (s *Server) srtpOf(req *sip.Request) earshot.SRTPPolicy {
	if p := s.policyOf(req.Source()).SRTP; p != "" {
		return p
	}
	return s.cfg.SRTP
}
