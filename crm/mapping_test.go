package crm

import (
	"maps"
	"strings"
	"testing"

	"earshot"
)

func mapping(t *testing.T, text string) *Mapping {
	t.Helper()
	m, err := parseMapping("crm.yaml", []byte(text), []string{"crm", "other"})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const wholeMapping = `
default:
  transcript: none
crm:
  time_zone: Europe/Berlin
  subject: '{{.Customer}} and {{.Agent}}, {{.Started}}'
  body: |
    {{.Summary.Text}}
    {{range .Transcript}}{{.At}} {{.Speaker}}: {{.Text}}
    {{end}}
  fields: {cf_tags: '{{join .Tags "; "}}', cf_none: '{{if .Summary.Incomplete}}x{{end}}', cf_fixed: call}
  transcript: part
  recording: none
  unmatched: queue
  queue: Nobody's
  dispositions: {resolved: "7"}
  users: {mira: "42"}
  queues: {parcels: Sales}
  per_minute: 90
`

func TestMapping(t *testing.T) {
	m := mapping(t, wholeMapping)
	n := writtenNote()
	n.Queue, n.Summary.Facts[0].UtteranceID = "parcels", "u0"
	w, err := m.Write(n, []earshot.Utterance{
		{ID: "u0", ParticipantID: "p2", StartMS: 61_000, Text: "It is AB12.", Final: true},
		{ID: "u9", ParticipantID: "p1", StartMS: 62_000, Text: "Thanks.", Final: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.Subject != "+49301234567 and Mira, 4 March 2026, 05:06 CET" {
		t.Errorf("subject %q", w.Subject)
	}
	if w.Body != "The parcel was found.\n1:01 +49301234567: It is AB12." {
		t.Errorf("body %q", w.Body)
	}
	if !maps.Equal(w.Fields, map[string]string{"cf_tags": "delivery; urgent", "cf_fixed": "call"}) {
		t.Errorf("fields %v", w.Fields)
	}
	if w.Disposition != "7" || w.User != "42" || w.Queue != "Sales" || len(w.Tasks) != 1 {
		t.Errorf("writing %+v", w)
	}
	if m.Unassigned("crm") != "Nobody's" || m.Unassigned("other") != "" || m.PerMinute("crm") != 90 || m.MakesLeads("crm") {
		t.Error("what to do with the unmatched is not as the mapping says")
	}
}

func TestMappingThatSaysNothing(t *testing.T) {
	m := mapping(t, "crm: {tasks: false, unmatched: lead}\n")
	n := writtenNote()
	w, err := m.Write(n, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p := PlainWriting(n); w.Body != p.Body || w.Subject != p.Subject || w.Tasks != nil || !m.MakesLeads("crm") {
		t.Errorf("writing %+v", w)
	}
	n.Connector = "other"
	if w, err := m.Write(n, nil); w != nil || err != nil {
		t.Errorf("a connector that is not in the mapping got %+v, %v", w, err)
	}
	if w, err := (*Mapping)(nil).Write(n, nil); w != nil || err != nil {
		t.Errorf("without a mapping: %+v, %v", w, err)
	}
}

func TestTranscriptOfANote(t *testing.T) {
	said := []earshot.Utterance{{ID: "u0", ParticipantID: "p1", Text: "Hello.", Final: true}}
	for word, want := range map[string][2]bool{ // said, link
		"none": {false, false}, "link": {false, true}, "part": {false, true}, "full": {true, true},
	} {
		w, err := mapping(t, "default: {transcript: "+word+"}").Write(writtenNote(), said)
		if err != nil {
			t.Fatal(err)
		}
		got := [2]bool{strings.Contains(w.Body, "Mira: Hello."), strings.Contains(w.Body, "Transcript: https://e.example/c1")}
		if got != want {
			t.Errorf("%s: said, link are %v, want %v\n%s", word, got, want, w.Body)
		}
	}
}

func TestMappingErrors(t *testing.T) {
	for text, want := range map[string]string{
		"crm: {subjet: x}":                          "crm.yaml:1: there is no subjet",
		"other: {}\n\nhubspto: {}":                  `crm.yaml:3: no connector "hubspto" is configured, there are crm, other, and "default" for all the others`,
		"crm:\n  body: '{{.Custmer}}'":              "crm.yaml:2: body:1:2: executing \"body\" at <.Custmer>: can't evaluate field Custmer in type crm.Page",
		"crm:\n  fields:\n    a: '{{'":              "crm.yaml:3: fields.a:1: unclosed action",
		"crm:\n  transcript: some":                  `crm.yaml:2: transcript: "some" is not one of link, none, part, full`,
		"crm:\n  time_zone: Mars/North":             "crm.yaml:2: time_zone: unknown time zone Mars/North",
		"crm:\n  unmatched: queue":                  "crm.yaml:2: unmatched: queue needs the name of one as queue",
		"crm:\n  per_minute: -1":                    "crm.yaml:2: per_minute: is below zero",
		"crm:\n  per_minute: lots":                  "crm.yaml:2: cannot unmarshal !!str `lots` into int",
		"crm: [":                                    "crm.yaml:1: did not find expected node content",
		"crm:\n  dispositions:\n   - resolved: x\n": "crm.yaml:3: cannot unmarshal !!seq into map[string]string",
	} {
		_, err := parseMapping("crm.yaml", []byte(text), []string{"crm", "other"})
		if err == nil || err.Error() != want {
			t.Errorf("%q gives\n%v, want\n%s", text, err, want)
		}
	}
	if _, err := LoadMapping(t.TempDir()+"/none.yaml", nil); err == nil {
		t.Error("a file that is not there")
	}
	if _, err := parseMapping("crm.yaml", nil, nil); err != nil {
		t.Errorf("an empty mapping: %v", err)
	}
}
