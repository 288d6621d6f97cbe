package crm

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"
	"time"

	"earshot"
	"earshot/crm/phone"
)

//go:embed note.tmpl
var noteTemplate string

// plain is the body of a note that no mapping writes.
var plain = template.Must(newTemplate("note").Parse(noteTemplate))

// Page is what templates of notes are given: everything in the note, and what
// is said about it in words.
type Page struct {
	earshot.Note
	// Customer and Agent are who they are called, or their number; "" where
	// nobody is known to be one.
	Customer, Agent string
	// Started is when, in the time zone of the mapping: "4 March 2026, 06:06 CET".
	Started string
	// Length is how long, "1:05".
	Length string
	// Transcript is what was said, as much as the mapping lets out.
	Transcript []Line
}

// Line is one turn of a transcript.
type Line struct {
	// At is how far into the call it was, "1:05".
	At, Speaker, Text string
}

// PlainWriting returns the note in plain words, for a connector that has no
// mapping: times in UTC, no transcript.
func PlainWriting(n earshot.Note) earshot.Writing {
	page := newPage(n, time.UTC)
	var body strings.Builder
	if err := plain.Execute(&body, page); err != nil {
		panic(fmt.Sprintf("crm: built-in template: %v", err)) // it is given nothing that it can't print
	}
	return earshot.Writing{Subject: page.subject(), Body: tidy(body.String()), Tasks: tasks(n, time.UTC)}
}

func newPage(n earshot.Note, zone *time.Location) Page {
	p := Page{
		Note: n, Started: n.StartedAt.In(zone).Format("2 January 2006, 15:04 MST"), Length: clock(1000 * n.DurationS),
	}
	if c := CustomerOf(n.Participants); c != nil {
		p.Customer = called(c)
	}
	if a := agentOf(n.Participants); a != nil {
		p.Agent = called(a)
	}
	return p
}

// subject is the title of a note: "Call with Ann: where a parcel is".
func (p Page) subject() string {
	s := "Call"
	if p.Customer != "" {
		s += " with " + p.Customer
	}
	if p.Summary.Reason != "" {
		s += ": " + p.Summary.Reason
	}
	return cut(s, 120)
}

// tasks are the promises of the agent.
func tasks(n earshot.Note, zone *time.Location) []earshot.Task {
	var out []earshot.Task
	for _, a := range n.Summary.Actions {
		if a.Owner == earshot.RoleCustomer {
			continue
		}
		text := a.Text
		if due := dueOf(a); due != "" {
			text += " (" + due + ")"
		}
		out = append(out, earshot.Task{
			Key: taskKey(n.CallID, a), Text: text, Due: dueDay(a.Due, n.StartedAt.In(zone)),
		})
	}
	return distinct(out)
}

// taskKey is of the utterance that promises; of an agent's own follow-up it is
// of its words.
func taskKey(call earshot.CallID, a earshot.Action) string {
	if a.UtteranceID != "" {
		return string(call) + "-" + string(a.UtteranceID)
	}
	sum := sha256.Sum256([]byte(a.Text))
	return string(call) + "-" + hex.EncodeToString(sum[:8])
}

// dueOf returns when an action is due, "" when its text says it.
func dueOf(a earshot.Action) string {
	if strings.Contains(strings.ToLower(a.Text), strings.ToLower(a.Due)) {
		return ""
	}
	return a.Due
}

// distinct leaves out tasks with the key of one before: an utterance that
// promises two things makes one task of both.
func distinct(list []earshot.Task) []earshot.Task {
	var out []earshot.Task
	at := map[string]int{}
	for _, t := range list {
		i, twice := at[t.Key]
		if !twice {
			at[t.Key] = len(out)
			out = append(out, t)
			continue
		}
		out[i].Text += "; " + t.Text
		if out[i].Due.IsZero() || !t.Due.IsZero() && t.Due.Before(out[i].Due) {
			out[i].Due = t.Due
		}
	}
	return out
}

// CustomerOf returns who called or was called, nil when that is not certain:
// who is known to be the customer, or the only one who is not known to be an
// agent. Of several none is chosen.
func CustomerOf(list []earshot.Participant) *earshot.Participant {
	var sure, others []*earshot.Participant
	for i := range list {
		switch p := &list[i]; p.SureRole() {
		case earshot.RoleCustomer:
			sure = append(sure, p)
		case earshot.RoleUnknown:
			others = append(others, p)
		}
	}
	if len(sure) == 0 {
		sure = others
	}
	if len(sure) != 1 {
		return nil
	}
	return sure[0]
}

// agentOf returns the last agent of the call, who has to do with it now.
func agentOf(list []earshot.Participant) *earshot.Participant {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].SureRole() == earshot.RoleAgent {
			return &list[i]
		}
	}
	return nil
}

// cut shortens a text to n characters at most, with "..." for the rest.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimRight(string(r[:n-3]), " ") + "..."
}

// clock prints milliseconds as minutes and seconds, with hours where there are.
func clock(ms int64) string {
	s := ms / 1000
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}

// newTemplate makes a template with the functions that notes have: clock
// prints milliseconds, join puts a text between those of a list, cut shortens a
// text to so many characters, dueOf tells when an action is due unless its text
// does.
func newTemplate(name string) *template.Template {
	return template.New(name).Option("missingkey=error").Funcs(template.FuncMap{
		"clock": clock, "join": strings.Join, "cut": cut, "dueOf": dueOf,
	})
}

// called is the name of somebody, else the user of their address.
func called(p *earshot.Participant) string {
	if p.Name != "" {
		return p.Name
	}
	n, _ := phone.Parse(p.AOR, "")
	return cmp.Or(n.E164, n.Raw)
}

// tidy takes out the blanks that templates leave at ends of lines, and more
// than one empty line.
func tidy(s string) string {
	var out []string
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, " \t\r\n")
		if line != "" || len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, line)
		}
	}
	return strings.TrimSpace(strings.Join(out, "\n"))
}
