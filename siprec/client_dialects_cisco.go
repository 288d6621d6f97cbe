package siprec

import (
	"fmt"
	"slices"

	"earshot"
)

// cubeDialect is Cisco's Unified Border Element as a SIPREC client: blanks
// behind boundaries and at the ends of lines, comfort noise as payload type
// 19, every address twice, and ISUP data in a part that nobody needs.
func cubeDialect() *Dialect {
	return &Dialect{
		Name: "cube", contact: srcContact,
		headers: func(s *ClientSession) [][2]string {
			out := append(ciscoHeaders(s), [2]string{"Require", "siprec"}, [2]string{"Supported", "timer,resource-priority,replaces,sdp-anat"})
			return append(out, [2]string{"Mime-Version", "1.0"})
		},
		sdp: sdpStyle{
			origin: "CiscoSystemsSIP-GW-UserAgent 1247", subject: "SIP Call",
			lines: []string{"c", "rtpmap", "a=ptime:20", "direction", "label"}, alsoFormats: []earshot.Format{digits, noise},
		},
		body: bodyStyle{
			boundary: "uniqueBoundary", blanks: " ", sdpHead: requiredSDP,
			metadataHead: []string{"Content-Disposition: recording-session", "Content-Type: application/rs-metadata+xml"},
			extra:        "Content-Disposition: signal;handling=optional\r\nContent-Type: application/gtd\r\n\r\nIAM,\r\nGCI,0\r\n",
		},
		document: &documentStyle{declaration: xmlDeclaration, eol: " \r\n ", noNames: true, id: base64ID, times: "2006-01-02T15:04:05.000Z07:00", noGroups: true, mingled: true},
	}
}

func ciscoHeaders(s *ClientSession) [][2]string {
	key := callKey(s.known)
	return [][2]string{
		{"Min-SE", "1800"},
		{"Cisco-Guid", number(key+"a", 10) + "-" + number(key+"b", 10) + "-" + number(key+"c", 10) + "-" + number(key+"d", 10)},
		{"User-Agent", "Cisco-SIPGateway/IOS-17.6"},
		{"Allow", allowMany},
		{"Allow-Events", "telephone-event"},
		{"Expires", "180"},
	}
}

// cubeForkDialect is the border element's network-based recording, which is no
// SIPREC: who sends each m-line stands in a header field.
func cubeForkDialect() *Dialect {
	return &Dialect{
		Name: "cube-nbr", contact: plainContact,
		headers: func(s *ClientSession) [][2]string {
			out := append(ciscoHeaders(s), [2]string{"Supported", "timer,resource-priority,replaces,sdp-anat"},
				[2]string{"Content-Disposition", "session;handling=required"})
			for i, m := range s.media {
				for _, aor := range sendersOf(s.known, m.Label) {
					out = append(out, [2]string{"X-Cisco-Recording-Participant", fmt.Sprintf("%s;media-index=\"%d\"", aor, i)})
				}
			}
			return out
		},
		label: func(int) string { return "" },
		sdp: sdpStyle{
			origin: "CUBE-UA 2009", subject: "SIP Call",
			lines: []string{"c", "rtpmap", "a=ptime:20", "direction"}, alsoFormats: []earshot.Format{digits, noise},
		},
	}
}

// sendersOf returns the addresses of those who send the m-line with a label.
func sendersOf(md earshot.Metadata, label string) []string {
	var out []string
	for _, a := range md.ParticipantStreams {
		if !slices.ContainsFunc(md.Streams, func(s earshot.MetaStream) bool { return s.Label == label && slices.Contains(a.Send, s.ID) }) {
			continue
		}
		for _, p := range md.Participants {
			if p.ID == a.ParticipantID {
				out = append(out, firstAOR(p))
			}
		}
	}
	return out
}

// cucmDialect is the built-in bridge of a phone of Cisco's Unified
// Communications Manager, which is no SIPREC: a session for each side of the
// call, an INVITE without SDP, and all there is to know in parameters of the
// From URI.
func cucmDialect() *Dialect {
	return &Dialect{
		Name: "cucm", contact: "<sip:earshot@%s>;isFocus", late: true, LegPerStream: true,
		from: func(s *ClientSession) string {
			near, far := "", ""
			if len(s.known.Participants) > 0 {
				near = userOf(firstAOR(s.known.Participants[0]))
			}
			if len(s.known.Participants) > 1 {
				far = userOf(firstAOR(s.known.Participants[1]))
			}
			side, key := "x-nearend", callKey(s.known)
			if len(s.spec.Media) > 0 && s.spec.Media[0].Label != "1" {
				side = "x-farend"
			}
			return fmt.Sprintf("<sip:%s@%s;%s;x-refci=%s;x-nearendclusterid=Standalone;x-nearenddevice=SEP%X;x-nearendaddr=%s;"+
				"x-farendrefci=%s;x-farendclusterid=Standalone;x-farenddevice=trunk;x-farendaddr=%s>",
				near, s.client.cfg.Local, side, number(key, 8), sum(key)[:6], near, number(key+"far", 8), far)
		},
		headers: func(s *ClientSession) [][2]string {
			return [][2]string{
				{"Allow", allowMany},
				{"Allow-Events", "presence, kpml"},
				{"User-Agent", "Cisco-CUCM14.0"},
				{"Supported", "timer,resource-priority,replaces"},
				{"Supported", "X-cisco-srtp-fallback"},
				{"Cisco-Guid", number(callKey(s.known), 10) + "-0000065536-0000000001-0000000000"},
				{"Min-SE", "1800"},
				{"Privacy", "none"},
			}
		},
		label: func(int) string { return "" },
		sdp: sdpStyle{
			origin: "CiscoSystemsCCM-SIP 512", subject: "SIP Call",
			lines: []string{"b=TIAS:64000", "a=ptime:20", "rtpmap", "direction"}, alsoFormats: []earshot.Format{digits},
		},
	}
}
