package token_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// endpoint gives access tokens a1, a2... for the refresh token that is valid,
// which it replaces each time.
type endpoint struct {
	mu      sync.Mutex
	count   int
	refresh string
	forms   []string
	expires string // JSON
	status  int    // answers with this instead
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.Path != "/oauth/token" {
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	e.forms = append(e.forms, r.PostForm.Encode())
	if e.status != 0 {
		w.WriteHeader(e.status)
		return
	}
	if r.PostForm.Get("refresh_token") != e.refresh {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"no such token `+r.PostForm.Get("refresh_token")+`"}`)
		return
	}
	e.count++
	rotated := ""
	if e.refresh != "" {
		e.refresh = fmt.Sprintf("r%d", e.count)
		rotated = fmt.Sprintf(`,"refresh_token":%q`, e.refresh)
	}
	fmt.Fprintf(w, `{"access_token":"a%d","token_type":"Bearer","expires_in":%s%s}`, e.count, e.expires, rotated)
}

// clock is one that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, e *endpoint, cfg token.Config) *token.Source {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	cfg.Name, cfg.URL = "acme", srv.URL+"/oauth/token"
	s, err := token.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func want(t *testing.T, s *token.Source, access string) {
	t.Helper()
	if got, err := s.Token(t.Context()); err != nil || got != access {
		t.Errorf("token %q, %v, want %q", got, err, access)
	}
}

func TestClientCredentials(t *testing.T) {
	e, c := &endpoint{expires: "3600"}, &clock{at: time.Now()}
	s := open(t, e, token.Config{Grant: token.ClientCredentials{ID: "me", Secret: "s&cret", Scope: "all"}, Now: c.now})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { want(t, s, "a1") })
	}
	wg.Wait()
	c.move(58 * time.Minute)
	want(t, s, "a1")
	c.move(time.Minute)
	want(t, s, "a2") // a minute before it runs out
	if got := e.forms[0]; len(e.forms) != 2 || got != "client_id=me&client_secret=s%26cret&grant_type=client_credentials&scope=all" {
		t.Errorf("asked %q", e.forms)
	}
}

// TestHowLong: a text instead of a number, and no time at all.
func TestHowLong(t *testing.T) {
	for expires, life := range map[string]time.Duration{`"100"`: 80 * time.Second, "null": 9 * time.Minute, "0": 9 * time.Minute} {
		e, c := &endpoint{expires: expires}, &clock{at: time.Now()}
		s := open(t, e, token.Config{Grant: token.ClientCredentials{ID: "me", Secret: "secret"}, Now: c.now})
		want(t, s, "a1")
		c.move(life - time.Second)
		want(t, s, "a1")
		c.move(time.Second)
		want(t, s, "a2")
	}
}

// TestRotation: each refresh token is good once, also over restarts.
func TestRotation(t *testing.T) {
	e, c, dir := &endpoint{expires: "3600", refresh: "r0"}, &clock{at: time.Now()}, filepath.Join(t.TempDir(), "tokens")
	cfg := token.Config{Grant: token.RefreshToken{ID: "me", Secret: "secret", Token: "r0"}, Store: token.NewStore(dir), Now: c.now}
	s := open(t, e, cfg)
	want(t, s, "a1")
	c.move(time.Hour)
	want(t, s, "a2")
	want(t, open(t, e, cfg), "a3")
	c.move(time.Hour)
	want(t, s, "a4") // the other process has replaced what this one had

	e.refresh = "r-new" // somebody signed in anew
	if _, err := open(t, e, cfg).Token(t.Context()); !permanent(err) || strings.Contains(err.Error(), "r4") || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("with a void token: %v", err)
	}
	cfg.Grant = token.RefreshToken{ID: "me", Secret: "secret", Token: "r-new"}
	want(t, open(t, e, cfg), "a5")
	want(t, open(t, e, cfg), "a6")
}

func permanent(err error) bool {
	var p *earshot.PermanentError
	return errors.As(err, &p)
}

func TestFilesAreClosedToOthers(t *testing.T) {
	e, dir := &endpoint{expires: "3600", refresh: "r0"}, filepath.Join(t.TempDir(), "tokens")
	cfg := token.Config{Grant: token.RefreshToken{ID: "me", Token: "r0"}, Store: token.NewStore(dir)}
	want(t, open(t, e, cfg), "a1")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v: want the key and the token", entries, err)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", entry.Name(), info.Mode(), err)
		}
		raw, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil || strings.Contains(string(raw), "r1") || strings.Contains(string(raw), "refresh") {
			t.Errorf("%s holds the token as it is, %v", entry.Name(), err)
		}
	}
	// A file that was changed, or that belongs to another connector, is not used.
	file := filepath.Join(dir, "acme.token")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := open(t, e, cfg).Token(t.Context()); err == nil {
		t.Errorf("a token %q of a file that was changed", got)
	}
}

// TestNothingIsUsedBeforeItIsKept has something else be where the key belongs
// for a while.
func TestNothingIsUsedBeforeItIsKept(t *testing.T) {
	e, dir := &endpoint{expires: "3600", refresh: "r0"}, t.TempDir()
	cfg := token.Config{Grant: token.RefreshToken{ID: "me", Token: "r0"}, Store: token.NewStore(dir)}
	s := open(t, e, cfg)
	if err := os.Mkdir(filepath.Join(dir, "key"), 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := s.Token(t.Context()); err == nil || permanent(err) {
			t.Fatalf("token %q, error %v, want a transient one", got, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "key")); err != nil {
		t.Fatal(err)
	}
	want(t, s, "a1") // r0 was used once
	want(t, open(t, e, cfg), "a2")
}

func TestRefused(t *testing.T) {
	e, c := &endpoint{expires: "3600"}, &clock{at: time.Now()}
	s := open(t, e, token.Config{Grant: token.ClientCredentials{ID: "me", Secret: "secret"}, Now: c.now})
	want(t, s, "a1")
	if !s.Refused("a1") {
		t.Error("no other token is made")
	}
	want(t, s, "a2")
	if !s.Refused("a1") {
		t.Error("the other token does not count")
	}
	want(t, s, "a2")
	if s.Refused("a2") {
		t.Error("one token after the other is made")
	}
	c.move(time.Minute)
	if !s.Refused("a2") {
		t.Error("no other token is made later")
	}
	want(t, s, "a3")
}

func TestErrors(t *testing.T) {
	for status, forGood := range map[int]bool{400: true, 401: true, 410: true, 429: false, 500: false, 503: false} {
		e := &endpoint{status: status}
		s := open(t, e, token.Config{Grant: token.ClientCredentials{ID: "me", Secret: "secret"}})
		_, err := s.Token(t.Context())
		if err == nil || permanent(err) != forGood || errors.Is(err, crm.ErrUnknown) || errors.Is(err, earshot.ErrGone) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: error %v", status, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s := open(t, &endpoint{}, token.Config{Grant: token.ClientCredentials{ID: "me", Secret: "secret"}})
	if _, err := s.Token(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestJWT checks the assertion as a server would (RFC 7523 3).
func TestJWT(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for kind, der := range map[string][]byte{"RSA PRIVATE KEY": x509.MarshalPKCS1PrivateKey(key), "PRIVATE KEY": pkcs8} {
		parsed, err := token.ParseKey(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
		if err != nil || !parsed.Equal(key) {
			t.Fatal(err)
		}
	}
	now := time.Unix(1772600767, 0)
	e := &endpoint{expires: "3600"}
	s := open(t, e, token.Config{
		Grant: token.JWT{Issuer: "app", Subject: "ann@crm.example", Audience: "https://login.crm.example", Key: key},
		Now:   func() time.Time { return now },
	})
	want(t, s, "a1")
	grant, assertion, _ := strings.Cut(e.forms[0], "&")
	if grant != "assertion="+strings.TrimPrefix(grant, "assertion=") || assertion != "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer" {
		t.Fatalf("asked %q", e.forms[0])
	}
	parts := strings.Split(strings.TrimPrefix(grant, "assertion="), ".")
	if len(parts) != 3 {
		t.Fatalf("assertion of %d parts", len(parts))
	}
	decode := func(s string) []byte {
		raw, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], decode(parts[2])); err != nil {
		t.Error(err)
	}
	var head, claims map[string]any
	if json.Unmarshal(decode(parts[0]), &head) != nil || json.Unmarshal(decode(parts[1]), &claims) != nil {
		t.Fatal("malformed")
	}
	if head["alg"] != "RS256" || claims["iss"] != "app" || claims["sub"] != "ann@crm.example" ||
		claims["aud"] != "https://login.crm.example" || claims["exp"] != float64(1772600767+180) {
		t.Errorf("%v, %v", head, claims)
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []token.Config{
		{URL: "https://crm.example/token", Grant: token.ClientCredentials{ID: "me"}},
		{URL: "https://crm.example/token", Grant: token.RefreshToken{ID: "me", Secret: "hush"}},
		{URL: "https://crm.example/token", Grant: token.RefreshToken{ID: "me", Token: "hush"}}, // nowhere to keep it
		{URL: "https://crm.example/token", Grant: token.JWT{Issuer: "me", Subject: "hush", Audience: "crm"}},
		{URL: "http://crm.example/token", Grant: token.ClientCredentials{ID: "me", Secret: "hush"}},
		{URL: "https://crm.example/token?x=hush", Grant: token.ClientCredentials{ID: "me", Secret: "hush"}},
	} {
		if _, err := token.New(cfg); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("New(%+v): error %v", cfg, err)
		}
	}
	for _, text := range []string{"", "hush", "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n"} {
		if _, err := token.ParseKey([]byte(text)); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("ParseKey(%q): error %v", text, err)
		}
	}
}
