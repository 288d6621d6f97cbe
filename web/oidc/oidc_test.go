package oidc

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"earshot"
)

// liar is an OpenID provider whose ID tokens and user info say what a test wants.
type liar struct {
	*httptest.Server
	key    *rsa.PrivateKey
	claims map[string]any
	info   map[string]any
	form   url.Values // of the newest request for a token
	refuse string     // error code of the token endpoint
}

func newLiar(t *testing.T) *liar {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	l := &liar{key: key}
	mux := http.NewServeMux()
	reply := func(w http.ResponseWriter, status int, v any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]any{
			"issuer": l.URL, "authorization_endpoint": l.URL + "/auth", "token_endpoint": l.URL + "/token",
			"jwks_uri": l.URL + "/keys", "userinfo_endpoint": l.URL + "/me", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &l.key.PublicKey, KeyID: "k", Algorithm: "RS256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /token", func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		l.form = r.PostForm
		if l.refuse != "" {
			reply(w, http.StatusBadRequest, map[string]any{"error": l.refuse})
			return
		}
		reply(w, http.StatusOK, map[string]any{"access_token": "a", "token_type": "Bearer", "id_token": l.sign(t)})
	})
	mux.HandleFunc("GET /me", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, l.info) })
	l.Server = httptest.NewServer(mux)
	t.Cleanup(l.Close)
	return l
}

func (l *liar) sign(t *testing.T) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: l.key, KeyID: "k"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, _ := json.Marshal(l.claims)
	signed, err := signer.Sign(doc)
	if err != nil {
		t.Fatal(err)
	}
	token, _ := signed.CompactSerialize()
	return token
}

// begun is an attempt to sign in that has come back, and goes well as it is.
type begun struct {
	*Provider
	liar   *liar
	kept   string
	answer url.Values
}

func begin(t *testing.T) *begun {
	t.Helper()
	l := newLiar(t)
	p := New(Config{
		Issuer: l.URL, ClientID: "earshot", ClientSecret: "s", Login: "email", Scopes: []string{"email"},
		Roles: "realm.groups", Admins: []string{"root"}, Supervisors: []string{"lead"}, Agents: []string{"crew", "temps"}, Team: "team",
	})
	to, kept, err := p.Begin(t.Context(), "https://calls.example/signin/callback")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for key, want := range map[string]string{
		"response_type": "code", "client_id": "earshot", "code_challenge_method": "S256", "scope": "openid email",
		"redirect_uri": "https://calls.example/signin/callback",
	} {
		if q.Get(key) != want {
			t.Errorf("%s is %q", key, q.Get(key))
		}
	}
	l.claims = map[string]any{
		"iss": l.URL, "aud": "earshot", "sub": "17", "nonce": q.Get("nonce"), "exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		"email": "ida@crew.example", "name": "Ida Holm", "team": "desk", "realm": map[string]any{"groups": []string{"other", "temps"}},
	}
	return &begun{Provider: p, liar: l, kept: kept, answer: url.Values{"code": {"c"}, "state": {q.Get("state")}}}
}

func TestWhoSignsIn(t *testing.T) {
	b := begin(t)
	got, err := b.Finish(t.Context(), b.kept, b.answer)
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != b.liar.URL+" 17" || got.Login != "ida@crew.example" || got.Name != "Ida Holm" ||
		got.Role != earshot.AccountAgent || got.AgentID != got.Login || got.Team != "desk" || !got.Managed {
		t.Errorf("%+v", got)
	}
	if b.liar.form.Get("code_verifier") == "" || b.liar.form.Get("redirect_uri") != "https://calls.example/signin/callback" {
		t.Errorf("asked with %v", b.liar.form)
	}
}

func TestGroupsMakeRoles(t *testing.T) {
	for _, c := range []struct {
		groups any
		want   earshot.AccountRole
	}{
		{[]string{"crew"}, earshot.AccountAgent},
		{[]string{"crew", "lead"}, earshot.AccountSupervisor},
		{[]string{"lead", "root"}, earshot.AccountAdmin},
		{"root", earshot.AccountAdmin},
		{[]string{"Root"}, ""},
		{[]any{7, "x"}, ""},
		{nil, ""},
	} {
		b := begin(t)
		b.liar.claims["realm"] = map[string]any{"groups": c.groups}
		b.liar.info = map[string]any{"sub": "17"}
		got, err := b.Finish(t.Context(), b.kept, b.answer)
		if err != nil || got.Role != c.want {
			t.Errorf("groups %v make %q, %v", c.groups, got.Role, err)
		}
	}
}

// What the ID token leaves out is asked for, but what it says counts.
func TestUserInfo(t *testing.T) {
	b := begin(t)
	delete(b.liar.claims, "email")
	b.liar.info = map[string]any{"sub": "17", "email": "ida@crew.example", "name": "Somebody Else"}
	got, err := b.Finish(t.Context(), b.kept, b.answer)
	if err != nil || got.Login != "ida@crew.example" || got.Name != "Ida Holm" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhoIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*begun){
		"state":            func(b *begun) { b.answer.Set("state", "x") },
		"no state":         func(b *begun) { b.answer.Del("state") },
		"nothing kept":     func(b *begun) { b.kept = "" },
		"garbage kept":     func(b *begun) { b.kept = "e30" },
		"too late":         func(b *begun) { b.now = func() time.Time { return time.Now().Add(attemptLength + time.Second) } },
		"other issuer":     func(b *begun) { b.answer.Set("iss", "https://other.example") },
		"provider refuses": func(b *begun) { b.answer.Set("error", "access_denied") },
		"code refused":     func(b *begun) { b.liar.refuse = "invalid_grant" },
		"nonce":            func(b *begun) { b.liar.claims["nonce"] = "x" },
		"no nonce":         func(b *begun) { delete(b.liar.claims, "nonce") },
		"audience":         func(b *begun) { b.liar.claims["aud"] = "other" },
		"token's issuer":   func(b *begun) { b.liar.claims["iss"] = "https://other.example" },
		"expired":          func(b *begun) { b.liar.claims["exp"] = time.Now().Add(-time.Hour).Unix() },
		"another's key": func(b *begun) {
			published := b.liar.key.PublicKey
			b.liar.key, _ = rsa.GenerateKey(rand.Reader, 2048)
			b.liar.key.PublicKey = published
		},
		"no login":     func(b *begun) { delete(b.liar.claims, "email"); b.liar.info = map[string]any{"sub": "17"} },
		"not verified": func(b *begun) { b.liar.claims["email_verified"] = false },
		"info of another": func(b *begun) {
			delete(b.liar.claims, "email")
			b.liar.info = map[string]any{"sub": "18", "email": "x@crew.example"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := begin(t)
			spoil(b)
			if got, err := b.Finish(t.Context(), b.kept, b.answer); !errors.Is(err, ErrRefused) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestProviderThatIsNotThere(t *testing.T) {
	b := begin(t)
	b.liar.Close()
	if _, err := b.Finish(t.Context(), b.kept, b.answer); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("%v", err)
	}
	p := New(Config{Issuer: b.liar.URL})
	if _, _, err := p.Begin(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "ask the OpenID provider") {
		t.Errorf("%v", err)
	}
}
