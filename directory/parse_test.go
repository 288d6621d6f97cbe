package directory

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"earshot"
)

const people = `# who works here
teams:
  - id: desk
    name: Front desk
agents:
  - id: mira
    name: Mira Holt
    extensions: [2001, "+49 30 123-420"]
    aors: [sip:mira@desk.example]
    team: desk
  - {id: jon, name: Jon Reyes, extensions: ["0042"]}
queues:
  - {id: support, name: Support, numbers: ["+15550199"]}
`

const peopleCSV = "\xef\xbb\xbfkind,id,name,team,extensions,aors,numbers\r\n" +
	"team,desk,Front desk,,,,\r\n" +
	"agent,mira,Mira Holt,desk,2001|+49 30 123-420,sip:mira@desk.example,\r\n" +
	",jon,\"Jon Reyes\",,0042,,\r\n" +
	"queue,support,Support,,,,+15550199\r\n"

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	write(t, path, text)
	return path
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestReadFile(t *testing.T) {
	want := earshot.Directory{
		Agents: []earshot.Agent{
			{ID: "mira", Name: "Mira Holt", Extensions: []string{"2001", "+49 30 123-420"}, AORs: []string{"sip:mira@desk.example"}, Team: "desk"},
			{ID: "jon", Name: "Jon Reyes", Extensions: []string{"0042"}},
		},
		Teams:  []earshot.Team{{ID: "desk", Name: "Front desk"}},
		Queues: []earshot.Queue{{ID: "support", Name: "Support", Numbers: []string{"+15550199"}}},
	}
	semicolons := strings.NewReplacer(",", ";", "\r\n", "\n").Replace(peopleCSV)
	for name, text := range map[string]string{"a.yaml": people, "b.csv": peopleCSV, "c.CSV": semicolons} {
		got, err := ReadFile(file(t, name, text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i := range got.Agents { // an empty list is as good as none
			if len(got.Agents[i].AORs) == 0 {
				got.Agents[i].AORs = nil
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, want)
		}
	}
	for _, empty := range []string{"a.yaml", "a.csv"} {
		if d, err := ReadFile(file(t, empty, "")); err != nil || !reflect.DeepEqual(d, earshot.Directory{}) {
			t.Errorf("empty %s: %+v %v", empty, d, err)
		}
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"a.yaml", "agents: [\n", "a.yaml:"},
		{"a.yaml", "agents:\n  - id: a\n  - id: a\n", `a.yaml:3: agent "a": the id is taken twice`},
		{"a.yaml", "agents:\n  - id: a\n    extnsions: [1]\n", `a.yaml:3: there is no "extnsions"`},
		{"a.yaml", "agents:\n  - id: a\n    extensions:\n      more: 1\n", "a.yaml:4: "},
		{"a.yaml", "agents:\n  - id: a\n    team: night\n", `a.yaml:2: agent "a": there is no team "night"`},
		{"a.yaml", "agents:\n  - id: a\n    extensions: [1]\n  - id: b\n    extensions: [1]\n", `a.yaml:4: agent "b": extension 1 is a's`},
		{"a.yaml", "staff: []\n", `a.yaml:1: "staff" is not agents, teams or queues`},
		{"a.yaml", "- a\n", "a.yaml:1: "},
		{"a.yaml", "agents: all\n", "a.yaml:1: this is not a list"},
		{"a.yaml", "queues:\n  - id: q\n    extensions: [1]\n", "a.yaml:2: a queue has id, name and numbers"},
		{"a.csv", "kind,id\nagent,a\nagent,a\n", `a.csv:3: agent "a": the id is taken twice`},
		{"a.csv", "kind,id\nboss,a\n", `a.csv:2: "boss" is not agent, team or queue`},
		{"a.csv", "id,colour\na,red\n", `a.csv:1: there is no column "colour"`},
		{"a.csv", "id,name\na\n", "a.csv:2: wrong number of fields"},
		{"a.csv", "id,name\na,\"x\n", "a.csv:"},
		{"a.csv", "id,extensions\na,1\n\"b\n\",x y\n", "a.csv:3: "},
		{"a.txt", "", "neither .yaml nor .csv"},
	} {
		_, err := ReadFile(file(t, tc.name, tc.text))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v, want %s", tc.text, err, tc.want)
		}
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none.yaml")); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(people))
	f.Add([]byte(peopleCSV))
	f.Add([]byte("agents: &a\n  - *a\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, parse := range []func(string, []byte) (earshot.Directory, lines, error){parseYAML, parseCSV} {
			d, at, err := parse("f", raw)
			if err != nil {
				continue
			}
			if len(at[earshot.DirectoryAgent]) != len(d.Agents) || len(at[earshot.DirectoryTeam]) != len(d.Teams) || len(at[earshot.DirectoryQueue]) != len(d.Queues) {
				t.Errorf("%+v has lines %v", d, at)
			}
			if d.Check() == nil {
				newIndex(d).agent("sip:1@a")
			}
		}
	})
}
