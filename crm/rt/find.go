package rt

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

const (
	// maxUsers is how many requestors with alike numbers are looked at.
	maxUsers = 20
	// somebodysTickets is how many tickets are read at once to learn who
	// requested them.
	somebodysTickets = 5
)

// phoneFields are the telephone numbers that RT itself has of a user.
var phoneFields = []string{"MobilePhone", "WorkPhone", "HomePhone", "PagerPhone"}

// userFields are what is read of a user.
const userFields = "Name,RealName,MobilePhone,WorkPhone,HomePhone,PagerPhone,CustomFields"

// user is a user of RT.
type user struct {
	Name, RealName                                string
	MobilePhone, WorkPhone, HomePhone, PagerPhone string
	CustomFields                                  customFields
	// Disabled is 1 or "1" for one who is; only users read one by one have it.
	Disabled any
}

// Find implements crm.Finder: the users whose PhoneE164 holds the digits of the
// number in their order, with anything between them, and the requestors of
// tickets whose telephone numbers do. Who is disabled does not count.
func (c *Connector) Find(ctx context.Context, n phone.Number) ([]crm.Candidate, error) {
	digits := n.Significant()
	var out struct{ Items []user }
	_, err := c.rest.Do(ctx, rest.Request{
		Method: http.MethodPost, Path: api + "/users", Query: url.Values{"fields": {userFields}, "per_page": {"100"}},
		In:   []condition{{"CustomField.{" + phoneE164 + "}", "LIKE", spread(digits)}},
		Asks: true, Out: &out,
	})
	if err != nil {
		return nil, err
	}
	users := map[string]user{}
	for _, u := range out.Items {
		users[u.Name] = u
	}
	if err := c.requestors(ctx, digits, users); err != nil {
		return nil, err
	}
	list := make([]crm.Candidate, 0, len(users))
	for _, u := range users {
		list = append(list, crm.Candidate{Contact: c.contact(u), Numbers: append(u.phones(), u.CustomFields.of(phoneE164)...)})
	}
	return list, nil
}

// condition is one of a search in JSON.
type condition struct {
	Field    string `json:"field"`
	Operator string `json:"operator"`
	Value    string `json:"value"`
}

// requestors adds the users who requested a ticket and have a number that holds
// the digits. One with many tickets must not hide another: who has such a number
// is left out of the next question.
func (c *Connector) requestors(ctx context.Context, digits string, users map[string]user) error {
	or := make([]string, 0, len(phoneFields))
	for _, f := range phoneFields {
		or = append(or, "Requestor."+f+" LIKE "+quote(spread(digits)))
	}
	query := "(" + strings.Join(or, " OR ") + ")"
	left := map[string]bool{}
	for len(left) < maxUsers {
		found, err := c.tickets(ctx, query, somebodysTickets)
		if err != nil {
			return err
		}
		before := len(left)
		for _, name := range requestorsOf(found) {
			u, have := users[name]
			if !have {
				if u, err = c.user(ctx, name); err != nil {
					return err
				}
				users[name] = u
			}
			if !left[name] && u.holds(digits) {
				left[name] = true
				query += " AND Requestor.Name != " + quote(name)
			}
		}
		if len(found) < somebodysTickets || len(left) == before {
			break
		}
	}
	maps.DeleteFunc(users, func(_ string, u user) bool { return fmt.Sprint(u.Disabled) == "1" })
	return nil
}

// spread allows for anything between digits; LIKE does before and after them.
func spread(digits string) string { return strings.Join(strings.Split(digits, ""), "%") }

func (u user) phones() []string {
	return []string{u.MobilePhone, u.WorkPhone, u.HomePhone, u.PagerPhone}
}

// holds reports whether a telephone number of RT itself has the digits in their
// order.
func (u user) holds(digits string) bool {
	return slices.ContainsFunc(u.phones(), func(written string) bool {
		for _, d := range digits {
			_, rest, found := strings.Cut(written, string(d))
			if !found {
				return false
			}
			written = rest
		}
		return true
	})
}

// requestorsOf returns who requested the tickets.
func requestorsOf(tickets []foundTicket) []string {
	var names []string
	for _, t := range tickets {
		for _, r := range t.Requestor {
			names = append(names, r.ID)
		}
	}
	return names
}

func (c *Connector) user(ctx context.Context, name string) (user, error) {
	var u user
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/user/" + url.PathEscape(name), Out: &u})
	return u, err
}

func (c *Connector) contact(u user) earshot.Contact {
	name := u.RealName
	if name == "" {
		name = u.Name
	}
	return earshot.Contact{ID: u.Name, Name: name, URL: strings.TrimSuffix(c.cfg.URL, "/") + "/User/Summary.html?id=" + url.QueryEscape(u.Name)}
}

// MakeLead implements crm.LeadMaker: a user who is named like the number.
func (c *Connector) MakeLead(ctx context.Context, n phone.Number) (earshot.Contact, error) {
	made := user{Name: n.E164, RealName: "Caller " + n.E164}
	a, err := c.rest.Do(ctx, rest.Request{Path: api + "/user", In: map[string]any{
		"Name": made.Name, "RealName": made.RealName, "CustomFields": map[string]string{phoneE164: n.E164},
	}})
	if a != nil && a.Status == http.StatusBadRequest { // the name is in use: by an earlier attempt
		made, err = c.user(ctx, n.E164)
	}
	return c.contact(made), err
}
