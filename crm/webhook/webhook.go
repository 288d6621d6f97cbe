package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/crm"
)

const (
	defaultTimeout = 15 * time.Second
	// maxAnswer is how much of an answer is read so that the connection can be
	// used again. What it says is of no interest.
	maxAnswer = 64 << 10
	// EventType is the type in the body.
	EventType = "call.note"
)

// Config is one endpoint.
type Config struct {
	// Name of the connector, see crm.ValidName; default "webhook".
	Name string
	// URL is http or https. It is a secret: only its origin is logged.
	URL string
	// Secret is "whsec_" and the base64 of 24 to 64 bytes.
	Secret string
	// Previous are secrets that are being replaced; requests are signed with
	// them too.
	Previous []string
	// Timeout of one attempt, default 15 s.
	Timeout time.Duration
	// Events are posted as they happen, besides the notes.
	Events []earshot.EventType
	// CloudEvents makes bodies CloudEvents 1.0 in structured mode, and Source is
	// what they say they are from, default "earshot".
	CloudEvents bool
	Source      string
}

// Connector sends notes to one endpoint. It is safe for concurrent use.
type Connector struct {
	cfg    Config
	origin string
	keys   [][]byte
	client *http.Client
	idle   func() // closes unused connections
}

var (
	_ crm.Connector = (*Connector)(nil)
	_ crm.Publisher = (*Connector)(nil)
	_ crm.Tester    = (*Connector)(nil)
)

// New checks the config and makes a connector.
func New(cfg Config) (*Connector, error) {
	cfg.Name = cmp.Or(cfg.Name, "webhook")
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	if err := crm.ValidName(cfg.Name); err != nil {
		return nil, err
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, fmt.Errorf("webhook %s: the URL is not an http or https URL", cfg.Name)
	}
	c := &Connector{cfg: cfg, origin: u.Scheme + "://" + u.Host}
	for _, s := range append([]string{cfg.Secret}, cfg.Previous...) {
		key, err := parseSecret(strings.TrimSpace(s))
		if err != nil {
			return nil, fmt.Errorf("webhook %s: %w", cfg.Name, err)
		}
		c.keys = append(c.keys, key)
	}
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		MaxIdleConnsPerHost:    2,
		IdleConnTimeout:        30 * time.Second,
		TLSHandshakeTimeout:    cfg.Timeout,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	c.idle = transport.CloseIdleConnections
	c.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// Name implements crm.Connector.
func (c *Connector) Name() string { return c.cfg.Name }

// Origin returns the scheme, host and port of the endpoint, for logs.
func (c *Connector) Origin() string { return c.origin }

// Close closes unused connections. It may be called twice.
func (c *Connector) Close() { c.idle() }

// Deliver implements crm.Connector. There is no remote ID: the receiver knows
// the note by its own.
func (c *Connector) Deliver(ctx context.Context, d earshot.Delivery) (remoteID string, err error) {
	at := d.Note.Summary.CreatedAt
	if at.IsZero() {
		at = d.Note.EndedAt
	}
	return "", c.post(ctx, message{ID: d.Key, Type: EventType, CallID: d.CallID, At: at, Data: d.Note})
}

// Events implements crm.Publisher.
func (c *Connector) Events() []earshot.EventType { return c.cfg.Events }

// Publish implements crm.Publisher.
func (c *Connector) Publish(ctx context.Context, e earshot.Event) error {
	id := strings.ReplaceAll(e.ID, ".", "-") // '.' separates in what is signed
	return c.post(ctx, message{ID: id, Type: string(e.Type), CallID: e.CallID, At: e.At, Data: e.Data})
}

// post sends one message. Its errors are those of Deliver.
func (c *Connector) post(ctx context.Context, m message) error {
	body, contentType, err := c.encode(m)
	if err != nil {
		return earshot.Permanent(err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	var sent atomic.Bool // the request may be on its way
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { sent.Store(true) },
	})
	req, err := c.request(ctx, m.ID, body)
	if err != nil {
		return earshot.Permanent(err)
	}
	req.Header.Set("Content-Type", contentType)
	resp, err := c.client.Do(req)
	if err != nil {
		err = fmt.Errorf("post to %s: %w", c.origin, withoutURL(err))
		if sent.Load() {
			err = crm.Unknown(err)
		}
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxAnswer) // best effort: the status says it all
	return c.answer(resp)
}

func (c *Connector) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("make request: malformed URL")
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("User-Agent", "Earshot")
	req.Header.Set(HeaderID, id)
	req.Header.Set(HeaderTimestamp, timestamp)
	req.Header.Set(HeaderSignature, sign(c.keys, id, timestamp, body))
	return req, nil
}

// withoutURL takes the URL, which may hold a secret, out of an error.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// answer says what a status means; the table is in the package comment.
func (c *Connector) answer(resp *http.Response) error {
	status := resp.StatusCode
	if status >= 200 && status <= 299 {
		return nil
	}
	err := fmt.Errorf("%s answers %d", c.origin, status)
	switch {
	case status == http.StatusGone:
		return earshot.Permanent(fmt.Errorf("%w: %w", err, earshot.ErrGone))
	case status == http.StatusMovedPermanently, status == http.StatusPermanentRedirect:
		return earshot.Permanent(fmt.Errorf("%w: redirects are not followed, set the new URL", err))
	case status == http.StatusBadGateway, status == http.StatusGatewayTimeout:
		err = crm.Unknown(err) // the gateway may have passed it on
	case status >= 400 && status <= 499 && status != http.StatusRequestTimeout &&
		status != http.StatusTooEarly && status != http.StatusTooManyRequests:
		return earshot.Permanent(err)
	}
	if after := retryAfter(resp.Header.Get("Retry-After"), time.Now()); after > 0 {
		return &earshot.RetryAfterError{Err: err, After: after}
	}
	return err
}

// maxRetryAfter bounds what a receiver may ask for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads a Retry-After header (RFC 9110 10.2.3): seconds or a date.
// What is malformed or past is 0.
func retryAfter(v string, now time.Time) time.Duration {
	if n, err := strconv.ParseUint(v, 10, 64); err == nil {
		return time.Duration(min(n, uint64(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(v)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}
