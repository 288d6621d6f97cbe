package siprec

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emiago/sipgo/sip"

	"earshot"
)

// Some systems fork calls without the metadata of RFC 7865: what they know of
// a call stands in header fields. It is made into metadata here, one small
// function for each of them.

// maxForked bounds the parties that header fields name.
const maxForked = 32

// forker makes metadata of a request; nil when it is not of its kind, or says
// nothing. Lines is the number of m-lines.
type forker func(req *sip.Request, lines int) *earshot.Metadata

// forkers in the order in which they are asked.
var forkers = []forker{cucmFork, cubeFork, twilioFork, jambonzFork}

// describe adds what the request's header fields say to an offer. Metadata
// that names anybody goes before what is made of them.
func (d *dialog) describe(req *sip.Request, o *earshot.SessionOffer) {
	o.Headers = headersOfCall(req)
	if o.Metadata != nil && len(o.Metadata.Participants)+len(o.Metadata.Streams) > 0 {
		return
	}
	lines := o.Media
	if lines == nil {
		lines = d.state.Offer
	}
	for _, fork := range forkers {
		if md := fork(req, len(lines)); md != nil {
			d.state.Forked = md
			break
		}
	}
	if d.state.Forked == nil {
		return
	}
	md := *d.state.Forked
	if o.Metadata != nil {
		md.Raw = o.Metadata.Raw
		md.Groups = append(slices.Clone(md.Groups), o.Metadata.Groups...)
		md.Sessions = append(slices.Clone(md.Sessions), o.Metadata.Sessions...)
	}
	o.Metadata = &md
	o.Media = labelled(o.Media, md.Streams)
}

// labelled gives m-lines without a label the one of the stream at their place.
// The answer, which echoes labels, does not see it.
func labelled(media []earshot.MediaOffer, streams []earshot.MetaStream) []earshot.MediaOffer {
	out := slices.Clone(media)
	for i := range out {
		if out[i].Label == "" && i < len(streams) {
			out[i].Label = streams[i].Label
		}
	}
	return out
}

// cucmFork reads the From URI of the built-in bridge of a phone on Cisco's
// Unified Communications Manager. The near end is the phone, the far end its
// peer; each comes in a session of its own, and both have the x-refci of the
// phone's call, by which they meet.
func cucmFork(req *sip.Request, _ int) *earshot.Metadata {
	from := req.From()
	if from == nil {
		return nil
	}
	params := from.Address.UriParams
	refci, ok := params.Get("x-refci")
	if !ok || refci == "" {
		return nil
	}
	side := "nearend"
	if params.Has("x-farend") {
		side = "farend"
	}
	cluster, _ := params.Get("x-nearendclusterid")
	f := fork{key: "cucm-" + refci + "@" + cluster}
	for _, end := range []string{"nearend", "farend"} {
		addr, _ := params.Get("x-" + end + "addr")
		device, _ := params.Get("x-" + end + "device")
		if addr == "" && end != side {
			continue
		}
		name := ""
		if end == "nearend" {
			name = strings.TrimSpace(from.DisplayName)
		}
		p := f.participant(end, addr, name)
		f.say(p, "sip", "x-"+end+"device", device)
	}
	f.stream(side, side)
	return f.metadata()
}

// cubeFork reads X-Cisco-Recording-Participant: the address of a party and the
// m-lines that it sends, counted from 0. Cisco-Guid names the call.
func cubeFork(req *sip.Request, lines int) *earshot.Metadata {
	headers := req.GetHeaders("X-Cisco-Recording-Participant")
	if len(headers) == 0 {
		return nil
	}
	headers = headers[:min(len(headers), maxForked)]
	f := fork{key: firstOf(headerOf(req, "Cisco-Guid"), sessionKey(headerOf(req, "Session-ID")))}
	for i, h := range headers {
		address, params, _ := strings.Cut(h.Value(), ";media-index")
		address = strings.Trim(strings.TrimSpace(address), "<>")
		// The address is the ID, so that a party that comes by a transfer is
		// another one and the one that stays is the same.
		f.participant("party:"+address, address, "")
		indexes := strings.FieldsFunc(params, func(r rune) bool { return r < '0' || r > '9' })
		if len(indexes) == 0 {
			indexes = []string{strconv.Itoa(i)}
		}
		indexes = indexes[:min(len(indexes), maxForked)]
		for _, index := range indexes {
			// A session with one m-line has the mix of all.
			if n, err := strconv.Atoi(index); err == nil && lines == 1 && n > 0 {
				index = "0"
			}
			f.sends("party:"+address, index)
		}
	}
	for i := range lines {
		f.streams = append(f.streams, strconv.Itoa(i))
	}
	return f.metadata()
}

// twilioFork reads a session of Twilio's, whose metadata is empty: the caller
// is From, what it says is the stream inbound.
func twilioFork(req *sip.Request, lines int) *earshot.Metadata {
	sid := headerOf(req, "X-Twilio-CallSid")
	if sid == "" {
		return nil
	}
	caller, callee := callerAndCallee(req)
	f := fork{key: sid}
	f.participant("caller", caller, "")
	f.participant("callee", callee, "")
	f.stream("caller", "inbound")
	if lines > 1 {
		f.stream("callee", "outbound")
	}
	return f.metadata()
}

