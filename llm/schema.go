package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// schema is the part of JSON Schema that answers are checked against. What it
// does not know is left to the model's server.
type schema struct {
	Type                 any                `json:"type"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	AdditionalProperties *bool              `json:"additionalProperties"`
	Items                *schema            `json:"items"`
	Enum                 []any              `json:"enum"`
	MaxItems             *int               `json:"maxItems"`
	MaxLength            *int               `json:"maxLength"`
}

// errMalformed marks answers that are not one JSON value.
var errMalformed = errors.New("not JSON")

// decodeAnswer checks an answer against the schema and decodes it into out.
// Fields that out does not have are an error.
func decodeAnswer(answer string, raw json.RawMessage, out any) error {
	data := []byte(unfence(answer))
	var value any
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(&value); err != nil {
		return errMalformed
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: more follows the value", errMalformed)
	}
	var s schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("schema of the request: %w", err)
	}
	if err := s.check("answer", value); err != nil {
		return err
	}
	d = json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return fmt.Errorf("%s has the wrong type", wrong.Field)
		}
		return errors.New("has fields nobody asked for")
	}
	return nil
}

// unfence takes the Markdown fence off that models without a JSON mode put
// around their answer.
func unfence(s string) string {
	s = strings.TrimSpace(s)
	body, ok := strings.CutPrefix(s, "```")
	if !ok {
		return s
	}
	body = strings.TrimPrefix(body, "json")
	return strings.TrimSpace(strings.TrimSuffix(body, "```"))
}

// check reports where a value leaves the schema. It names the path by the
// schema's own words and never quotes the value.
func (s *schema) check(path string, value any) error {
	if s == nil {
		return nil
	}
	if !s.typed(value) {
		return fmt.Errorf("%s has the wrong type", path)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		return fmt.Errorf("%s is none of the allowed values", path)
	}
	switch v := value.(type) {
	case map[string]any:
		return s.checkObject(path, v)
	case []any:
		if s.MaxItems != nil && len(v) > *s.MaxItems {
			return fmt.Errorf("%s has more than %d items", path, *s.MaxItems)
		}
		for i, item := range v {
			if err := s.Items.check(fmt.Sprintf("%s[%d]", path, i), item); err != nil {
				return err
			}
		}
	case string:
		if s.MaxLength != nil && utf8.RuneCountInString(v) > *s.MaxLength {
			return fmt.Errorf("%s is longer than %d characters", path, *s.MaxLength)
		}
	}
	return nil
}

func (s *schema) checkObject(path string, object map[string]any) error {
	for _, name := range s.Required {
		if _, ok := object[name]; !ok {
			return fmt.Errorf("%s.%s is missing", path, name)
		}
	}
	for name, value := range object {
		sub, ok := s.Properties[name]
		if !ok {
			if s.AdditionalProperties != nil && !*s.AdditionalProperties {
				return fmt.Errorf("%s has fields nobody asked for", path)
			}
			continue
		}
		if err := sub.check(path+"."+name, value); err != nil {
			return err
		}
	}
	return nil
}

// typed reports whether the value has one of the schema's types.
func (s *schema) typed(value any) bool {
	switch t := s.Type.(type) {
	case string:
		return hasType(value, t)
	case []any:
		return slices.ContainsFunc(t, func(one any) bool {
			name, _ := one.(string)
			return hasType(value, name)
		})
	}
	return true
}

func hasType(value any, name string) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && v == float64(int64(v))
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}
