package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"earshot"
)

// party is one participant of the metadata of a flow; sends is the label it
// speaks on, 0 for none.
type party struct {
	id, name, aor string
	role          earshot.Role
	sends         int
}

var (
	ada  = party{"YWRh", "Ada Quist", "sip:701@desk.example", earshot.RoleAgent, 11}
	bela = party{"YmVsYQ==", "Bela Thorn", "sip:+15550142@carrier.example", "", 12}
	cora = party{"Y29yYQ==", "Cora Nyman", "sip:702@desk.example", earshot.RoleAgent, 11}
)

// flowMetadata writes a document of RFC 7865.
func flowMetadata(mode, group, session string, parties ...party) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>%s</datamode>`, mode)
	fmt.Fprintf(&b, `<group group_id="%s"/><session session_id="%s"><group-ref>%s</group-ref></session>`, group, session, group)
	for _, p := range parties {
		ext := ""
		if p.role != "" {
			ext = `<extensiondata><role xmlns="urn:earshot:call:1">` + string(p.role) + `</role></extensiondata>`
		}
		fmt.Fprintf(&b, `<participant participant_id="%s"><nameID aor="%s"><name>%s</name></nameID>%s</participant>`, p.id, p.aor, p.name, ext)
	}
	for _, p := range parties {
		fmt.Fprintf(&b, `<participantsessionassoc participant_id="%s" session_id="%s"/>`, p.id, session)
		if p.sends != 0 {
			fmt.Fprintf(&b, `<stream stream_id="%s-%d" session_id="%s"><label>%d</label></stream>`, session, p.sends, session, p.sends)
			fmt.Fprintf(&b, `<participantstreamassoc participant_id="%s"><send>%s-%d</send></participantstreamassoc>`, p.id, session, p.sends)
		}
	}
	return b.String() + "</recording>"
}

// TestSIPpFlows plays what session border controllers do in a recording
// session, over UDP and TCP, and looks at the call that came of it.
func TestSIPpFlows(t *testing.T) {
	both := flowMetadata("complete", "grp-1", "ses-1", ada, bela)
	begin := sippInvite(1, sippBody(sippSDP(1, "sendonly", "sendonly"), both)) +
		sippAnswer(200, `sip\.srs`, `a=label:11.*a=recvonly.*a=label:12.*a=recvonly`) + sippAck(1)
	bye := func(cseq int) string { return sippRequest(cseq, "BYE", "", "") + sippAnswer(200) }
	for _, flow := range []struct {
		name  string
		steps string
		check func(t *testing.T, s *server, call earshot.Call)
	}{
		{
			"hold and resume", begin +
				sippRequest(2, "INVITE", sdpOnlyHeaders, sippSDP(2, "inactive", "inactive")) + sippAnswer(200, `a=inactive.*a=inactive`) + sippAck(2) +
				sippRequest(3, "INVITE", sdpOnlyHeaders, sippSDP(3, "sendonly", "sendonly")) + sippAnswer(200, `a=recvonly.*a=recvonly`) + sippAck(3) + bye(4),
			func(t *testing.T, _ *server, call earshot.Call) {
				wantStreams(t, call, "Ada Quist", "Bela Thorn")
			},
		},
		{
			"the second party joins by a partial update", sippInvite(1, sippBody(sippSDP(1, "sendonly"), flowMetadata("complete", "grp-2", "ses-2", ada))) +
				sippAnswer(200, `a=label:11`) + sippAck(1) +
				sippInvite(2, sippBody(sippSDP(2, "sendonly", "sendonly"), flowMetadata("partial", "grp-2", "ses-2", bela))) +
				sippAnswer(200, `a=label:11.*a=label:12`) + sippAck(2) + bye(3),
			func(t *testing.T, _ *server, call earshot.Call) { wantStreams(t, call, "Ada Quist", "Bela Thorn") },
		},
		{
			"a stream is removed", begin +
				sippRequest(2, "INVITE", sdpOnlyHeaders, sippSDP(2, "sendonly", "removed")) + sippAnswer(200, `m=audio [1-9][0-9]* .*m=audio 0 `) + sippAck(2) + bye(3),
			func(t *testing.T, _ *server, call earshot.Call) {
				wantStreams(t, call, "Ada Quist", "Bela Thorn")
				if a, b := call.Streams[0].EndedAt, call.Streams[1].EndedAt; a == nil || b == nil || !b.Before(*a) {
					t.Errorf("the streams ended at %v and %v", a, b)
				}
			},
		},
		{
			"transfer as a partial update", begin +
				sippRequest(2, "UPDATE", metadataHeaders, flowMetadata("partial", "grp-1", "ses-1", cora)) + sippAnswer(200) + bye(3),
			func(t *testing.T, _ *server, call earshot.Call) {
				if !hasParticipants(call, "Ada Quist", "Bela Thorn", "Cora Nyman") {
					t.Errorf("participants %+v", call.Participants)
				}
			},
		},
		{
			"late offer", sippRequest(1, "INVITE", "Require: siprec\n", "") + sippAnswer(200, `m=audio [1-9][0-9]* RTP/AVP 0 8.*a=recvonly`) +
				sippRequest(1, "ACK", sdpOnlyHeaders, sippSDP(1, "sendonly")) + bye(2),
			func(t *testing.T, _ *server, call earshot.Call) {
				if len(call.Streams) != 1 || len(call.Problems) != 0 {
					t.Errorf("streams %+v, problems %q", call.Streams, call.Problems)
				}
			},
		},
		{
			"a re-INVITE that is refused changes nothing", begin +
				sippRequest(2, "INVITE", sdpOnlyHeaders, strings.ReplaceAll(sippSDP(2, "sendonly", "sendonly"), "RTP/AVP 0\na=rtpmap:0 PCMU/8000", "RTP/AVP 97\na=rtpmap:97 EVRC/8000")) +
				sippAnswer(488, `Warning: 305`) + sippAck(2) +
				sippRequest(3, "INVITE", sdpOnlyHeaders, sippSDP(2, "sendonly", "sendonly")) + sippAnswer(200, `m=audio [1-9][0-9]* RTP/AVP 0`) + sippAck(3) + bye(4),
			func(t *testing.T, _ *server, call earshot.Call) { wantStreams(t, call, "Ada Quist", "Bela Thorn") },
		},
		{
			"refreshed by an empty UPDATE", sippRequest(1, "INVITE", siprecHeaders+"Supported: timer\nSession-Expires: 600;refresher=uac\n",
				sippBody(sippSDP(1, "sendonly", "sendonly"), both)) + sippAnswer(200, `Session-Expires: 600;refresher=uac`, `Require:.*timer`) + sippAck(1) +
				sippRequest(2, "UPDATE", "Supported: timer\nSession-Expires: 600;refresher=uac\n", "") + sippAnswer(200, `Session-Expires: 600`) + bye(3),
			func(t *testing.T, _ *server, call earshot.Call) { wantStreams(t, call, "Ada Quist", "Bela Thorn") },
		},
		{
			"BYE with metadata", begin + sippRequest(2, "BYE", metadataHeaders, flowMetadata("partial", "grp-1", "ses-1")) + sippAnswer(200),
			func(t *testing.T, _ *server, call earshot.Call) { wantStreams(t, call, "Ada Quist", "Bela Thorn") },
		},
	} {
		for _, transport := range []string{"u1", "t1"} {
			t.Run(flow.name+" "+transport, func(t *testing.T) {
				t.Parallel()
				s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
				playFlow(t, s, transport, nil, flow.steps)
				call := s.onlyCall(t)
				if !call.State.Ended() || call.Segments[0].EndReason != "bye" {
					t.Errorf("state %s, segments %+v", call.State, call.Segments)
				}
				flow.check(t, s, call)
			})
		}
	}
}

// TestSIPpTransferByNewSession: BYE and a new INVITE with the same group is
// one call of two segments.
func TestSIPpTransferByNewSession(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=5s")
	for _, leg := range []string{
		flowMetadata("complete", "grp-5", "ses-5", ada, bela), flowMetadata("complete", "grp-5", "ses-6", cora, bela),
	} {
		playFlow(t, s, "u1", nil, sippInvite(1, sippBody(sippSDP(1, "sendonly", "sendonly"), leg)), sippAnswer(200), sippAck(1),
			sippPause(300), sippRequest(2, "BYE", "", ""), sippAnswer(200))
	}
	call := s.onlyCall(t)
	if len(call.Segments) != 2 || len(call.Streams) != 4 || !hasParticipants(call, "Ada Quist", "Bela Thorn", "Cora Nyman") {
		t.Errorf("segments %+v, participants %+v", call.Segments, call.Participants)
	}
}

// TestUnacknowledgedAnswerIsSentAgain: the 200 to an INVITE comes again until
// its ACK is there (RFC 3261 13.3.1.4).
func TestUnacknowledgedAnswerIsSentAgain(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	body := sippBody(sippSDP(1, "sendonly", "sendonly"), flowMetadata("complete", "grp-7", "ses-7", ada, bela))
	playFlow(t, s, "u1", nil,
		sippInvite(1, body), sippAnswer(200), sippPause(1800), // time for two more
		sippAck(1),
		sippRequest(2, "UPDATE", "", ""), sippAnswer(200), sippRequest(3, "BYE", "", ""), sippAnswer(200))
	if call := s.onlyCall(t); !call.State.Ended() {
		t.Errorf("state %s", call.State)
	}
	if n := s.metric(t, "earshot_siprec_retransmitted_total"); n < 2 {
		t.Errorf("%v retransmissions are counted", n)
	}
	wait(t, 10*time.Second, "no dialog to be left", func() bool { return s.metric(t, "earshot_siprec_dialogs") == 0 })
}

func wantStreams(t *testing.T, call earshot.Call, names ...string) {
	t.Helper()
	if len(call.Streams) != len(names) {
		t.Fatalf("%d streams, want %d", len(call.Streams), len(names))
	}
	for i, name := range names {
		if p := call.Speaker(call.Streams[i].ID); p == nil || p.Name != name {
			t.Errorf("stream %d is spoken by %+v, want %s", i, p, name)
		}
	}
}

func hasParticipants(call earshot.Call, names ...string) bool {
	found := map[string]bool{}
	for _, p := range call.Participants {
		found[p.Name] = true
	}
	for _, name := range names {
		if !found[name] {
			return false
		}
	}
	return len(call.Participants) == len(names)
}
