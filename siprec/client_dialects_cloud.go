package siprec

import (
	"strconv"

	"earshot"
)

// broadworksDialect is BroadWorks: the draft of 2011, ;src in the Contact, no
// Require, <aor> elements, and the numbers that can be dialled in extension
// data of its own.
func broadworksDialect() *Dialect {
	return &Dialect{
		Name: "broadworks", contact: "<sip:%s>;src", noUpdate: true,
		from: func(s *ClientSession) string {
			_, callee := parties(s.known)
			return "<sip:" + userOf(firstAOR(callee)) + "@" + s.client.cfg.Local.String() + ";user=phone>"
		},
		headers: func(*ClientSession) [][2]string {
			return [][2]string{{"Allow", "ACK,BYE,CANCEL,INFO,INVITE,OPTIONS,PRACK,REFER,NOTIFY"}, {"Recv-Info", ""}, {"Supported", ""}, {"Expires", "180"}}
		},
		sdp:      sdpStyle{origin: "- 3449405261", subject: "-", lines: []string{"rtpmap", "a=ptime:20", "label"}, holdByAddress: true},
		body:     broadworksBody(),
		document: broadworksDocument("separate"),
	}
}

func broadworksBody() bodyStyle {
	return bodyStyle{
		boundary: "UniqueBroadWorksBoundary", metadataFirst: true, sdpHead: plainSDP,
		metadataHead: []string{"Content-Type:application/rs-metadata+xml", "Content-Disposition:recording-session"},
	}
}

func broadworksDocument(mode string) *documentStyle {
	return &documentStyle{
		declaration: xmlDeclaration, root: "recording_metadata", space: "urn:ietf:params:xml:ns:siprec", mode: "dataMode",
		shortIDs: true, nested: true, noRecv: true, sendID: true, aorAlone: true, noNames: true, id: urnID,
		times: "2006-01-02T15:04:05-07:00", inStream: "<mode>" + mode + "</mode>",
		atStart: func(md earshot.Metadata, id func(string) string) string {
			return `<recording id="` + id("recording "+callKey(md)) + `"><requestor>SRC</requestor><type>selective</type></recording>`
		},
		inGroup: func(md earshot.Metadata) string {
			_, callee := parties(md)
			return tag("initiator", firstAOR(callee))
		},
		atEnd: func(md earshot.Metadata) string {
			if len(md.Sessions) == 0 {
				return ""
			}
			caller, callee := parties(md)
			return `<extensiondata id="` + urnID("extension "+callKey(md)) + `" parent="` + urnID(md.Sessions[0].ID) + `">` +
				`<broadWorksRecordingMetadata xmlns="http://schema.broadsoft.com/broadworksCallRecording" version="3.0">` +
				tag("extTrackingID", number(callKey(md), 12)) + tag("userID", bareAOR(firstAOR(callee))) +
				"<callType><termCall>" + tag("callingPartyNumber", firstAOR(caller)) + tag("calledPartyNumber", firstAOR(callee)) +
				"</termCall></callType>" + tag("recordingType", "on") + "</broadWorksRecordingMetadata></extensiondata>"
		},
	}
}

// webexDialect is Webex Calling: BroadWorks with a Session-ID, wide-band
// formats and rtpmaps in an order of their own.
func webexDialect() *Dialect {
	d := broadworksDialect()
	d.Name = "webex"
	d.headers = func(s *ClientSession) [][2]string {
		key := callKey(s.known)
		return [][2]string{
			{"Accept", "application/media_control+xml,application/sdp,application/x-broadworks-call-center+xml"},
			{"Allow", "ACK,BYE,CANCEL,INFO,INVITE,OPTIONS,PRACK,REFER,NOTIFY"},
			{"Supported", ""},
			{"Recv-Info", ""},
			{"Session-ID", longHexID("session "+key) + ";remote=00000000000000000000000000000000"},
			{"Privacy", "none"},
			{"MIME-Version", "1.0"},
			{"X-BroadWorks-Correlation-Info", uuidOf(key)},
		}
	}
	d.sdp = sdpStyle{
		origin: "BroadWorks 951545", subject: "-", lines: []string{"rtpmap", "a=ptime:20", "a=maxptime:20", "direction", "label"},
		alsoFormats: []earshot.Format{
			digits,
			{PayloadType: 111, Encoding: "opus", ClockRate: 48000, Channels: 2, FMTP: "useinbandfec=1"},
			{PayloadType: 107, Encoding: "telephone-event", ClockRate: 48000, Channels: 1, FMTP: "0-15"},
		},
	}
	return d
}

// opensipsDialect is OpenSIPS with rtpengine: the callee's leg first, labels
// from 1 down to 0, the server's own URI in From and To, no group.
func opensipsDialect() *Dialect {
	return &Dialect{
		Name: "opensips", contact: "<sip:%s>;+sip.src",
		from: func(s *ClientSession) string { return "<" + s.spec.To + ">" },
		headers: func(*ClientSession) [][2]string {
			return [][2]string{{"User-Agent", "OpenSIPS (3.4.5 (x86_64/linux))"}, {"Require", "siprec"}}
		},
		label: func(n int) string {
			if n < 3 {
				return strconv.Itoa(2 - n)
			}
			return strconv.Itoa(n)
		},
		sdp: sdpStyle{
			origin: "- 7711023239144706341", subject: "rtpengine-11-5", noConnection: true, lines: []string{"c", "label", "rtpmap", "direction", "rtcp"},
			alsoFormats: []earshot.Format{{PayloadType: 101, Encoding: "telephone-event", ClockRate: 8000, Channels: 1}},
		},
		body: bodyStyle{boundary: "OSS-unique-boundary-42", sdpHead: plainSDP, metadataHead: plainMetadata},
		document: &documentStyle{
			declaration: xmlDeclaration, quote: "'", eol: "\r\n\t", id: base64ID, times: "2006-01-02T15:04:05-0700", tied: true, noGroups: true,
		},
	}
}

