package calls

import (
	"maps"
	"path"
	"slices"
	"strings"

	"earshot"
)

// evidence is what a session says about who is who. Vendors' extension data is
// read by the names of its elements, whatever their namespace: they are
// mistyped, left out and changed between versions.
type evidence struct {
	// parties are those present, in the order of the metadata.
	parties []*party
	// first sends the first stream, or stands first.
	first *party
	// caller called, recorded is whose calls are recorded; nil when nobody says.
	caller, recorded *party
	// direction is that of the call, directed says that this session told it.
	direction earshot.Direction
	directed  bool
	// dialled are the numbers and addresses that were called.
	dialled []string
	// domains are the registered domains of the recording session's ends.
	domains []string
}

// party is a participant with what the metadata says of them.
type party struct {
	*earshot.Participant
	meta earshot.MetaParticipant
	// agent says that the directory knows them.
	agent bool
}

// evidence collects what an offer says. Participants point into the record.
func (c *call) evidence(id earshot.SegmentID, offer earshot.SessionOffer) *evidence {
	ev := &evidence{direction: "", domains: ownDomains(offer)}
	md := offer.Metadata
	if md == nil || len(md.Participants) == 0 {
		for i := range c.rec.Participants {
			p := &c.rec.Participants[i]
			ev.parties = append(ev.parties, &party{Participant: p, meta: earshot.MetaParticipant{AORs: []string{p.AOR}}})
		}
		md = &earshot.Metadata{}
	}
	for _, meta := range md.Participants {
		i := c.participantBySource(meta.ID)
		if i >= 0 && !left(md, meta.ID) {
			ev.parties = append(ev.parties, &party{Participant: &c.rec.Participants[i], meta: meta})
		}
	}
	ev.parties = known(ev.parties)
	ev.first = c.firstParty(id, md, ev.parties)
	said := sessionExtensions(md)
	ev.direction = direction(md)
	if ev.direction == "" {
		ev.direction = vendorDirection(append(said, offer.Headers...))
	}
	ev.directed = ev.direction != ""
	ev.recorded = ev.findRecorded(said)
	ev.caller = ev.findCaller(said)
	ev.dialled = dialled(said, offer, ev.parties)
	return ev
}

// left reports whether a participant has left all sessions they were in.
func left(md *earshot.Metadata, participant string) bool {
	in, out := 0, 0
	for _, a := range md.SessionParticipants {
		if a.ParticipantID == participant {
			in++
			if !a.Disassociate.IsZero() {
				out++
			}
		}
	}
	return in > 0 && in == out
}

// known leaves out placeholders when there are others.
func known(parties []*party) []*party {
	out := slices.DeleteFunc(slices.Clone(parties), (*party).placeholder)
	if len(out) == 0 {
		return parties
	}
	return out
}

// placeholder reports whether this is who Avaya's SBCE names until it knows
// the callee.
func (p *party) placeholder() bool {
	return earshot.AddressKey(p.AOR) == "asbce@asbce.com"
}

// firstParty returns who alone sends the first m-line, else who stands first.
func (c *call) firstParty(id earshot.SegmentID, md *earshot.Metadata, parties []*party) *party {
	lines, senders := c.mlines(id), c.senders(id, md)
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		for _, p := range parties {
			if slices.Equal(senders[lines[line]], []earshot.ParticipantID{p.ID}) {
				return p
			}
		}
	}
	if len(parties) == 0 {
		return nil
	}
	return parties[0]
}

func sessionExtensions(md *earshot.Metadata) []earshot.Extension {
	var all []earshot.Extension
	for _, s := range md.Sessions {
		all = append(all, s.Extensions...)
	}
	for _, g := range md.Groups {
		all = append(all, g.Extensions...)
	}
	return all
}

// says returns the value of the participant's extension data of that name.
func (p *party) says(name string) string { return value(p.meta.Extensions, name) }

// value returns the first value whose element has the name, in any case.
func value(list []earshot.Extension, names ...string) string {
	for _, name := range names {
		for _, e := range list {
			if strings.EqualFold(path.Base(e.Name), name) && strings.TrimSpace(e.Value) != "" {
				return strings.TrimSpace(e.Value)
			}
		}
	}
	return ""
}

// vendorDirection reads elements and header fields whose name ends in
// direction, and the type of the recorded party's call.
func vendorDirection(list []earshot.Extension) earshot.Direction {
	for _, e := range list {
		switch half := path.Base(path.Dir(e.Name)); half { // of BroadWorks
		case "termCall":
			return earshot.DirectionInbound
		case "origCall":
			return earshot.DirectionOutbound
		}
		name := strings.ToLower(path.Base(e.Name))
		if !strings.HasSuffix(name, "direction") && name != "calltype" {
			continue
		}
		switch strings.ToLower(strings.TrimSpace(e.Value)) {
		case "inbound", "incoming", "in", "terminating", "termcall":
			return earshot.DirectionInbound
		case "outbound", "outgoing", "out", "originating", "origcall":
			return earshot.DirectionOutbound
		case "internal":
			return earshot.DirectionInternal
		}
	}
	return ""
}

