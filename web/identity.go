package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/web/access"
)

// Accounts is who may use the server, and what they did. It is safe for
// concurrent use; errors are those of package access.
type Accounts interface {
	// Any reports whether people sign in: there is an account, or a provider.
	// Otherwise the server is open to whoever is on the machine.
	Any(ctx context.Context) (bool, error)
	SignIn(ctx context.Context, login, password, remote string) (earshot.Account, string, error)
	// SignInAs begins a session of somebody whom a provider has signed in.
	SignInAs(ctx context.Context, p access.Person) (earshot.Account, string, error)
	SignOut(ctx context.Context, secret string) error
	Session(ctx context.Context, secret string) (earshot.Account, error)
	Token(ctx context.Context, secret string) (earshot.Account, earshot.Token, error)

	Accounts(ctx context.Context) ([]earshot.Account, error)
	Save(ctx context.Context, a earshot.Account, password string) (earshot.Account, error)
	// Tokens are those of an account, or all for "".
	Tokens(ctx context.Context, account string) ([]earshot.Token, error)
	NewToken(ctx context.Context, a earshot.Account, name string, scopes []earshot.Scope, expires *time.Time) (earshot.Token, string, error)
	// RevokeToken revokes one of an account, or of any for "".
	RevokeToken(ctx context.Context, account, id string) error

	Audit(ctx context.Context, e earshot.AuditEntry) error
	// AuditTrail is what was done, the newest first, of one call unless it is "".
	AuditTrail(ctx context.Context, call earshot.CallID, limit int, before string) ([]earshot.AuditEntry, string, error)
}

// principal is who asks.
type principal struct {
	account earshot.Account
	// scopes are those of a token; nil is no token, which may all that the account
	// may.
	scopes []earshot.Scope
	remote string
}

func (p *principal) has(scope earshot.Scope) bool {
	return p.scopes == nil || slices.Contains(p.scopes, scope)
}

// audience returns which calls the principal sees.
func (p *principal) audience() earshot.Audience {
	switch p.account.Role {
	case earshot.AccountAdmin:
		return earshot.Audience{}
	case earshot.AccountSupervisor:
		return earshot.Audience{Team: p.account.Team}
	}
	return earshot.Audience{AgentID: p.account.AgentID, Nobody: p.account.AgentID == ""}
}

// local is everybody while there are no accounts.
var local = earshot.Account{Login: "local", Name: "This machine", Role: earshot.AccountAdmin}

type principalKey struct{}

// principalOf returns who asks, nil if nobody is signed in.
func principalOf(ctx context.Context) *principal {
	p, _ := ctx.Value(principalKey{}).(*principal)
	return p
}

// audienceOf returns which calls whoever asks may see.
func audienceOf(ctx context.Context) earshot.Audience {
	if p := principalOf(ctx); p != nil {
		return p.audience()
	}
	return earshot.Audience{Nobody: true}
}

// identify finds out who asks. A session that is over is nobody; a token that
// is none is an error, since a program would not notice otherwise.
func (s *Server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := s.who(r)
		switch {
		case errors.Is(err, access.ErrUnknown):
			w.Header().Set("WWW-Authenticate", `Bearer realm="earshot", error="invalid_token"`)
			writeProblem(w, http.StatusUnauthorized, "the token is unknown, expired or revoked")
			return
		case err != nil:
			id := requestID(r.Context())
			s.log.ErrorContext(r.Context(), "nobody can be identified", "request_id", id, "error", err)
			writeProblem(w, http.StatusInternalServerError, internalDetail(id))
			return
		}
		if p != nil {
			r = r.WithContext(context.WithValue(r.Context(), principalKey{}, p))
		}
		next.ServeHTTP(w, r)
	})
}

// who returns who sends a request, nil for nobody.
func (s *Server) who(r *http.Request) (*principal, error) {
	ctx := r.Context()
	remote, _ := ctx.Value(remoteKey{}).(string)
	if secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		a, t, err := s.deps.Accounts.Token(ctx, secret)
		if err != nil {
			return nil, err
		}
		return &principal{account: a, scopes: append([]earshot.Scope{}, t.Scopes...), remote: remote}, nil
	}
	if c, err := r.Cookie(s.cookie()); err == nil {
		a, err := s.deps.Accounts.Session(ctx, c.Value)
		if err == nil {
			return &principal{account: a, remote: remote}, nil
		}
		if !errors.Is(err, access.ErrUnknown) {
			return nil, err
		}
	}
	any, err := s.deps.Accounts.Any(ctx)
	if err != nil || any {
		return nil, err
	}
	return &principal{account: local, remote: remote}, nil
}

// cookie returns the name of the session's: browsers take one with the prefix
// over HTTPS only, and from this host only (RFC 6265bis 4.1.3.2).
func (s *Server) cookie() string {
	if s.secure() {
		return "__Host-earshot"
	}
	return "earshot"
}

// secure reports whether browsers reach the server over HTTPS.
func (s *Server) secure() bool {
	return s.tls != nil || s.public != nil && s.public.Scheme == "https"
}

// audit writes down what whoever asks does. What can't be written down is not
// done.
func (s *Server) audit(ctx context.Context, action string, call earshot.CallID) error {
	e := earshot.AuditEntry{At: time.Now().UTC(), Action: action, CallID: call}
	if p := principalOf(ctx); p != nil {
		e.Login, e.Remote = p.account.Login, p.remote
	}
	return s.deps.Accounts.Audit(ctx, e)
}

// noAccounts stands in where nobody signs in.
type noAccounts struct{}

func (noAccounts) Any(context.Context) (bool, error) { return false, nil }
func (noAccounts) SignIn(context.Context, string, string, string) (earshot.Account, string, error) {
	return earshot.Account{}, "", access.ErrDenied
}

func (noAccounts) SignInAs(context.Context, access.Person) (earshot.Account, string, error) {
	return earshot.Account{}, "", access.ErrDenied
}
func (noAccounts) SignOut(context.Context, string) error { return nil }
func (noAccounts) Session(context.Context, string) (earshot.Account, error) {
	return earshot.Account{}, access.ErrUnknown
}

func (noAccounts) Token(context.Context, string) (earshot.Account, earshot.Token, error) {
	return earshot.Account{}, earshot.Token{}, access.ErrUnknown
}
func (noAccounts) Accounts(context.Context) ([]earshot.Account, error) { return nil, nil }
func (noAccounts) Save(_ context.Context, a earshot.Account, _ string) (earshot.Account, error) {
	return a, earshot.ErrNotFound
}
func (noAccounts) Tokens(context.Context, string) ([]earshot.Token, error) { return nil, nil }
func (noAccounts) NewToken(context.Context, earshot.Account, string, []earshot.Scope, *time.Time) (earshot.Token, string, error) {
	return earshot.Token{}, "", earshot.ErrNotFound
}
func (noAccounts) RevokeToken(context.Context, string, string) error { return earshot.ErrNotFound }
func (noAccounts) Audit(context.Context, earshot.AuditEntry) error   { return nil }
func (noAccounts) AuditTrail(context.Context, earshot.CallID, int, string) ([]earshot.AuditEntry, string, error) {
	return nil, "", nil
}
