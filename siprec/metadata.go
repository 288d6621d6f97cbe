package siprec

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"earshot"
)

// Limits of a metadata document.
const (
	maxElements = 20_000
	maxNesting  = 32
	keepRaw     = 4
)

var errMetadata = errors.New("malformed metadata")

// element is an XML element with what is in it.
type element struct {
	space, name string
	attrs       []xml.Attr
	text        string
	children    []*element
}

// document is one metadata document (RFC 7865), read with much patience:
// any root of the right name, any namespace and prefix, the attributes of
// drafts (id, session) next to those of the RFC (participant_id, ...).
type document struct {
	partial bool
	md      earshot.Metadata
	// within are the sessions that participants name as an attribute.
	within []earshot.MetaSessionParticipant
	// problems are what was set right, in words.
	problems []string
	// mixed is set when a stream says that it is a mix.
	mixed bool
	// loose are the elements of the document that belong to none of its others.
	loose []*element
}

// parseMetadata reads a document. What could be read before an error is
// returned together with it.
func parseMetadata(raw []byte) (*document, error) {
	root, err := parseXML(raw)
	if root == nil {
		return nil, err
	}
	d := &document{}
	rec := findRecording(root)
	if rec == nil {
		return nil, fmt.Errorf("%w: no recording element", errMetadata)
	}
	for _, e := range rec.children {
		d.read(e)
	}
	d.addWithin()
	d.addMixed()
	d.adopt()
	for _, e := range d.loose {
		d.attach(e)
	}
	return d, err
}

func parseXML(raw []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(raw))
	dec.Strict = false
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // see utf8Text
	top := &element{}
	open := []*element{top}
	for n := 0; ; {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return first(top), fmt.Errorf("%w: %w", errMetadata, err)
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if n++; n > maxElements || len(open) > maxNesting {
				return first(top), fmt.Errorf("%w: too many elements", errMetadata)
			}
			e := &element{space: t.Name.Space, name: t.Name.Local, attrs: t.Copy().Attr}
			parent := open[len(open)-1]
			parent.children = append(parent.children, e)
			open = append(open, e)
		case xml.EndElement:
			if len(open) > 1 {
				open = open[:len(open)-1]
			}
		case xml.CharData:
			open[len(open)-1].text += string(t)
		}
	}
	if len(top.children) == 0 {
		return nil, fmt.Errorf("%w: no element", errMetadata)
	}
	return first(top), nil
}

func first(e *element) *element {
	if len(e.children) == 0 {
		return nil
	}
	return e.children[0]
}

func findRecording(e *element) *element {
	if e.name == "recording" || e.name == "recording_metadata" {
		return e
	}
	for _, c := range e.children {
		if found := findRecording(c); found != nil {
			return found
		}
	}
	return nil
}

func (d *document) read(e *element) {
	switch strings.ToLower(e.name) {
	case "datamode":
		d.partial = strings.EqualFold(e.value(), "partial")
	case "group":
		d.md.Groups = append(d.md.Groups, earshot.MetaGroup{
			ID: e.id("group_id"), Associate: e.time("associate-time"), Disassociate: e.time("disassociate-time"),
			Extensions: e.extensions("associate-time", "disassociate-time"),
		})
	case "session":
		d.md.Sessions = append(d.md.Sessions, d.session(e))
	case "participant":
		d.participant(e)
	case "stream":
		d.md.Streams = append(d.md.Streams, earshot.MetaStream{
			ID: e.id("stream_id"), SessionID: e.attr("session_id", "session"), Label: e.child("label"),
		})
		d.mixed = d.mixed || strings.EqualFold(e.child("mode"), "mixed")
	case "participantsessionassoc":
		d.md.SessionParticipants = append(d.md.SessionParticipants, earshot.MetaSessionParticipant{
			ParticipantID: e.attr("participant_id", "participant"), SessionID: e.attr("session_id", "session"),
			Associate: e.time("associate-time"), Disassociate: e.time("disassociate-time"),
		})
	case "participantstreamassoc":
		d.md.ParticipantStreams = append(d.md.ParticipantStreams, e.streams(e.attr("participant_id", "participant")))
	case "sessionrecordingassoc":
	default:
		d.loose = append(d.loose, e)
	}
}

func (d *document) session(e *element) earshot.MetaSession {
	s := earshot.MetaSession{
		ID: e.id("session_id"), GroupID: e.child("group-ref"), Reason: e.child("reason"),
		Start: e.time("start-time"), Stop: e.time("stop-time"),
		Extensions: e.extensions("group-ref", "reason", "start-time", "stop-time", "sipSessionID", "associate-time", "disassociate-time"),
	}
	if s.GroupID == "" { // drafts of the RFC
		s.GroupID = e.attr("group")
	}
	if s.Start.IsZero() {
		s.Start = e.time("associate-time")
	}
	if s.Stop.IsZero() {
		s.Stop = e.time("disassociate-time")
	}
	for _, c := range e.children {
		if c.name == "sipSessionID" {
			s.SIPSessionIDs = append(s.SIPSessionIDs, strings.Join(strings.Fields(c.text), ""))
		}
	}
	return s
}

