package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"earshot"
	"earshot/web/access"
)

// lighthouse is a provider that signs in whoever has the right answer.
type lighthouse struct{ redirect string }

func (*lighthouse) Name() string { return "Lighthouse" }

func (l *lighthouse) Begin(_ context.Context, redirect string) (to, kept string, err error) {
	l.redirect = redirect
	return "https://login.example/auth", "secret", nil
}

func (*lighthouse) Finish(_ context.Context, kept string, answer url.Values) (access.Person, error) {
	if kept != "secret" || answer.Get("code") == "" {
		return access.Person{}, errors.New("the code is of 4711")
	}
	return access.Person{Login: answer.Get("code")}, nil
}

// SignInAs knows those who have a login.
func (s *staff) SignInAs(ctx context.Context, p access.Person) (earshot.Account, string, error) {
	a, _, err := s.Token(ctx, p.Login)
	if err != nil {
		return a, "", &earshot.AccountError{Why: "there is no account " + p.Login + " here"}
	}
	return a, p.Login, nil
}

func external(t *testing.T, publicURL string) (*fixture, *staff, *lighthouse) {
	t.Helper()
	people, provider := newStaff(), &lighthouse{}
	f := newFixture(t, func(c *Config, d *Deps) { c.PublicURL, d.Accounts, d.Provider = publicURL, people, provider })
	return f, people, provider
}

func TestSignInElsewhere(t *testing.T) {
	f, people, provider := external(t, "https://proxy.example/calls/")
	answer, _ := f.do(t, http.MethodGet, "/signin/begin")
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "https://login.example/auth" ||
		provider.redirect != "https://proxy.example/calls/signin/callback" {
		t.Fatalf("%d to %q, back to %q", answer.StatusCode, answer.Header.Get("Location"), provider.redirect)
	}
	cookie := answer.Cookies()[0]
	if cookie.Name != "__Host-earshot-attempt" || !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 600 {
		t.Errorf("cookie %+v", cookie)
	}
	answer, _ = f.do(t, http.MethodGet, "/signin/callback?code=dana", "Cookie", cookie.Name+"="+cookie.Value, "Sec-Fetch-Site", "cross-site")
	cookies := answer.Cookies()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "../" || len(cookies) != 2 ||
		cookies[0].MaxAge >= 0 || cookies[1].Name != "__Host-earshot" || cookies[1].Value != "dana" {
		t.Fatalf("%d to %q with %v", answer.StatusCode, answer.Header.Get("Location"), cookies)
	}
	if got := people.actions(); !slices.Equal(got, []string{"dana: sign in "}) {
		t.Errorf("trail %q", got)
	}
}

func TestWhoIsTurnedAway(t *testing.T) {
	f, people, provider := external(t, "")
	if f.do(t, http.MethodGet, "/signin/begin"); provider.redirect != "http://localhost:8080/signin/callback" {
		t.Errorf("back to %q", provider.redirect)
	}
	for _, c := range []struct{ query, cookie, want, never string }{
		{"?code=nobody", "secret", "there is no account nobody here", ""},
		{"?code=%3Cb%3E", "secret", "account &lt;b&gt; here", "<b>"},
		{"?code=dana", "other", "did not succeed", "4711"},
		{"?error=no", "secret", "did not succeed", "4711"},
	} {
		answer, body := f.do(t, http.MethodGet, "/signin/callback"+c.query, "Cookie", "earshot-attempt="+c.cookie)
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(string(body), c.want) || c.never != "" && strings.Contains(string(body), c.never) {
			t.Errorf("%s: %d, %s", c.query, answer.StatusCode, body)
		}
		if slices.ContainsFunc(answer.Cookies(), func(c *http.Cookie) bool { return c.Name == "earshot" }) {
			t.Errorf("%s signs in", c.query)
		}
	}
	if got := people.actions(); len(got) != 4 || got[0] != ": sign in refused " {
		t.Errorf("trail %q", got)
	}
}

func TestNobodySignsInElsewhere(t *testing.T) {
	f, _ := staffed(t)
	for _, path := range []string{"/signin/begin", "/signin/callback?code=dana"} {
		if answer, _ := f.do(t, http.MethodGet, path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.StatusCode)
		}
	}
}
