package calls

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"earshot"
)

// correlationIDs are the names by which sessions of one conversation know each
// other, in the order in which they are asked (docs/stitching.md).
func correlationIDs(offer earshot.SessionOffer, f facts) []string {
	var out []string
	add := func(kind, id string) {
		if id = strings.TrimSpace(id); id != "" && !slices.Contains(out, kind+":"+id) {
			out = append(out, kind+":"+id)
		}
	}
	if md := offer.Metadata; md != nil {
		for _, g := range md.Groups {
			add("group", g.ID)
		}
		for _, s := range md.Sessions {
			add("group", s.GroupID)
			add("session", s.ID)
		}
		// A transfer names the group and the session it comes from.
		for _, e := range allExtensions(md) {
			switch name := strings.ToLower(e.Name); {
			case strings.HasSuffix(name, "xferredgroupid"):
				add("group", e.Value)
			case strings.HasSuffix(name, "xferredsessionid"):
				add("session", e.Value)
			}
		}
	}
	for _, id := range f.ids {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// stitches are those of the names that make one call of sessions. Not all do:
// a Session-ID of SIP is shared by legs that are calls of their own, and a
// session's ID counts only where no group does, for some clients number their
// sessions afresh in each group.
func stitches(ids []string) []string {
	grouped := slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(id, "group:") })
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
		kind, name, _ := strings.Cut(id, ":")
		return kind == "session-id" || kind == "session" && grouped || !telling(name)
	})
}

// conversation is a key of the conversation that depends on nothing but its
// names: 32 hexadecimal digits of the hash of the first that stitches, "" if
// none does. A name itself may be long, or tell who talks.
func conversation(ids []string) string {
	names := stitches(ids)
	if len(names) == 0 {
		return ""
	}
	sum := sha256.Sum256([]byte(names[0]))
	return hex.EncodeToString(sum[:16])
}
