package hubspot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// filter is a condition of the search.
type filter struct {
	Property string `json:"propertyName"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// search is a question
// (https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm).
type search struct {
	Groups     []map[string][]filter `json:"filterGroups"` // any of them, at most five
	Properties []string              `json:"properties"`
	Limit      int                   `json:"limit"` // at most 200
}

// numbers are the properties of contacts that hold one, as it was written.
var numbers = []string{"phone", "mobilephone"}

// searchable are those that HubSpot makes of them for its search: the area code
// and the local number, without the country.
var searchable = []string{"hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number"}

// Find implements crm.Finder: contacts whose number is written as E.164, or ends
// as it does. A contact is found some seconds after it was made or changed.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	q := search{Properties: append([]string{"firstname", "lastname", "email"}, numbers...), Limit: 100}
	add := func(property, operator, value string) {
		q.Groups = append(q.Groups, map[string][]filter{"filters": {{property, operator, value}}})
	}
	for _, p := range numbers {
		add(p, "EQ", n.Spellings()[0])
	}
	for _, p := range searchable {
		if n.E164 != "" {
			add(p, "CONTAINS_TOKEN", "*"+n.Suffix())
		}
	}
	var out results
	if _, err := c.client.Do(ctx, rest.Request{Path: objects + "contacts/search", In: q, Out: &out, Asks: true}); err != nil {
		return nil, err
	}
	var list []crm.Candidate
	for _, r := range out.Results {
		found := crm.Candidate{Contact: earshot.Contact{ID: r.ID, Name: nameOf(r.Properties)}}
		for _, p := range numbers {
			found.Numbers = append(found.Numbers, r.Properties[p])
		}
		list = append(list, found)
	}
	return list, nil
}

func nameOf(p map[string]string) string {
	if name := strings.TrimSpace(p["firstname"] + " " + p["lastname"]); name != "" {
		return name
	}
	return p["email"]
}

// MakeLead implements crm.LeadMaker: a contact with the number, upserted by it.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	if c.cfg.ContactProperty == "" {
		return earshot.Contact{}, earshot.Permanent(errors.New("there is no property of contacts with unique values to make them by"))
	}
	id, err := c.upsert(ctx, "contacts", record{
		ID: n.E164, IDProperty: c.cfg.ContactProperty, Properties: map[string]string{"phone": n.E164},
	})
	return earshot.Contact{ID: id}, err
}

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	_, err := c.client.Do(ctx, rest.Request{Path: objects + "contacts", Query: url.Values{"limit": {"1"}}})
	checks := []crm.Check{{Name: "credentials, may read contacts", Err: err}}
	for _, p := range [][2]string{{"calls", c.cfg.Property}, {"tasks", c.cfg.TaskProperty}, {"contacts", c.cfg.ContactProperty}} {
		if err != nil {
			return checks
		}
		if p[1] != "" {
			err = c.unique(ctx, p[0], p[1])
			checks = append(checks, crm.Check{Name: "property of " + p[0], Found: p[1], Err: err})
		}
	}
	if n, ok := phone.Parse("+12025550123", ""); ok && err == nil {
		list, err := c.Find(ctx, n)
		checks = append(checks, crm.Check{Name: "look-up", Found: fmt.Sprintf("%d contacts that may have +12025550123", len(list)), Err: err})
	}
	return checks
}

// unique returns an error unless a property is there and has unique values.
func (c *Connector) unique(ctx context.Context, kind, property string) error {
	var out struct {
		Unique bool   `json:"hasUniqueValue"`
		Type   string `json:"type"`
	}
	_, err := c.client.Do(ctx, rest.Request{Path: "/crm/properties/2026-03/" + kind + "/" + url.PathEscape(property), Out: &out})
	if s, ok := errors.AsType[*rest.StatusError](err); ok && s.Status == http.StatusNotFound {
		return earshot.Permanent(fmt.Errorf("there is no property %s", property))
	}
	if err == nil && (!out.Unique || out.Type != "string") {
		return earshot.Permanent(fmt.Errorf("the property %s is no text with unique values", property))
	}
	return err
}
