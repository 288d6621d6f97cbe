// Package oidc signs people in through an OpenID provider (OpenID Connect Core
// 1.0): the authorization code flow with PKCE (RFC 7636), state and nonce, and
// the issuer of the answer compared where it is said (RFC 9207).
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"earshot"
	"earshot/web/access"
)

const (
	// askTimeout bounds each request to the provider.
	askTimeout = 10 * time.Second
	// attemptLength is how long somebody may take to sign in there.
	attemptLength = 10 * time.Minute
)

// Config names a provider, this server's registration with it, and where it says what.
type Config struct {
	// Issuer is its URL, as the provider itself writes it.
	Issuer       string
	ClientID     string
	ClientSecret string // "" for a public client
	// Name is how the page calls it.
	Name string
	// Scopes are asked for besides openid.
	Scopes []string
	// Login, Agent and Team are claims: what somebody is called, and who they are
	// in the directory; "" for Agent is the login.
	Login, Agent, Team string
	// Roles is the claim with somebody's groups; "": accounts are made here.
	Roles string
	// Admins, Supervisors and Agents are the groups of each role.
	Admins, Supervisors, Agents []string
}

// ErrRefused says that the provider did not let somebody in, or that what came
// back is not what was asked for.
var ErrRefused = errors.New("not signed in")

// Provider is an OpenID provider. Its methods are safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	known *oidc.Provider // nil until it has been reached
}

// New returns a provider, which is asked only when somebody signs in.
func New(cfg Config) *Provider {
	return &Provider{cfg: cfg, client: &http.Client{Timeout: askTimeout}, now: time.Now}
}

// Name returns how the page calls it.
func (p *Provider) Name() string { return p.cfg.Name }

// attempt is what the browser must bring back.
type attempt struct {
	State, Nonce, Verifier, Redirect string
	Until                            time.Time
}

// Begin returns where a browser is sent to sign in, and what it must keep
// meanwhile and bring back to the redirect URL.
func (p *Provider) Begin(ctx context.Context, redirect string) (to, kept string, err error) {
	provider, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	a := attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Redirect: redirect, Until: p.now().Add(attemptLength)}
	doc, err := json.Marshal(a)
	if err != nil {
		return "", "", fmt.Errorf("encode attempt: %w", err)
	}
	to = p.oauth(provider, redirect).AuthCodeURL(a.State, oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier))
	return to, base64.RawURLEncoding.EncodeToString(doc), nil
}

// Finish returns who has signed in, of the answer and what the browser kept.
// The error is [ErrRefused] unless the provider cannot be reached.
func (p *Provider) Finish(ctx context.Context, kept string, answer url.Values) (access.Person, error) {
	a, err := p.check(kept, answer)
	if err != nil {
		return access.Person{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	provider, err := p.discover(ctx)
	if err != nil {
		return access.Person{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(provider, a.Redirect).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(a.Verifier))
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		return access.Person{}, fmt.Errorf("%w: the code is refused: %s", ErrRefused, refusal.ErrorCode)
	}
	if err != nil {
		return access.Person{}, fmt.Errorf("exchange the code: %w", err)
	}
	claims, err := p.claims(ctx, provider, token, a.Nonce)
	if err != nil {
		return access.Person{}, err
	}
	return p.person(claims)
}

// check compares the answer with what was asked.
func (p *Provider) check(kept string, answer url.Values) (attempt, error) {
	var a attempt
	doc, err := base64.RawURLEncoding.DecodeString(kept)
	if err != nil || json.Unmarshal(doc, &a) != nil || a.State == "" || p.now().After(a.Until) {
		return a, errors.New("it took too long, or was begun in another browser")
	}
	if subtle.ConstantTimeCompare([]byte(a.State), []byte(answer.Get("state"))) != 1 {
		return a, errors.New("the answer belongs to another attempt")
	}
	if iss := answer.Get("iss"); iss != "" && iss != p.cfg.Issuer {
		return a, errors.New("the answer is of another provider")
	}
	if code := answer.Get("error"); code != "" {
		return a, fmt.Errorf("the provider says %q", code)
	}
	return a, nil
}

// discover reads what the provider says of itself, until it has been reached.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known != nil {
		return p.known, nil
	}
	// The keys are fetched again with this context for as long as it is used.
	known, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.cfg.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the OpenID provider: %w", err)
	}
	p.known = known
	return known, nil
}

// Check reports whether the provider can be reached and is who it should be.
func (p *Provider) Check(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func (p *Provider) oauth(provider *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: provider.Endpoint(),
		RedirectURL: redirect, Scopes: append([]string{oidc.ScopeOpenID}, p.cfg.Scopes...),
	}
}

// claims verifies the ID token (OpenID Connect Core 3.1.3.7) and returns what it
// says, with what the user info endpoint adds where it does not say enough.
func (p *Provider) claims(ctx context.Context, provider *oidc.Provider, token *oauth2.Token, nonce string) (claimSet, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("%w: verify the ID token: %w", ErrRefused, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return nil, fmt.Errorf("%w: the ID token belongs to another attempt", ErrRefused)
	}
	claims := claimSet{}
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("%w: read the ID token: %w", ErrRefused, err)
	}
	if p.enough(claims) || provider.UserInfoEndpoint() == "" {
		return claims, nil
	}
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fmt.Errorf("ask for the user info: %w", err)
	}
	if info.Subject != id.Subject { // OpenID Connect Core 5.3.2
		return nil, fmt.Errorf("%w: the user info is of somebody else", ErrRefused)
	}
	var more claimSet
	if err := info.Claims(&more); err != nil {
		return nil, fmt.Errorf("%w: read the user info: %w", ErrRefused, err)
	}
	for name, v := range more {
		if _, said := claims[name]; !said {
			claims[name] = v
		}
	}
	return claims, nil
}

// enough reports whether claims have all that is configured.
func (p *Provider) enough(c claimSet) bool {
	for _, name := range []string{p.cfg.Login, p.cfg.Roles, p.cfg.Agent, p.cfg.Team} {
		if name != "" && c.at(name) == nil {
			return false
		}
	}
	return true
}

// person returns whom the claims are of.
func (p *Provider) person(c claimSet) (access.Person, error) {
	out := access.Person{
		Subject: p.cfg.Issuer + " " + c.text("sub"), Login: c.text(p.cfg.Login), Name: c.text("name"),
		Managed: p.cfg.Roles != "",
	}
	if out.Login == "" {
		return out, fmt.Errorf("%w: the provider does not say %s", ErrRefused, p.cfg.Login)
	}
	if verified, said := c["email_verified"].(bool); p.cfg.Login == "email" && said && !verified {
		return out, fmt.Errorf("%w: the e-mail address is not verified", ErrRefused)
	}
	if !out.Managed {
		return out, nil
	}
	out.Team, out.AgentID = c.text(p.cfg.Team), c.text(p.cfg.Agent)
	if p.cfg.Agent == "" {
		out.AgentID = out.Login
	}
	groups := c.list(p.cfg.Roles)
	for _, of := range []struct {
		role   earshot.AccountRole
		groups []string
	}{
		{earshot.AccountAdmin, p.cfg.Admins},
		{earshot.AccountSupervisor, p.cfg.Supervisors},
		{earshot.AccountAgent, p.cfg.Agents},
	} {
		if slices.ContainsFunc(groups, func(g string) bool { return slices.Contains(of.groups, g) }) {
			out.Role = of.role
			break
		}
	}
	return out, nil
}
