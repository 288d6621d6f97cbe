package siprec

import (
	"slices"

	"earshot"
)

// addWithin adds the associations that no element of their own states.
func (d *document) addWithin() {
	for _, a := range d.within {
		if !slices.ContainsFunc(d.md.SessionParticipants, func(b earshot.MetaSessionParticipant) bool {
			return a.ParticipantID == b.ParticipantID && a.SessionID == b.SessionID
		}) {
			d.md.SessionParticipants = append(d.md.SessionParticipants, a)
		}
	}
}

// addMixed lets all who send anything send the one stream of a snapshot that
// says it is a mix: some clients give each party a stream's name of its own
// and describe only one of them.
func (d *document) addMixed() {
	if !d.mixed || d.partial || len(d.md.Streams) != 1 {
		return
	}
	mix := d.md.Streams[0].ID
	for i := range d.md.ParticipantStreams {
		if a := &d.md.ParticipantStreams[i]; len(a.Send) > 0 && !slices.Contains(a.Send, mix) {
			a.Send = append(a.Send, mix)
		}
	}
}

// adopt gives an association that names none of a snapshot's participants to
// the one participant that has no association: a client is known that writes
// the ID of a stream there. An ID that only another client defines stays as it
// is (RFC 7866 9.2).
func (d *document) adopt() {
	if d.partial {
		return
	}
	var orphans []*earshot.MetaParticipantStream
	for i := range d.md.ParticipantStreams {
		if a := &d.md.ParticipantStreams[i]; slices.ContainsFunc(d.md.Streams, func(s earshot.MetaStream) bool { return s.ID == a.ParticipantID }) {
			orphans = append(orphans, a)
		}
	}
	var idle []string
	for _, p := range d.md.Participants {
		if !slices.ContainsFunc(d.md.ParticipantStreams, func(a earshot.MetaParticipantStream) bool { return a.ParticipantID == p.ID }) {
			idle = append(idle, p.ID)
		}
	}
	if len(orphans) == 1 && len(idle) == 1 {
		orphans[0].ParticipantID = idle[0]
		d.problems = append(d.problems, "an association names a stream in the place of a participant")
	}
}

// attach gives extension data of the whole document to the element it names as
// its parent, else to the first session, else to the first group.
func (d *document) attach(e *element) {
	wrapper := &element{children: []*element{e}}
	found, parent := wrapper.extensions(), e.attr("parent")
	for i := range d.md.Participants {
		if p := &d.md.Participants[i]; parent != "" && p.ID == parent {
			p.Extensions = append(p.Extensions, found...)
			return
		}
	}
	for i := range d.md.Groups {
		if g := &d.md.Groups[i]; parent != "" && g.ID == parent {
			g.Extensions = append(g.Extensions, found...)
			return
		}
	}
	at := max(0, slices.IndexFunc(d.md.Sessions, func(s earshot.MetaSession) bool { return s.ID == parent }))
	switch {
	case len(d.md.Sessions) > 0:
		d.md.Sessions[at].Extensions = append(d.md.Sessions[at].Extensions, found...)
	case len(d.md.Groups) > 0:
		d.md.Groups[0].Extensions = append(d.md.Groups[0].Extensions, found...)
	}
}