// jambonzFork reads a session of jambonz without metadata: its first stream is
// the caller's.
func jambonzFork(req *sip.Request, lines int) *earshot.Metadata {
	sid := headerOf(req, "X-Call-Sid")
	if sid == "" || (req.GetHeader("X-Account-Sid") == nil && req.GetHeader("X-Application-Sid") == nil) {
		return nil
	}
	caller, callee := callerAndCallee(req)
	f := fork{key: sid}
	f.participant("caller", caller, "")
	f.participant("callee", callee, "")
	f.stream("caller", "1")
	if lines > 1 {
		f.stream("callee", "2")
	}
	return f.metadata()
}

// callerAndCallee returns addresses of record: an asserted identity goes
// before From (RFC 3325), a called party's ID or who diverted before nothing.
func callerAndCallee(req *sip.Request) (caller, callee string) {
	caller = firstOf(addressIn(headerOf(req, "P-Asserted-Identity")), addressIn(headerOf(req, "Remote-Party-ID")))
	if from := req.From(); caller == "" && from != nil {
		caller = from.Address.String()
	}
	return caller, firstOf(addressIn(headerOf(req, "P-Called-Party-ID")), addressIn(headerOf(req, "Diversion")))
}

// sessionKey is the same for both sides of a session (RFC 7989): their UUIDs
// in order. One that is all zeros is not known yet.
func sessionKey(value string) string {
	local, params, _ := strings.Cut(value, ";")
	_, remote, _ := strings.Cut(params, "remote=")
	remote, _, _ = strings.Cut(remote, ";")
	both := []string{strings.TrimSpace(local), strings.TrimSpace(remote)}
	slices.Sort(both)
	both = slices.DeleteFunc(both, func(s string) bool { return strings.Trim(s, "0") == "" })
	return strings.Join(both, "+")
}

// addressIn returns the URI of a name-addr or addr-spec (RFC 3261 20.10).
func addressIn(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		uri, _, _ := strings.Cut(rest, ">")
		return strings.TrimSpace(uri)
	}
	uri, _, _ := strings.Cut(value, ";")
	return strings.TrimSpace(uri)
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// fork collects what a request says. Key is what all sessions of the call
// have in common.
type fork struct {
	key     string
	people  []earshot.MetaParticipant
	assoc   []earshot.MetaParticipantStream
	streams []string // their labels, which also are their names in send
}

// participant adds a party, or finds the one that is there already, and
// returns its place.
func (f *fork) participant(id, address, name string) int {
	if i := slices.IndexFunc(f.people, func(p earshot.MetaParticipant) bool { return p.ID == id }); i >= 0 {
		return i
	}
	p := earshot.MetaParticipant{ID: id, Names: appendText(nil, name)}
	if address != "" && !strings.Contains(address, ":") {
		address = "sip:" + address
	}
	p.AORs = appendText(p.AORs, address)
	f.people = append(f.people, p)
	return len(f.people) - 1
}

func (f *fork) say(participant int, space, name, value string) {
	if value != "" {
		p := &f.people[participant]
		p.Extensions = append(p.Extensions, earshot.Extension{Space: space, Name: name, Value: value})
	}
}

// stream adds a stream that a party sends.
func (f *fork) stream(participant, label string) {
	f.streams = append(f.streams, label)
	f.sends(participant, label)
}

func (f *fork) sends(participant, label string) {
	for i := range f.assoc {
		if a := &f.assoc[i]; a.ParticipantID == participant {
			if !slices.Contains(a.Send, label) {
				a.Send = append(a.Send, label)
			}
			return
		}
	}
	f.assoc = append(f.assoc, earshot.MetaParticipantStream{ParticipantID: participant, Send: []string{label}})
}

// metadata is what was collected. Without a key the session belongs to no
// other.
func (f *fork) metadata() *earshot.Metadata {
	md := &earshot.Metadata{Participants: f.people}
	session := ""
	if f.key != "" {
		session = "session:" + f.key
		md.Groups = []earshot.MetaGroup{{ID: f.key}}
		md.Sessions = []earshot.MetaSession{{ID: session, GroupID: f.key}}
		for _, p := range f.people {
			md.SessionParticipants = append(md.SessionParticipants, earshot.MetaSessionParticipant{ParticipantID: p.ID, SessionID: session})
		}
	}
	name := func(label string) string { return fmt.Sprintf("%s/%s", f.key, label) }
	for _, label := range f.streams {
		md.Streams = append(md.Streams, earshot.MetaStream{ID: name(label), SessionID: session, Label: label})
	}
	for _, a := range f.assoc {
		for i := range a.Send {
			a.Send[i] = name(a.Send[i])
		}
		md.ParticipantStreams = append(md.ParticipantStreams, a)
	}
	return md
}