func (d *document) participant(e *element) {
	p := earshot.MetaParticipant{
		ID:         e.id("participant_id"),
		Extensions: e.extensions("nameID", "name", "aor", "send", "recv", "associate-time", "disassociate-time", "start-time", "stop-time"),
	}
	if session := e.attr("session_id", "session"); session != "" {
		d.within = append(d.within, earshot.MetaSessionParticipant{
			ParticipantID: p.ID, SessionID: session, Associate: e.time("associate-time"), Disassociate: e.time("disassociate-time"),
		})
	}
	for _, c := range e.children {
		switch c.name {
		case "nameID":
			p.AORs = appendText(p.AORs, c.attr("aor"))
			for _, n := range c.children {
				if n.name == "name" {
					p.Names = appendText(p.Names, n.value())
				}
			}
		case "aor":
			p.AORs = appendText(p.AORs, c.value())
		case "name":
			p.Names = appendText(p.Names, c.value())
		}
	}
	d.md.Participants = append(d.md.Participants, p)
	// Older dialects have the association within the participant.
	if a := e.streams(p.ID); len(a.Send)+len(a.Recv) > 0 {
		d.md.ParticipantStreams = append(d.md.ParticipantStreams, a)
	}
}

func appendText(list []string, text string) []string {
	if text == "" {
		return list
	}
	return append(list, text)
}

// streams reads the send and recv elements of an element.
func (e *element) streams(participant string) earshot.MetaParticipantStream {
	a := earshot.MetaParticipantStream{
		ParticipantID: participant, Associate: e.time("associate-time"), Disassociate: e.time("disassociate-time"),
	}
	for _, c := range e.children {
		id := c.value()
		if id == "" {
			id = c.child("id")
		}
		switch c.name {
		case "send":
			a.Send = append(a.Send, id)
		case "recv":
			a.Recv = append(a.Recv, id)
		}
	}
	return a
}

func (e *element) value() string { return strings.TrimSpace(e.text) }

func (e *element) attr(names ...string) string {
	for _, name := range names {
		for _, a := range e.attrs {
			if a.Name.Local == name {
				return strings.TrimSpace(a.Value)
			}
		}
	}
	return ""
}

func (e *element) id(name string) string { return e.attr(name, "id") }

func (e *element) child(name string) string {
	for _, c := range e.children {
		if c.name == name {
			return c.value()
		}
	}
	return ""
}

// time reads a child that is a date and time; recording clients leave out the
// zone or write it without a colon.
func (e *element) time(name string) time.Time {
	text := e.child(name)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// extensions returns the leaves of what is not one of the known children.
func (e *element) extensions(known ...string) []earshot.Extension {
	var out []earshot.Extension
	for _, c := range e.children {
		switch {
		case strings.EqualFold(c.name, "extensiondata"):
			for _, ext := range c.children {
				out = ext.leaves(out, "")
			}
		case !slices.Contains(known, c.name):
			out = c.leaves(out, "")
		}
	}
	return out
}

func (e *element) leaves(out []earshot.Extension, path string) []earshot.Extension {
	path += e.name
	if label := e.attr("label"); label != "" { // a header of the call, by its name
		path += "/" + label
	}
	if len(e.children) == 0 {
		out = append(out, earshot.Extension{Space: e.space, Name: path, Value: e.value()})
	}
	for _, a := range e.attrs { // some say in them what others say in elements
		if value := strings.TrimSpace(a.Value); value != "" && tellingAttribute(a.Name) {
			out = append(out, earshot.Extension{Space: e.space, Name: path + "/" + a.Name.Local, Value: value})
		}
	}
	for _, c := range e.children {
		out = c.leaves(out, path+"/")
	}
	return out
}

// tellingAttribute reports whether an attribute of extension data says anything
// of the call, and not of how it is written or where it belongs.
func tellingAttribute(name xml.Name) bool {
	switch name.Local {
	case "xmlns", "version", "label", "id", "parent", "schemaLocation", "lang":
		return false
	}
	return name.Space != "xmlns"
}

// duplicateIDs reports an ID that two elements of a kind share, which makes a
// document ambiguous (RFC 7865 6.10).
func (d *document) duplicateIDs() string {
	seen := map[string]bool{}
	twice := func(kind, id string) bool {
		key := kind + " " + id
		again := id != "" && seen[key]
		seen[key] = true
		return again
	}
	for _, g := range d.md.Groups {
		if twice("group", g.ID) {
			return "group " + g.ID
		}
	}
	for _, s := range d.md.Sessions {
		if twice("session", s.ID) {
			return "session " + s.ID
		}
	}
	for _, p := range d.md.Participants {
		if twice("participant", p.ID) {
			return "participant " + p.ID
		}
	}
	for _, s := range d.md.Streams {
		if twice("stream", s.ID) {
			return "stream " + s.ID
		}
	}
	return ""
}
