package vocabulary

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Bounds of a vocabulary: the size of its file in bytes, its terms, and the
// words of one.
const (
	maxFile  = 4 << 20
	maxTerms = 5000
	maxWords = 5
)

// Term is a name or a product as it is to be written.
type Term struct {
	Term string `yaml:"term"`
	// SoundsLike are forms the recogniser writes in its place. They are always
	// replaced.
	SoundsLike []string `yaml:"sounds_like"`
	// Not are forms that are never replaced by it.
	Not []string `yaml:"not"`
	// Near are words near which everyday words may be a misheard term.
	Near []string `yaml:"near"`
}

// LineError says where in a file something can't be used.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// ReadFile reads the terms of a YAML file. What can't be used is a *[LineError].
func ReadFile(name string) ([]Term, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", name, maxFile>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	terms, err := parse(name, raw)
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	return terms, nil
}

// parse reads the list "terms", each a text or a mapping.
func parse(file string, raw []byte) ([]Term, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, yamlError(file, 1, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	top := doc.Content[0]
	if top.Kind != yaml.MappingNode || len(top.Content) != 2 || top.Content[0].Value != "terms" {
		return nil, &LineError{file, top.Line, errors.New(`this is not a list with the name "terms"`)}
	}
	list := top.Content[1]
	if list.Kind != yaml.SequenceNode && list.Tag != "!!null" {
		return nil, &LineError{file, list.Line, errors.New("this is not a list")}
	}
	if len(list.Content) > maxTerms {
		return nil, &LineError{file, list.Content[maxTerms].Line, fmt.Errorf("these are more than %d terms", maxTerms)}
	}
	var out []Term
	for _, item := range list.Content {
		t, err := parseTerm(file, item)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func parseTerm(file string, item *yaml.Node) (Term, error) {
	var t Term
	switch item.Kind {
	case yaml.ScalarNode:
		t.Term = item.Value
	case yaml.MappingNode:
		for i := 0; i+1 < len(item.Content); i += 2 {
			switch key := item.Content[i]; key.Value {
			case "term", "sounds_like", "not", "near":
			default:
				return t, &LineError{file, key.Line, fmt.Errorf("there is no %q; there are term, sounds_like, not and near", key.Value)}
			}
		}
		if err := item.Decode(&t); err != nil {
			return t, yamlError(file, item.Line, err)
		}
	default:
		return t, &LineError{file, item.Line, errors.New("this is neither a text nor a term")}
	}
	if err := t.check(); err != nil {
		return t, &LineError{file, item.Line, err}
	}
	return t, nil
}

// check reports what can't be looked for.
func (t Term) check() error {
	if letters(t.Term) == "" {
		return fmt.Errorf("the term %q has no letters", t.Term)
	}
	for _, list := range [][]string{{t.Term}, t.SoundsLike, t.Not} {
		for _, s := range list {
			if n := len(strings.Fields(s)); n == 0 || n > maxWords {
				return fmt.Errorf("%q has %d words: at least one and at most %d are possible", s, n, maxWords)
			}
		}
	}
	return nil
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
