package espocrm

import (
	"context"
	"net/url"
	"slices"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// people are the entities that have numbers.
var people = []string{"Contact", "Lead", "Account"}

// maxRead is how many records are read one by one for their further numbers.
const maxRead = 20

// Find implements crm.Finder: contacts, leads and accounts with a number as it
// may be written, or one that ends in the same four digits, which are together
// however it is written.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	digits := n.Suffix()
	where := []condition{{Type: "or", Value: []condition{
		{Type: "in", Attribute: "phoneNumber", Value: n.Spellings()},
		{Type: "endsWith", Attribute: "phoneNumber", Value: digits[max(0, len(digits)-4):]},
	}}}
	var list []crm.Candidate
	read := 0
	for _, entity := range people {
		found, err := c.search(ctx, entity, "id,name,phoneNumber", where)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			// One whose first number is another one has this one among the others.
			if !n.Same(r.PhoneNumber) && read < maxRead {
				read++
				if r, err = c.read(ctx, entity, r.ID); err != nil {
					return nil, err
				}
			}
			list = append(list, c.candidate(entity, r))
		}
	}
	return list, nil
}

func (c *Connector) read(ctx context.Context, entity, id string) (record, error) {
	var r record
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/" + entity + "/" + url.PathEscape(id), Out: &r})
	return r, err
}

func (c *Connector) candidate(entity string, r record) crm.Candidate {
	numbers := []string{r.PhoneNumber}
	for _, v := range r.PhoneNumberData {
		if !slices.Contains(numbers, v.PhoneNumber) {
			numbers = append(numbers, v.PhoneNumber)
		}
	}
	return crm.Candidate{Contact: c.contact(entity, r), Numbers: numbers}
}

func (c *Connector) contact(entity string, r record) earshot.Contact {
	return earshot.Contact{ID: entity + "/" + r.ID, Name: r.Name, URL: c.cfg.URL + "/#" + entity + "/view/" + url.PathEscape(r.ID)}
}

// MakeLead implements crm.LeadMaker.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	found, err := c.search(ctx, "Lead", "id,name,phoneNumber", []condition{{Type: "equals", Attribute: "phoneNumber", Value: n.E164}})
	if err != nil {
		return earshot.Contact{}, err
	}
	if len(found) > 0 {
		return c.contact("Lead", found[0]), nil
	}
	made := record{Name: "Caller " + n.E164}
	made.ID, err = c.create(ctx, "Lead", map[string]any{
		"lastName": made.Name, "phoneNumber": n.E164, "status": "New", "source": "Call",
	})
	return c.contact("Lead", made), err
}
