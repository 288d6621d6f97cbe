package tryton

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// Config is one database of one Tryton server.
type Config struct {
	// Name of the connector, see crm.ValidName; default "tryton".
	Name string
	// URL of the server. Plain http is taken for loopback only, unless Plain is
	// set.
	URL   string
	Plain bool
	// Database, and who signs in.
	Database, User, Password string
	// Party is the name of the party for calls of nobody, default "Unknown
	// callers". It is made when it is not there.
	Party string
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one database. It is safe for concurrent use.
type Connector struct {
	cfg  Config
	rest *rest.Client

	mu      sync.Mutex
	session string

	// unknown is held while the party of nobody is looked for and made.
	unknown sync.Mutex
}

var (
	_ crm.Finder    = (*Connector)(nil)
	_ crm.LeadMaker = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
	_ crm.Connector = (*Connector)(nil)
)

// New checks the config and makes a connector. Errors hold no secrets.
func New(cfg Config) (*Connector, error) {
	cfg.Name = cmp.Or(cfg.Name, "tryton")
	cfg.Party = cmp.Or(cfg.Party, "Unknown callers")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.Database == "" || cfg.User == "" || cfg.Password == "" {
		return nil, errors.New("tryton: database, user and password are needed")
	}
	client, err := rest.New(rest.Config{System: "tryton", URL: cfg.URL, Plain: cfg.Plain, Timeout: cfg.Timeout})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg: cfg, rest: client}, nil
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.rest.Close() }

// Deliver implements crm.Connector. The remote ID is that of the note.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	id := d.RemoteID
	if id == "" && d.State == earshot.DeliveryUnknown {
		if id, err = c.lookUp(ctx, d.NoteID); err != nil {
			return "", err
		}
	}
	if id == "" {
		return c.add(ctx, d)
	}
	return id, c.change(ctx, id, d)
}

func (c *Connector) add(ctx context.Context, d earshot.Delivery) (id string, err error) {
	party, err := c.party(ctx, d.Note)
	if err != nil {
		return "", err
	}
	return c.create(ctx, "ir.note", map[string]any{"resource": "party.party," + party, "message": message(d)})
}

// change has a note say what the delivery does, and moves it to the party that
// was found since. One of nobody's call stays: somebody may have moved it to
// where it belongs.
func (c *Connector) change(ctx context.Context, id string, d earshot.Delivery) error {
	n, err := strconv.Atoi(id)
	if err != nil {
		return earshot.Permanent(fmt.Errorf("tryton: %.20q is no note", id))
	}
	note := map[string]any{"message": message(d)}
	if d.Note.Match != nil && d.Note.Match.Contact != nil {
		party, err := c.party(ctx, d.Note)
		if err != nil {
			return err
		}
		note["resource"] = "party.party," + party
	}
	return c.call(ctx, "model.ir.note.write", []any{[]int{n}, note, noContext}, nil, writes)
}

// message is the text of a note.
func message(d earshot.Delivery) string {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	return strings.Join([]string{w.Subject, "", w.Body, "", mark(d.NoteID)}, "\n")
}

// mark is the line by which a note is found again.
func mark(id earshot.NoteID) string { return "Earshot: " + string(id) }

// lookUp returns the note that an attempt has left, "" for none.
func (c *Connector) lookUp(ctx context.Context, id earshot.NoteID) (string, error) {
	var found []struct {
		ID      int
		Message string
	}
	// An underscore in the ID stands for any character: it is compared again.
	domain := []any{[]any{"message", "ilike", "%" + mark(id)}}
	if err := c.search(ctx, "ir.note", domain, []string{"message"}, &found); err != nil {
		return "", err
	}
	for _, n := range found {
		if n.Message == mark(id) || strings.HasSuffix(n.Message, "\n"+mark(id)) {
			return strconv.Itoa(n.ID), nil
		}
	}
	return "", nil
}

// party returns the party a note belongs to.
func (c *Connector) party(ctx context.Context, n earshot.Note) (string, error) {
	if n.Match != nil && n.Match.Contact != nil {
		if _, err := strconv.Atoi(n.Match.Contact.ID); err != nil {
			return "", earshot.Permanent(fmt.Errorf("tryton: %.20q is no party", n.Match.Contact.ID))
		}
		return n.Match.Contact.ID, nil
	}
	name := c.cfg.Party
	if n.Writing != nil && n.Writing.Queue != "" {
		name = n.Writing.Queue
	}
	c.unknown.Lock()
	defer c.unknown.Unlock()
	var found []struct{ ID int }
	if err := c.search(ctx, "party.party", []any{[]any{"name", "=", name}}, []string{"name"}, &found); err != nil {
		return "", err
	}
	if len(found) > 0 {
		return strconv.Itoa(found[0].ID), nil
	}
	return c.create(ctx, "party.party", map[string]any{"name": name})
}
