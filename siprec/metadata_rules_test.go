package siprec

import (
	"slices"
	"strings"
	"testing"
)

// TestAmbiguousAndDanglingIDs: an ID that two elements have is flagged
// (RFC 7865 6.10); one that no element has is not, for another client may
// define it (RFC 7866 9.2). Neither costs the recording.
func TestAmbiguousAndDanglingIDs(t *testing.T) {
	for _, tc := range []struct{ name, document, problem string }{
		{"two participants", `<participant participant_id="p1"/><participant participant_id="p1"/>`, "metadata: participant p1 stands twice"},
		{"two streams", `<stream stream_id="x"/><stream stream_id="x"/>`, "metadata: stream x stands twice"},
		{"two sessions", `<session session_id="s"/><session session_id="s"/>`, "metadata: session s stands twice"},
		{"two groups", `<group group_id="g"/><group group_id="g"/>`, "metadata: group g stands twice"},
		{"a group and a participant", `<group group_id="g"/><participant participant_id="g"/>`, ""}, // as NetSapiens has it
		{"two without any", `<stream/><stream/>`, ""},
		{
			"of elements that are not there",
			`<session session_id="s"><group-ref>elsewhere</group-ref></session><stream stream_id="x" session_id="other"><label>9</label></stream>` +
				`<participantsessionassoc participant_id="who" session_id="s"/>` +
				`<participantstreamassoc participant_id="who"><send>what</send></participantstreamassoc>`,
			"",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{})
			s := newScript(r.peer(t, "udp"))
			document := `<recording xmlns="urn:ietf:params:xml:ns:recording:1">` + tc.document + `</recording>`
			s.establish(t, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", document))
			o := r.sessions.last(t)
			if got := strings.Join(o.Problems, ", "); got != tc.problem || o.Metadata == nil {
				t.Errorf("problems %q, want %q", got, tc.problem)
			}
		})
	}
}

// TestWhoSendsNothing: an association without send and recv takes both away
// (RFC 7865 6.8), and a participant may send and receive several.
func TestWhoSendsNothing(t *testing.T) {
	r := newRig(t, Config{})
	s := newScript(r.peer(t, "udp"))
	document := func(mode, associations string) string {
		return `<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>` + mode + `</datamode>` + associations + `</recording>`
	}
	s.establish(t, mixedType, mixed("application/sdp", sdpOf(audioLine(4000, "1")), "application/rs-metadata+xml", document("complete",
		`<participant participant_id="p1"/><stream stream_id="x"/><stream stream_id="y"/><stream stream_id="z"/>`+
			`<participantstreamassoc participant_id="p1"><send>x</send><send>y</send><recv>z</recv></participantstreamassoc>`)))
	if a := r.sessions.last(t).Metadata.ParticipantStreams; len(a) != 1 || !slices.Equal(a[0].Send, []string{"x", "y"}) || !slices.Equal(a[0].Recv, []string{"z"}) {
		t.Errorf("associations %+v", a)
	}
	s.p.exchange(t, s.request("UPDATE", "Content-Type: application/rs-metadata+xml\r\n", document("partial", `<participantstreamassoc participant_id="p1"/>`)))
	if a := r.sessions.last(t).Metadata.ParticipantStreams; len(a) == 0 || len(a[len(a)-1].Send)+len(a[len(a)-1].Recv) != 0 {
		t.Errorf("associations %+v after all was taken away", a)
	}
}
