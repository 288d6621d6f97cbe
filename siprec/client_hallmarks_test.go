package siprec

import (
	"strings"
	"testing"

	"earshot"
)

// hallmarks are what an INVITE of each dialect has, and what it has not.
var hallmarks = map[string]struct{ has, lacks []string }{
	"rfc": {
		has:   []string{"Require: siprec\r\n", ";+sip.src\r\n", `xmlns="urn:ietf:params:xml:ns:recording:1"`, "<datamode>complete</datamode>", "participantstreamassoc", ">agent</role>"},
		lacks: []string{"dataMode"},
	},
	"cube": {
		has:   []string{"--uniqueBoundary \r\n", "RTP/AVP 0 101 19\r\n", "application/gtd", "Cisco-Guid: ", "session;handling=required", "\r\n <participant participant_id=\"", "</participant> \r\n <participantsessionassoc"},
		lacks: []string{"<name>", "group_id", "role"},
	},
	"cube-nbr": {
		has:   []string{`X-Cisco-Recording-Participant: sip:610@pbx.example;media-index="0"`, "Content-Type: application/sdp\r\n"},
		lacks: []string{"recording", "+sip.src", "Require:", "a=label"},
	},
	"cucm": {
		has:   []string{";x-nearend;x-refci=", ";x-nearendaddr=610;", "x-farendaddr=+4930555>", ";isFocus\r\n", "Content-Length: 0\r\n"},
		lacks: []string{"m=audio", "siprec"},
	},
	"oracle": {
		has:   []string{"a=label:16777227\r\n", "pcmu/8000", "<session id='", "<send>", "callingParty>true<", `"http:/acmepacket.com/`, "<mode>separate</mode>"},
		lacks: []string{"participantstreamassoc", "participant_id", ":recording:1", "10Z<", "<recv>"},
	},
	"avaya": {
		has:   []string{";+sip.src>\r\n", "<dataMode>complete</dataMode>", "a=label:20\r\n", ";encoding=hex\r\n", "Diversion: <sip:+4930555@", "sessionrecordingassoc", "Content-Type: application/rs-metadata\r\n"},
		lacks: []string{"<name>", "<datamode>"},
	},
	"sonus": {
		has:   []string{"<tns:recording xmlns:tns='", "<tns:participant participant_id='", "<fromhdr>", `<tns:name xml:lang="en">`, `aor='610@pbx.example'`, "application/rs-metadata-request"},
		lacks: []string{"sonus-content-delim--", ":recording:1"},
	},
	"broadworks": {
		has:   []string{">;src\r\n", "<recording_metadata xmlns=\"urn:ietf:params:xml:ns:siprec\">", "<aor>sip:610@pbx.example</aor>", "<send><id>urn:uuid:", "<callingPartyNumber>sip:+4930555@"},
		lacks: []string{"Require:", "+sip.src", "a=sendonly", "participantstreamassoc"},
	},
	"webex":      {has: []string{"a=rtpmap:111 opus/48000/2", "Session-ID: ", "X-BroadWorks-Correlation-Info: ", ";src\r\n"}, lacks: []string{"Require:"}},
	"metaswitch": {has: []string{"Organization: ", "<stream id=\"", "<metaswitchRecordingMetadata>", `aor="610"`, "RTP/AVP 0 18\r\n"}, lacks: []string{"rtpmap", "a=sendonly", "<stream stream_id"}},
	"audiocodes": {
		has:   []string{`xmlns:ac="http://AudioCodes"`, "<ac:AvayaUCID> FA08", "<participant id=", "<recv>", "a=fmtp:101 0-15,16", "Mediant"},
		lacks: []string{"participantstreamassoc", "aor=\"sip:"},
	},
	"opensips":   {has: []string{"a=label:1\r\n", "a=label:0\r\n", "+0000</associate-time>", "s=rtpengine", "a=rtcp:4001\r\n"}, lacks: []string{"Supported:", "group"}},
	"twilio":     {has: []string{`boundary="----=_Part`, "a=label:inbound\r\n", "X-Twilio-CallSid: CA", "a=label:inbound\r\n------=_Part"}, lacks: []string{"participant"}},
	"jambonz":    {has: []string{"jb:callednumber>+4930555<", "a=mid:2\r\n", "Require: siprec"}, lacks: []string{"+sip.src"}},
	"netsapiens": {has: []string{"<netsapiensExtension", "<origNumber>+4930555<"}, lacks: []string{"participantstreamassoc", "<?xml"}},
	"sems":       {has: []string{"a=label:a_leg\r\n", "a=label:b_leg\r\n", "a=direction:both\r\n", "2CD2A2E9"}, lacks: []string{"aor='sip:"}},
}

