package crm

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	_ "time/tzdata" // zones are named in the mapping, and a small machine has none

	"gopkg.in/yaml.v3"

	"earshot"
)

// Mapping says how notes are written for each connector: docs/crm.md.
type Mapping struct {
	file     string
	sections map[string]*section
}

// anyConnector is the section of the connectors that have none of their own.
const anyConnector = "default"

// section is what the file says of one connector.
type section struct {
	Subject      source            `yaml:"subject"`
	Body         source            `yaml:"body"`
	Fields       map[string]source `yaml:"fields"`
	Transcript   choice            `yaml:"transcript"`
	Recording    choice            `yaml:"recording"`
	Unmatched    choice            `yaml:"unmatched"`
	Queue        string            `yaml:"queue"`
	Dispositions map[string]string `yaml:"dispositions"`
	Users        map[string]string `yaml:"users"`
	Queues       map[string]string `yaml:"queues"`
	Tasks        *bool             `yaml:"tasks"`
	TimeZone     choice            `yaml:"time_zone"`
	PerMinute    int               `yaml:"per_minute"`

	zone *time.Location
}

// source is the text of a template, with the line it is in.
type source struct {
	text string
	line int
	t    *template.Template
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *source) UnmarshalYAML(n *yaml.Node) error {
	s.line = n.Line
	return n.Decode(&s.text)
}

// choice is a word, with the line it is in.
type choice struct {
	word string
	line int
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (c *choice) UnmarshalYAML(n *yaml.Node) error {
	c.line = n.Line
	return n.Decode(&c.word)
}

// mappingError says where a mapping can't be used.
type mappingError struct {
	file string
	line int
	err  error
}

func (e *mappingError) Error() string { return fmt.Sprintf("%s:%d: %v", e.file, e.line, e.err) }

func (e *mappingError) Unwrap() error { return e.err }

// LoadMapping reads a mapping for these connectors and tries its templates. An
// error names file and line.
func LoadMapping(file string, connectors []string) (*Mapping, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read crm.mapping: %w", err)
	}
	return parseMapping(file, raw, connectors)
}

func parseMapping(file string, raw []byte, connectors []string) (*Mapping, error) {
	m := &Mapping{file: file, sections: map[string]*section{}}
	var doc map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, yamlError(file, err)
	}
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&m.sections); err != nil && !errors.Is(err, io.EOF) {
		return nil, yamlError(file, err)
	}
	for _, name := range slices.Sorted(maps.Keys(m.sections)) {
		line := doc[name].Line
		if name != anyConnector && !slices.Contains(connectors, name) {
			return nil, &mappingError{file, line, fmt.Errorf("no connector %q is configured, there are %s, and %q for all the others",
				name, strings.Join(connectors, ", "), anyConnector)}
		}
		if m.sections[name] == nil {
			m.sections[name] = &section{}
		}
		if err := m.sections[name].compile(file, line); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// yamlLine is how the parser says where it stopped.
var yamlLine = regexp.MustCompile(`line (\d+): `)

func yamlError(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = strings.TrimSpace(strings.TrimPrefix(text, "unmarshal errors:\n"))
	text, _, _ = strings.Cut(text, "\n")
	line := 1
	if at := yamlLine.FindStringSubmatch(text); at != nil {
		line, text = number(at[1]), strings.Replace(text, at[0], "", 1)
	}
	text = strings.Replace(text, "field ", "there is no ", 1)
	text, _, _ = strings.Cut(text, " not found in type")
	return &mappingError{file, line, errors.New(text)}
}

// compile checks the words and tries the templates.
func (s *section) compile(file string, line int) error {
	for _, c := range []struct {
		key   string
		value *choice
		words []string // the first is the default
	}{
		{"transcript", &s.Transcript, []string{"link", "none", "part", "full"}},
		{"recording", &s.Recording, []string{"link", "none"}},
		{"unmatched", &s.Unmatched, []string{"activity", "queue", "lead"}},
	} {
		if c.value.word == "" {
			c.value.word = c.words[0]
		}
		if !slices.Contains(c.words, c.value.word) {
			return &mappingError{file, c.value.line, fmt.Errorf("%s: %q is not one of %s", c.key, c.value.word, strings.Join(c.words, ", "))}
		}
	}
	var err error
	if s.zone, err = time.LoadLocation(s.TimeZone.word); err != nil {
		return &mappingError{file, s.TimeZone.line, fmt.Errorf("time_zone: %w", err)}
	}
	if s.Unmatched.word == "queue" && s.Queue == "" {
		return &mappingError{file, s.Unmatched.line, errors.New("unmatched: queue needs the name of one as queue")}
	}
	if s.PerMinute < 0 {
		return &mappingError{file, line, errors.New("per_minute: is below zero")}
	}
	return s.compileTemplates(file)
}

func (s *section) compileTemplates(file string) error {
	all := map[string]*source{"subject": &s.Subject, "body": &s.Body}
	for name, f := range s.Fields {
		all["fields."+name] = &f
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		src := all[key]
		if src.text == "" {
			continue
		}
		t, err := newTemplate(key).Parse(src.text)
		if err == nil {
			err = t.Execute(io.Discard, sample(s.zone))
		}
		if err != nil {
			return &mappingError{file, src.line, errors.New(strings.TrimPrefix(err.Error(), "template: "))}
		}
		src.t = t
		if name, ok := strings.CutPrefix(key, "fields."); ok {
			s.Fields[name] = *src
		}
	}
	return nil
}

// sample is a page to try templates on.
func sample(zone *time.Location) Page {
	n := earshot.Note{
		ID: "sample", CallID: "sample", Participants: []earshot.Participant{{Role: earshot.RoleAgent}, {Role: earshot.RoleCustomer}},
		Summary: earshot.Summary{
			Facts: []earshot.Fact{{}}, Actions: []earshot.Action{{}}, OpenQuestions: []earshot.OpenQuestion{{}},
		},
		Tags: []string{"sample"}, Match: &earshot.Match{Contact: &earshot.Contact{}},
	}
	p := newPage(n, zone)
	p.Transcript = []Line{{}}
	return p
}

// of returns the section of a connector, nil for none.
func (m *Mapping) of(connector string) *section {
	if m == nil {
		return nil
	}
	if s := m.sections[connector]; s != nil {
		return s
	}
	return m.sections[anyConnector]
}

// PerMinute returns how many requests a minute the mapping allows a connector,
// 0 when it does not say.
func (m *Mapping) PerMinute(connector string) int {
	if s := m.of(connector); s != nil {
		return s.PerMinute
	}
	return 0
}

// MakesLeads reports whether a number nobody has is made a lead for.
func (m *Mapping) MakesLeads(connector string) bool {
	s := m.of(connector)
	return s != nil && s.Unmatched.word == "lead"
}

// Unassigned returns the queue for notes that belong to no contact, "" when
// they become an activity without one.
func (m *Mapping) Unassigned(connector string) string {
	if s := m.of(connector); s != nil && s.Unmatched.word == "queue" {
		return s.Queue
	}
	return ""
}
