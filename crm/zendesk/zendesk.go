package zendesk

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

const (
	api = "/api/v2"
	// perMinute keeps look-ups and deliveries, seven requests at most and two more
	// for each task, within the 400 requests a minute of the Professional plan
	// (https://developer.zendesk.com/api-reference/introduction/rate-limits/).
	perMinute = 40
)

// Config is one account.
type Config struct {
	// Name of the connector, see crm.ValidName; default "zendesk".
	Name string
	// URL of the account, "https://acme.zendesk.com".
	URL string
	// User is the e-mail address of an agent, Token an API token.
	User, Token string
	// Voice makes notes calls of the Talk Partner Edition.
	Voice bool
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one account. It is safe for concurrent use.
type Connector struct {
	cfg  Config
	rest *rest.Client
}

var (
	_ crm.Connector = (*Connector)(nil)
	_ crm.Finder    = (*Connector)(nil)
	_ crm.LeadMaker = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
	_ crm.Limited   = (*Connector)(nil)
	_ crm.Screen    = (*Connector)(nil)
)

// New checks the config and makes a connector. Errors do not hold the token.
func New(cfg Config) (*Connector, error) {
	cfg.Name, cfg.URL = cmp.Or(cfg.Name, "zendesk"), strings.TrimSuffix(cfg.URL, "/")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.User == "" || cfg.Token == "" {
		return nil, fmt.Errorf("%s: the address of an agent and an API token are needed", cfg.Name)
	}
	// https://developer.zendesk.com/api-reference/introduction/security-and-auth/
	login := base64.StdEncoding.EncodeToString([]byte(cfg.User + "/token:" + cfg.Token))
	client, err := rest.New(rest.Config{
		System: cfg.Name, URL: cfg.URL, Timeout: cfg.Timeout, Header: http.Header{"Authorization": {"Basic " + login}},
	})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg, client}, nil
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// PerMinute implements crm.Limited.
func (c *Connector) PerMinute() int { return perMinute }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.rest.Close() }

// Deliver implements crm.Connector. The remote ID is that of the ticket.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	id, done := d.RemoteID, false
	if d.State == earshot.DeliveryUnknown {
		if id, done, err = c.lookUp(ctx, d); err != nil {
			return "", err
		}
	}
	switch {
	case done:
	case id != "":
		text := fmt.Sprintf("This replaces the note above about the same call (revision %d).\n\n%s", d.Revision, body(d, w))
		err = c.update(ctx, id, ticket{Comment: &comment{Body: text}})
	default:
		id, err = c.make(ctx, d, w)
	}
	if err != nil {
		return "", err
	}
	for _, t := range w.Tasks {
		if err := c.task(ctx, d.Note, w, t); err != nil {
			return "", crm.Unknown(fmt.Errorf("make a task: %w", err)) // the note is there
		}
	}
	return id, nil
}

// body is the text of a comment.
func body(d earshot.Delivery, w *earshot.Writing) string { return w.Body + "\n\n" + mark(d.Key) }

// mark is the line by which a comment is found again.
func mark(key string) string { return "Earshot: " + key }

// lookUp returns the ticket that an attempt has left, "" for none, and whether
// the revision is on it.
func (c *Connector) lookUp(ctx context.Context, d earshot.Delivery) (id string, done bool, err error) {
	if id = d.RemoteID; id == "" {
		if id, err = c.ticketOf(ctx, string(d.NoteID)); err != nil || id == "" {
			return "", false, err
		}
	}
	texts, err := c.comments(ctx, id)
	for _, text := range texts {
		if strings.HasSuffix(strings.TrimSpace("\n"+text), mark(d.Key)) {
			done = true
		}
	}
	return id, done, err
}

// make makes the ticket of a note.
func (c *Connector) make(ctx context.Context, d earshot.Delivery, w *earshot.Writing) (string, error) {
	t := ticket{
		Subject: w.Subject, ExternalID: string(d.NoteID), Requester: requester(d.Note), Assignee: number(w.User), Group: number(w.Queue),
		Tags: tags(w.Disposition), Fields: fields(w.Fields),
	}
	if v := c.voice(d, w); v != nil {
		t.Voice, t.Via = v, viaInbound
		if d.Note.Direction == earshot.DirectionOutbound {
			t.Via = viaOutbound
		}
		return c.create(ctx, "/channels/voice/tickets", t, d.Key)
	}
	t.Comment = &comment{Body: body(d, w)}
	return c.create(ctx, "/tickets", t, d.Key)
}

// voice is the call of a note for the Talk Partner Edition, nil without numbers.
func (c *Connector) voice(d earshot.Delivery, w *earshot.Writing) *voiceComment {
	if !c.cfg.Voice {
		return nil
	}
	from, to := numbers(d.Note)
	if from == "" || to == "" {
		return nil
	}
	return &voiceComment{
		From: from, To: to, Recording: d.Note.AudioURL, StartedAt: d.Note.StartedAt.UTC().Format("2006-01-02 15:04:05 -0700"),
		Seconds: d.Note.DurationS, AnsweredBy: number(w.User), Text: body(d, w),
	}
}

// task makes the ticket of a task unless there is one.
func (c *Connector) task(ctx context.Context, n earshot.Note, w *earshot.Writing, t earshot.Task) error {
	have, err := c.ticketOf(ctx, t.Key)
	if err != nil || have != "" {
		return err
	}
	v := ticket{
		Subject: t.Text, Type: "task", ExternalID: t.Key, Requester: requester(n), Assignee: number(w.User), Group: number(w.Queue),
		Comment: &comment{Body: strings.TrimSpace(t.Text + "\n\n" + w.Subject + "\n" + n.CallURL)},
	}
	if !t.Due.IsZero() {
		v.Due = t.Due.Add(12 * time.Hour).UTC().Format(time.RFC3339) // by noon of the day
	}
	_, err = c.create(ctx, "/tickets", v, t.Key)
	return err
}
