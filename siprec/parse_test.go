package siprec

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"earshot"
)

func itoa(n int) string { return fmt.Sprint(n) }

const metadataText = `<?xml version="1.0" encoding="UTF-8"?>
<recording xmlns="urn:ietf:params:xml:ns:recording:1">
 <datamode>complete</datamode>
 <group group_id="g1"><associate-time>2026-02-03T04:05:06Z</associate-time></group>
 <session session_id="c1"><sipSessionID>ab12
   cd34</sipSessionID><group-ref>g1</group-ref><start-time>2026-02-03T04:05:06+0100</start-time></session>
 <participant participant_id="p1"><nameID aor="sip:ada@desk.example"><name xml:lang="en">Ada Quill</name></nameID>
  <extensiondata><role xmlns="urn:earshot:call:1">agent</role><v:data xmlns:v="urn:v"><v:skill>billing</v:skill></v:data></extensiondata></participant>
 <participant participant_id="p2"><nameID aor="tel:+15550133"/></participant>
 <stream stream_id="s1" session_id="c1"><label>1</label></stream>
 <stream stream_id="s2" session_id="c1"><label>2</label></stream>
 <participantsessionassoc participant_id="p1" session_id="c1"><associate-time>2026-02-03T04:05:06</associate-time></participantsessionassoc>
 <participantstreamassoc participant_id="p1"><send>s1</send><recv>s2</recv></participantstreamassoc>
 <participantstreamassoc participant_id="p2"><send>s2</send></participantstreamassoc>
</recording>`

func TestMetadataOfTheRFC(t *testing.T) {
	d, err := parseMetadata([]byte(metadataText))
	if err != nil {
		t.Fatal(err)
	}
	md := d.md
	if d.partial || len(md.Groups) != 1 || md.Groups[0].ID != "g1" || md.Sessions[0].GroupID != "g1" {
		t.Errorf("%+v", md)
	}
	if s := md.Sessions[0]; s.SIPSessionIDs[0] != "ab12cd34" || !s.Start.Equal(time.Date(2026, 2, 3, 3, 5, 6, 0, time.UTC)) {
		t.Errorf("session %+v", s)
	}
	p := md.Participants[0]
	want := []earshot.Extension{
		{Space: "urn:earshot:call:1", Name: "role", Value: "agent"}, {Space: "urn:v", Name: "data/skill", Value: "billing"},
	}
	if p.Names[0] != "Ada Quill" || p.AORs[0] != "sip:ada@desk.example" || !reflect.DeepEqual(p.Extensions, want) {
		t.Errorf("participant %+v", p)
	}
	if a := md.ParticipantStreams[0]; a.ParticipantID != "p1" || a.Send[0] != "s1" || a.Recv[0] != "s2" {
		t.Errorf("association %+v", a)
	}
	if md.SessionParticipants[0].Associate.IsZero() {
		t.Error("a time without zone was not read")
	}
}

