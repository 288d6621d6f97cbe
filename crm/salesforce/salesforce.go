package salesforce

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

const (
	// TokenPath is the token endpoint, below the URL of My Domain
	// (https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_endpoints.htm).
	TokenPath = "/services/oauth2/token"
	// AssertionLife is that of a JWT: Salesforce wants three minutes at most, and
	// clocks differ
	// (https://help.salesforce.com/s/articleView?id=xcloud.remoteaccess_oauth_jwt_flow.htm).
	AssertionLife = 2 * time.Minute

	// api is what paths begin with. Versions are supported for three years at
	// least
	// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/api_rest_eol.htm).
	api = "/services/data/v62.0"
	// perMinute keeps a busy hour of look-ups and deliveries, three requests each,
	// within what an organisation may ask in a day
	// (https://developer.salesforce.com/docs/atlas.en-us.salesforce_app_limits_cheatsheet.meta/salesforce_app_limits_cheatsheet/salesforce_app_limits_platform_api.htm).
	perMinute = 120
)

// Config is one organisation.
type Config struct {
	// Name of the connector, see crm.ValidName; default "salesforce".
	Name string
	// URL of My Domain, "https://acme.my.salesforce.com".
	URL    string
	Tokens rest.Tokens
	// ExternalID is a custom text field of activities that is an external ID,
	// "Earshot_Id__c"; "" for none.
	ExternalID string
	// Event is a platform event for live calls, "Earshot_Call__e"; "" for none.
	Event string
	// Company is what leads are of that are made here; default "Unknown", for
	// Salesforce wants one.
	Company string
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one organisation. It is safe for concurrent use.
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
	_ crm.Publisher = (*Connector)(nil)
)

// custom is the name of a field or an event of the organisation's own.
var custom = regexp.MustCompile(`^[A-Za-z]\w*__[ce]$`)

// New checks the config and makes a connector.
func New(cfg Config) (*Connector, error) {
	cfg.Name, cfg.Company = cmp.Or(cfg.Name, "salesforce"), cmp.Or(cfg.Company, "Unknown")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.ExternalID != "" && (!custom.MatchString(cfg.ExternalID) || !strings.HasSuffix(cfg.ExternalID, "__c")) {
		return nil, fmt.Errorf("%s: %q is no custom field like Earshot_Id__c", cfg.Name, cfg.ExternalID)
	}
	if cfg.Event != "" && (!custom.MatchString(cfg.Event) || !strings.HasSuffix(cfg.Event, "__e")) {
		return nil, fmt.Errorf("%s: %q is no platform event like Earshot_Call__e", cfg.Name, cfg.Event)
	}
	client, err := rest.New(rest.Config{
		System: cfg.Name, URL: cfg.URL, Timeout: cfg.Timeout, Tokens: cfg.Tokens, Code: code, Passes: passes,
	})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg: cfg, client: client}, nil
}

// code is that of the first error of a list
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/errorcodes.htm).
func code(body []byte) string {
	var list []struct {
		Code string `json:"errorCode"`
	}
	if json.Unmarshal(body, &list) != nil || len(list) == 0 {
		return ""
	}
	return list[0].Code
}

func passes(_ int, code string) bool {
	return code == "REQUEST_LIMIT_EXCEEDED" || code == "UNABLE_TO_LOCK_ROW"
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// PerMinute implements crm.Limited.
func (c *Connector) PerMinute() int { return perMinute }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.client.Close() }

// Deliver implements crm.Connector. The remote ID is Salesforce's of the task.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	keys := append(make([]string, 0, 1+len(w.Tasks)), string(d.NoteID))
	for _, t := range w.Tasks {
		keys = append(keys, t.Key)
	}
	there, err := c.there(ctx, d.Note.StartedAt, keys)
	if err != nil {
		return "", fmt.Errorf("look the note up: %w", err)
	}
	who := contactOf(d.Note)
	id := cmp.Or(there[string(d.NoteID)], d.RemoteID)
	if id != "" {
		err = c.write(ctx, http.MethodPatch, "/Task/"+url.PathEscape(id), callFields(d.Note, w), who, nil)
	}
	if id == "" || isGone(err) {
		id, err = c.create(ctx, string(d.NoteID), newCall(d.Note, w), who)
	}
	if err != nil {
		return "", err
	}
	for _, t := range w.Tasks {
		if there[t.Key] != "" {
			continue // it belongs to who has to do it
		}
		if _, err := c.create(ctx, t.Key, newTask(d.Note, w, t), who); err != nil {
			return "", fmt.Errorf("make a task: %w", err)
		}
	}
	return id, nil
}

// create makes a task under our key, by upsert where there is an external ID.
func (c *Connector) create(ctx context.Context, key string, fields, who map[string]any) (id string, err error) {
	var out struct {
		ID string `json:"id"`
	}
	fields["CallObject"] = key
	if c.cfg.ExternalID == "" {
		err = c.write(ctx, http.MethodPost, "/Task", fields, who, &out)
	} else {
		err = c.write(ctx, http.MethodPatch, "/Task/"+c.cfg.ExternalID+"/"+url.PathEscape(key), fields, who, &out)
	}
	if err == nil && out.ID == "" {
		err = crm.Unknown(fmt.Errorf("%s answers without the task", c.cfg.Name))
	}
	return out.ID, err
}

// write makes or changes a record, once more without whom it is about when they
// are gone.
func (c *Connector) write(ctx context.Context, method, path string, fields, who map[string]any, out any) error {
	maps.Copy(fields, who)
	r := rest.Request{Method: method, Path: api + "/sobjects" + path, In: fields, Out: out}
	_, err := c.client.Do(ctx, r)
	s, ok := errors.AsType[*rest.StatusError](err)
	if !ok || len(who) == 0 || s.Status == http.StatusNotFound || s.Code != "ENTITY_IS_DELETED" && s.Code != "INVALID_CROSS_REFERENCE_KEY" {
		return err
	}
	for k := range who {
		delete(fields, k)
	}
	_, err = c.client.Do(ctx, r)
	return err
}

// isGone reports whether a record that was there is no more.
func isGone(err error) bool {
	s, ok := errors.AsType[*rest.StatusError](err)
	return ok && (s.Status == http.StatusNotFound || s.Code == "ENTITY_IS_DELETED")
}
