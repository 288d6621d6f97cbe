package odoo

import (
	"context"
	"fmt"
	"strconv"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
)

// partner is what is read of one. What is empty is false.
type partner struct {
	ID     int
	Name   any `json:"display_name"`
	Phone  any `json:"phone"`
	Mobile any `json:"mobile"`
	Plain  any `json:"phone_sanitized"`
}

// Find implements crm.Finder: partners with the number as phone_sanitized, which
// is E.164, or with one that ends in the same four digits, which are together
// however it is written. Odoo 19 has no mobile numbers apart.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	digits := n.Suffix()
	end := "%" + digits[max(0, len(digits)-4):]
	fields := []string{"phone"}
	if c.cfg.API == JSONRPC {
		fields = append(fields, "mobile")
	}
	seen := map[int]bool{}
	var list []crm.Candidate
	for _, condition := range conditions(n, fields, end) {
		var found []partner
		if err := c.search(ctx, "res.partner", domain{condition}, append([]string{"display_name", "phone_sanitized"}, fields...), &found); err != nil {
			return nil, err
		}
		for _, p := range found {
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true
			list = append(list, crm.Candidate{Contact: c.contact(p.ID, text(p.Name)), Numbers: []string{text(p.Phone), text(p.Mobile), text(p.Plain)}})
		}
	}
	return list, nil
}

// conditions are asked one by one, each by its own index.
func conditions(n phone.Number, fields []string, end string) [][3]any {
	var list [][3]any
	if n.E164 != "" {
		list = append(list, [3]any{"phone_sanitized", "=", n.E164})
	}
	for _, f := range fields {
		list = append(list, [3]any{f, "=like", end})
	}
	return list
}

// text is "" for what Odoo has as false.
func text(v any) string {
	s, _ := v.(string)
	return s
}

func (c *Connector) contact(id int, name string) earshot.Contact {
	return earshot.Contact{
		ID: strconv.Itoa(id), Name: name, URL: fmt.Sprintf("%s/web#id=%d&model=res.partner&view_type=form", c.cfg.URL, id),
	}
}

// MakeLead implements crm.LeadMaker: a partner named like the number.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	name := "Caller " + n.E164
	var found []partner
	if err := c.search(ctx, "res.partner", domain{{"phone", "=", n.E164}}, []string{"display_name"}, &found); err != nil {
		return earshot.Contact{}, err
	}
	if len(found) > 0 {
		return c.contact(found[0].ID, text(found[0].Name)), nil
	}
	id, err := c.create(ctx, map[string]any{"name": name, "phone": n.E164})
	return c.contact(id, name), err
}
