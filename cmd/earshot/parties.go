package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/calls"
	"earshot/media"
	"earshot/media/codec"
	"earshot/siprec"
)

// codecs are what --codec names.
var codecs = map[string]earshot.Format{
	"PCMU": {PayloadType: 0, Encoding: "PCMU", ClockRate: 8000, Channels: 1},
	"PCMA": {PayloadType: 8, Encoding: "PCMA", ClockRate: 8000, Channels: 1},
	"G722": {PayloadType: 9, Encoding: "G722", ClockRate: 8000, Channels: 1},
	"G729": {PayloadType: 18, Encoding: "G729", ClockRate: 8000, Channels: 1, FMTP: "annexb=yes"},
	"opus": {PayloadType: 111, Encoding: "opus", ClockRate: 48000, Channels: 2, FMTP: "useinbandfec=1;usedtx=1"},
	"L16":  {PayloadType: 97, Encoding: "L16", ClockRate: 16000, Channels: 1},
}

// format is what is sent.
func (c callSpec) format() earshot.Format { return codecs[cmp.Or(c.codec, "PCMU")] }

// rate is the samples per second of what is sent.
func (c callSpec) rate() int { return codec.LayoutOf(c.format()).Rate() }

func (c callSpec) media(senders []*media.Sender) []siprec.ClientMedia {
	out := make([]siprec.ClientMedia, len(senders))
	for i, s := range senders {
		out[i] = siprec.ClientMedia{Label: s.Label(), Port: s.Port(), Formats: c.formats()}
		out[i].DTLS = s.DTLS()
		if key := s.Crypto(); key != nil {
			out[i].Crypto = []earshot.Crypto{*key}
		}
	}
	return out
}

// metadata describes the call as a recording client does (RFC 7865).
func (c callSpec) metadata(now time.Time) earshot.Metadata {
	group, session := earshot.NewID(), earshot.NewID()
	md := earshot.Metadata{
		Groups:   []earshot.MetaGroup{{ID: group, Associate: now}},
		Sessions: []earshot.MetaSession{{ID: session, GroupID: group, Start: now}},
	}
	streams := make([]string, len(c.audio))
	for i := range c.audio {
		if c.mixed() && i > 0 {
			streams[i] = streams[0]
			continue
		}
		streams[i] = earshot.NewID()
		md.Streams = append(md.Streams, earshot.MetaStream{ID: streams[i], SessionID: session, Label: fmt.Sprint(i + 1)})
	}
	for i := range c.audio {
		p := c.party(i)
		md.Participants = append(md.Participants, p)
		md.SessionParticipants = append(md.SessionParticipants, earshot.MetaSessionParticipant{
			ParticipantID: p.ID, SessionID: session, Associate: now,
		})
		assoc := earshot.MetaParticipantStream{ParticipantID: p.ID, Send: []string{streams[i]}}
		for j, id := range streams {
			if j != i {
				assoc.Recv = append(assoc.Recv, id)
			}
		}
		md.ParticipantStreams = append(md.ParticipantStreams, assoc)
	}
	return md
}

// party is a participant: one per audio file, and behind those the one to whom
// the call may be transferred.
func (c callSpec) party(i int) earshot.MetaParticipant {
	name := "Second Agent"
	if i < len(c.audio) {
		name = strings.TrimSuffix(filepath.Base(c.audio[i]), filepath.Ext(c.audio[i]))
	}
	p := earshot.MetaParticipant{
		ID:    earshot.NewID(),
		Names: []string{at(c.names, i, name)},
		AORs:  []string{at(c.aors, i, fmt.Sprintf("sip:party%d@earshot.invalid", i+1))},
	}
	role := at(c.roles, i, defaultRole(i))
	if i >= len(c.audio) {
		role = at(c.roles, 0, defaultRole(0)) // takes the first one's place
	}
	if role != earshot.RoleUnknown {
		p.Extensions = []earshot.Extension{{Space: calls.ExtensionSpace, Name: "role", Value: string(role)}}
	}
	return p
}

func defaultRole(i int) earshot.Role {
	switch i {
	case 0:
		return earshot.RoleAgent
	case 1:
		return earshot.RoleCustomer
	}
	return earshot.RoleUnknown
}

func at[T any](list []T, i int, otherwise T) T {
	if i < len(list) {
		return list[i]
	}
	return otherwise
}

// handOver is the partial update that replaces the first party (RFC 8068 3.2.2).
func (c callSpec) handOver(md earshot.Metadata, now time.Time) earshot.Metadata {
	if len(md.Participants) == 0 || len(md.ParticipantStreams) == 0 {
		return earshot.Metadata{}
	}
	old, next, session := md.Participants[0].ID, c.party(len(c.audio)), md.Sessions[0].ID
	assoc := md.ParticipantStreams[0]
	assoc.ParticipantID = next.ID
	return earshot.Metadata{
		Participants: []earshot.MetaParticipant{next},
		SessionParticipants: []earshot.MetaSessionParticipant{
			{ParticipantID: old, SessionID: session, Disassociate: now},
			{ParticipantID: next.ID, SessionID: session, Associate: now},
		},
		ParticipantStreams: []earshot.MetaParticipantStream{{ParticipantID: old}, assoc},
	}
}

// handedOver is all there is to say after the first party was replaced: a new
// session of the same group, with streams of its own (RFC 8068 3.2.3).
func (c callSpec) handedOver(md earshot.Metadata, now time.Time) earshot.Metadata {
	session := earshot.NewID()
	out := earshot.Metadata{
		Groups:       md.Groups,
		Sessions:     []earshot.MetaSession{{ID: session, GroupID: md.Sessions[0].GroupID, Start: now}},
		Participants: slices.Clone(md.Participants),
	}
	out.Participants[0] = c.party(len(c.audio))
	renamed := map[string]string{}
	for _, s := range md.Streams {
		renamed[s.ID] = earshot.NewID()
		out.Streams = append(out.Streams, earshot.MetaStream{ID: renamed[s.ID], SessionID: session, Label: s.Label})
	}
	for i, a := range md.ParticipantStreams {
		a.ParticipantID, a.Send, a.Recv = out.Participants[i].ID, slices.Clone(a.Send), slices.Clone(a.Recv)
		for _, list := range [][]string{a.Send, a.Recv} {
			for j := range list {
				list[j] = renamed[list[j]]
			}
		}
		out.ParticipantStreams = append(out.ParticipantStreams, a)
		out.SessionParticipants = append(out.SessionParticipants, earshot.MetaSessionParticipant{
			ParticipantID: a.ParticipantID, SessionID: session, Associate: now,
		})
	}
	return out
}

// withoutSecond leaves out the streams of all parties but the first, as while
// it is still ringing.
func withoutSecond(md earshot.Metadata) earshot.Metadata {
	md.Streams, md.ParticipantStreams = md.Streams[:1], slices.Clone(md.ParticipantStreams[:1])
	md.ParticipantStreams[0].Recv = nil
	return md
}

func withoutNames(md earshot.Metadata) earshot.Metadata {
	md.Participants = slices.Clone(md.Participants)
	for i := range md.Participants {
		md.Participants[i].Names = nil
	}
	return md
}
