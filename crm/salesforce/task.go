package salesforce

import (
	"strings"
	"time"
	"unicode/utf16"

	"earshot"
)

// Limits of
// https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm,
// in characters.
const (
	maxSubject     = 255
	maxDescription = 32000
)

// contactOf returns the field that holds whom a note is about: WhoId for people,
// WhatId for an account, none for nobody.
func contactOf(n earshot.Note) map[string]any {
	if n.Match == nil || n.Match.Contact == nil {
		return nil
	}
	kind, id, _ := strings.Cut(n.Match.Contact.ID, "/")
	switch kind {
	case "Contact", "Lead":
		return map[string]any{"WhoId": id}
	case "Account":
		return map[string]any{"WhatId": id}
	}
	return nil
}

// callFields are those that a revision replaces. The outcome, which people set
// too, stays as it is where the mapping has none.
func callFields(n earshot.Note, w *earshot.Writing) map[string]any {
	f := map[string]any{
		"Subject":               cut(w.Subject, maxSubject),
		"Description":           cut(w.Body, maxDescription), // plain text
		"CallDurationInSeconds": n.DurationS,
	}
	if t := callType(n.Direction); t != "" {
		f["CallType"] = t
	}
	if w.Disposition != "" {
		f["CallDisposition"] = cut(w.Disposition, maxSubject)
	}
	for k, v := range w.Fields {
		f[k] = v
	}
	return f
}

func callType(d earshot.Direction) string {
	return map[earshot.Direction]string{
		earshot.DirectionInbound: "Inbound", earshot.DirectionOutbound: "Outbound", earshot.DirectionInternal: "Internal",
	}[d]
}

// newCall adds what is set once: what happens to it later is people's.
func newCall(n earshot.Note, w *earshot.Writing) map[string]any {
	f := callFields(n, w)
	f["TaskSubtype"], f["Status"] = "Call", "Completed"
	f["ActivityDate"] = n.StartedAt.UTC().Format(time.DateOnly) // a date, thus without a zone
	if w.Queue != "" && contactOf(n) == nil {
		f["OwnerId"] = w.Queue // somebody has to find out who it was
	} else {
		own(f, w)
	}
	return f
}

// newTask is one to be done, on the day that was named if one was.
func newTask(n earshot.Note, w *earshot.Writing, t earshot.Task) map[string]any {
	f := map[string]any{
		"Subject": cut(t.Text, maxSubject), "TaskSubtype": "Task", "Status": "Not Started",
		"Description": cut(strings.TrimSpace(t.Text+"\n\n"+w.Subject+"\n"+n.CallURL), maxDescription),
	}
	if !t.Due.IsZero() {
		f["ActivityDate"] = t.Due.Format(time.DateOnly)
	}
	own(f, w)
	return f
}

// own gives a task to the agent, else to the queue; to who is signed in where
// the mapping has neither.
func own(f map[string]any, w *earshot.Writing) {
	if w.User != "" {
		f["OwnerId"] = w.User
	} else if w.Queue != "" {
		f["OwnerId"] = w.Queue
	}
}

// cut shortens a text to so many UTF-16 units, as Salesforce counts, with ends
// of lines as two.
func cut(s string, limit int) string {
	n, end := 0, 0
	for i, r := range s {
		n += max(1, utf16.RuneLen(r))
		if r == '\n' {
			n++
		}
		if n <= limit-3 {
			end = i + len(string(r))
		}
		if n > limit {
			return strings.ToValidUTF8(s[:min(end, len(s))], "") + "..."
		}
	}
	return s
}
