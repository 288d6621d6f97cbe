package zendesk

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

type user struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Phone string `json:"phone"`
	Role  string `json:"role"`
}

// Find implements crm.Finder: users with the number as it may be written
// (https://developer.zendesk.com/api-reference/ticketing/users/users/#search-users).
// The search lags by a minute or so behind what is entered.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	seen := map[int64]bool{}
	var list []crm.Candidate
	for _, s := range n.Spellings() {
		var out struct{ Users []user }
		q := `phone:"` + strings.ReplaceAll(s, `"`, "") + `"`
		if _, err := c.rest.Do(ctx, rest.Request{Path: api + "/users/search", Query: url.Values{"query": {q}}, Out: &out}); err != nil {
			return nil, err
		}
		for _, u := range out.Users {
			if !seen[u.ID] {
				seen[u.ID] = true
				list = append(list, crm.Candidate{Contact: c.contact(u), Numbers: []string{u.Phone}})
			}
		}
	}
	return list, nil
}

func (c *Connector) contact(u user) earshot.Contact {
	id := strconv.FormatInt(u.ID, 10)
	return earshot.Contact{ID: id, Name: u.Name, URL: c.cfg.URL + "/agent/users/" + id}
}

// MakeLead implements crm.LeadMaker: a user with the number, made or found by an
// external ID.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	var out struct{ User user }
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/users/create_or_update", Out: &out, In: map[string]any{"user": map[string]any{
		"name": "Caller " + n.E164, "phone": n.E164, "external_id": "earshot" + n.E164, "role": "end-user",
	}}})
	return c.contact(out.User), err
}

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var out struct{ User user }
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/users/me", Out: &out})
	if err == nil && out.User.ID == 0 { // who is not signed in is a user without an ID
		err = fmt.Errorf("%s: the address or the token are refused", c.cfg.Name)
	}
	checks := []crm.Check{{Name: "credentials", Found: out.User.Name, Err: err}}
	if err != nil {
		return checks
	}
	if out.User.Role != "agent" && out.User.Role != "admin" {
		err = fmt.Errorf("the user is no agent but %s, and may not make tickets of others", rest.Code(out.User.Role))
	}
	if checks = append(checks, crm.Check{Name: "permissions", Found: out.User.Role, Err: err}); err != nil {
		return checks
	}
	n, _ := phone.Parse("+12025550100", "") // nobody's
	list, err := c.Find(ctx, n)
	return append(checks, crm.Check{Name: "look-up", Found: fmt.Sprintf("answered, %d alike", len(list)), Err: err})
}
