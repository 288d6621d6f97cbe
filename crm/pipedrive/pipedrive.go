package pipedrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// The two versions of the API in use: call logs and recordings are in the first
// only.
const (
	v1 = "/api/v1"
	v2 = "/api/v2"
)

// Config is one company's Pipedrive.
type Config struct {
	// Name of the connector, see crm.ValidName; default "pipedrive".
	Name string
	// URL is https://COMPANY.pipedrive.com.
	URL string
	// Token is the API token of a user. It is a secret.
	Token string
	// Recording returns the recording of a call; nil: none is uploaded. While there
	// is none, which is earshot.ErrNotFound, it is waited for, 10 minutes from the
	// call's end: the note is there meanwhile, and attempts go on.
	Recording func(earshot.CallID) (Recording, error)
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Recording is an audio file.
type Recording struct {
	// Name is that of the file, Type its media type.
	Name, Type string
	Audio      []byte
}

// Connector writes notes into one Pipedrive. It is safe for concurrent use.
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

// New checks the config and makes a connector. Errors do not hold the token.
func New(cfg Config) (*Connector, error) {
	cfg.Name = cmp.Or(cfg.Name, "pipedrive")
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.Token == "" {
		return nil, fmt.Errorf("%s: an API token is needed", cfg.Name)
	}
	// https://pipedrive.readme.io/docs/core-api-concepts-authentication
	client, err := rest.New(rest.Config{
		System: cfg.Name, URL: cfg.URL, Timeout: cfg.Timeout, Header: http.Header{"X-Api-Token": {cfg.Token}},
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

// Deliver implements crm.Connector. The remote ID is that of the activity.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	// An attempt before may have left anything of this: what there is is read.
	again := d.State != earshot.DeliveryPending
	there := left{}
	if again || d.RemoteID != "" && len(w.Tasks) > 0 {
		if there, err = c.left(ctx, d.Note.StartedAt); err != nil {
			return "", err
		}
	}
	id, made, err := c.activity(ctx, cmp.Or(d.RemoteID, there[string(d.Note.ID)]), d.Note, w)
	if err != nil {
		return "", err
	}
	if made || again {
		if err := c.callLog(ctx, id, !made, d.Note, w); err != nil {
			return "", crm.Unknown(fmt.Errorf("log the call: %w", err)) // the activity is there
		}
	}
	for _, t := range w.Tasks {
		if there[t.Key] != "" {
			continue
		}
		if err := c.task(ctx, d.Note, w, t); err != nil {
			return "", crm.Unknown(fmt.Errorf("make a task: %w", err))
		}
	}
	return id, nil
}

// activity makes the activity of a call, or changes the one with the ID.
func (c *Connector) activity(ctx context.Context, id string, n earshot.Note, w *earshot.Writing) (newID string, made bool, err error) {
	a := callActivity(n, w)
	if id != "" {
		_, err := c.rest.Do(ctx, rest.Request{Method: http.MethodPatch, Path: v2 + "/activities/" + id, In: a})
		if status(err) != http.StatusNotFound {
			return id, false, err
		}
	}
	id, err = c.create(ctx, a)
	return id, true, err
}

// task makes an activity of a task.
func (c *Connector) task(ctx context.Context, n earshot.Note, w *earshot.Writing, t earshot.Task) error {
	_, err := c.create(ctx, taskActivity(n, w, t))
	return err
}

// create makes an activity and returns its ID.
func (c *Connector) create(ctx context.Context, a activity) (string, error) {
	var out struct{ Data struct{ ID int64 } }
	if _, err := c.rest.Do(ctx, rest.Request{Path: v2 + "/activities", In: a, Out: &out}); err != nil {
		return "", err
	}
	if out.Data.ID == 0 {
		return "", crm.Unknown(fmt.Errorf("%s answers without the activity", c.cfg.Name))
	}
	return strconv.FormatInt(out.Data.ID, 10), nil
}

// status returns that of an answer, 0 when it was none.
func status(err error) int {
	if s, ok := errors.AsType[*rest.StatusError](err); ok {
		return s.Status
	}
	return 0
}
