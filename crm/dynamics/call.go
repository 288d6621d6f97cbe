package dynamics

import (
	"strings"
	"time"
	"unicode/utf16"

	"earshot"
)

// Limits of
// https://learn.microsoft.com/power-apps/developer/data-platform/reference/entities/phonecall,
// in characters.
const (
	maxSubject  = 200
	maxCategory = 250
)

// kinds are those of records that a note may be about, with their sets.
var kinds = map[string]string{"contact": "contacts", "lead": "leads", "account": "accounts"}

// contactOf returns the kind and the path of whom a note is about, "" for nobody.
func contactOf(n earshot.Note) (kind, path string) {
	if n.Match == nil || n.Match.Contact == nil {
		return "", ""
	}
	kind, id, _ := strings.Cut(n.Match.Contact.ID, "/")
	if kinds[kind] == "" || !guid.MatchString(id) {
		return "", ""
	}
	return kind, "/" + kinds[kind] + "(" + id + ")"
}

// about binds a row of a table to whom the note is about.
func about(n earshot.Note, table string) map[string]any {
	kind, path := contactOf(n)
	if kind == "" {
		return nil
	}
	return map[string]any{"regardingobjectid_" + kind + "_" + table + "@odata.bind": path}
}

// Participation types
// (https://learn.microsoft.com/power-apps/developer/data-platform/activityparty-entity).
const (
	partyFrom = 1
	partyTo   = 2
)

// partiesOf are those who called and were called, of whom the system knows. They
// are set once: people add others.
func partiesOf(n earshot.Note, w *earshot.Writing) map[string]any {
	customer, agent := partyFrom, partyTo
	if n.Direction == earshot.DirectionOutbound {
		customer, agent = partyTo, partyFrom
	}
	var list []map[string]any
	if kind, path := contactOf(n); kind != "" {
		list = append(list, map[string]any{"partyid_" + kind + "@odata.bind": path, "participationtypemask": customer})
	}
	if guid.MatchString(w.User) {
		list = append(list, map[string]any{"partyid_systemuser@odata.bind": "/systemusers(" + w.User + ")", "participationtypemask": agent})
	}
	if list == nil {
		return nil
	}
	return map[string]any{"phonecall_activity_parties": list}
}

// callColumns are those that a revision replaces. The category, which people set
// too, stays as it is where the mapping has no disposition.
func (c *Connector) callColumns(n earshot.Note, w *earshot.Writing) map[string]any {
	m := map[string]any{
		"subject":               cut(w.Subject, maxSubject),
		"description":           cut(w.Body, c.cfg.MaxBody), // plain text
		"directioncode":         n.Direction == earshot.DirectionOutbound,
		"actualstart":           n.StartedAt.UTC().Format(time.RFC3339),
		"actualend":             n.EndedAt.UTC().Format(time.RFC3339),
		"actualdurationminutes": (n.DurationS + 59) / 60, // begun minutes
	}
	if n.Match != nil && n.Match.Number != "" {
		m["phonenumber"] = n.Match.Number
	}
	if w.Disposition != "" {
		m["category"] = cut(w.Disposition, maxCategory)
	}
	for k, v := range w.Fields {
		m[k] = v
	}
	return m
}

// newCall adds the owner, which may change later.
func (c *Connector) newCall(n earshot.Note, w *earshot.Writing) map[string]any {
	m := c.callColumns(n, w)
	own(m, w)
	return m
}

// newTask is one to be done, by noon of the day that was named if one was.
func (c *Connector) newTask(n earshot.Note, w *earshot.Writing, t earshot.Task) map[string]any {
	m := map[string]any{
		"subject":     cut(t.Text, maxSubject),
		"description": cut(strings.TrimSpace(t.Text+"\n\n"+w.Subject+"\n"+n.CallURL), c.cfg.MaxBody),
	}
	if !t.Due.IsZero() {
		m["scheduledend"] = t.Due.Add(12 * time.Hour).UTC().Format(time.RFC3339)
	}
	own(m, w)
	return m
}

// own gives a row to the agent; to who is signed in where the mapping has none.
func own(m map[string]any, w *earshot.Writing) {
	if guid.MatchString(w.User) {
		m["ownerid@odata.bind"] = "/systemusers(" + w.User + ")"
	}
}

// completed is the end of a phone call: made, or received.
func completed(d earshot.Direction) map[string]any {
	if d == earshot.DirectionOutbound {
		return map[string]any{"statecode": 1, "statuscode": 2}
	}
	return map[string]any{"statecode": 1, "statuscode": 4}
}

// cut shortens a text to so many UTF-16 units, as Dataverse counts.
func cut(s string, limit int) string {
	n, end := 0, 0
	for i, r := range s {
		n += max(1, utf16.RuneLen(r))
		if n <= limit-3 {
			end = i + len(string(r))
		}
		if n > limit {
			return strings.TrimRight(s[:min(end, len(s))], " \n") + "..."
		}
	}
	return s
}
