package tryton

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
)

// mechanism is a contact mechanism of a party.
type mechanism struct {
	Value, Compact string
	Party          int
	PartyName      string
}

// Find implements crm.Finder: whatever has the digits of the number in their
// order, with anything between them.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	digits := "%" + strings.Join(strings.Split(n.Significant(), ""), "%") + "%"
	found, err := c.mechanisms(ctx, []any{"value", "ilike", digits})
	if err != nil {
		return nil, err
	}
	list := make([]crm.Candidate, 0, len(found))
	for _, m := range found {
		list = append(list, crm.Candidate{
			Contact: earshot.Contact{ID: strconv.Itoa(m.Party), Name: m.PartyName}, Numbers: []string{m.Value, m.Compact},
		})
	}
	return list, nil
}

// mechanisms returns those of parties that are active.
func (c *Connector) mechanisms(ctx context.Context, numbers []any) ([]mechanism, error) {
	var found []struct {
		Value      string
		Compact    string `json:"value_compact"`
		Party      int
		PartyNames struct {
			Name string `json:"rec_name"`
		} `json:"party."`
	}
	domain := []any{numbers, []any{"type", "in", []string{"phone", "mobile", "other"}}, []any{"party.active", "=", true}}
	if err := c.search(ctx, "party.contact_mechanism", domain, []string{"value", "value_compact", "party", "party.rec_name"}, &found); err != nil {
		return nil, err
	}
	list := make([]mechanism, 0, len(found))
	for _, f := range found {
		list = append(list, mechanism{f.Value, f.Compact, f.Party, f.PartyNames.Name})
	}
	return list, nil
}

// MakeLead implements crm.LeadMaker: a party named like the number. The one of
// an earlier attempt has been found by then, unless its answer was lost a moment
// ago. A number that Tryton's list of numbering plans does not know, because it is
// older than ours, becomes a mechanism of the type other.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	have, err := c.mechanisms(ctx, []any{"value_compact", "=", n.E164})
	if err != nil {
		return earshot.Contact{}, err
	}
	if len(have) > 0 {
		return earshot.Contact{ID: strconv.Itoa(have[0].Party), Name: have[0].PartyName}, nil
	}
	name := "Caller " + n.E164
	var id string
	for _, kind := range []string{"phone", "other"} {
		id, err = c.create(ctx, "party.party", map[string]any{
			"name": name, "contact_mechanisms": []any{[]any{"create", []any{map[string]string{"type": kind, "value": n.E164}}}},
		})
		if !errors.Is(err, errUser) {
			break
		}
	}
	return earshot.Contact{ID: id, Name: name}, err
}
