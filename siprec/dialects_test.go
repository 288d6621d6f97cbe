package siprec

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"earshot"
)

// dialect is what must come of an INVITE in testdata. Each has a way of
// writing that recording clients in the field have.
type dialect struct {
	file      string
	labels    string // of the m-lines
	accepted  string // "+" or "-" for each m-line of the answer
	who       string // name or else address of each participant
	sends     string // participant>stream
	extension string // NAME=VALUE that must be found somewhere
	problems  int
}

var dialects = []dialect{
	{"blanks-behind-boundary", "1 2", "++", "sip:4420700@pbx.example sip:610@pbx.example", "part-1>str-1 str-1>str-2", "", 0},
	{"optional-third-part", "1", "+", "Ilse Brandt", "part-1>str-1", "", 0},
	{
		"draft-attributes", "16777301 16777302", "+-", "Kunde 612", "part-1>str-1 part-2>str-2",
		`header/P-Asserted-Identity/value="K" <sip:+4930555@trunk.example>`, 0,
	},
	{"no-last-boundary", "1", "+", "Extension 613 4420799@pbx.example", "part-1>str-1", "callData/gcid=4711", 1},
	{"src-in-uri", "10", "+", "sip:614@pbx.example sip:sbc@dummy.example", "b1>st1", "", 0},
	{
		"metadata-first", "1", "+", "sip:615 sip:+4930556@trunk.example;user=phone", "urn:uuid:p1>urn:uuid:st urn:uuid:p2>urn:uuid:st",
		"vendorMetadata/callType/termCall/callingPartyNumber=+4930556", 0,
	},
	{"one-mixed-stream", "1", "+", "616 4930557", "part-1>str-1 part-2>str-1", "recordedParty=+4930616", 0},
	{"bare-line-feeds", "1", "+", "+4930558@trunk.example", "+4930558>st-1", "UCID=FA08", 0},
	{"labels-reversed", "1 0", "++", "Ada Bob", "part-1>str-1 part-2>str-0", "", 0},
	{"no-connection-line", "1 2", "++", "user;lang=en-US;id=22 sip:4930559@trunk.example", "", "", 0},
	{"unquoted-boundary", "inbound outbound", "++", "", "", "", 0},
	{"no-feature-tag", "1", "+", "+4930560", "part-1>str-1", "callednumber=+4930560", 0},
	{"numbers-in-extension", "1", "+", "Mira Voss", "", "vendorExtension/callingPartyNumber=4930561", 0},
	{"folded-with-video", "96 97 98", "+-+", "Ada", "part-1>str-1 part-1>str-v", "center/supervisor=sip:sup@desk.example", 0},
	{"bad-route", "1", "+", "", "", "", 0},
	{"late-offer", "farend", "+", "Desk ", "farend>cucm-82@/farend", "", 0},
	{"broken-xml", "1", "+", "Eva Lang", "", "", 1},
}

var viaAddress = regexp.MustCompile(`192\.0\.2\.31:5060;branch`)

func TestDialects(t *testing.T) {
	for _, d := range dialects {
		t.Run(d.file, func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join("testdata", d.file+".sip"))
			if err != nil {
				t.Fatal(err)
			}
			for _, network := range []string{"udp", "tcp"} {
				r := newRig(t, Config{})
				p := r.peer(t, network)
				text := viaAddress.ReplaceAllString(string(raw), p.conn.LocalAddr().String()+";branch")
				got := p.exchange(t, strings.Replace(text, "SIP/2.0/UDP", "SIP/2.0/"+strings.ToUpper(network), 1))
				if statusIn(got) != 200 {
					t.Fatalf("%s: answered\n%s", network, got)
				}
				d.check(t, r.sessions.last(t), bodyOf(got))
			}
		})
	}
}

func (d dialect) check(t *testing.T, o earshot.SessionOffer, sdp string) {
	t.Helper()
	answer, err := parseSDP([]byte(sdp))
	if err != nil || len(answer.media) != len(o.Media) {
		t.Fatalf("answer %v\n%s", err, sdp)
	}
	var labels, accepted string
	for i, m := range o.Media {
		labels += " " + m.Label
		if answer.media[i].Label != m.Label && d.file != "late-offer" {
			t.Errorf("label %q echoed as %q", m.Label, answer.media[i].Label)
		}
		accepted += map[bool]string{true: "+", false: "-"}[answer.media[i].Port != 0]
	}
	same(t, "labels", strings.TrimSpace(labels), d.labels)
	same(t, "accepted", accepted, d.accepted)
	if len(o.Problems) != d.problems {
		t.Errorf("problems %q", o.Problems)
	}
	md := o.Metadata
	if md == nil {
		md = &earshot.Metadata{}
	}
	var who, sends []string
	for _, p := range md.Participants {
		who = append(who, firstOf(append(append([]string(nil), p.Names...), p.AORs...)...))
	}
	for _, a := range md.ParticipantStreams {
		for _, s := range a.Send {
			sends = append(sends, a.ParticipantID+">"+s)
		}
	}
	same(t, "participants", strings.Join(who, " "), d.who)
	same(t, "associations", strings.Join(sends, " "), d.sends)
	if found := extensionsOf(md); d.extension != "" && !strings.Contains(found, d.extension+"\n") {
		t.Errorf("extensions\n%swithout %s", found, d.extension)
	}
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s %q, want %q", what, got, want)
	}
}

func extensionsOf(md *earshot.Metadata) string {
	var list []earshot.Extension
	for _, g := range md.Groups {
		list = append(list, g.Extensions...)
	}
	for _, s := range md.Sessions {
		list = append(list, s.Extensions...)
	}
	for _, p := range md.Participants {
		list = append(list, p.Extensions...)
	}
	var b strings.Builder
	for _, e := range list {
		b.WriteString(e.Name + "=" + e.Value + "\n")
	}
	return b.String()
}
