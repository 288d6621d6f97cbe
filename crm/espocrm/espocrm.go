package espocrm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

const (
	api = "/api/v1"
	// dateTime is how times are written, in UTC
	// (https://docs.espocrm.com/development/api/crud/).
	dateTime = "2006-01-02 15:04:05"
	// maxName is the length of a name in characters.
	maxName = 249
)

// Config is one EspoCRM.
type Config struct {
	// Name of the connector, see crm.ValidName; default "espocrm".
	Name string
	// URL of the site, without /api/v1. Plain http is taken for loopback only,
	// unless Plain is set.
	URL   string
	Plain bool
	// Key of an API user. It is a secret.
	Key string
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one EspoCRM. It is safe for concurrent use.
type Connector struct {
	cfg  Config
	rest *rest.Client
}

var (
	_ crm.Connector = (*Connector)(nil)
	_ crm.Finder    = (*Connector)(nil)
	_ crm.LeadMaker = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
)

// New checks the config and makes a connector. Errors do not hold the key.
func New(cfg Config) (*Connector, error) {
	cfg.Name = cmp.Or(cfg.Name, "espocrm")
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.Key == "" {
		return nil, fmt.Errorf("%s: the key of an API user is needed", cfg.Name)
	}
	// https://docs.espocrm.com/development/api/#authentication-by-api-key
	client, err := rest.New(rest.Config{
		System: cfg.Name, URL: cfg.URL, Plain: cfg.Plain, Timeout: cfg.Timeout, Header: http.Header{"X-Api-Key": {cfg.Key}},
	})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg, client}, nil
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.rest.Close() }

// Deliver implements crm.Connector. The remote ID is that of the call.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	id := d.RemoteID
	if id == "" && d.State == earshot.DeliveryUnknown {
		if id, err = c.lookUp(ctx, d.Note); err != nil {
			return "", err
		}
	}
	if id, err = c.write(ctx, id, attributes(d.Note, w)); err != nil {
		return "", err
	}
	for _, t := range w.Tasks {
		if err := c.task(ctx, d.Note, w, t); err != nil {
			return "", crm.Unknown(fmt.Errorf("make a task: %w", err)) // the call is there
		}
	}
	return id, nil
}

// write makes a call, or changes the one with the ID.
func (c *Connector) write(ctx context.Context, id string, call map[string]any) (string, error) {
	if id != "" {
		_, err := c.rest.Do(ctx, rest.Request{Method: http.MethodPut, Path: api + "/Call/" + url.PathEscape(id), In: call})
		if status(err) != http.StatusNotFound {
			return id, err
		}
	}
	return c.create(ctx, "Call", call)
}

// create makes a record and returns its ID. Doubles by the administrator's rules,
// which would be answered 409, are not looked for: ours are looked up before.
func (c *Connector) create(ctx context.Context, entity string, attributes map[string]any) (string, error) {
	var out struct{ ID string }
	if _, err := c.rest.Do(ctx, rest.Request{
		Path: api + "/" + entity, Header: http.Header{"X-Skip-Duplicate-Check": {"true"}}, In: attributes, Out: &out,
	}); err != nil {
		return "", err
	}
	if out.ID == "" {
		return "", crm.Unknown(fmt.Errorf("%s answers without the record", c.cfg.Name))
	}
	return out.ID, nil
}

// lookUp returns the call that an attempt has left, "" for none.
func (c *Connector) lookUp(ctx context.Context, n earshot.Note) (string, error) {
	line := mark(string(n.ID))
	found, err := c.search(ctx, "Call", "id,description", []condition{
		{Type: "equals", Attribute: "dateStart", Value: n.StartedAt.UTC().Format(dateTime)},
		{Type: "contains", Attribute: "description", Value: line},
	})
	for _, r := range found {
		if strings.HasSuffix("\n"+r.Description, "\n"+line) {
			return r.ID, err
		}
	}
	return "", err
}

// task makes a task unless there is one.
func (c *Connector) task(ctx context.Context, n earshot.Note, w *earshot.Writing, t earshot.Task) error {
	line := mark(t.Key)
	found, err := c.search(ctx, "Task", "id,description", []condition{{Type: "contains", Attribute: "description", Value: line}})
	if err != nil || len(found) > 0 {
		return err
	}
	a := map[string]any{
		"name": cut(t.Text, maxName), "status": "Not Started",
		"description": strings.TrimSpace(t.Text+"\n\n"+n.CallURL) + "\n\n" + line,
	}
	if !t.Due.IsZero() {
		a["dateEndDate"] = t.Due.Format(time.DateOnly) // a day, without a time zone
	}
	relate(a, n, w)
	_, err = c.create(ctx, "Task", a)
	return err
}

// mark is the line by which a record is found again.
func mark(id string) string { return "Earshot: " + id }

// condition is one of a search
// (https://docs.espocrm.com/development/api-search-params/).
type condition struct {
	Type      string `json:"type"`
	Attribute string `json:"attribute,omitempty"`
	Value     any    `json:"value"`
}

// record is what is read of one.
type record struct {
	ID, Name, Description string
	PhoneNumber           string
	// PhoneNumberData are all the numbers; lists leave it out.
	PhoneNumberData []struct{ PhoneNumber string }
}

// search returns up to a hundred records that meet all conditions.
func (c *Connector) search(ctx context.Context, entity, columns string, where []condition) ([]record, error) {
	params, err := json.Marshal(map[string]any{"where": where, "select": columns, "maxSize": 100})
	if err != nil {
		return nil, earshot.Permanent(errors.New("encode search"))
	}
	var out struct{ List []record }
	_, err = c.rest.Do(ctx, rest.Request{Path: api + "/" + entity, Query: url.Values{"searchParams": {string(params)}}, Out: &out})
	return out.List, err
}

// status returns that of an answer, 0 when it was none.
func status(err error) int {
	if s, ok := errors.AsType[*rest.StatusError](err); ok {
		return s.Status
	}
	return 0
}
