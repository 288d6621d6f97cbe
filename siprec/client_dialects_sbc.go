package siprec

import (
	"fmt"
	"strconv"

	"earshot"
)

const oldSpace = "urn:ietf:params:xml:ns:recording"

// oracleDialect is Oracle's (Acme Packet's) border controller: attributes of
// the drafts, <send> within the participant, large labels, times without zone.
func oracleDialect() *Dialect {
	return &Dialect{
		Name: "oracle", contact: srcContact, noUpdate: true, headers: siprecHeaders(allowMany, [2]string{"MIME-Version", "1.0"}),
		label: func(n int) string { return strconv.Itoa(16777226 + n) },
		sdp:   sdpStyle{origin: "- 20076", subject: "-", lines: []string{"rtpmap", "label", "direction"}, lowerCase: true},
		body:  bodyStyle{boundary: "unique-boundary-1", sdpHead: plainSDP, metadataHead: plainMetadata},
		document: &documentStyle{
			declaration: `<?xml version='1.0' encoding='UTF-8'?>`, space: oldSpace, quote: "'", shortIDs: true, nested: true, noRecv: true,
			times: "2006-01-02T15:04:05", sessionTime: "associate-time", id: base64ID, inStream: "<mode>separate</mode>", noGroups: true,
			inSession: func(md earshot.Metadata) string {
				return `<extensiondata xmlns:apkt="http:/acmepacket.com/siprec/extensiondata"><apkt:ucid>00FA08` + number(callKey(md), 14) +
					`;encoding=hex</apkt:ucid></extensiondata>`
			},
			inParticipant: func(md earshot.Metadata, p earshot.MetaParticipant) string {
				caller, _ := parties(md)
				return fmt.Sprintf(`<extensiondata xmlns:apkt="http://acmepacket.com/siprec/extensiondata"><apkt:callingParty>%t</apkt:callingParty></extensiondata>`,
					p.ID == caller.ID)
			},
		},
	}
}

// avayaDialect is Avaya's session border controller for enterprise: +sip.src
// within the URI, dataMode, the session is the call's UCID, labels 10 and 20.
func avayaDialect() *Dialect {
	ucid := func(s *ClientSession) string { return "00FA08" + number(callKey(s.known), 14) }
	return &Dialect{
		Name: "avaya", contact: "<sip:earshot@%s;+sip.src>",
		headers: func(s *ClientSession) [][2]string {
			caller, _ := parties(s.known)
			identity := "<" + firstAOR(caller) + ">"
			return [][2]string{
				{"Require", "siprec"},
				{"Allow", "INVITE, ACK, CANCEL, OPTIONS, BYE, INFO, UPDATE, REFER"},
				{"Supported", "replaces, timer"},
				{"User-to-User", ucid(s) + ";encoding=hex"},
				{"P-Asserted-Identity", identity},
				{"Diversion", identity + ";reason=direct;screen=no;privacy=off;counter=1"},
			}
		},
		label: func(n int) string { return strconv.Itoa(10 * n) },
		sdp: sdpStyle{
			origin: "- 12756", subject: "Session", lines: []string{"rtpmap", "label", "direction"}, alsoFormats: []earshot.Format{digits},
		},
		body: bodyStyle{boundary: "foobar", sdpHead: plainSDP, metadataHead: legacyMetadata},
		document: &documentStyle{
			declaration: xmlDeclaration, mode: "dataMode", noNames: true, id: hexID, times: "2006-01-02T15:04:05", tied: true, noGroups: true, noRecv: true,
		},
	}
}

