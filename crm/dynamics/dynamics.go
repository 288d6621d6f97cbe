package dynamics

import (
	"cmp"
	"context"
	"crypto/sha1"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"time"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

const (
	// DefaultLogin is where tokens come from, with the tenant and TokenPath
	// behind it
	// (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow).
	DefaultLogin = "https://login.microsoftonline.com"
	// TokenPath follows the tenant.
	TokenPath = "/oauth2/v2.0/token"
	// Scope follows the URL of the environment: all that the application user may.
	Scope = "/.default"
	// DefaultMaxBody is how long a description gets, in characters, unless the
	// environment was changed.
	DefaultMaxBody = 2000

	api = "/api/data/v9.2"
	// perMinute keeps look-ups and deliveries, ten requests at most and a few more
	// with many tasks, within the 6,000 requests in 5 min of a user
	// (https://learn.microsoft.com/power-apps/developer/data-platform/api-limits).
	perMinute = 100
)

// Config is one environment.
type Config struct {
	// Name of the connector, see crm.ValidName; default "dynamics".
	Name string
	// URL of the environment, "https://acme.crm4.dynamics.com".
	URL    string
	Tokens rest.Tokens
	// MaxBody is how long descriptions may be, in characters, default
	// DefaultMaxBody.
	MaxBody int
	// Timeout of one request, default 15 s.
	Timeout time.Duration
}

// Connector writes notes into one environment. It is safe for concurrent use.
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

// New checks the config and makes a connector.
func New(cfg Config) (*Connector, error) {
	cfg.Name, cfg.MaxBody = cmp.Or(cfg.Name, "dynamics"), cmp.Or(cfg.MaxBody, DefaultMaxBody)
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	if cfg.MaxBody < 100 {
		return nil, fmt.Errorf("%s: %d characters are too few for a description", cfg.Name, cfg.MaxBody)
	}
	client, err := rest.New(rest.Config{
		System: cfg.Name, URL: cfg.URL, Timeout: cfg.Timeout, Tokens: cfg.Tokens, Code: code,
		Header: http.Header{"Odata-Maxversion": {"4.0"}, "Odata-Version": {"4.0"}},
	})
	if err != nil {
		return nil, err
	}
	return &Connector{cfg: cfg, client: client}, nil
}

// code is that of an error
// (https://learn.microsoft.com/power-apps/developer/data-platform/webapi/compose-http-requests-handle-errors).
func code(body []byte) string {
	var a struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &a) != nil {
		return ""
	}
	return a.Error.Code
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// PerMinute implements crm.Limited.
func (c *Connector) PerMinute() int { return perMinute }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.client.Close() }

// rowID returns the ID of a row that is made of our key (RFC 9562 5.5).
func rowID(key string) string {
	const namespace = "\x6b\x4b\xb0\x0e\x27\x3c\x4d\x5e\x9d\x0f\x6a\x35\x4f\x1c\x8e\x52"
	sum := sha1.Sum([]byte(namespace + key))
	u := sum[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Deliver implements crm.Connector. The remote ID is that of the phone call,
// which follows from the note's.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	w := d.Note.Writing
	if w == nil {
		w = new(crm.PlainWriting(d.Note))
	}
	id := rowID(string(d.NoteID))
	row, who := "/phonecalls("+id+")", about(d.Note, "phonecall")
	created, err := c.create(ctx, row, c.newCall(d.Note, w), who, partiesOf(d.Note, w))
	if err == nil && !created {
		err = c.change(ctx, row, c.callColumns(d.Note, w), who)
	}
	if err == nil && d.RemoteID == "" {
		err = c.enqueue(ctx, id, d.Note, w)
	}
	if err == nil {
		err = c.patch(ctx, row, "If-Match", completed(d.Note.Direction))
	}
	if err != nil {
		return "", err
	}
	for _, t := range w.Tasks {
		if _, err := c.create(ctx, "/tasks("+rowID(t.Key)+")", c.newTask(d.Note, w, t), about(d.Note, "task"), nil); err != nil {
			return "", fmt.Errorf("make a task: %w", err)
		}
	}
	return id, nil
}

// create makes a row unless it is there, without whom it is about and the
// parties when they are gone.
func (c *Connector) create(ctx context.Context, row string, columns, who, parties map[string]any) (created bool, err error) {
	all := maps.Clone(columns)
	maps.Copy(all, who)
	maps.Copy(all, parties)
	err = c.patch(ctx, row, "If-None-Match", all)
	if status(err) == http.StatusNotFound && len(who) > 0 {
		err = c.patch(ctx, row, "If-None-Match", columns)
	}
	if status(err) == http.StatusPreconditionFailed {
		return false, nil
	}
	return err == nil, err
}

// change reopens a phone call and changes it.
func (c *Connector) change(ctx context.Context, row string, columns, who map[string]any) error {
	if err := c.patch(ctx, row, "If-Match", map[string]any{"statecode": 0, "statuscode": 1}); err != nil {
		return err
	}
	all := maps.Clone(columns)
	maps.Copy(all, who)
	err := c.patch(ctx, row, "If-Match", all)
	if status(err) == http.StatusNotFound && len(who) > 0 {
		err = c.patch(ctx, row, "If-Match", columns)
	}
	return err
}

// patch writes columns of a row: if there is one already with If-Match, if there
// is none yet with If-None-Match
// (https://learn.microsoft.com/power-apps/developer/data-platform/webapi/perform-conditional-operations-using-web-api).
func (c *Connector) patch(ctx context.Context, row, condition string, columns map[string]any) error {
	_, err := c.client.Do(ctx, rest.Request{
		Method: http.MethodPatch, Path: api + row, Header: http.Header{condition: {"*"}}, In: columns,
	})
	return err
}

// status returns that of an answer, 0 when it was none.
func status(err error) int {
	if s, ok := errors.AsType[*rest.StatusError](err); ok {
		return s.Status
	}
	return 0
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// enqueue puts a new phone call of nobody known into the mapping's queue
// (https://learn.microsoft.com/power-apps/developer/data-platform/webapi/reference/addtoqueue),
// while it is open. A row has one place in a queue: once more changes nothing.
func (c *Connector) enqueue(ctx context.Context, id string, n earshot.Note, w *earshot.Writing) error {
	if w.Queue == "" || n.Match != nil && n.Match.Contact != nil {
		return nil
	}
	if !guid.MatchString(w.Queue) {
		return earshot.Permanent(errors.New("the queue of the mapping is no ID of one"))
	}
	_, err := c.client.Do(ctx, rest.Request{
		Path: api + "/queues(" + w.Queue + ")/Microsoft.Dynamics.CRM.AddToQueue",
		In: map[string]any{"Target": map[string]string{
			"activityid": id, "@odata.type": "Microsoft.Dynamics.CRM.phonecall",
		}},
	})
	if err != nil {
		return fmt.Errorf("put the phone call into its queue: %w", err)
	}
	return nil
}
