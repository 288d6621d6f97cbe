package espocrm

import (
	"maps"
	"strings"

	"earshot"
)

// attributes are those of a call
// (https://docs.espocrm.com/user-guide/activities-and-calendar/).
func attributes(n earshot.Note, w *earshot.Writing) map[string]any {
	a := map[string]any{
		"name": cut(w.Subject, maxName), "status": "Held", "direction": "Inbound",
		"dateStart": n.StartedAt.UTC().Format(dateTime), "dateEnd": n.EndedAt.UTC().Format(dateTime),
		"description": w.Body + "\n\n" + mark(string(n.ID)), // plain text
	}
	if n.Direction == earshot.DirectionOutbound {
		a["direction"] = "Outbound"
	}
	for k, v := range w.Fields {
		a[k] = v
	}
	relate(a, n, w)
	return a
}

// relate links a record with the contact, lead or account, and the user.
func relate(a map[string]any, n earshot.Note, w *earshot.Writing) {
	if w.User != "" {
		a["assignedUserId"] = w.User
	}
	if n.Match == nil || n.Match.Contact == nil {
		return
	}
	entity, id, _ := strings.Cut(n.Match.Contact.ID, "/")
	links := map[string]any{"parentType": entity, "parentId": id}
	if entity == "Contact" {
		// The parent of a contact's call is the account, which EspoCRM fills in.
		links = map[string]any{"contactsIds": []string{id}}
		if a["dateStart"] == nil {
			links = map[string]any{"contactId": id}
		}
	}
	maps.Copy(a, links)
}

// cut shortens a text to so many characters.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-3]), " ") + "..."
}