// findRecorded returns the subscriber whose calls are recorded. BroadWorks,
// Webex and NetSapiens name them by userID, Metaswitch by recordedParty; else
// it is the called party of a call that BroadWorks terminates and the calling
// party of one that it originates.
func (ev *evidence) findRecorded(said []earshot.Extension) *party {
	if p := ev.find(value(said, "recordedParty"), value(said, "userID")); p != nil {
		return p
	}
	for _, e := range said {
		dir, leaf := path.Split(e.Name)
		switch half := path.Base(dir); {
		case half == "termCall" && leaf == "calledPartyNumber", half == "origCall" && leaf == "callingPartyNumber":
			if p := ev.find(e.Value); p != nil {
				return p
			}
		}
	}
	return nil
}

// findCaller returns who called. Oracle marks participants, others state a
// number or the From of the call. The numbers of jambonz are not read: it
// writes them the wrong way round.
func (ev *evidence) findCaller(said []earshot.Extension) *party {
	for _, p := range ev.parties {
		if strings.EqualFold(p.says("callingParty"), "true") || p.meta.ID == "caller" {
			return p
		}
	}
	if p := ev.find(value(said, "callingPartyNumber"), address(value(said, "fromhdr"))); p != nil {
		return p
	}
	callee := ev.find(value(said, "calledPartyNumber"), address(value(said, "tohdr")))
	for _, p := range ev.parties {
		if strings.EqualFold(p.says("callingParty"), "false") {
			callee = p
		}
	}
	if callee != nil && len(ev.parties) == 2 {
		return ev.parties[1-slices.Index(ev.parties, callee)]
	}
	return nil
}

// find returns the only party that has one of the addresses.
func (ev *evidence) find(addresses ...string) *party {
	for _, want := range addresses {
		var found []*party
		for _, p := range ev.parties {
			if slices.ContainsFunc(p.names(), func(name string) bool { return same(name, want) }) {
				found = append(found, p)
			}
		}
		if len(found) == 1 {
			return found[0]
		}
	}
	return nil
}

// names are a party's addresses of record, and its ID where that is an address:
// NetSapiens has the user in it, and the device in the other.
func (p *party) names() []string {
	if !strings.Contains(p.meta.ID, "@") {
		return p.meta.AORs
	}
	return append(slices.Clone(p.meta.AORs), p.meta.ID)
}

// wholeNumber is how many digits make a number one that has an area code.
const wholeNumber = 7

// same reports whether two addresses are of one party: the same user, or
// numbers of which one has a prefix more.
func same(a, b string) bool {
	userA, _, _ := earshot.SplitAOR(a)
	userB, _, _ := earshot.SplitAOR(b)
	if userA == "" || userB == "" {
		return false
	}
	numberA, numberB := earshot.NumberKey(userA), earshot.NumberKey(userB)
	if len(numberA) >= wholeNumber && len(numberB) >= wholeNumber {
		return strings.HasSuffix(numberA, numberB) || strings.HasSuffix(numberB, numberA)
	}
	return strings.EqualFold(userA, userB) || numberA != "" && numberA == numberB
}

// addresses are what the directory is asked for: addresses of record, and
// extension data that is about a person.
func (p *party) addresses() []string {
	out := slices.Clone(p.names())
	for _, e := range p.meta.Extensions {
		name := strings.ToLower(e.Name)
		if slices.ContainsFunc([]string{"agent", "user", "extension", "aor", "identity", "number"}, func(part string) bool {
			return strings.Contains(name, part)
		}) {
			out = append(out, address(e.Value))
		}
	}
	return out
}

// dialled returns what was called: our own extension data first, then what
// vendors write, then the called parties themselves.
func dialled(said []earshot.Extension, offer earshot.SessionOffer, parties []*party) []string {
	var out []string
	for _, name := range []string{
		"queue", "dialedDigits", "calledPartyNumber", "callednumber", "callingnumber", "tohdr", "request-uri",
		"P-Called-Party-ID", "X-Queue", "Diversion", "History-Info",
	} {
		for _, list := range [][]earshot.Extension{said, offer.Headers} {
			out = append(out, address(value(list, name)))
		}
	}
	for _, p := range parties {
		out = append(out, address(p.says("request-uri")))
		out = append(out, p.meta.AORs...)
	}
	out = append(out, offer.To)
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// address returns the URI of a name-addr, or what is not one as it is.
func address(value string) string {
	if _, rest, ok := strings.Cut(value, "<"); ok {
		value, _, _ = strings.Cut(rest, ">")
	}
	return strings.TrimSpace(value)
}
