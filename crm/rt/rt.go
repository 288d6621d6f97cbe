package rt

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// Config is one Request Tracker.
type Config struct {
	// Name of the connector, see crm.ValidName; default "request_tracker".
	Name string
	// URL of the site, without /REST/2.0. Plain http is taken for loopback only,
	// unless Plain is set.
	URL   string
	Plain bool
	// Token is an authentication token; without one User and Password sign in.
	Token, User, Password string
	// Queue is where tickets are made and looked for, default "General".
	Queue string
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one Request Tracker. It is safe for concurrent
// use.
type Connector struct {
	cfg  Config
	rest *rest.Client
}

var (
	_ crm.Finder    = (*Connector)(nil)
	_ crm.LeadMaker = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
	_ crm.Connector = (*Connector)(nil)
)

// New checks the config and makes a connector. Errors hold no secrets.
func New(cfg Config) (*Connector, error) {
	cfg.Name = cmp.Or(cfg.Name, "request_tracker")
	cfg.Queue = cmp.Or(cfg.Queue, "General")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	header := http.Header{}
	switch {
	case cfg.Token != "":
		header.Set("Authorization", "token "+cfg.Token)
	case cfg.User != "" && cfg.Password != "":
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(cfg.User+":"+cfg.Password)))
	default:
		return nil, errors.New("request_tracker: a token, or user and password are needed")
	}
	client, err := rest.New(rest.Config{System: "request tracker", URL: cfg.URL, Plain: cfg.Plain, Timeout: cfg.Timeout, Header: header})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg, client}, nil
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.rest.Close() }

// Deliver implements crm.Connector. The remote ID is the ticket's.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	p := place{ticket: d.RemoteID, again: d.RemoteID != ""}
	if d.State == earshot.DeliveryUnknown {
		if p, err = c.lookUp(ctx, d); err != nil {
			return "", err
		}
	}
	w := written(d)
	if !p.done {
		if p, err = c.write(ctx, p, d, w); err != nil {
			return "", err
		}
	}
	// From here on the note is there: what fails is done when it is looked up.
	if err := c.settle(ctx, p.ticket, w); err != nil {
		return "", crm.Unknown(err)
	}
	for _, t := range w.Tasks {
		if err := c.task(ctx, p.ticket, t, w); err != nil {
			return "", crm.Unknown(err)
		}
	}
	return p.ticket, nil
}

func written(d earshot.Delivery) earshot.Writing {
	if d.Note.Writing != nil {
		return *d.Note.Writing
	}
	return crm.PlainWriting(d.Note)
}

// place is where a note belongs.
type place struct {
	ticket string
	// again says that a revision of the note is on the ticket, done that this
	// one is.
	again, done bool
}

// lookUp finds what an attempt of which nobody knows the outcome has left.
func (c *Connector) lookUp(ctx context.Context, d earshot.Delivery) (place, error) {
	keys, err := c.comments(ctx, string(d.NoteID)+"-r")
	if err != nil {
		return place{}, err
	}
	if ticket := keys[d.Key]; ticket != "" {
		return place{ticket, true, true}, nil
	}
	for _, ticket := range keys {
		return place{ticket, true, false}, nil
	}
	return place{ticket: d.RemoteID, again: d.RemoteID != ""}, nil
}

// write comments on the ticket, after finding or making one.
func (c *Connector) write(ctx context.Context, p place, d earshot.Delivery, w earshot.Writing) (place, error) {
	var err error
	if p.ticket == "" {
		if p.ticket, err = c.ticketOf(ctx, d, w); err != nil {
			return p, err
		}
	}
	return p, c.comment(ctx, p, d, w)
}

// ticketOf returns the ticket for the first note about a call: one that was made
// for it, and got no comment yet, an active one of the caller, or a new one.
func (c *Connector) ticketOf(ctx context.Context, d earshot.Delivery, w earshot.Writing) (string, error) {
	id, err := c.ticketFor(ctx, string(d.CallID))
	if err != nil || id != "" {
		return id, err
	}
	contact := ""
	if m := d.Note.Match; m != nil && m.Contact != nil {
		contact = m.Contact.ID
		if id, err = c.active(ctx, contact, c.queue(w)); err != nil || id != "" {
			return id, err
		}
	}
	return c.create(ctx, ticket{
		Queue: c.queue(w), Subject: w.Subject, Requestor: contact, Owner: w.User,
		CustomFields: map[string]string{callID: string(d.CallID)},
	})
}

func (c *Connector) queue(w earshot.Writing) string { return cmp.Or(w.Queue, c.cfg.Queue) }

func (c *Connector) comment(ctx context.Context, p place, d earshot.Delivery, w earshot.Writing) error {
	m := message{
		Subject: w.Subject, Content: w.Body, ContentType: "text/plain",
		TimeTaken: (d.Note.DurationS + 59) / 60, TxnCustomFields: map[string]string{callID: d.Key},
	}
	if p.again {
		m.TimeTaken = 0
		m.Content = fmt.Sprintf("This replaces the note above about the same call (revision %d).\n\n%s", d.Revision, w.Body)
	}
	return c.addComment(ctx, p.ticket, m)
}

// settle sets the fields of the ticket that the mapping names; the disposition
// is its status.
func (c *Connector) settle(ctx context.Context, id string, w earshot.Writing) error {
	if w.Disposition == "" && len(w.Fields) == 0 {
		return nil
	}
	return c.update(ctx, id, ticket{Status: w.Disposition, CustomFields: w.Fields})
}

// task makes the ticket of a task unless there is one.
func (c *Connector) task(ctx context.Context, id string, t earshot.Task, w earshot.Writing) error {
	have, err := c.ticketFor(ctx, t.Key)
	if err != nil || have != "" {
		return err
	}
	n := ticket{
		Queue: c.queue(w), Subject: t.Text, Owner: w.User, RefersTo: []string{id},
		CustomFields: map[string]string{callID: t.Key},
	}
	if !t.Due.IsZero() {
		n.Due = t.Due.UTC().Format(time.DateTime)
	}
	_, err = c.create(ctx, n)
	return err
}
