package siprec

import (
	"cmp"
	"slices"
	"time"

	"earshot"
)

// merge applies a document to what is known: a complete one replaces it, a
// partial one changes the elements it has (RFC 7865 5.1.2). What such an
// element leaves out stays as it was, for some clients send no more than a
// participant's ID and when it left; only the streams that a participant
// sends and receives are always stated anew (6.8).
func merge(known *earshot.Metadata, d *document, raw string) *earshot.Metadata {
	out := &earshot.Metadata{}
	if known != nil {
		*out = *known
	}
	rawDocs := append(append([]string(nil), out.Raw...), raw)
	if !d.partial {
		*out = d.md
	} else {
		out.Groups = mergeBy(out.Groups, d.md.Groups, func(g earshot.MetaGroup) string { return g.ID }, updateGroup)
		out.Sessions = mergeBy(out.Sessions, d.md.Sessions, func(s earshot.MetaSession) string { return s.ID }, updateSession)
		out.Participants = mergeBy(out.Participants, d.md.Participants,
			func(p earshot.MetaParticipant) string { return p.ID }, updateParticipant)
		out.Streams = mergeBy(out.Streams, d.md.Streams, func(s earshot.MetaStream) string { return s.ID }, updateStream)
		out.SessionParticipants = mergeBy(out.SessionParticipants, d.md.SessionParticipants,
			func(a earshot.MetaSessionParticipant) string { return a.ParticipantID + "\x00" + a.SessionID }, updateSessionParticipant)
		out.ParticipantStreams = mergeBy(out.ParticipantStreams, d.md.ParticipantStreams,
			func(a earshot.MetaParticipantStream) string { return a.ParticipantID },
			func(_, fresh earshot.MetaParticipantStream) earshot.MetaParticipantStream { return fresh })
	}
	out.Raw = rawDocs[max(0, len(rawDocs)-keepRaw):]
	return out
}

// mergeBy updates the elements of old that fresh has too and appends the rest.
func mergeBy[T any](old, fresh []T, key func(T) string, update func(old, fresh T) T) []T {
	out := slices.Clone(old)
	for _, f := range fresh {
		i := slices.IndexFunc(out, func(o T) bool { return key(o) == key(f) })
		if i < 0 {
			out = append(out, f)
		} else {
			out[i] = update(out[i], f)
		}
	}
	return out
}

func updateGroup(old, fresh earshot.MetaGroup) earshot.MetaGroup {
	fresh.Associate = orTime(fresh.Associate, old.Associate)
	fresh.Extensions = orList(fresh.Extensions, old.Extensions)
	return fresh
}

func updateSession(old, fresh earshot.MetaSession) earshot.MetaSession {
	fresh.GroupID = cmp.Or(fresh.GroupID, old.GroupID)
	fresh.Reason = cmp.Or(fresh.Reason, old.Reason)
	fresh.SIPSessionIDs = orList(fresh.SIPSessionIDs, old.SIPSessionIDs)
	fresh.Start = orTime(fresh.Start, old.Start)
	fresh.Extensions = orList(fresh.Extensions, old.Extensions)
	return fresh
}

func updateParticipant(old, fresh earshot.MetaParticipant) earshot.MetaParticipant {
	fresh.Names = orList(fresh.Names, old.Names)
	fresh.AORs = orList(fresh.AORs, old.AORs)
	fresh.Extensions = orList(fresh.Extensions, old.Extensions)
	return fresh
}

func updateStream(old, fresh earshot.MetaStream) earshot.MetaStream {
	fresh.SessionID = cmp.Or(fresh.SessionID, old.SessionID)
	fresh.Label = cmp.Or(fresh.Label, old.Label)
	return fresh
}

func updateSessionParticipant(old, fresh earshot.MetaSessionParticipant) earshot.MetaSessionParticipant {
	fresh.Associate = orTime(fresh.Associate, old.Associate)
	return fresh
}

func orTime(fresh, old time.Time) time.Time {
	if fresh.IsZero() {
		return old
	}
	return fresh
}

func orList[T any](fresh, old []T) []T {
	if len(fresh) == 0 {
		return old
	}
	return fresh
}