// sonusDialect is Ribbon's (Sonus') border controller: a prefix at every
// element, no last boundary, the call's own headers in the group, metadata in
// the BYE with the time in an element that the schema has not got.
func sonusDialect() *Dialect {
	return &Dialect{
		Name: "sonus", contact: `"SIPREC-SRC" ` + srcContact, byeMetadata: true,
		headers: siprecHeaders("INVITE,ACK,CANCEL,BYE,REGISTER,REFER,INFO,SUBSCRIBE,NOTIFY,PRACK,UPDATE,OPTIONS,MESSAGE,PUBLISH",
			[2]string{"Accept", "application/sdp, application/rs-metadata-request"}, [2]string{"MIME-Version", "1.0"}),
		sdp: sdpStyle{
			origin: "Sonus_UAC 328001", subject: "SIP Media Capabilities", noConnection: true,
			lines: []string{"c", "label", "rtpmap", "direction", "a=maxptime:20"},
		},
		body: bodyStyle{
			boundary: "sonus-content-delim", sdpHead: []string{"Content-Disposition: session; handling=required", "Content-Type: application/sdp"},
			metadataHead: []string{"Content-Disposition: recording-session", "Content-Type: application/rs-metadata+xml"}, open: true,
		},
		document: &documentStyle{
			declaration: xmlDeclaration, space: oldSpace, prefix: "tns:", quote: "'", partial: "Partial", aors: bareAOR, lang: true,
			id: base64ID, tied: true, leaves: true,
			inGroup: func(md earshot.Metadata) string {
				caller, callee := parties(md)
				return `<callData xmlns="urn:ietf:params:xml:ns:callData">` + tag("fromhdr", "<"+firstAOR(caller)+">;tag=c") +
					tag("tohdr", "<"+firstAOR(callee)+">;tag=d") + tag("callid", uuidOf(callKey(md))) + tag("gcid", number(callKey(md), 9)) + "</callData>"
			},
		},
	}
}

// audiocodesDialect is AudioCodes' Mediant with its older metadata.
func audiocodesDialect() *Dialect {
	return &Dialect{
		Name: "audiocodes", contact: srcContact,
		headers: siprecHeaders("REGISTER,OPTIONS,INVITE,ACK,CANCEL,BYE,NOTIFY,PRACK,REFER,INFO,SUBSCRIBE,UPDATE",
			[2]string{"User-Agent", "Mediant VE SBC/v.7.40A"}),
		sdp: sdpStyle{
			origin: "AudiocodesGW 1194408899", subject: "SBC-Call", lines: []string{"c", "a=ptime:20", "direction", "label", "rtpmap"},
			alsoFormats: []earshot.Format{{PayloadType: 101, Encoding: "telephone-event", ClockRate: 8000, Channels: 1, FMTP: "0-15,16"}},
		},
		body: bodyStyle{boundary: "boundary_ac15d5", sdpHead: plainSDP, metadataHead: legacyMetadata},
		document: &documentStyle{
			declaration: xmlDeclaration, space: oldSpace, attributes: ` xmlns:ac="http://AudioCodes"`, shortIDs: true, nested: true,
			aors: bareAOR, noNames: true, id: uuidOf, sessionTime: "associate-time",
			inSession: func(md earshot.Metadata) string {
				return "<ac:AvayaUCID> FA08" + number(callKey(md), 16) + "</ac:AvayaUCID>"
			},
		},
	}
}

// metaswitchDialect is Metaswitch's Perimeta: one mixed stream, an SDP without
// rtpmap and direction, conventions of the draft and the RFC in one document.
func metaswitchDialect() *Dialect {
	return &Dialect{
		Name: "metaswitch", contact: srcContact, Mixed: true,
		headers: func(s *ClientSession) [][2]string {
			_, callee := parties(s.known)
			return [][2]string{
				{"Require", "siprec"},
				{"Supported", "resource-priority, siprec, timer"},
				{"Organization", "Metaswitch Networks"},
				{"Allow", allowMany},
				{"P-Asserted-Identity", "<" + firstAOR(callee) + ">"},
			}
		},
		sdp: sdpStyle{
			origin: "- 3539012340", subject: "-", lines: []string{"a=ptime:20", "label"}, holdByAddress: true,
			alsoFormats: []earshot.Format{{PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1}},
		},
		body: bodyStyle{
			boundary: "metaswitch-boundary", sdpHead: plainSDP,
			metadataHead: []string{"Content-Disposition: recording-session", "Content-Type: application/rs-metadata"},
		},
		document: &documentStyle{
			declaration: xmlDeclaration, space: oldSpace, attributes: ` id="MTIzNDU2Nzg5MDEyMzQ1Ng=="`, streamID: "id",
			aors: userOf, id: base64ID, noGroups: true,
			atEnd: func(md earshot.Metadata) string {
				caller, callee := parties(md)
				return "<extensiondata><metaswitchRecordingMetadata>" + tag("callType", "terminating") +
					tag("recordedParty", userOf(firstAOR(callee))) + tag("userName", "") + tag("callingPartyNumber", userOf(firstAOR(caller))) +
					tag("dialedDigits", userOf(firstAOR(callee))) + "</metaswitchRecordingMetadata></extensiondata>"
			},
		},
	}
}
