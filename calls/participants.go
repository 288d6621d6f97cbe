package calls

import (
	"slices"
	"strings"
	"time"

	"earshot"
)

// ExtensionSpace is the namespace of our own extension data: a participant's
// <role>, a session's or group's <direction>.
const ExtensionSpace = "urn:earshot:call:1"

func groupID(md *earshot.Metadata) string {
	if md == nil || len(md.Groups) == 0 {
		return ""
	}
	return md.Groups[0].ID
}

// describe writes to a segment what ties it to others.
func describe(seg *earshot.Segment, md *earshot.Metadata) {
	if md == nil {
		return
	}
	seg.GroupID = groupID(md)
	seg.SessionIDs = nil
	for _, s := range md.Sessions {
		seg.SessionIDs = append(seg.SessionIDs, s.ID)
	}
}

// cast brings participants, who sends which stream, roles, direction and tags
// in line with the metadata of a segment, as of now.
func (c *call) cast(id earshot.SegmentID, offer earshot.SessionOffer, now time.Time) {
	c.label(offer)
	md := offer.Metadata
	if md == nil || len(md.Participants) == 0 {
		c.castWithoutMetadata(offer.From, now)
		c.assignRoles(id, offer)
		return
	}
	var present []earshot.ParticipantID
	seen := map[string]bool{}
	for _, p := range md.Participants {
		if seen[p.ID] { // an error of the document (RFC 7865 6.10), flagged by its reader
			continue
		}
		seen[p.ID] = true
		at := c.castParticipant(md, p, now)
		if !departed(md, p.ID) {
			present = append(present, c.rec.Participants[at].ID)
		}
	}
	for i := range c.rec.Segments {
		if c.rec.Segments[i].ID == id {
			c.rec.Segments[i].ParticipantIDs = present
		}
	}
	senders := c.senders(id, md)
	for i := range c.rec.Streams {
		s := &c.rec.Streams[i]
		if s.SegmentID == id && s.EndedAt == nil {
			c.setSenders(s, senders[s.ID], now)
		}
	}
	c.attend(now)
	c.assignRoles(id, offer)
}

// label adds the names of the call in other systems, and tags.
func (c *call) label(offer earshot.SessionOffer) {
	add := func(list *[]string, values []string) {
		for _, v := range values {
			if v = clip(v); !slices.Contains(*list, v) && len(*list) < maxLabels {
				*list = append(*list, v)
			}
		}
	}
	f := factsOf(offer)
	add(&c.rec.Tags, f.tags())
	add(&c.rec.CorrelationIDs, correlationIDs(offer, f))
	if c.rec.Conversation == "" {
		c.rec.Conversation = conversation(c.rec.CorrelationIDs)
	}
}

// maxLabels bounds what a client can put on a call.
const maxLabels = 64

// clip keeps a label short and on one line.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), 160)], "")
}

// departed reports whether a participant has left all its sessions.
func departed(md *earshot.Metadata, id string) bool {
	left := false
	for _, a := range md.SessionParticipants {
		if a.ParticipantID != id {
			continue
		}
		if a.Disassociate.IsZero() && !stopped(md, a.SessionID) {
			return false
		}
		left = true
	}
	return left
}

func stopped(md *earshot.Metadata, session string) bool {
	return slices.ContainsFunc(md.Sessions, func(s earshot.MetaSession) bool { return s.ID == session && !s.Stop.IsZero() })
}

// attend notes who is there: in any live segment. Who is not has left.
func (c *call) attend(now time.Time) {
	present, known := map[earshot.ParticipantID]bool{}, map[earshot.ParticipantID]bool{}
	for _, seg := range c.rec.Segments {
		for _, id := range seg.ParticipantIDs {
			present[id], known[id] = present[id] || seg.EndedAt == nil, true
		}
	}
	for i := range c.rec.Participants {
		p := &c.rec.Participants[i]
		switch {
		case present[p.ID]:
			p.LeftAt = nil
			if p.JoinedAt == nil {
				p.JoinedAt = &now
			}
		case p.LeftAt == nil && (known[p.ID] || p.JoinedAt != nil):
			p.LeftAt = &now
		}
	}
}

// setSenders notes who sends a stream from now on. Who is known first has sent
// it from its beginning.
func (c *call) setSenders(s *earshot.Stream, ids []earshot.ParticipantID, now time.Time) {
	s.ParticipantIDs = ids
	from := now
	if len(s.Senders) == 0 {
		from = c.rec.StartedAt
	}
	s.Senders = slices.Clone(s.Senders)
	sending := map[earshot.ParticipantID]bool{}
	for i := range s.Senders {
		sender := &s.Senders[i]
		if sender.Until != nil {
			continue
		}
		if slices.Contains(ids, sender.ParticipantID) {
			sending[sender.ParticipantID] = true
		} else {
			sender.Until = &now
		}
	}
	for _, id := range ids {
		if !sending[id] {
			s.Senders = append(s.Senders, earshot.Sender{ParticipantID: id, From: from})
		}
	}
}

func (c *call) castWithoutMetadata(from string, now time.Time) {
	if len(c.rec.Participants) > 0 || userOf(from) == "" {
		return
	}
	p := earshot.Participant{ID: earshot.NewParticipantID(), AOR: from, Role: earshot.RoleUnknown, JoinedAt: &now}
	c.rec.Participants = append(c.rec.Participants, p)
}

