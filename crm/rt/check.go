package rt

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"

	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var out []crm.Check
	for _, step := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"credentials", c.version},
		{"queue " + c.cfg.Queue, c.hasQueue},
		{"custom fields", c.hasFields},
		{"look-up", c.looksUp},
	} {
		found, err := step.run(ctx)
		out = append(out, crm.Check{Name: step.name, Found: found, Err: err})
		if err != nil {
			break
		}
	}
	return out
}

func (c *Connector) version(ctx context.Context) (string, error) {
	var v struct{ Version string }
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/rt", Out: &v})
	return "Request Tracker " + v.Version, err
}

// queue is what is read of a queue.
type queue struct {
	// Links has the reference "create" for who may make tickets.
	Links []struct{ Ref string } `json:"_hyperlinks"`
	// The custom fields that are applied to it.
	OnTickets  customFields `json:"TicketCustomFields"`
	OnComments customFields `json:"TicketTransactionCustomFields"`
}

func (c *Connector) readQueue(ctx context.Context) (queue, error) {
	var q queue
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/queue/" + url.PathEscape(c.cfg.Queue), Out: &q})
	return q, err
}

func (c *Connector) hasQueue(ctx context.Context) (string, error) {
	q, err := c.readQueue(ctx)
	if err == nil && !slices.ContainsFunc(q.Links, func(l struct{ Ref string }) bool { return l.Ref == "create" }) {
		err = errors.New("no tickets may be made in it")
	}
	return "tickets may be made in it", err
}

// hasFields asks for those of users, and for those that are applied to the
// queue: RT ignores a value of one that is not.
func (c *Connector) hasFields(ctx context.Context) (string, error) {
	q, err := c.readQueue(ctx)
	if err != nil {
		return "", err
	}
	var out struct {
		Items []struct{ LookupType string }
	}
	query := url.Values{
		"fields": {"LookupType"}, "per_page": {"100"}, "query": {`[{"field":"Name","value":"` + phoneE164 + `"}]`},
	}
	if _, err := c.rest.Do(ctx, rest.Request{Path: api + "/customfields", Query: query, Out: &out}); err != nil {
		return "", err
	}
	var missing []error
	if !slices.ContainsFunc(out.Items, func(f struct{ LookupType string }) bool { return f.LookupType == "RT::User" }) {
		missing = append(missing, errors.New("no custom field "+phoneE164+" on users is seen"))
	}
	if !q.OnTickets.has(callID) {
		missing = append(missing, errors.New("no custom field "+callID+" on tickets of the queue is seen"))
	}
	if !q.OnComments.has(callID) {
		missing = append(missing, errors.New("no custom field "+callID+" on ticket transactions of the queue is seen"))
	}
	return phoneE164 + " and " + callID, errors.Join(missing...)
}

// looksUp asks for a number that nobody has.
func (c *Connector) looksUp(ctx context.Context) (string, error) {
	n, _ := phone.Parse("+12025550100", "")
	list, err := c.Find(ctx, n)
	return fmt.Sprintf("answered, %d alike", len(list)), err
}
