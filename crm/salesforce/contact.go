package salesforce

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// returning are the records that a number is searched in, and their fields.
const returning = "Contact(Id, Name, AccountId, Phone, MobilePhone, HomePhone, OtherPhone), " +
	"Lead(Id, Name, Phone, MobilePhone WHERE IsConverted = false), Account(Id, Name, Phone)"

// Find implements crm.Finder, by the search (SOSL) among numbers. An account is
// left out when one of its contacts has the number.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	var spellings []string
	for _, s := range n.Spellings() {
		if len(s) > 1 { // the search wants two characters
			spellings = append(spellings, phrase(s))
		}
	}
	if len(spellings) == 0 {
		return nil, nil
	}
	var out struct {
		Records []record `json:"searchRecords"`
	}
	_, err := c.client.Do(ctx, rest.Request{Path: api + "/search", Out: &out, Query: url.Values{
		"q": {"FIND {" + strings.Join(spellings, " OR ") + "} IN PHONE FIELDS RETURNING " + returning + " LIMIT 100"},
	}})
	if err != nil {
		return nil, err
	}
	people := map[string]bool{} // accounts of contacts that have the number
	for _, r := range out.Records {
		if r.AccountID != "" && slices.ContainsFunc(r.numbers(), n.Same) {
			people[r.AccountID] = true
		}
	}
	var list []crm.Candidate
	for _, r := range out.Records {
		if !people[r.ID] {
			list = append(list, crm.Candidate{Contact: c.contact(r.Attributes.Type, r.ID, r.Name), Numbers: r.numbers()})
		}
	}
	return list, nil
}

func (r record) numbers() []string {
	return slices.DeleteFunc([]string{r.Phone, r.MobilePhone, r.HomePhone, r.OtherPhone}, func(s string) bool { return s == "" })
}

func (c *Connector) contact(kind, id, name string) earshot.Contact {
	return earshot.Contact{
		ID: kind + "/" + id, Name: name,
		URL: strings.TrimSuffix(c.cfg.URL, "/") + "/lightning/r/" + kind + "/" + url.PathEscape(id) + "/view",
	}
}

// MakeLead implements crm.LeadMaker: a lead whose name is the number, unless
// there is one with exactly that as its phone.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	list, err := c.query(ctx, "SELECT Id, Name FROM Lead WHERE Phone = "+quote(n.E164)+" AND IsConverted = false ORDER BY CreatedDate LIMIT 1")
	if err != nil {
		return earshot.Contact{}, err
	}
	if len(list) > 0 {
		return c.contact("Lead", list[0].ID, list[0].Name), nil
	}
	var out struct {
		ID string `json:"id"`
	}
	_, err = c.client.Do(ctx, rest.Request{Path: api + "/sobjects/Lead", Out: &out, In: map[string]string{
		"LastName": n.E164, "Company": c.cfg.Company, "Phone": n.E164,
	}})
	if err == nil && out.ID == "" {
		err = fmt.Errorf("%s answers without the lead", c.cfg.Name)
	}
	return c.contact("Lead", out.ID, n.E164), err
}