// castParticipant takes a participant of the metadata up and returns its place
// in the call.
func (c *call) castParticipant(md *earshot.Metadata, in earshot.MetaParticipant, now time.Time) int {
	name, aor := firstOf(in.Names), firstOf(in.AORs)
	i := c.participantBySource(in.ID)
	if i < 0 {
		i = c.sameParty(md, aor)
	}
	if i < 0 {
		c.rec.Participants = append(c.rec.Participants, earshot.Participant{
			ID: earshot.NewParticipantID(), SourceID: in.ID, Role: earshot.RoleUnknown,
		})
		i = len(c.rec.Participants) - 1
	}
	p := &c.rec.Participants[i]
	if p.SourceID != in.ID && !slices.Contains(p.Aliases, in.ID) {
		p.Aliases = append(slices.Clone(p.Aliases), in.ID)
	}
	if name != "" {
		p.Name = name
	}
	if aor != "" {
		p.AOR = aor
	}
	if p.JoinedAt == nil {
		joined := associated(md, in.ID)
		if joined.IsZero() || joined.After(now) || joined.Before(c.rec.StartedAt) {
			joined = now
		}
		p.JoinedAt = &joined
	}
	return i
}

// associated is when a participant came to its first session.
func associated(md *earshot.Metadata, id string) time.Time {
	var first time.Time
	for _, a := range md.SessionParticipants {
		if a.ParticipantID == id && !a.Associate.IsZero() && (first.IsZero() || a.Associate.Before(first)) {
			first = a.Associate
		}
	}
	return first.UTC().Truncate(resolution)
}

func (c *call) participantBySource(id string) int {
	return slices.IndexFunc(c.rec.Participants, func(p earshot.Participant) bool {
		return p.SourceID == id || slices.Contains(p.Aliases, id)
	})
}

// sameParty finds the participant that a new ID stands for: the one with the
// same address, or a placeholder that a client put in before it knew who it
// was; not one that the same document names by its own ID.
func (c *call) sameParty(md *earshot.Metadata, aor string) int {
	named := func(p earshot.Participant) bool {
		return slices.ContainsFunc(md.Participants, func(m earshot.MetaParticipant) bool {
			return m.ID == p.SourceID || slices.Contains(p.Aliases, m.ID)
		})
	}
	same := func(p earshot.Participant) bool {
		return aor != "" && sameAddress(p.AOR, aor) && !named(p)
	}
	if i := slices.IndexFunc(c.rec.Participants, same); i >= 0 || aor == "" {
		return i
	}
	return slices.IndexFunc(c.rec.Participants, func(p earshot.Participant) bool { return placeholder(p) && !named(p) })
}

// sameAddress reports whether two addresses of record are the same. One
// without host is the same as one with the same user and none either.
func sameAddress(a, b string) bool {
	userA, hostA, _ := earshot.SplitAOR(a)
	userB, hostB, _ := earshot.SplitAOR(b)
	return userA != "" && strings.EqualFold(userA, userB) && hostA == hostB
}

// placeholder reports whether a participant is a session border controller's
// stand-in for somebody it does not know yet: without a name, and of an
// address like sip:SBC@sbc.example.
func placeholder(p earshot.Participant) bool {
	user, host, _ := earshot.SplitAOR(p.AOR)
	label, _, _ := strings.Cut(host, ".")
	return p.Name == "" && label != "" && strings.EqualFold(user, label)
}

func firstOf(list []string) string {
	for _, s := range list {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// senders returns who sends each open stream of a segment: by the
// participantstreamassoc elements (RFC 7865 6.8) and the label, else, when
// there are no such elements, by order.
func (c *call) senders(id earshot.SegmentID, md *earshot.Metadata) map[earshot.StreamID][]earshot.ParticipantID {
	out := map[earshot.StreamID][]earshot.ParticipantID{}
	associated := slices.ContainsFunc(md.ParticipantStreams, func(a earshot.MetaParticipantStream) bool {
		return len(a.Send) > 0
	})
	lines := c.mlines(id)
	if !associated && len(lines) == len(md.Participants) {
		c.note([]string{"metadata: no participant sends a stream: tied together by order"})
		n := 0
		for i := range c.rec.Streams {
			if s := c.rec.Streams[i]; s.SegmentID == id && s.EndedAt == nil {
				out[s.ID] = c.participantIDs([]string{md.Participants[n].ID})
				n++
			}
		}
		return out
	}
	for _, stream := range lines {
		ids := streamIDs(md, c.rec.Stream(stream).Label)
		var names []string
		for _, a := range md.ParticipantStreams {
			if a.Disassociate.IsZero() && intersects(a.Send, ids) && !slices.Contains(names, a.ParticipantID) {
				names = append(names, a.ParticipantID)
			}
		}
		out[stream] = c.participantIDs(names)
	}
	return out
}

func (c *call) participantIDs(sources []string) []earshot.ParticipantID {
	var out []earshot.ParticipantID
	for _, p := range c.rec.Participants {
		if slices.ContainsFunc(sources, func(id string) bool { return id == p.SourceID || slices.Contains(p.Aliases, id) }) {
			out = append(out, p.ID)
		}
	}
	return out
}

// streamIDs returns the metadata's names of the stream with a label.
func streamIDs(md *earshot.Metadata, label string) []string {
	var out []string
	for _, s := range md.Streams {
		if s.Label == label && label != "" {
			out = append(out, s.ID)
		}
	}
	return out
}

func intersects(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

func direction(md *earshot.Metadata) earshot.Direction {
	var all []earshot.Extension
	for _, g := range md.Groups {
		all = append(all, g.Extensions...)
	}
	for _, s := range md.Sessions {
		all = append(all, s.Extensions...)
	}
	for _, e := range all {
		if e.Space == ExtensionSpace && e.Name == "direction" {
			switch d := earshot.Direction(strings.ToLower(strings.TrimSpace(e.Value))); d {
			case earshot.DirectionInbound, earshot.DirectionOutbound, earshot.DirectionInternal:
				return d
			}
		}
	}
	return ""
}
