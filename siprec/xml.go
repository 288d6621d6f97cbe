package siprec

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"earshot"
)

// recordingSpace is the namespace of RFC 7865.
const recordingSpace = "urn:ietf:params:xml:ns:recording:1"

// writeMetadata writes a document of RFC 7865, complete or partial.
func writeMetadata(md earshot.Metadata, partial bool) []byte {
	var b strings.Builder
	mode := "complete"
	if partial {
		mode = "partial"
	}
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<recording xmlns=%q>\n<datamode>%s</datamode>\n", recordingSpace, mode)
	for _, g := range md.Groups {
		fmt.Fprintf(&b, "<group group_id=\"%s\">%s%s</group>\n", escape(g.ID), timeElement("associate-time", g.Associate), extensionData(g.Extensions))
	}
	for _, s := range md.Sessions {
		fmt.Fprintf(&b, "<session session_id=\"%s\">", escape(s.ID))
		if s.GroupID != "" {
			fmt.Fprintf(&b, "<group-ref>%s</group-ref>", escape(s.GroupID))
		}
		b.WriteString(timeElement("start-time", s.Start) + timeElement("stop-time", s.Stop) + extensionData(s.Extensions) + "</session>\n")
	}
	for _, p := range md.Participants {
		writeParticipant(&b, p)
	}
	for _, s := range md.Streams {
		fmt.Fprintf(&b, "<stream stream_id=\"%s\" session_id=\"%s\"><label>%s</label></stream>\n", escape(s.ID), escape(s.SessionID), escape(s.Label))
	}
	for _, a := range md.SessionParticipants {
		fmt.Fprintf(&b, "<participantsessionassoc participant_id=\"%s\" session_id=\"%s\">%s%s</participantsessionassoc>\n",
			escape(a.ParticipantID), escape(a.SessionID), timeElement("associate-time", a.Associate), timeElement("disassociate-time", a.Disassociate))
	}
	for _, a := range md.ParticipantStreams {
		fmt.Fprintf(&b, "<participantstreamassoc participant_id=\"%s\">", escape(a.ParticipantID))
		for _, id := range a.Send {
			fmt.Fprintf(&b, "<send>%s</send>", escape(id))
		}
		for _, id := range a.Recv {
			fmt.Fprintf(&b, "<recv>%s</recv>", escape(id))
		}
		b.WriteString("</participantstreamassoc>\n")
	}
	b.WriteString("</recording>\n")
	return []byte(b.String())
}

func writeParticipant(b *strings.Builder, p earshot.MetaParticipant) {
	fmt.Fprintf(b, "<participant participant_id=\"%s\">", escape(p.ID))
	for i, aor := range p.AORs {
		fmt.Fprintf(b, "<nameID aor=\"%s\">", escape(aor))
		if i == 0 {
			for _, n := range p.Names {
				fmt.Fprintf(b, "<name>%s</name>", escape(n))
			}
		}
		b.WriteString("</nameID>")
	}
	b.WriteString(extensionData(p.Extensions) + "</participant>\n")
}

// extensionData writes extensions whose names are single elements.
func extensionData(list []earshot.Extension) string {
	if len(list) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("<extensiondata>")
	for _, e := range list {
		fmt.Fprintf(&b, "<%s xmlns=\"%s\">%s</%s>", e.Name, escape(e.Space), escape(e.Value), e.Name)
	}
	b.WriteString("</extensiondata>")
	return b.String()
}

func timeElement(name string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return "<" + name + ">" + t.UTC().Format(time.RFC3339) + "</" + name + ">"
}

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
