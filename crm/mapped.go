package crm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"earshot"
	"earshot/crm/phone"
)

// Write returns the note as the mapping has it written for its connector, nil
// when it says nothing of that. It does not depend on the note's Match. An
// error is a template's.
func (m *Mapping) Write(n earshot.Note, said []earshot.Utterance) (*earshot.Writing, error) {
	s := m.of(n.Connector)
	if s == nil {
		return nil, nil
	}
	n.Match = nil
	if s.Recording.word == "none" {
		n.AudioURL = ""
	}
	if s.Transcript.word == "none" {
		n.CallURL = ""
	}
	page := newPage(n, s.zone)
	page.Transcript = s.lines(n, said)
	w := earshot.Writing{
		Disposition: s.Dispositions[n.Summary.Disposition],
		User:        s.user(agentOf(n.Participants)),
		Queue:       s.Queues[n.Queue],
	}
	var err error
	if w.Subject, err = filled(s.Subject.t, page, page.subject()); err != nil {
		return nil, err
	}
	w.Subject = cut(strings.Join(strings.Fields(w.Subject), " "), 250)
	if w.Body, err = filled(cmp.Or(s.Body.t, plain), page, ""); err != nil {
		return nil, err
	}
	w.Body = tidy(w.Body)
	for name, f := range s.Fields {
		text, err := filled(f.t, page, f.text)
		if err != nil {
			return nil, err
		}
		if text = strings.TrimSpace(text); text != "" {
			if w.Fields == nil {
				w.Fields = map[string]string{}
			}
			w.Fields[name] = text
		}
	}
	if s.Tasks == nil || *s.Tasks {
		w.Tasks = tasks(n, s.zone)
	}
	return &w, nil
}

// User returns who the agent of a call is in a connector's system, "" for nobody
// known. It may be called on a nil Mapping.
func (m *Mapping) User(connector string, list []earshot.Participant) string {
	if m == nil {
		return ""
	}
	s := m.of(connector)
	if s == nil {
		return ""
	}
	return s.user(agentOf(list))
}

// filled executes a template; without one the text is otherwise.
func filled(t *template.Template, page Page, otherwise string) (string, error) {
	if t == nil {
		return otherwise, nil
	}
	var b strings.Builder
	if err := t.Execute(&b, page); err != nil {
		return "", fmt.Errorf("crm.mapping: %w", err)
	}
	return b.String(), nil
}

// user looks the agent up by the directory's ID, the address, and the number.
func (s *section) user(p *earshot.Participant) string {
	if p == nil {
		return ""
	}
	keys := []string{p.AgentID, p.AOR, earshot.AddressKey(p.AOR)}
	if n, ok := phone.Parse(p.AOR, ""); ok {
		keys = append(keys, n.Raw)
	}
	for _, k := range keys {
		if u := s.Users[k]; k != "" && u != "" {
			return u
		}
	}
	return ""
}

// lines returns as much of what was said as the mapping lets out. A part is the
// turns that facts, promises and open questions were taken from.
func (s *section) lines(n earshot.Note, said []earshot.Utterance) []Line {
	switch s.Transcript.word {
	case "full":
		said = earshot.JoinContinued(said)
	case "part":
		said = cited(n.Summary, said)
	default:
		return nil
	}
	var out []Line
	for _, u := range said {
		out = append(out, Line{At: clock(u.StartMS), Speaker: speaker(n.Participants, u), Text: u.Text})
	}
	return out
}

func cited(s earshot.Summary, said []earshot.Utterance) []earshot.Utterance {
	ids := map[earshot.UtteranceID]bool{}
	for _, v := range s.Facts {
		ids[v.UtteranceID] = true
	}
	for _, v := range s.Actions {
		ids[v.UtteranceID] = true
	}
	for _, v := range s.OpenQuestions {
		ids[v.UtteranceID] = true
	}
	return slices.DeleteFunc(slices.Clone(said), func(u earshot.Utterance) bool { return !ids[u.ID] })
}

func speaker(list []earshot.Participant, u earshot.Utterance) string {
	for i := range list {
		if p := &list[i]; p.ID == u.ParticipantID && called(p) != "" {
			return called(p)
		}
	}
	return string(u.Role)
}
