package web

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"earshot"
	"earshot/web/access"
)

// Provider signs people in elsewhere. It is safe for concurrent use.
type Provider interface {
	// Name is what people know it by.
	Name() string
	// Begin returns where a browser is sent, and what it keeps until it comes back
	// to redirect.
	Begin(ctx context.Context, redirect string) (to, kept string, err error)
	// Finish returns who has signed in. Any error is nobody.
	Finish(ctx context.Context, kept string, answer url.Values) (access.Person, error)
}

// attemptAge is how long a browser keeps an attempt to sign in.
const attemptAge = 10 * time.Minute

func (s *Server) externalRoutes(api huma.API) {
	tags := []string{"accounts"}
	register(s, api, huma.Operation{
		OperationID: "beginSignIn", Method: http.MethodGet, Path: "/signin/begin", Tags: tags,
		Summary: "Sign in through the OpenID provider: sends the browser there", Responses: redirection(), Errors: []int{http.StatusNotFound},
	}, s.elsewhere(s.beginSignIn))
	register(s, api, huma.Operation{
		OperationID: "finishSignIn", Method: http.MethodGet, Path: callbackPath, Tags: tags,
		Summary: "Where the OpenID provider sends the browser back to", Responses: redirection(), Errors: []int{http.StatusNotFound},
	}, s.elsewhere(s.finishSignIn))
}

// elsewhere hands a request to a plain handler, if there is a provider.
func (s *Server) elsewhere(handle http.HandlerFunc) func(context.Context, *struct{}) (*huma.StreamResponse, error) {
	return func(context.Context, *struct{}) (*huma.StreamResponse, error) {
		if s.deps.Provider == nil {
			return nil, huma.Error404NotFound("people sign in here, with a password: http.oidc names no provider")
		}
		return raw(handle), nil
	}
}

const callbackPath = "/signin/callback"

func redirection() map[string]*huma.Response {
	return map[string]*huma.Response{"303": {Description: "Goes on elsewhere"}, "403": {Description: "A page that says why not"}}
}

func (s *Server) beginSignIn(w http.ResponseWriter, r *http.Request) {
	to, kept, err := s.deps.Provider.Begin(r.Context(), s.callback(r))
	if err != nil {
		s.turnAway(w, r, http.StatusBadGateway, err)
		return
	}
	http.SetCookie(w, s.attemptCookie(kept, attemptAge))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// callback returns the URL that the provider sends the browser back to: under
// the public one, or under the address that the browser has asked, which
// [Server.ownHost] has found to be ours.
func (s *Server) callback(r *http.Request) string {
	if s.public != nil {
		return s.public.JoinPath(callbackPath).String()
	}
	u := url.URL{Scheme: "http", Host: r.Host, Path: callbackPath}
	if s.tls != nil {
		u.Scheme = "https"
	}
	return u.String()
}

func (s *Server) finishSignIn(w http.ResponseWriter, r *http.Request) {
	kept := ""
	if c, err := r.Cookie(s.attemptName()); err == nil {
		kept = c.Value
	}
	http.SetCookie(w, s.attemptCookie("", -time.Second)) // of no further use
	ctx := r.Context()
	person, err := s.deps.Provider.Finish(ctx, kept, r.URL.Query())
	if err != nil {
		s.turnAway(w, r, http.StatusForbidden, err)
		return
	}
	a, secret, err := s.deps.Accounts.SignInAs(ctx, person)
	if err != nil {
		s.turnAway(w, r, http.StatusForbidden, err)
		return
	}
	if err := s.trail(ctx, a.Login, "sign in", s.deps.Provider.Name()); err != nil {
		s.turnAway(w, r, http.StatusInternalServerError, err)
		return
	}
	s.metrics.signIns.WithLabelValues("done").Inc()
	cookie := s.sessionCookie(secret)
	http.SetCookie(w, &cookie)
	w.Header().Set("Location", "../") // http.Redirect would make it absolute, and lose the path of a proxy
	w.WriteHeader(http.StatusSeeOther)
}

func (s *Server) trail(ctx context.Context, login, action, detail string) error {
	remote, _ := ctx.Value(remoteKey{}).(string)
	return s.deps.Accounts.Audit(ctx, earshot.AuditEntry{At: time.Now().UTC(), Login: login, Action: action, Detail: detail, Remote: remote})
}

// turnAway tells somebody why they are not signed in. What is not for them goes
// into the log.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, status int, err error) {
	s.metrics.signIns.WithLabelValues("denied").Inc()
	why := "The sign-in did not succeed. Try again; an administrator finds the reason in the log, under " + requestID(r.Context()) + "."
	if refused, ok := errors.AsType[*earshot.AccountError](err); ok {
		why = "You are not signed in: " + refused.Why + "."
	}
	s.log.WarnContext(r.Context(), "nobody is signed in", "request_id", requestID(r.Context()), "error", err)
	if err := s.trail(r.Context(), "", "sign in refused", s.deps.Provider.Name()); err != nil {
		s.log.ErrorContext(r.Context(), "the audit trail cannot be written", "error", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = turnedAway.Execute(w, why) // the browser is gone
}

var turnedAway = template.Must(template.New("").Parse(`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Not signed in · Earshot</title><link rel="stylesheet" href="../index.css"></head>
<body><main class="empty"><h1>Not signed in</h1><p role="alert">{{.}}</p><p><a href="../">Back to Earshot</a></p></main></body>
</html>
`))

func (s *Server) attemptName() string { return s.cookie() + "-attempt" }

// attemptCookie comes back with the provider's redirection, which is another
// site's (SameSite=Lax).
func (s *Server) attemptCookie(kept string, age time.Duration) *http.Cookie {
	return &http.Cookie{
		Name: s.attemptName(), Value: kept, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode,
	}
}