func TestHallmarksOfDialects(t *testing.T) {
	for _, name := range DialectNames() {
		t.Run(name, func(t *testing.T) {
			d, err := DialectOf(name)
			if err != nil {
				t.Fatal(err)
			}
			marks, ok := hallmarks[name]
			if !ok {
				t.Fatal("nothing is known of the dialect")
			}
			r := listenUDP(t)
			c, err := NewClient(ClientConfig{Transport: "udp"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			go func() {
				media := clientMedia(2)
				if d.Mixed || d.LegPerStream {
					media = media[:1]
				}
				_, _ = c.Call(t.Context(), CallSpec{To: r.uri, Dialect: d, Media: media, Metadata: twoParties()})
			}()
			invite := r.await(t, "INVITE")
			for _, mark := range marks.has {
				if !strings.Contains(invite, mark) {
					t.Errorf("the INVITE lacks %q:\n%s", mark, invite)
				}
			}
			for _, mark := range marks.lacks {
				if strings.Contains(invite, mark) {
					t.Errorf("the INVITE has %q:\n%s", mark, invite)
				}
			}
			r.reply(t, invite, "486 Busy Here", "", "")
			r.await(t, "ACK")
		})
	}
}

// TestSnapshotOnBothSides lets the real server ask for metadata that a client
// has not sent.
func TestSnapshotOnBothSides(t *testing.T) {
	for _, network := range []string{"udp", "tcp"} {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			r, seen := newRig(t, Config{}), &steps{}
			s := dial(t, r, network, CallSpec{LateMetadata: true, Observe: seen.observe})
			eventually(t, "the metadata", func() bool {
				o := r.sessions.last(t)
				return o.Metadata != nil && len(o.Metadata.Participants) == 2
			})
			if err := s.Bye(t.Context()); err != nil {
				t.Error(err)
			}
			same(t, "steps", seen.text(), "-> INVITE (2 m-lines) 200\n<- UPDATE (snapshot requested) 200\n-> UPDATE (metadata) 200\n-> BYE () 200")
		})
	}
}

// TestDigestOnBothSides authenticates with the real server, in INVITE, UPDATE
// and BYE.
func TestDigestOnBothSides(t *testing.T) {
	r := newRig(t, Config{Policies: []Policy{{DigestUser: "sbc", DigestPassword: "open"}}})
	s := dial(t, r, "udp", CallSpec{Username: "sbc", Password: "open"})
	if err := s.Update(t.Context(), twoParties(), false); err != nil {
		t.Error(err)
	}
	media := clientMedia(2)
	media[1].Direction = earshot.Inactive
	if err := s.Reinvite(t.Context(), media, nil, false); err != nil {
		t.Error(err)
	}
	if err := s.Bye(t.Context()); err != nil {
		t.Error(err)
	}
	c, err := NewClient(ClientConfig{Transport: "udp"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_, err = c.Call(t.Context(), CallSpec{To: "sip:" + r.Addr().String(), Media: media, Username: "sbc", Password: "shut"})
	if err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a wrong password: %v", err)
	}
}
