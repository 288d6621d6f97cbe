package directory

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"earshot"
)

// parseYAML reads the lists agents, teams and queues.
func parseYAML(file string, raw []byte) (earshot.Directory, lines, error) {
	var d earshot.Directory
	at := lines{}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return d, nil, yamlError(file, 1, err)
	}
	if len(doc.Content) == 0 {
		return d, at, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode {
		return d, nil, &LineError{file, top.Line, errors.New("this is not a list of agents, teams or queues by name")}
	}
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, list := top.Content[i], top.Content[i+1]
		var err error
		switch key.Value {
		case "agents":
			d.Agents, at[earshot.DirectoryAgent], err = yamlList(file, list, agentRow.agent)
		case "teams":
			d.Teams, at[earshot.DirectoryTeam], err = yamlList(file, list, agentRow.team)
		case "queues":
			d.Queues, at[earshot.DirectoryQueue], err = yamlList(file, list, agentRow.queue)
		default:
			err = &LineError{file, key.Line, fmt.Errorf("%q is not agents, teams or queues", key.Value)}
		}
		if err != nil {
			return earshot.Directory{}, nil, err
		}
	}
	return d, at, nil
}

func yamlList[T any](file string, list *yaml.Node, convert func(agentRow) (T, error)) ([]T, []int, error) {
	var out []T
	var at []int
	if list.Kind != yaml.SequenceNode && list.Tag != "!!null" {
		return nil, nil, &LineError{file, list.Line, errors.New("this is not a list")}
	}
	for _, item := range list.Content {
		var row agentRow
		if err := item.Decode(&row); err != nil {
			return nil, nil, yamlError(file, item.Line, err)
		}
		for i := 0; i+1 < len(item.Content); i += 2 {
			if key := item.Content[i]; !slices.Contains(columns, key.Value) {
				return nil, nil, &LineError{file, key.Line, fmt.Errorf("there is no %q; there are %s", key.Value, strings.Join(columns, ", "))}
			}
		}
		v, err := convert(row)
		if err != nil {
			return nil, nil, &LineError{file, item.Line, err}
		}
		out, at = append(out, v), append(at, item.Line)
	}
	return out, at, nil
}

// yamlLine is how the parser says where it stopped.
var yamlLine = regexp.MustCompile(`line (\d+): `)

func yamlError(file string, line int, err error) error {
	text := err.Error()
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		text = yamlLine.ReplaceAllString(text, "")
	}
	return &LineError{file, line, errors.New(strings.Join(strings.Fields(text), " "))}
}