// Each dialect stands for recording clients seen in the field.
func TestMetadataDialects(t *testing.T) {
	for name, text := range map[string]string{
		"draft of 2011": `<recording_metadata xmlns="urn:ietf:params:xml:ns:siprec"><dataMode>complete</dataMode>
			<session id="urn:uuid:c"/><participant id="p1" session="urn:uuid:c"><aor>sip:301@desk.example</aor><name>Ada Quill</name>
			<send><id>s1</id></send></participant><stream id="s1" session="urn:uuid:c"><label>1</label></stream></recording_metadata>`,
		"id attributes, send within the participant": `<recording xmlns='urn:ietf:params:xml:ns:recording'><datamode>complete</datamode>
			<participant id="p1" session="c"><nameID aor="sip:301@desk.example"><name>Ada Quill</name></nameID><send>s1</send></participant>
			<stream id="s1" session="c"><mode>separate</mode><label>1</label></stream></recording>`,
		"prefix on every element": `<tns:recording xmlns:tns="urn:ietf:params:xml:ns:recording"><tns:datamode>complete</tns:datamode>
			<tns:participant participant_id="p1"><tns:nameID aor="sip:301@desk.example"><tns:name>Ada Quill</tns:name></tns:nameID></tns:participant>
			<tns:stream stream_id="s1" session_id="c"><tns:label>1</tns:label></tns:stream>
			<tns:participantstreamassoc participant_id="p1"><tns:send>s1</tns:send></tns:participantstreamassoc></tns:recording>`,
		"blanks and no declaration": ` <recording>
			<participant participant_id=" p1 " ><nameID aor = "sip:301@desk.example"><name> Ada Quill </name></nameID></participant>
			<stream stream_id="s1"><label> 1 </label></stream>
			<participantstreamassoc participant_id="p1"><send> s1 </send></participantstreamassoc></recording> `,
	} {
		t.Run(name, func(t *testing.T) {
			d, err := parseMetadata([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			md := d.md
			if len(md.Participants) != 1 || md.Participants[0].ID != "p1" || md.Participants[0].Names[0] != "Ada Quill" ||
				md.Participants[0].AORs[0] != "sip:301@desk.example" {
				t.Errorf("participants %+v", md.Participants)
			}
			if len(md.Streams) != 1 || md.Streams[0].Label != "1" || md.Streams[0].ID != "s1" {
				t.Errorf("streams %+v", md.Streams)
			}
			if len(md.ParticipantStreams) != 1 || md.ParticipantStreams[0].Send[0] != "s1" || md.ParticipantStreams[0].ParticipantID != "p1" {
				t.Errorf("associations %+v", md.ParticipantStreams)
			}
		})
	}
}

func TestPartialMetadataMerges(t *testing.T) {
	full, err := parseMetadata([]byte(metadataText))
	if err != nil {
		t.Fatal(err)
	}
	md := merge(nil, full, metadataText)
	part, err := parseMetadata([]byte(`<recording><datamode>Partial</datamode><participant participant_id="p3"><nameID aor="sip:z@x"/></participant>
		<participantstreamassoc participant_id="p2"></participantstreamassoc></recording>`))
	if err != nil {
		t.Fatal(err)
	}
	after := merge(md, part, "partial")
	if len(after.Participants) != 3 || len(after.Streams) != 2 || len(after.ParticipantStreams) != 2 || len(after.Raw) != 2 {
		t.Errorf("merged %+v", after)
	}
	if a := after.ParticipantStreams[1]; a.ParticipantID != "p2" || len(a.Send) != 0 {
		t.Errorf("a missing send must mean that p2 sends no more: %+v", a)
	}
	if len(md.Participants) != 2 {
		t.Error("merging changed what was known")
	}
	if again := merge(after, full, metadataText); len(again.Participants) != 2 {
		t.Error("a complete document must replace what is known")
	}
}

func TestBadMetadataCostsNothing(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no XML": "hello", "no recording": "<other/>", "cut": metadataText[:600],
		"wrong end": strings.Replace(metadataText, "</participant>", "</partisan>", 1),
		"entity":    strings.Replace(metadataText, "Ada", "&nosuch;", 1),
	} {
		c := &content{}
		c.readMetadata([]byte(text), nil)
		if c.metadata == nil {
			t.Errorf("%s: the text is not kept", name)
		}
		if len(c.problems) == 0 && name != "entity" && name != "wrong end" {
			t.Errorf("%s: no problem is noted", name)
		}
	}
	if twice, err := parseMetadata([]byte(`<recording><stream stream_id="a"/><stream stream_id="a"/></recording>`)); err != nil || twice.duplicateIDs() == "" {
		t.Error("an ID on two elements is not noticed")
	}
}

func TestMetadataWrittenIsReadBack(t *testing.T) {
	want := earshot.Metadata{
		Groups:   []earshot.MetaGroup{{ID: "g<1>", Associate: time.Unix(1_700_000_000, 0).UTC()}},
		Sessions: []earshot.MetaSession{{ID: "c&1", GroupID: "g<1>"}},
		Participants: []earshot.MetaParticipant{{
			ID: "p1", Names: []string{`"Q" & Co`}, AORs: []string{"sip:a@b"},
			Extensions: []earshot.Extension{{Space: "urn:earshot:call:1", Name: "role", Value: "agent"}},
		}},
		Streams:             []earshot.MetaStream{{ID: "s1", SessionID: "c&1", Label: "1"}},
		SessionParticipants: []earshot.MetaSessionParticipant{{ParticipantID: "p1", SessionID: "c&1"}},
		ParticipantStreams:  []earshot.MetaParticipantStream{{ParticipantID: "p1", Send: []string{"s1"}, Recv: []string{"s2"}}},
	}
	d, err := parseMetadata([]byte(rfcDialect().metadata(want, false)))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(d.md, want) {
		t.Errorf("read back\n%+v\nwant\n%+v", d.md, want)
	}
}

func TestSplitBodyTolerates(t *testing.T) {
	whole := "preamble\r\n--b x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b x \r\nContent-Disposition: recording-session\r\n" +
		"Content-Type: application/rs-metadata\r\nContent-Length: 9999\r\n\r\n<r/>\r\n--b x--\r\nepilogue"
	for name, body := range map[string]string{
		"as written":       whole,
		"bare line feeds":  strings.ReplaceAll(whole, "\r\n", "\n"),
		"no last boundary": strings.Split(whole, "\r\n--b x--")[0],
	} {
		parts, _ := splitBody(`multipart/mixed; boundary="b x"`, []byte(body))
		if len(parts) != 2 || parts[0].contentType != "application/sdp" || strings.TrimSpace(string(parts[0].body)) != "v=0" ||
			parts[1].contentType != "application/rs-metadata" || string(parts[1].body) != "<r/>" || parts[1].disposition != "recording-session" {
			t.Errorf("%s: %+v", name, parts)
		}
	}
	if parts, _ := splitBody("multipart/mixed;boundary=----=_Part_1", []byte("------=_Part_1\r\nContent-Type: a/b\r\n\r\nx\r\n------=_Part_1--")); len(parts) != 1 || string(parts[0].body) != "x" {
		t.Errorf("boundary that should be quoted: %+v", parts)
	}
	if parts, _ := splitBody("multipart/mixed", []byte("--q\r\n\r\nx\r\n--q--")); len(parts) != 1 {
		t.Errorf("boundary not named: %+v", parts)
	}
	nested := "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n--i\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--i--\r\n--o--"
	if parts, _ := splitBody("multipart/mixed;boundary=o", []byte(nested)); len(parts) != 1 || parts[0].contentType != "application/sdp" {
		t.Errorf("nested: %+v", parts)
	}
}

func TestParseSDP(t *testing.T) {
	o, err := parseSDP([]byte("v=0\no=x 1 2 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\na=sendonly\n" +
		"m=audio 4000 RTP/AVP 18 0 97 200 bogus\na=rtpmap:97 opus/48000/2\na=fmtp:97 useinbandfec=1\na=label:one two\na=rtcp:4100\n" +
		"m=audio 5000/2 rtp/savp 8\nc=IN IP6 2001:db8::1\na=recvonly\na=rtcp-mux\nm=audio 6000 RTP/AVP 9\nc=IN IP4 0.0.0.0\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(o.media) != 3 {
		t.Fatalf("%+v", o)
	}
	a, b, c := o.media[0], o.media[1], o.media[2]
	if a.Label != "one two" || a.Direction != earshot.SendOnly || a.Remote.String() != "192.0.2.1:4000" || a.RemoteRTCP.String() != "192.0.2.1:4100" {
		t.Errorf("%+v", a)
	}
	if len(a.Formats) != 3 || a.Formats[0].Encoding != "G729" || a.Formats[2].String() != "opus/48000/2" || a.Formats[2].FMTP != "useinbandfec=1" {
		t.Errorf("formats %+v", a.Formats)
	}
	if b.Profile != "RTP/SAVP" || b.Direction != earshot.RecvOnly || b.Remote.String() != "[2001:db8::1]:5000" || b.RemoteRTCP != b.Remote {
		t.Errorf("%+v", b)
	}
	if c.Direction != earshot.Inactive {
		t.Errorf("c=0.0.0.0 is %s, want inactive", c.Direction)
	}
	for _, bad := range []string{"", "v=0", "m=audio", "m=audio x RTP/AVP 0", "m=audio 99999 RTP/AVP 0"} {
		if _, err := parseSDP([]byte(bad)); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(metadataText))
	f.Add([]byte("<recording><participant id='1'><send>"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := &content{}
		c.readMetadata(raw, nil)
		if c.metadata == nil || len(c.metadata.Raw) != 1 {
			t.Fatal("the document is lost")
		}
	})
}

func FuzzSplitBody(f *testing.F) {
	f.Add("multipart/mixed;boundary=a", []byte("--a\r\nContent-Type: x/y\r\n\r\nz\r\n--a--"))
	f.Add("multipart/mixed", []byte("--\n--\n--"))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		total := 0
		parts, _ := splitBody(kind, raw)
		for _, p := range parts {
			total += len(p.body)
		}
		if total > len(raw) {
			t.Fatalf("%d octets in, %d out", len(raw), total)
		}
	})
}

func FuzzSDP(f *testing.F) {
	f.Add([]byte(sdpOf(audioLine(4000, "1"))))
	f.Add([]byte(encrypted))
	f.Add([]byte("m=audio 1 RTP/SAVP 0\na=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" + key30 + "|2^20|18446744073709551615:128 KDR=0\n"))
	f.Add([]byte("c=IN IP6 ff02::1\na=fingerprint:\nm=audio 1/9 UDP/TLS/RTP/SAVPF 0\na=setup:\na=maxptime:-1\na=rtcp:0 IN IP6 x\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		o, err := parseSDP(raw)
		if err != nil {
			return
		}
		answer := answerSDP(1, 1, "127.0.0.1", o.media, nil)
		if strings.Count(string(answer), "\r\nm=") != len(o.media) {
			t.Fatalf("%d m-lines offered, answered\n%s", len(o.media), answer)
		}
	})
}
