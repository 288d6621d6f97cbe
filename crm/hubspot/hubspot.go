package hubspot

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

const (
	// DefaultURL is where the API is.
	DefaultURL = "https://api.hubapi.com"
	// DefaultProperty is the unique property of calls that holds the note's ID.
	DefaultProperty = "earshot_note_id"
	// TokenPath is the token endpoint, below DefaultURL
	// (https://developers.hubspot.com/docs/api-reference/latest/authentication/manage-oauth-tokens).
	TokenPath = "/oauth/2026-03/token"

	// objects is what the paths of records begin with. The version is a date.
	objects = "/crm/objects/2026-03/"
	// perMinute keeps a delivery, which is up to six requests, within the lowest
	// limit of an app, 100 requests in 10 s, and a look-up within that of the
	// search, five a second for the account
	// (https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines).
	perMinute = 90
	// statusMigrating is HubSpot's own: the account is being moved, with the time
	// to come back (https://developers.hubspot.com/docs/api-reference/error-handling).
	statusMigrating = 477
)

// Config is one HubSpot account.
type Config struct {
	// Name of the connector, see crm.ValidName; default "hubspot".
	Name string
	// URL of the API, default DefaultURL. Plain http is taken for loopback only.
	URL string
	// Token of a private app, a secret; or Tokens of OAuth.
	Token  string
	Tokens rest.Tokens
	// Property of calls with unique values, default DefaultProperty.
	Property string
	// TaskProperty and ContactProperty are those of tasks and contacts; without
	// them no tasks and no contacts are made.
	TaskProperty, ContactProperty string
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one account. It is safe for concurrent use.
type Connector struct {
	cfg    Config
	client *rest.Client
}

var (
	_ crm.Connector = (*Connector)(nil)
	_ crm.Finder    = (*Connector)(nil)
	_ crm.LeadMaker = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
	_ crm.Limited   = (*Connector)(nil)
)

// New checks the config and makes a connector. Errors do not hold the token.
func New(cfg Config) (*Connector, error) {
	cfg.Name = cmp.Or(cfg.Name, "hubspot")
	cfg.Property = cmp.Or(cfg.Property, DefaultProperty)
	cfg.Token = strings.TrimSpace(cfg.Token)
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	api := rest.Config{
		System: cfg.Name, URL: cmp.Or(cfg.URL, DefaultURL), Timeout: cfg.Timeout, Tokens: cfg.Tokens,
		Code: category, Passes: func(status int, _ string) bool { return status == statusMigrating },
	}
	if cfg.Tokens == nil {
		if cfg.Token == "" || strings.ContainsFunc(cfg.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, fmt.Errorf("%s: the token is empty or malformed", cfg.Name)
		}
		api.Header = http.Header{"Authorization": {"Bearer " + cfg.Token}}
	}
	client, err := rest.New(api)
	if err != nil {
		return nil, err
	}
	return &Connector{cfg: cfg, client: client}, nil
}

// category is HubSpot's word for an error; messages repeat what was sent.
func category(body []byte) string {
	var a struct {
		Category string `json:"category"`
	}
	if json.Unmarshal(body, &a) != nil {
		return ""
	}
	return a.Category
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// PerMinute implements crm.Limited.
func (c *Connector) PerMinute() int { return perMinute }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.client.Close() }

// Deliver implements crm.Connector. The remote ID is HubSpot's of the call.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	id, err := c.upsert(ctx, "calls", record{
		ID: string(d.NoteID), IDProperty: c.cfg.Property, Properties: callProperties(d.Note, w),
	})
	if err != nil {
		return "", err
	}
	contact := contactOf(d.Note)
	if err := c.link(ctx, "calls", id, contact); err != nil {
		return "", fmt.Errorf("link the call: %w", err)
	}
	if err := c.makeTasks(ctx, d.Note, w, contact); err != nil {
		return "", fmt.Errorf("make tasks: %w", err)
	}
	return id, nil
}

func contactOf(n earshot.Note) string {
	if n.Match == nil || n.Match.Contact == nil {
		return ""
	}
	return n.Match.Contact.ID
}
