package token

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"earshot"
	"earshot/crm/rest"
)

const (
	// defaultLife is that of a token whose answer does not say (RFC 6749 5.1
	// leaves it open).
	defaultLife = 10 * time.Minute
	// betweenRefusals is how long after a refusal made another token the next one
	// may: a system that refuses them all is not asked for one after the other.
	betweenRefusals = 10 * time.Second
)

// Config is how one connector signs in.
type Config struct {
	// Name of the connector.
	Name string
	// URL of the token endpoint (RFC 6749 3.2).
	URL   string
	Grant Grant
	// Store keeps refresh tokens that were replaced; not nil with a
	// [RefreshToken].
	Store *Store
	// Timeout of one request, default 15 s.
	Timeout time.Duration
	// Now is the clock, default time.Now.
	Now func() time.Time
}

// Source gives access tokens. It is safe for concurrent use.
type Source struct {
	cfg    Config
	path   string
	client *rest.Client
	// turn is held by who looks at what follows or changes it.
	turn chan struct{}

	access string
	until  time.Time // when to ask for another, before it runs out
	unkept string    // a refresh token that could not be stored yet
	bad    bool      // access was refused
	// refused is when that last made another.
	refused time.Time
}

var _ rest.Tokens = (*Source)(nil)

// New checks the config and makes a source. Nothing is sent yet. Errors hold no
// secrets.
func New(cfg Config) (*Source, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Grant.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", cfg.Name, err)
	}
	if cfg.Grant.seed() != "" && cfg.Store == nil {
		return nil, fmt.Errorf("%s: there is nowhere to keep refresh tokens", cfg.Name)
	}
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, fmt.Errorf("%s: the URL of the token endpoint is malformed", cfg.Name)
	}
	s := &Source{cfg: cfg, path: u.EscapedPath(), turn: make(chan struct{}, 1)}
	s.client, err = rest.New(rest.Config{
		System: cfg.Name, URL: strings.TrimSuffix(cfg.URL, s.path), Timeout: cfg.Timeout, MaxAnswer: 256 << 10, Code: code,
	})
	return s, err
}

// code is the error of RFC 6749 5.2.
func code(body []byte) string {
	var a struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &a) != nil {
		return ""
	}
	return a.Error
}

// Close closes unused connections. It may be called twice.
func (s *Source) Close() { s.client.Close() }

// Token implements rest.Tokens. Who comes while another asks waits for it.
func (s *Source) Token(ctx context.Context) (string, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.unkept != "" {
		if err := s.keep(s.unkept); err != nil {
			return "", err
		}
	}
	if s.access == "" || s.bad || !s.cfg.Now().Before(s.until) {
		if err := s.ask(ctx); err != nil {
			return "", err
		}
	}
	return s.access, nil
}

// Refused implements rest.Tokens.
func (s *Source) Refused(token string) bool {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	if token != s.access {
		return true // another is there already
	}
	now := s.cfg.Now()
	if !s.bad && now.Sub(s.refused) >= betweenRefusals {
		s.bad, s.refused = true, now
	}
	return s.bad
}

// answer is that of RFC 6749 5.1.
type answer struct {
	Access  string  `json:"access_token"`
	Expires seconds `json:"expires_in"`
	Refresh string  `json:"refresh_token"`
}

// seconds are a number, or the text of one, as some systems send.
type seconds int64

// UnmarshalJSON implements json.Unmarshaler.
func (s *seconds) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	var n json.Number
	if err := json.Unmarshal([]byte(strings.Trim(string(raw), `"`)), &n); err != nil {
		return err
	}
	v, err := n.Int64()
	*s = seconds(v)
	return err
}

// ask gets a token, and stores the refresh token that came with it first.
func (s *Source) ask(ctx context.Context) error {
	refresh, err := s.refresh()
	if err != nil {
		return err
	}
	now := s.cfg.Now()
	form, err := s.cfg.Grant.form(refresh, now)
	if err != nil {
		return earshot.Permanent(err)
	}
	var a answer
	if _, err := s.client.Do(ctx, rest.Request{Path: s.path, In: form, Out: &a, Asks: true}); err != nil {
		return notGone(err)
	}
	if a.Access == "" || strings.ContainsFunc(a.Access, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("the answer holds no access token")
	}
	life := time.Duration(cmp.Or(a.Expires, seconds(defaultLife/time.Second))) * time.Second
	s.access, s.bad = a.Access, false
	s.until = now.Add(life - min(life/5, time.Minute))
	if a.Refresh != "" && a.Refresh != refresh && s.cfg.Grant.seed() != "" {
		return s.keep(a.Refresh)
	}
	return nil
}

// refresh returns the refresh token of now, "" where the grant has none. It is
// read each time, for another process may have had it replaced.
func (s *Source) refresh() (string, error) {
	if s.cfg.Grant.seed() == "" {
		return "", nil
	}
	return s.cfg.Store.load(s.cfg.Name, s.cfg.Grant.seed())
}

// keep stores a refresh token. Until that works there is no access token
// either: a restart would find nothing to sign in with.
func (s *Source) keep(refresh string) error {
	s.unkept = refresh
	if err := s.cfg.Store.save(s.cfg.Name, s.cfg.Grant.seed(), refresh); err != nil {
		return err
	}
	s.unkept = ""
	return nil
}

// notGone makes 410 of a token endpoint a refusal like others: the connector is
// not to be disabled because of it.
func notGone(err error) error {
	if errors.Is(err, earshot.ErrGone) {
		return earshot.Permanent(errors.New("the token endpoint answers 410"))
	}
	return err
}
