package odoo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// The ways to talk to Odoo.
const (
	JSON2   = "json2"   // 19 and later
	JSONRPC = "jsonrpc" // before
)

// Config is one database of Odoo.
type Config struct {
	// Name of the connector, see crm.ValidName; default "odoo".
	Name string
	// URL of the server. Plain http is taken for loopback only, unless Plain is
	// set.
	URL   string
	Plain bool
	// API is JSON2 (the default) or JSONRPC.
	API string
	// Database, and the API key of the user who writes; User is their login, which
	// only JSONRPC needs.
	Database, User, Key string
	// Partner is the name of the partner for calls of nobody, default "Unknown
	// callers". It is made when it is not there.
	Partner string
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one database. It is safe for concurrent use.
type Connector struct {
	cfg  Config
	rest *rest.Client

	mu sync.Mutex
	// uid and isHTML are of JSONRPC: who is signed in, 0 for nobody yet, and
	// whether bodies are marked as HTML, which Odoo takes since 17.
	uid    int
	isHTML bool

	// unknown is held while the partner of nobody is looked for and made.
	unknown sync.Mutex
}

var (
	_ crm.Connector = (*Connector)(nil)
	_ crm.Finder    = (*Connector)(nil)
	_ crm.LeadMaker = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
)

// New checks the config and makes a connector. Errors hold no secrets.
func New(cfg Config) (*Connector, error) {
	cfg.Name, cfg.API = cmp.Or(cfg.Name, "odoo"), cmp.Or(cfg.API, JSON2)
	cfg.Partner, cfg.URL = cmp.Or(cfg.Partner, "Unknown callers"), strings.TrimSuffix(cfg.URL, "/")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	header := http.Header{}
	switch {
	case cfg.Key == "" || cfg.Database == "":
		return nil, fmt.Errorf("%s: database and API key are needed", cfg.Name)
	case cfg.API == JSON2:
		header.Set("Authorization", "bearer "+cfg.Key)
		header.Set("X-Odoo-Database", cfg.Database)
	case cfg.API != JSONRPC:
		return nil, fmt.Errorf("%s: the API is neither %s nor %s", cfg.Name, JSON2, JSONRPC)
	case cfg.User == "":
		return nil, fmt.Errorf("%s: JSON-RPC needs the login of the user", cfg.Name)
	}
	client, err := rest.New(rest.Config{System: cfg.Name, URL: cfg.URL, Plain: cfg.Plain, Timeout: cfg.Timeout, Header: header})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg: cfg, rest: client}, nil
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.rest.Close() }

// Deliver implements crm.Connector. The remote ID is that of the message.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	partner, err := c.partner(ctx, d.Note, w)
	if err != nil {
		return "", err
	}
	id := d.RemoteID
	if id == "" && d.State == earshot.DeliveryUnknown {
		if id, err = c.lookUp(ctx, d.NoteID); err != nil {
			return "", err
		}
	}
	if id, err = c.write(ctx, id, partner, d.NoteID, w); err != nil {
		return "", err
	}
	for _, t := range w.Tasks {
		if err := c.activity(ctx, partner, d.Note, w, t); err != nil {
			return "", crm.Unknown(fmt.Errorf("make an activity: %w", err)) // the message is there
		}
	}
	return id, nil
}

// write posts a log note, or changes the one with the ID.
func (c *Connector) write(ctx context.Context, id string, partner int, note earshot.NoteID, w *earshot.Writing) (string, error) {
	body := htmlOf(w.Body)
	if n, err := strconv.Atoi(id); err == nil {
		values := map[string]any{"subject": w.Subject, "body": body, "res_id": partner}
		var done bool
		return id, c.call(ctx, "mail.message", "write", []int{n}, args{{"vals", values}}, &done, writes)
	}
	post := args{
		{"body", body},
		{"subject", w.Subject},
		{"message_type", "comment"},
		{"subtype_xmlid", "mail.mt_note"},
		{"message_id", messageID(note)},
	}
	var made ids
	if err := c.post(ctx, partner, post, &made); err != nil {
		return "", err
	}
	if len(made) == 0 {
		return "", crm.Unknown(fmt.Errorf("%s answers without the message", c.cfg.Name))
	}
	return strconv.Itoa(made[0]), nil
}

// messageID is that of a message (RFC 5322 3.6.4) about a note.
func messageID(id earshot.NoteID) string { return "<" + string(id) + "@earshot>" }

// lookUp returns the message that an attempt has left, "" for none.
func (c *Connector) lookUp(ctx context.Context, id earshot.NoteID) (string, error) {
	var found []struct{ ID int }
	err := c.search(ctx, "mail.message", domain{{"message_id", "=", messageID(id)}}, []string{"id"}, &found)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return strconv.Itoa(found[0].ID), nil
}

// activity makes a to-do unless there is one. One that is done has left its note
// in a message.
func (c *Connector) activity(ctx context.Context, partner int, n earshot.Note, w *earshot.Writing, t earshot.Task) error {
	var found []struct{ ID int }
	mark := "Earshot: " + t.Key
	about := domain{{"res_model", "=", "res.partner"}, {"res_id", "=", partner}, {"note", "ilike", mark}}
	if err := c.search(ctx, "mail.activity", about, []string{"id"}, &found); err != nil || len(found) > 0 {
		return err
	}
	about = domain{{"model", "=", "res.partner"}, {"res_id", "=", partner}, {"body", "ilike", mark}}
	if err := c.search(ctx, "mail.message", about, []string{"id"}, &found); err != nil || len(found) > 0 {
		return err
	}
	a := args{
		{"act_type_xmlid", "mail.mail_activity_data_todo"},
		{"summary", t.Text},
		{"note", htmlOf(strings.TrimSpace(t.Text+"\n"+n.CallURL) + "\n\n" + mark)},
	}
	if !t.Due.IsZero() {
		a = append(a, arg{"date_deadline", t.Due.Format(time.DateOnly)})
	}
	if user, err := strconv.Atoi(w.User); err == nil {
		a = append(a, arg{"user_id", user})
	}
	return c.call(ctx, "res.partner", "activity_schedule", []int{partner}, a, nil, writes)
}

// htmlOf makes plain text the HTML that fields of Odoo hold.
func htmlOf(text string) string {
	return "<p>" + strings.ReplaceAll(html.EscapeString(text), "\n", "<br>") + "</p>"
}

// partner returns the partner a note belongs to.
func (c *Connector) partner(ctx context.Context, n earshot.Note, w *earshot.Writing) (int, error) {
	if n.Match != nil && n.Match.Contact != nil {
		id, err := strconv.Atoi(n.Match.Contact.ID)
		if err != nil {
			return 0, earshot.Permanent(errors.New("the contact is no partner"))
		}
		return id, nil
	}
	name := cmp.Or(w.Queue, c.cfg.Partner)
	c.unknown.Lock()
	defer c.unknown.Unlock()
	var found []struct{ ID int }
	if err := c.search(ctx, "res.partner", domain{{"name", "=", name}}, []string{"id"}, &found); err != nil {
		return 0, err
	}
	if len(found) > 0 {
		return found[0].ID, nil
	}
	return c.create(ctx, map[string]any{"name": name})
}

// create makes a partner.
func (c *Connector) create(ctx context.Context, values map[string]any) (int, error) {
	var made ids
	if err := c.call(ctx, "res.partner", "create", nil, args{{"vals_list", []any{values}}}, &made, writes); err != nil {
		return 0, err
	}
	if len(made) == 0 {
		return 0, crm.Unknown(fmt.Errorf("%s answers without the partner", c.cfg.Name))
	}
	return made[0], nil
}
