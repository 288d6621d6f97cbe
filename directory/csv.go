package directory

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"earshot"
)

// columns are the fields of an entry, in YAML and in CSV; CSV has kind too.
var columns = []string{"id", "name", "team", "extensions", "aors", "numbers"}

// agentRow is an entry of any kind as it is written.
type agentRow struct {
	ID         string   `yaml:"id"`
	Name       string   `yaml:"name"`
	Team       string   `yaml:"team"`
	Extensions []string `yaml:"extensions"`
	AORs       []string `yaml:"aors"`
	Numbers    []string `yaml:"numbers"`
}

func (r agentRow) agent() (earshot.Agent, error) {
	if len(r.Numbers) > 0 {
		return earshot.Agent{}, errors.New("an agent has extensions, only a queue has numbers")
	}
	return earshot.Agent{ID: r.ID, Name: r.Name, Extensions: r.Extensions, AORs: r.AORs, Team: r.Team}, nil
}

func (r agentRow) team() (earshot.Team, error) {
	if len(r.Extensions)+len(r.AORs)+len(r.Numbers) > 0 || r.Team != "" {
		return earshot.Team{}, errors.New("a team has only id and name")
	}
	return earshot.Team{ID: r.ID, Name: r.Name}, nil
}

func (r agentRow) queue() (earshot.Queue, error) {
	if len(r.Extensions)+len(r.AORs) > 0 || r.Team != "" {
		return earshot.Queue{}, errors.New("a queue has id, name and numbers")
	}
	return earshot.Queue{ID: r.ID, Name: r.Name, Numbers: r.Numbers}, nil
}

// parseCSV reads rows below a line with the names of columns. The column kind
// says agent (as does an empty one), team or queue. Columns are separated by
// comma or semicolon, the items of a list by "|", or by ";" between commas.
func parseCSV(file string, raw []byte) (earshot.Directory, lines, error) {
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	head, _, _ := bytes.Cut(raw, []byte("\n"))
	r := csv.NewReader(bytes.NewReader(raw))
	separators := "|;"
	if bytes.ContainsRune(head, ';') && !bytes.ContainsRune(head, ',') {
		r.Comma, separators = ';', "|"
	}
	r.TrimLeadingSpace = true
	names, err := r.Read()
	if errors.Is(err, io.EOF) {
		return earshot.Directory{}, lines{}, nil
	}
	if err != nil {
		return earshot.Directory{}, nil, csvError(file, err)
	}
	for i, name := range names {
		names[i] = strings.ToLower(strings.TrimSpace(name))
		if names[i] != "kind" && !slices.Contains(columns, names[i]) {
			return earshot.Directory{}, nil, &LineError{file, 1, fmt.Errorf("there is no column %q; there are kind, %s", name, strings.Join(columns, ", "))}
		}
	}
	return csvRows(file, r, names, separators)
}

func csvRows(file string, r *csv.Reader, names []string, separators string) (earshot.Directory, lines, error) {
	var d earshot.Directory
	at := lines{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return d, at, nil
		}
		if err != nil {
			return earshot.Directory{}, nil, csvError(file, err)
		}
		line, _ := r.FieldPos(0)
		kind, row := csvRow(names, record, separators)
		if err := add(&d, kind, row); err != nil {
			return earshot.Directory{}, nil, &LineError{file, line, err}
		}
		at[kind] = append(at[kind], line)
	}
}

func csvRow(names, record []string, separators string) (earshot.DirectoryKind, agentRow) {
	kind, row := earshot.DirectoryAgent, agentRow{}
	for i, name := range names {
		text := strings.TrimSpace(record[i])
		list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(separators, r) })
		for j := range list {
			list[j] = strings.TrimSpace(list[j])
		}
		switch name {
		case "kind":
			if text != "" {
				kind = earshot.DirectoryKind(strings.ToLower(text))
			}
		case "id":
			row.ID = text
		case "name":
			row.Name = text
		case "team":
			row.Team = text
		case "extensions":
			row.Extensions = list
		case "aors":
			row.AORs = list
		case "numbers":
			row.Numbers = list
		}
	}
	return kind, row
}

// add appends an entry to the list of its kind.
func add(d *earshot.Directory, kind earshot.DirectoryKind, row agentRow) error {
	switch kind {
	case earshot.DirectoryAgent:
		v, err := row.agent()
		d.Agents = append(d.Agents, v)
		return err
	case earshot.DirectoryTeam:
		v, err := row.team()
		d.Teams = append(d.Teams, v)
		return err
	case earshot.DirectoryQueue:
		v, err := row.queue()
		d.Queues = append(d.Queues, v)
		return err
	default:
		return fmt.Errorf("%q is not agent, team or queue", kind)
	}
}

func csvError(file string, err error) error {
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		return &LineError{file, e.Line, e.Err}
	}
	return err
}
