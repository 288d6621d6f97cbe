package siprec

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"

	"earshot"
)

// recordingSpace is the namespace of RFC 7865.
const recordingSpace = "urn:ietf:params:xml:ns:recording:1"

// documentStyle is how a client writes metadata. The zero value of each field
// is the way of RFC 7865.
type documentStyle struct {
	declaration string // the first line
	root        string // name of the root element: recording
	space       string // its namespace
	attributes  string // what else it has
	prefix      string // of all elements, with the colon
	mode        string // name of the element: datamode
	partial     string // its value: partial
	quote       string // around attributes, '"'
	eol         string // end of each line
	times       string // layout of times
	sessionTime string // element of a session's beginning: start-time

	shortIDs  bool   // attributes id and session (and group) as in the drafts
	streamID  string // attribute of streams alone
	lang      bool   // names have xml:lang
	aors      func(string) string
	aorAlone  bool // <aor> in the place of <nameID>
	noNames   bool
	nested    bool // send and recv within the participant
	noRecv    bool
	sendID    bool // <send><id>…</id></send>
	noSenders bool // nobody says who sends what
	leaves    bool // disassociate-time within the participant
	tied      bool // sessionrecordingassoc is there
	noGroups  bool
	mingled   bool // participant, membership, stream, participant and so on
	empty     bool // nothing but the data mode
	ours      bool // our own extension data is written

	id func(string) string // how IDs look

	// Vendors' extensions.
	inGroup, inSession, atEnd func(earshot.Metadata) string
	inParticipant             func(earshot.Metadata, earshot.MetaParticipant) string
	inStream                  string
	atStart                   func(earshot.Metadata, func(string) string) string
}

// metadata writes a document, complete or partial.
func (d *Dialect) metadata(md earshot.Metadata, partial bool) string {
	w := &documentWriter{style: *d.document, md: md, label: d.labelOf}
	w.style.complete()
	return w.write(partial)
}

// complete fills in what the RFC has.
func (s *documentStyle) complete() {
	def := func(p *string, value string) {
		if *p == "" {
			*p = value
		}
	}
	def(&s.root, "recording")
	def(&s.space, recordingSpace)
	def(&s.mode, "datamode")
	def(&s.partial, "partial")
	def(&s.quote, `"`)
	def(&s.eol, "\r\n")
	def(&s.times, time.RFC3339)
	def(&s.sessionTime, "start-time")
	if s.id == nil {
		s.id = func(id string) string { return id }
	}
	if s.aors == nil {
		s.aors = func(aor string) string { return aor }
	}
}

// documentWriter writes one document.
type documentWriter struct {
	style documentStyle
	md    earshot.Metadata
	label func(string) string
	b     strings.Builder
}

func (w *documentWriter) write(partial bool) string {
	s := w.style
	if s.declaration != "" {
		w.line("%s", s.declaration)
	}
	colon := ""
	if s.prefix != "" {
		colon = ":" + strings.TrimSuffix(s.prefix, ":")
	}
	w.line("<%s%s xmlns%s=%s%s%s%s>", s.prefix, s.root, colon, s.quote, s.space, s.quote, s.attributes)
	mode := "complete"
	if partial {
		mode = s.partial
	}
	w.line("%s", w.element(s.mode, mode))
	if s.empty {
		w.line("</%s%s>", s.prefix, s.root)
		return w.b.String()
	}
	if s.atStart != nil {
		w.line("%s", s.atStart(w.md, s.id))
	}
	w.groups()
	w.sessions()
	written := map[string]bool{} // whose memberships are there
	streams := w.md.Streams
	for _, p := range w.md.Participants {
		w.participant(p)
		if !s.mingled {
			continue
		}
		w.memberships(func(id string) bool { return id == p.ID })
		written[p.ID] = true
		if len(streams) > 0 {
			w.stream(streams[0])
			streams = streams[1:]
		}
	}
	for _, stream := range streams {
		w.stream(stream)
	}
	w.memberships(func(id string) bool { return !written[id] })
	w.senders()
	if s.atEnd != nil {
		w.line("%s", s.atEnd(w.md))
	}
	w.line("</%s%s>", s.prefix, s.root)
	return w.b.String()
}

func (w *documentWriter) line(format string, args ...any) {
	fmt.Fprintf(&w.b, format+w.style.eol, args...)
}

// element writes an element with text; "" for none.
func (w *documentWriter) element(name, text string) string {
	if text == "" {
		return ""
	}
	return "<" + w.style.prefix + name + ">" + escape(text) + "</" + w.style.prefix + name + ">"
}

func (w *documentWriter) time(name string, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return w.element(name, t.UTC().Format(w.style.times))
}

// attr writes an attribute that is an ID, by the RFC's name.
func (w *documentWriter) attr(name, id string) string {
	own := strings.HasPrefix(name, "!") // the ID of the element itself
	name = strings.TrimPrefix(name, "!")
	switch {
	case own && name == "stream_id" && w.style.streamID != "":
		name = w.style.streamID
	case w.style.shortIDs && own:
		name = "id"
	case w.style.shortIDs:
		name = strings.TrimSuffix(name, "_id")
	}
	return " " + name + "=" + w.style.quote + escape(w.style.id(id)) + w.style.quote
}

