package pipedrive

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// Find implements crm.Finder: people with the number as it may be written
// (https://developers.pipedrive.com/docs/api/v1/Persons#searchPersons). The
// search lags a little behind what is entered.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	seen := map[int64]bool{}
	var list []crm.Candidate
	for _, s := range n.Spellings() {
		if len([]rune(s)) < 2 {
			continue // less is refused
		}
		var out struct {
			Data struct {
				Items []struct {
					Item struct {
						ID     int64
						Name   string
						Phones []string
					}
				}
			}
		}
		query := url.Values{"term": {s}, "fields": {"phone"}, "limit": {"100"}}
		if _, err := c.rest.Do(ctx, rest.Request{Path: v2 + "/persons/search", Query: query, Out: &out}); err != nil {
			return nil, err
		}
		for _, one := range out.Data.Items {
			if p := one.Item; !seen[p.ID] {
				seen[p.ID] = true
				list = append(list, crm.Candidate{Contact: c.contact(p.ID, p.Name), Numbers: p.Phones})
			}
		}
	}
	return list, nil
}

func (c *Connector) contact(id int64, name string) earshot.Contact {
	text := strconv.FormatInt(id, 10)
	return earshot.Contact{ID: text, Name: name, URL: c.cfg.URL + "/person/" + text}
}

// person is one in API v2 (https://developers.pipedrive.com/docs/api/v1/Persons#addPerson).
type person struct {
	ID     int64         `json:"id,omitempty"`
	Name   string        `json:"name"`
	Phones []phoneNumber `json:"phones"`
}

type phoneNumber struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
	Label   string `json:"label"`
}

// leadWindow is how far back people are looked through for one that an earlier
// attempt made.
const leadWindow = 24 * time.Hour

// MakeLead implements crm.LeadMaker: a person with the number. One that an
// earlier attempt made is found in the list of those changed lately, since the
// search lags.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	query := url.Values{"updated_since": {time.Now().Add(-leadWindow).UTC().Format(time.RFC3339)}, "limit": {strconv.Itoa(pageSize)}}
	for range maxPages {
		var page struct {
			Data       []person
			Additional struct {
				Next string `json:"next_cursor"`
			} `json:"additional_data"`
		}
		if _, err := c.rest.Do(ctx, rest.Request{Path: v2 + "/persons", Query: query, Out: &page}); err != nil {
			return earshot.Contact{}, err
		}
		for _, p := range page.Data {
			if slices.ContainsFunc(p.Phones, func(have phoneNumber) bool { return n.Same(have.Value) }) {
				return c.contact(p.ID, p.Name), nil
			}
		}
		if page.Additional.Next == "" {
			break
		}
		query.Set("cursor", page.Additional.Next)
	}
	made := person{Name: "Caller " + n.E164, Phones: []phoneNumber{{Value: n.E164, Primary: true, Label: "work"}}}
	var out struct{ Data person }
	if _, err := c.rest.Do(ctx, rest.Request{Path: v2 + "/persons", In: made, Out: &out}); err != nil {
		return earshot.Contact{}, err
	}
	if out.Data.ID == 0 {
		return earshot.Contact{}, crm.Unknown(fmt.Errorf("%s answers without the person", c.cfg.Name))
	}
	return c.contact(out.Data.ID, out.Data.Name), nil
}

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var me struct {
		Data struct {
			Name string
		}
	}
	_, err := c.rest.Do(ctx, rest.Request{Path: v1 + "/users/me", Out: &me})
	checks := []crm.Check{{Name: "credentials", Found: me.Data.Name, Err: err}}
	if err != nil {
		return checks
	}
	_, err = c.rest.Do(ctx, rest.Request{Path: v1 + "/callLogs", Query: url.Values{"limit": {"1"}}})
	if checks = append(checks, crm.Check{Name: "permissions", Found: "call logs are read", Err: err}); err != nil {
		return checks
	}
	n, _ := phone.Parse("+12025550100", "") // nobody's
	list, err := c.Find(ctx, n)
	return append(checks, crm.Check{Name: "look-up", Found: fmt.Sprintf("answered, %d alike", len(list)), Err: err})
}
