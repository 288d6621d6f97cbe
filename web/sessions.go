package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
	"earshot/web/access"
)

// Me is who is signed in.
type Me struct {
	// Account is null if nobody is.
	Account *earshot.Account `json:"account"`
	Agent   *earshot.Agent   `json:"agent,omitempty" doc:"Who the account is in the directory."`
	// SignIn says that there are accounts, so that a page may ask for one.
	SignIn bool `json:"sign_in" doc:"Whether there are accounts: without any, whoever is on this machine may do everything."`
	// Provider is the name of the OpenID provider.
	Provider string `json:"provider,omitempty" doc:"Name of the OpenID provider that people may sign in through, at /signin/begin."`
}

type signInBody struct {
	Login    string `json:"login" maxLength:"200"`
	Password string `json:"password" maxLength:"1000"`
}

type signInInput struct{ Body signInBody }

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Me
}

func (s *Server) sessionRoutes(api huma.API) {
	tags := []string{"accounts"}
	register(s, api, huma.Operation{
		OperationID: "whoAmI", Method: http.MethodGet, Path: "/api/v1/session", Tags: tags, Summary: "Who is signed in",
	}, s.whoAmI)
	register(s, api, huma.Operation{
		OperationID: "signIn", Method: http.MethodPost, Path: "/api/v1/session", Tags: tags, Summary: "Sign in",
		Description: "The answer sets the cookie of the session. Programs send a token instead: Authorization: Bearer eat_... " +
			"After five wrong passwords the next try must wait, as Retry-After says.",
		Errors: []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests},
	}, s.signIn)
	register(s, api, huma.Operation{
		OperationID: "signOut", Method: http.MethodDelete, Path: "/api/v1/session", Tags: tags, Summary: "Sign out",
		Errors: []int{http.StatusForbidden},
	}, s.signOut)
}

func (s *Server) whoAmI(ctx context.Context, _ *struct{}) (*jsonBody[Me], error) {
	any, err := s.deps.Accounts.Any(ctx)
	if err != nil {
		return nil, err
	}
	me := Me{SignIn: any}
	if s.deps.Provider != nil {
		me.Provider = s.deps.Provider.Name()
	}
	if p := principalOf(ctx); p != nil {
		me.Account, me.Agent = &p.account, s.agentOf(p.account)
	}
	return &jsonBody[Me]{Body: me}, nil
}

func (s *Server) signIn(ctx context.Context, in *signInInput) (*sessionOutput, error) {
	remote, _ := ctx.Value(remoteKey{}).(string)
	entry := earshot.AuditEntry{At: time.Now().UTC(), Login: strings.ToLower(in.Body.Login), Action: "sign in", Remote: remote}
	a, secret, err := s.deps.Accounts.SignIn(ctx, in.Body.Login, in.Body.Password, remote)
	if wait, ok := errors.AsType[*access.WaitError](err); ok {
		s.metrics.signIns.WithLabelValues("delayed").Inc()
		seconds := strconv.Itoa(int(wait.Wait/time.Second) + 1)
		return nil, huma.ErrorWithHeaders(huma.Error429TooManyRequests(wait.Error()), http.Header{"Retry-After": {seconds}})
	}
	if errors.Is(err, access.ErrDenied) {
		s.metrics.signIns.WithLabelValues("denied").Inc()
		entry.Action = "sign in refused"
		return nil, errors.Join(s.deps.Accounts.Audit(ctx, entry), huma.Error401Unauthorized(err.Error()))
	}
	if err != nil {
		return nil, err
	}
	s.metrics.signIns.WithLabelValues("done").Inc()
	if err := s.deps.Accounts.Audit(ctx, entry); err != nil {
		return nil, err
	}
	return &sessionOutput{SetCookie: s.sessionCookie(secret), Body: Me{Account: &a, SignIn: true}}, nil
}

// sessionCookie is no longer-lived than the browser; the server ends the
// session earlier.
func (s *Server) sessionCookie(secret string) http.Cookie {
	return http.Cookie{
		Name: s.cookie(), Value: secret, Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode,
	}
}

// agentOf returns who an account is in the directory, nil for nobody.
func (s *Server) agentOf(a earshot.Account) *earshot.Agent {
	agents := s.deps.Directory.Entries().Agents
	i := slices.IndexFunc(agents, func(v earshot.Agent) bool { return a.AgentID != "" && v.ID == a.AgentID })
	if i < 0 {
		return nil
	}
	v := agents[i]
	return filledAgent(&v)
}

type signOutInput struct {
	Cookies []*http.Cookie
}

// Resolve takes the request's cookies.
func (in *signOutInput) Resolve(ctx huma.Context) []error {
	in.Cookies = huma.ReadCookies(ctx)
	return nil
}

func (s *Server) signOut(ctx context.Context, in *signOutInput) (*sessionOutput, error) {
	for _, c := range in.Cookies {
		if c.Name != s.cookie() {
			continue
		}
		if err := s.deps.Accounts.SignOut(ctx, c.Value); err != nil {
			return nil, err
		}
	}
	out := &sessionOutput{SetCookie: s.sessionCookie("")}
	out.SetCookie.MaxAge = -1
	any, err := s.deps.Accounts.Any(ctx)
	out.Body.SignIn = any
	return out, err
}