// twilioDialect is Twilio's media gateway: labels that are words, a boundary
// that has to be quoted, no line between SDP and boundary, and metadata that
// says nothing: header fields have to.
func twilioDialect() *Dialect {
	return &Dialect{
		Name: "twilio", contact: "<sip:%s>;+sip.src",
		from: func(s *ClientSession) string {
			caller, _ := parties(s.known)
			return "<sip:" + userOf(firstAOR(caller)) + "@" + s.client.cfg.Local.String() + ">"
		},
		headers: func(s *ClientSession) [][2]string {
			_, callee := parties(s.known)
			key := longHexID(callKey(s.known))
			return [][2]string{
				{"Require", "siprec"},
				{"User-Agent", "Twilio Gateway"},
				{"X-Twilio-AccountSid", "AC" + longHexID("account")},
				{"X-Twilio-CallSid", "CA" + key},
				{"P-Called-Party-ID", "<" + firstAOR(callee) + ">"},
			}
		},
		label: func(n int) string { return []string{"outbound", "inbound"}[(n+1)%2] },
		sdp: sdpStyle{
			origin: "root 151827427", subject: "Twilio Media Gateway", alsoFormats: []earshot.Format{digits},
			lines: []string{"rtpmap", "a=ptime:20", "a=maxptime:20", "direction", "label"},
		},
		body: bodyStyle{
			boundary: "----=_Part_15296_823292916.1768489452115", quoted: true, glued: true, sdpHead: plainSDP, metadataHead: plainMetadata,
		},
		document: &documentStyle{declaration: xmlDeclaration, quote: "'", empty: true},
	}
}

// jambonzDialect is jambonz: no +sip.src, its data at the top of the document
// with the two numbers swapped.
func jambonzDialect() *Dialect {
	return &Dialect{
		Name: "jambonz", contact: "<sip:%s>",
		from: func(s *ClientSession) string { return "<" + s.spec.To + ">" },
		headers: siprecHeaders("REGISTER,OPTIONS,INVITE,ACK,CANCEL,BYE,NOTIFY,PRACK,REFER,INFO,SUBSCRIBE,UPDATE",
			[2]string{"Supported", "replaces,resource-priority,sdp-anat"}),
		sdp: sdpStyle{
			origin: "- 7287215210909041465", subject: "jambonz Siprec Client", noConnection: true,
			lines: []string{"c", "rtpmap", "rtcp", "mid", "direction", "label"}, alsoFormats: []earshot.Format{digits},
		},
		body: bodyStyle{
			boundary: "uniqueBoundary", sdpHead: requiredSDP,
			metadataHead: []string{"Content-Disposition: recording-session", "Content-Type: application/rs-metadata+xml"},
		},
		document: &documentStyle{
			declaration: xmlDeclaration, id: uuidOf, noGroups: true,
			atEnd: func(md earshot.Metadata) string {
				caller, callee := parties(md)
				return `<extensiondata xmlns:jb="http://jambonz.org/siprec">` + tag("jb:callsid", uuidOf(callKey(md))) + tag("jb:direction", "inbound") +
					tag("jb:callednumber", userOf(firstAOR(caller))) + tag("jb:callingnumber", userOf(firstAOR(callee))) + "</extensiondata>"
			},
		},
	}
}

// netsapiensDialect is NetSapiens: nobody says who sends what, and a transfer
// is told by extension data.
func netsapiensDialect() *Dialect {
	return &Dialect{
		Name: "netsapiens", contact: "<sip:%s>;+sip.src", headers: siprecHeaders(allowMany),
		sdp:  sdpStyle{origin: "- 1", subject: "siprec", lines: []string{"rtpmap", "direction", "label"}},
		body: bodyStyle{boundary: "nsboundary", sdpHead: plainSDP, metadataHead: plainMetadata},
		document: &documentStyle{
			noSenders: true, id: longHexID,
			atEnd: func(md earshot.Metadata) string {
				caller, callee := parties(md)
				return `<netsapiensExtension xmlns="http://schema.netsapiens.com/netsapiensSipRec" version="1.0">` + tag("groupSeq", "0") +
					tag("origNumber", userOf(firstAOR(caller))) + tag("termNumber", userOf(firstAOR(callee))) + "</netsapiensExtension>"
			},
		},
	}
}

// semsDialect is SEMS: labels that are words, the old a=direction beside the
// new one, addresses without scheme, attributes on lines of their own.
func semsDialect() *Dialect {
	return &Dialect{
		Name: "sems", contact: "<sip:%s>;+sip.src", headers: siprecHeaders(allowMany),
		label: func(n int) string { return string(rune('a'+n-1)) + "_leg" },
		sdp:   sdpStyle{origin: "sems 1022740575", subject: "sems", lines: []string{"c", "rtpmap", "a=direction:both", "direction", "label"}},
		body: bodyStyle{
			boundary: "2CD2A2E9", sdpHead: plainSDP,
			metadataHead: []string{"Content-Disposition: recording-session", "Content-Type: application/rs-metadata"},
		},
		document: &documentStyle{declaration: xmlDeclaration, quote: "'", aors: bareAOR, id: base64ID, noGroups: true},
	}
}
