package calls

import (
	"slices"
	"strings"

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

// cast brings participants, who sends which stream, roles and direction in
// line with the metadata of a segment.
func (c *call) cast(id earshot.SegmentID, offer earshot.SessionOffer) {
	md := offer.Metadata
	if md == nil || len(md.Participants) == 0 {
		c.castWithoutMetadata(offer.From)
		c.assignRoles(id, offer)
		return
	}
	for _, p := range md.Participants {
		c.castParticipant(p)
	}
	c.assignRoles(id, offer)
	senders := c.senders(id, md)
	for i := range c.rec.Streams {
		s := &c.rec.Streams[i]
		if s.SegmentID == id && s.EndedAt == nil {
			s.ParticipantIDs = senders[s.ID]
		}
	}
}

func (c *call) castWithoutMetadata(from string) {
	user, _, _ := strings.Cut(stripScheme(from), "@")
	if len(c.rec.Participants) > 0 || user == "" {
		return
	}
	c.rec.Participants = append(c.rec.Participants, earshot.Participant{
		ID: earshot.NewParticipantID(), AOR: from, Role: earshot.RoleUnknown,
	})
}

func (c *call) castParticipant(in earshot.MetaParticipant) {
	i := slices.IndexFunc(c.rec.Participants, func(p earshot.Participant) bool { return p.SourceID == in.ID })
	if i < 0 {
		c.rec.Participants = append(c.rec.Participants, earshot.Participant{
			ID: earshot.NewParticipantID(), SourceID: in.ID, Role: earshot.RoleUnknown,
		})
		i = len(c.rec.Participants) - 1
	}
	p := &c.rec.Participants[i]
	if len(in.Names) > 0 {
		p.Name = strings.TrimSpace(in.Names[0])
	}
	if len(in.AORs) > 0 {
		p.AOR = strings.TrimSpace(in.AORs[0])
	}
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
		if slices.Contains(sources, p.SourceID) {
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

// stripScheme returns the address without scheme and URI parameters.
func stripScheme(aor string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(aor) >= len(scheme) && strings.EqualFold(aor[:len(scheme)], scheme) {
			aor = aor[len(scheme):]
			break
		}
	}
	address, _, _ := strings.Cut(aor, ";")
	return address
}