func (w *documentWriter) groups() {
	for _, g := range w.md.Groups {
		if w.style.noGroups {
			continue
		}
		extra := ""
		if w.style.inGroup != nil {
			extra = w.style.inGroup(w.md)
		} else if w.style.ours {
			extra = extensionData(g.Extensions)
		}
		w.line("<%sgroup%s>%s%s</%sgroup>", w.style.prefix, w.attr("!group_id", g.ID),
			w.time("associate-time", g.Associate), extra, w.style.prefix)
	}
}

func (w *documentWriter) sessions() {
	for _, s := range w.md.Sessions {
		ref, attr := "", ""
		switch {
		case s.GroupID == "" || w.style.noGroups:
		case w.style.aorAlone:
			attr = w.attr("group", s.GroupID)
		default:
			ref = w.element("group-ref", w.style.id(s.GroupID))
		}
		extra := ""
		if w.style.inSession != nil {
			extra = w.style.inSession(w.md)
		} else if w.style.ours {
			extra = extensionData(s.Extensions)
		}
		for _, id := range s.SIPSessionIDs {
			ref += w.element("sipSessionID", id)
		}
		w.line("<%ssession%s%s>%s%s%s%s</%ssession>", w.style.prefix, w.attr("!session_id", s.ID), attr, ref,
			w.time(w.style.sessionTime, s.Start), w.time("stop-time", s.Stop), extra, w.style.prefix)
		if w.style.tied {
			w.line("<%ssessionrecordingassoc%s>%s</%ssessionrecordingassoc>", w.style.prefix, w.attr("session_id", s.ID),
				w.time("associate-time", s.Start), w.style.prefix)
		}
	}
}

func (w *documentWriter) participant(p earshot.MetaParticipant) {
	style, session := w.style, ""
	member := w.member(p.ID)
	if member != nil && (style.shortIDs || style.leaves && !member.Disassociate.IsZero()) {
		session = w.attr("session_id", member.SessionID)
	}
	var inner strings.Builder
	for i, aor := range p.AORs {
		name := ""
		if i == 0 && !style.noNames && len(p.Names) > 0 {
			name = w.name(p.Names[0])
		}
		if aor = style.aors(aor); style.aorAlone {
			inner.WriteString(w.element("aor", aor) + name)
			continue
		}
		fmt.Fprintf(&inner, "<%snameID aor=%s%s%s>%s</%snameID>", style.prefix, style.quote, escape(aor), style.quote, name, style.prefix)
	}
	if style.nested {
		inner.WriteString(w.nested(p.ID))
	}
	if style.leaves && member != nil {
		inner.WriteString(w.time("disassociate-time", member.Disassociate))
	}
	switch {
	case style.inParticipant != nil:
		inner.WriteString(style.inParticipant(w.md, p))
	case style.ours:
		inner.WriteString(extensionData(p.Extensions))
	}
	w.line("<%sparticipant%s%s>%s</%sparticipant>", style.prefix, w.attr("!participant_id", p.ID), session, inner.String(), style.prefix)
}

func (w *documentWriter) name(name string) string {
	if w.style.lang {
		return "<" + w.style.prefix + `name xml:lang="en">` + escape(name) + "</" + w.style.prefix + "name>"
	}
	return w.element("name", name)
}

func (w *documentWriter) member(participant string) *earshot.MetaSessionParticipant {
	i := slices.IndexFunc(w.md.SessionParticipants, func(a earshot.MetaSessionParticipant) bool { return a.ParticipantID == participant })
	if i < 0 {
		return nil
	}
	return &w.md.SessionParticipants[i]
}

func (w *documentWriter) nested(participant string) string {
	var b strings.Builder
	for _, a := range w.md.ParticipantStreams {
		if a.ParticipantID == participant {
			b.WriteString(w.sendRecv(a))
		}
	}
	return b.String()
}

func (w *documentWriter) sendRecv(a earshot.MetaParticipantStream) string {
	out := ""
	one := func(name, id string) {
		if w.style.sendID {
			out += "<" + w.style.prefix + name + ">" + w.element("id", w.style.id(id)) + "</" + w.style.prefix + name + ">"
			return
		}
		out += w.element(name, w.style.id(id))
	}
	for _, id := range a.Send {
		one("send", id)
	}
	for _, id := range a.Recv {
		if !w.style.noRecv {
			one("recv", id)
		}
	}
	return out
}

func (w *documentWriter) stream(s earshot.MetaStream) {
	w.line("<%sstream%s%s>%s%s</%sstream>", w.style.prefix, w.attr("!stream_id", s.ID), w.attr("session_id", s.SessionID),
		w.element("label", w.label(s.Label)), w.style.inStream, w.style.prefix)
}

// memberships writes when participants were in which session.
func (w *documentWriter) memberships(of func(participant string) bool) {
	style := w.style
	for _, a := range w.md.SessionParticipants {
		if style.shortIDs || style.leaves && !a.Disassociate.IsZero() || !of(a.ParticipantID) {
			continue
		}
		w.line("<%sparticipantsessionassoc%s%s>%s%s</%sparticipantsessionassoc>", style.prefix,
			w.attr("participant_id", a.ParticipantID), w.attr("session_id", a.SessionID),
			w.time("associate-time", a.Associate), w.time("disassociate-time", a.Disassociate), style.prefix)
	}
}

func (w *documentWriter) senders() {
	style := w.style
	for _, a := range w.md.ParticipantStreams {
		if style.nested || style.noSenders {
			continue
		}
		w.line("<%sparticipantstreamassoc%s>%s</%sparticipantstreamassoc>", style.prefix,
			w.attr("participant_id", a.ParticipantID), w.sendRecv(a), style.prefix)
	}
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

func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
