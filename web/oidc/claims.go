package oidc

import "strings"

// claimSet is what a provider says of somebody.
type claimSet map[string]any

// at returns a claim by its name, or by the names on the way to it with dots
// between them, such as realm_access.roles.
func (c claimSet) at(name string) any {
	if v, ok := c[name]; ok {
		return v
	}
	first, rest, nested := strings.Cut(name, ".")
	if inner, ok := c[first].(map[string]any); nested && ok {
		return claimSet(inner).at(rest)
	}
	return nil
}

// text returns a claim that is one string, "" otherwise.
func (c claimSet) text(name string) string {
	v, _ := c.at(name).(string)
	return v
}

// list returns a claim that is a string or a list of them.
func (c claimSet) list(name string) []string {
	var out []string
	switch v := c.at(name).(type) {
	case string:
		out = append(out, v)
	case []any:
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
	}
	return out
}
