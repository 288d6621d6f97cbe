package dynamics

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// table is one that numbers are looked up in.
type table struct {
	kind, id, name string
	numbers        []string
	// account is the column of the account that a row belongs to, "" for none.
	account string
}

// tables are looked up in turn; accounts are the last.
var tables = []table{
	{"contact", "contactid", "fullname", []string{"telephone1", "telephone2", "telephone3", "mobilephone"}, "_parentcustomerid_value"},
	{"lead", "leadid", "fullname", []string{"telephone1", "telephone2", "telephone3", "mobilephone"}, ""},
	{"account", "accountid", "name", []string{"telephone1", "telephone2", "telephone3"}, ""},
}

// row is one of them.
type row map[string]any

func (r row) text(column string) string {
	s, _ := r[column].(string)
	return s
}

// Find implements crm.Finder: who has the number as it may be written, and if
// that is nobody, whose ends in the same seven digits with anything between
// them, which takes the system longer. An account is left out when one of its
// contacts has the number.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	list, err := c.find(ctx, n, func(column string) string {
		var any []string
		for _, s := range n.Spellings() {
			any = append(any, column+" eq "+quote(s))
		}
		return strings.Join(any, " or ")
	})
	if err != nil || len(list) > 0 || n.E164 == "" {
		return list, err
	}
	// A percent sign stands for any characters
	// (https://learn.microsoft.com/power-apps/developer/data-platform/wildcard-characters).
	pattern := quote(strings.Join(strings.Split(n.Suffix(), ""), "%"))
	return c.find(ctx, n, func(column string) string { return "contains(" + column + "," + pattern + ")" })
}

func (c *Connector) find(ctx context.Context, n phone.Number, condition func(column string) string) ([]crm.Candidate, error) {
	people := map[string]bool{} // accounts of contacts that have the number
	var list []crm.Candidate
	for _, t := range tables {
		var conditions []string
		for _, column := range t.numbers {
			conditions = append(conditions, condition(column))
		}
		columns := append([]string{t.id, t.name}, t.numbers...)
		if t.account != "" {
			columns = append(columns, t.account)
		}
		var out struct {
			Value []row `json:"value"`
		}
		_, err := c.client.Do(ctx, rest.Request{Path: api + "/" + kinds[t.kind], Out: &out, Query: url.Values{
			"$select": {strings.Join(columns, ",")}, "$top": {"100"},
			"$filter": {"statecode eq 0 and (" + strings.Join(conditions, " or ") + ")"},
		}})
		if status(err) == http.StatusNotFound {
			continue // leads come with Dynamics 365 Sales
		}
		if err != nil {
			return nil, err
		}
		for _, r := range out.Value {
			found := crm.Candidate{Contact: c.contact(t.kind, r.text(t.id), r.text(t.name))}
			for _, column := range t.numbers {
				found.Numbers = append(found.Numbers, r.text(column))
			}
			if people[r.text(t.id)] {
				continue
			}
			if slices.ContainsFunc(found.Numbers, n.Same) && t.account != "" {
				people[r.text(t.account)] = true
			}
			list = append(list, found)
		}
	}
	return list, nil
}

func (c *Connector) contact(kind, id, name string) earshot.Contact {
	return earshot.Contact{
		ID: kind + "/" + id, Name: name,
		URL: c.cfg.URL + "/main.aspx?" + url.Values{"pagetype": {"entityrecord"}, "etn": {kind}, "id": {id}}.Encode(),
	}
}

// quote makes a string of OData.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// MakeLead implements crm.LeadMaker: a lead whose name is the number, under an
// ID that is made of it.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	id := rowID("lead " + n.E164)
	err := c.patch(ctx, "/leads("+id+")", "If-None-Match", map[string]any{
		"subject": "Call", "lastname": n.E164, "telephone1": n.E164,
	})
	if status(err) == http.StatusPreconditionFailed {
		err = nil
	}
	return c.contact("lead", id, n.E164), err
}

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var who struct {
		UserID string `json:"UserId"`
	}
	_, err := c.client.Do(ctx, rest.Request{Path: api + "/WhoAmI", Out: &who})
	checks := []crm.Check{{Name: "credentials", Found: "user " + who.UserID, Err: err}}
	if err != nil {
		return []crm.Check{{Name: "credentials", Err: err}}
	}
	_, err = c.client.Do(ctx, rest.Request{Path: api + "/phonecalls", Query: url.Values{"$select": {"activityid"}, "$top": {"1"}}})
	checks = append(checks, crm.Check{Name: "may read phone calls", Err: err})
	if err != nil {
		return checks
	}
	longest, err := c.longest(ctx)
	if err == nil && longest < c.cfg.MaxBody {
		err = earshot.Permanent(fmt.Errorf("descriptions of %d characters do not fit", c.cfg.MaxBody))
	}
	checks = append(checks, crm.Check{Name: "length of descriptions", Found: fmt.Sprintf("up to %d characters", longest), Err: err})
	if n, ok := phone.Parse("+12025550123", ""); ok && err == nil {
		list, err := c.Find(ctx, n)
		checks = append(checks, crm.Check{Name: "look-up", Found: fmt.Sprintf("%d rows that may have +12025550123", len(list)), Err: err})
	}
	return checks
}

// longest returns how many characters the description of a phone call has place
// for, which an administrator can change.
func (c *Connector) longest(ctx context.Context) (int, error) {
	var out struct {
		MaxLength int `json:"MaxLength"`
	}
	_, err := c.client.Do(ctx, rest.Request{
		Path:  api + "/EntityDefinitions(LogicalName='phonecall')/Attributes(LogicalName='description')/Microsoft.Dynamics.CRM.MemoAttributeMetadata",
		Query: url.Values{"$select": {"MaxLength"}}, Out: &out,
	})
	return out.MaxLength, err
}
