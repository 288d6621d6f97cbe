package rt

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"earshot/crm"
	"earshot/crm/rest"
)

const (
	api = "/REST/2.0"
	// callID and phoneE164 are the names of custom fields.
	callID    = "CallID"
	phoneE164 = "PhoneE164"
)

// ticket is what is set of a ticket.
type ticket struct {
	Queue        string            `json:"Queue,omitempty"`
	Subject      string            `json:"Subject,omitempty"`
	Requestor    string            `json:"Requestor,omitempty"`
	Owner        string            `json:"Owner,omitempty"`
	Status       string            `json:"Status,omitempty"`
	Due          string            `json:"Due,omitempty"` // UTC, "2026-03-04 05:06:07"
	RefersTo     []string          `json:"RefersTo,omitempty"`
	CustomFields map[string]string `json:"CustomFields,omitempty"`
}

// message is a comment.
type message struct {
	Subject         string            `json:"Subject"`
	Content         string            `json:"Content"`
	ContentType     string            `json:"ContentType"`
	TimeTaken       int64             `json:"TimeTaken"` // minutes
	TxnCustomFields map[string]string `json:"TxnCustomFields"`
}

func (c *Connector) create(ctx context.Context, t ticket) (id string, err error) {
	var out struct{ ID string }
	if _, err := c.rest.Do(ctx, rest.Request{Path: api + "/ticket", In: t, Out: &out}); err != nil {
		return "", err
	}
	if out.ID == "" {
		return "", crm.Unknown(errors.New("request tracker answers without the ticket"))
	}
	return out.ID, nil
}

func (c *Connector) update(ctx context.Context, id string, t ticket) error {
	_, err := c.rest.Do(ctx, rest.Request{Method: http.MethodPut, Path: api + "/ticket/" + url.PathEscape(id), In: t})
	return err
}

func (c *Connector) addComment(ctx context.Context, id string, m message) error {
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/ticket/" + url.PathEscape(id) + "/comment", In: m})
	return err
}

// quote makes a text a literal of TicketSQL.
func quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// comments returns the tickets with comments whose CallID begins so, by the
// whole CallID.
func (c *Connector) comments(ctx context.Context, beginning string) (map[string]string, error) {
	var out struct {
		Items []struct {
			ObjectType   string
			ObjectID     string `json:"ObjectId"`
			CustomFields customFields
		}
	}
	q := url.Values{
		"query": {"CF.{" + callID + "} LIKE " + quote(beginning)}, "per_page": {"100"},
		"fields": {"ObjectType,ObjectId,CustomFields"},
	}
	if _, err := c.rest.Do(ctx, rest.Request{Path: api + "/transactions", Query: q, Out: &out}); err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, item := range out.Items {
		for _, key := range item.CustomFields.of(callID) {
			if item.ObjectType == "RT::Ticket" && strings.HasPrefix(key, beginning) {
				found[key] = item.ObjectID
			}
		}
	}
	return found, nil
}

// customFields are those of a record.
type customFields []struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

func (f customFields) of(name string) []string {
	for _, v := range f {
		if v.Name == name {
			return v.Values
		}
	}
	return nil
}

func (f customFields) has(name string) bool {
	for _, v := range f {
		if v.Name == name {
			return true
		}
	}
	return false
}

// ticketFor returns the ticket that was made for a call or a task, "" for none.
func (c *Connector) ticketFor(ctx context.Context, key string) (string, error) {
	found, err := c.tickets(ctx, "CF.{"+callID+"} = "+quote(key), 2)
	for _, t := range found {
		// A condition that is not understood finds all the tickets.
		if slices.Contains(t.CustomFields.of(callID), key) {
			return t.ID, err
		}
	}
	return "", err
}

// active returns the ticket of a requestor that was last changed of those that
// are not closed, "" for none.
func (c *Connector) active(ctx context.Context, requestor, queue string) (string, error) {
	found, err := c.tickets(ctx, "Requestor.Name = "+quote(requestor)+" AND Queue = "+quote(queue)+" AND Status = '__Active__'", 1)
	for _, t := range found {
		for _, r := range t.Requestor {
			if r.ID == requestor {
				return t.ID, err
			}
		}
	}
	return "", err
}

// foundTicket is a ticket as a search returns it.
type foundTicket struct {
	ID           string `json:"id"`
	CustomFields customFields
	Requestor    []struct {
		ID string `json:"id"`
	}
}

// tickets returns up to n tickets, the last changed first.
func (c *Connector) tickets(ctx context.Context, query string, n int) ([]foundTicket, error) {
	var out struct{ Items []foundTicket }
	q := url.Values{
		"query": {query}, "orderby": {"LastUpdated"}, "order": {"DESC"}, "per_page": {strconv.Itoa(n)},
		"fields": {"CustomFields,Requestor"},
	}
	if _, err := c.rest.Do(ctx, rest.Request{Path: api + "/tickets", Query: q, Out: &out}); err != nil {
		return nil, err
	}
	return out.Items, nil
}
