package rest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"earshot"
	"earshot/crm"
)

const (
	defaultTimeout = 15 * time.Second
	// defaultMaxAnswer is in bytes.
	defaultMaxAnswer = 4 << 20
)

// Config is one API of one system.
type Config struct {
	// System is what errors call it.
	System string
	// URL is what the paths of requests come after. Plain http is taken for
	// loopback, and elsewhere only with Plain.
	URL   string
	Plain bool
	// Timeout of one request, default 15 s.
	Timeout time.Duration
	// MaxAnswer is how much of an answer is read, in bytes, default 4 MiB; a
	// longer one is malformed.
	MaxAnswer int64
	// Header goes with every request; it may hold credentials.
	Header http.Header
	// Tokens give the bearer token of every request, nil for none.
	Tokens Tokens
	// Code takes the system's own code out of an answer that is not 2xx, "" for
	// none.
	Code func(body []byte) string
	// Passes reports whether a refusal that the status makes permanent passes by
	// itself.
	Passes func(status int, code string) bool
}

// Tokens are bearer tokens (RFC 6750) that run out. They are safe for concurrent
// use.
type Tokens interface {
	// Token returns one that is valid now. Errors are as those of
	// [crm.Connector]; nothing was sent yet.
	Token(ctx context.Context) (string, error)
	// Refused is told of a token that was answered 401 and reports whether Token
	// has another.
	Refused(token string) bool
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	cfg    Config
	client *http.Client
}

// New checks the config and makes a client. Errors do not hold the URL.
func New(cfg Config) (*Client, error) {
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	cfg.Timeout = cmp.Or(cfg.Timeout, defaultTimeout)
	cfg.MaxAnswer = cmp.Or(cfg.MaxAnswer, defaultMaxAnswer)
	if !valid(cfg.URL, cfg.Plain) {
		return nil, fmt.Errorf("%s: the URL is not an https URL without user and query", cfg.System)
	}
	return &Client{cfg: cfg, client: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 2, IdleConnTimeout: 30 * time.Second,
			TLSHandshakeTimeout: cfg.Timeout, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		},
		// Credentials go to nobody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// valid reports whether credentials may be sent to a URL.
func valid(text string, plain bool) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (plain || ip != nil && ip.IsLoopback())
}

// Close closes unused connections. It may be called twice.
func (c *Client) Close() { c.client.CloseIdleConnections() }

// Request is one request.
type Request struct {
	// Method is GET by default, POST with a body.
	Method string
	// Path follows the URL of the client; it begins with a slash, and what it is
	// made of is escaped.
	Path   string
	Query  url.Values
	Header http.Header
	// In is sent as JSON unless it is nil; url.Values are sent as a form, and a
	// Raw as it is.
	In any
	// Out takes the JSON of the answer unless it is nil. An answer without a body
	// leaves it alone.
	Out any
	// Asks is set for what writes nothing: its outcome is never unknown. A GET
	// always asks.
	Asks bool
}

// Raw is a body that is not JSON.
type Raw struct {
	Type string
	Body []byte
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a request, with other credentials once more when these were refused.
// The answer is nil only when none came; the error is the table of the package,
// and of type *StatusError inside when a status was the cause.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	body, contentType, err := encode(r.In)
	if err != nil {
		return nil, earshot.Permanent(fmt.Errorf("encode request: %w", err))
	}
	r.Method = cmp.Or(r.Method, map[bool]string{true: http.MethodPost, false: http.MethodGet}[r.In != nil])
	r.Asks = r.Asks || r.Method == http.MethodGet
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	a, token, err := c.signed(ctx, r, body, contentType)
	if err == nil && a.Status == http.StatusUnauthorized && token != "" && c.cfg.Tokens.Refused(token) {
		a, _, err = c.signed(ctx, r, body, contentType)
	}
	if err != nil {
		return nil, err
	}
	return a, c.read(a, r)
}

// signed makes one request with the token of now, which it returns.
func (c *Client) signed(ctx context.Context, r Request, body []byte, contentType string) (a *Answer, token string, err error) {
	if c.cfg.Tokens != nil {
		if token, err = c.cfg.Tokens.Token(ctx); err != nil {
			return nil, "", fmt.Errorf("sign in to %s: %w", c.cfg.System, err)
		}
	}
	a, err = c.once(ctx, r, body, contentType, token)
	return a, token, err
}

// encode returns a body, nil for none, and its type.
func encode(in any) (body []byte, contentType string, err error) {
	switch v := in.(type) {
	case nil:
		return nil, "", nil
	case url.Values:
		return []byte(v.Encode()), "application/x-www-form-urlencoded", nil
	case Raw:
		return v.Body, v.Type, nil
	}
	body, err = json.Marshal(in)
	return body, "application/json", err
}

// once makes one request and reads its answer. An error is transient, and
// unknown when a write may have arrived.
func (c *Client) once(ctx context.Context, r Request, body []byte, contentType, token string) (*Answer, error) {
	var sent atomic.Bool // the request may be on its way
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { sent.Store(true) },
	})
	target := c.cfg.URL + r.Path
	if len(r.Query) > 0 {
		target += "?" + r.Query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, earshot.Permanent(errors.New("make request: malformed path"))
	}
	maps.Copy(req.Header, c.cfg.Header)
	maps.Copy(req.Header, r.Header)
	req.Header.Set("User-Agent", "Earshot")
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	lost := func(what string, err error) error {
		err = fmt.Errorf("%s %s: %w", what, c.cfg.System, err)
		if sent.Load() && !r.Asks {
			return crm.Unknown(err)
		}
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL
		}
		return nil, lost("ask", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxAnswer))
	if err != nil {
		return nil, lost("read answer of", err)
	}
	return &Answer{resp.StatusCode, resp.Header, raw}, nil
}
