package assist

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// reader walks a YAML tree and collects what is wrong with it. Its methods take
// nil nodes for things that are not there and return empty values.
type reader struct {
	problems []Problem
}

func (r *reader) fail(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, Problem{n.Line, fmt.Sprintf(format, args...)})
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// decodeYAML returns the top node of the one document of data.
func decodeYAML(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &PlaybookError{[]Problem{{1, "file is empty"}}}
		}
		return nil, &PlaybookError{[]Problem{syntaxProblem(err)}}
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, &PlaybookError{[]Problem{{max(second.Line, 1), "file has more than one document"}}}
	}
	if len(doc.Content) == 0 {
		return nil, &PlaybookError{[]Problem{{1, "file is empty"}}}
	}
	return doc.Content[0], nil
}

func syntaxProblem(err error) Problem {
	text := err.Error()
	m := yamlLine.FindStringSubmatch(text)
	if m == nil {
		return Problem{1, text}
	}
	line, _ := strconv.Atoi(m[1])
	return Problem{max(line, 1), strings.TrimPrefix(text, m[0])}
}

// plain follows an alias to what it stands for.
func plain(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// mapping returns the values of a mapping by key; keys other than allowed are
// problems.
func (r *reader) mapping(n *yaml.Node, name string, allowed ...string) map[string]*yaml.Node {
	n = plain(n)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		r.fail(n, "%s must be a mapping with %s", name, strings.Join(allowed, ", "))
		return nil
	}
	out := map[string]*yaml.Node{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], plain(n.Content[i+1])
		switch {
		case !slices.Contains(allowed, key.Value):
			r.fail(key, "unknown key %q in %s; known are %s", key.Value, name, strings.Join(allowed, ", "))
		case out[key.Value] != nil:
			r.fail(key, "key %q is there twice", key.Value)
		default:
			out[key.Value] = value
		}
	}
	return out
}

// sequence returns the items of a list, which must have some.
func (r *reader) sequence(n *yaml.Node, name string) []*yaml.Node {
	n = plain(n)
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.fail(n, "%s must be a list", name)
		return nil
	}
	if len(n.Content) == 0 {
		r.fail(n, "%s is empty", name)
	}
	out := make([]*yaml.Node, 0, len(n.Content))
	for _, item := range n.Content {
		out = append(out, plain(item))
	}
	return out
}

// text returns a string, which must not be empty.
func (r *reader) text(n *yaml.Node, name string) string {
	n = plain(n)
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode {
		r.fail(n, "%s must be a text", name)
		return ""
	}
	s := strings.TrimSpace(n.Value)
	if s == "" || n.Tag == "!!null" {
		r.fail(n, "%s is empty", name)
		return ""
	}
	return s
}

// need returns the text of a key that must be there.
func (r *reader) need(n *yaml.Node, m map[string]*yaml.Node, key string) string {
	if m != nil && m[key] == nil {
		r.fail(n, "%s is missing", key)
	}
	return r.text(m[key], key)
}

func (r *reader) duration(n *yaml.Node, name string) time.Duration {
	d, err := time.ParseDuration(n.Value)
	if err != nil || d < 0 {
		r.fail(n, "%s %q is not a time such as 30s or 5m", name, n.Value)
	}
	return d
}

func (r *reader) count(n *yaml.Node) int {
	v, err := strconv.Atoi(n.Value)
	if err != nil || v < 0 {
		r.fail(n, "max_per_call %q is not a number from 0 on", n.Value)
	}
	return v
}
