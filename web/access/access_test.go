package access

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
)

// memory is a store of one process.
type memory struct {
	mu       sync.Mutex
	accounts map[string]earshot.Account
	sessions map[string]earshot.Session
	tokens   map[string]earshot.Token
}

func (m *memory) Accounts(context.Context) (list []earshot.Account, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range m.accounts {
		list = append(list, a)
	}
	return list, nil
}

func get[T any](m *memory, from map[string]T, key string) (T, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := from[key]
	if !ok {
		return v, earshot.ErrNotFound
	}
	return v, nil
}

func put[T any](m *memory, to map[string]T, key string, v T) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	to[key] = v
	return nil
}

func (m *memory) Account(_ context.Context, id string) (earshot.Account, error) {
	return get(m, m.accounts, id)
}

func (m *memory) AccountOf(ctx context.Context, login string) (earshot.Account, error) {
	list, _ := m.Accounts(ctx)
	for _, a := range list {
		if strings.EqualFold(a.Login, login) {
			return a, nil
		}
	}
	return earshot.Account{}, earshot.ErrNotFound
}

func (m *memory) AccountOfSubject(ctx context.Context, subject string) (earshot.Account, error) {
	list, _ := m.Accounts(ctx)
	for _, a := range list {
		if a.Subject == subject {
			return a, nil
		}
	}
	return earshot.Account{}, earshot.ErrNotFound
}

func (m *memory) SaveAccount(_ context.Context, a earshot.Account) error {
	return put(m, m.accounts, a.ID, a)
}

func (m *memory) SaveSession(_ context.Context, s earshot.Session) error {
	return put(m, m.sessions, string(s.Hash), s)
}

func (m *memory) Session(_ context.Context, hash []byte) (earshot.Session, error) {
	return get(m, m.sessions, string(hash))
}

func (m *memory) EndSession(_ context.Context, hash []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, string(hash))
	return nil
}

func (m *memory) SaveToken(_ context.Context, t earshot.Token) error {
	return put(m, m.tokens, string(t.Hash), t)
}

func (m *memory) TokenOf(_ context.Context, hash []byte) (earshot.Token, error) {
	return get(m, m.tokens, string(hash))
}

const rightPassword = "correct horse battery"

// rig is a keeper whose clock stands still, and an admin's account.
type rig struct {
	*Keeper
	store *memory
	at    time.Time
	admin earshot.Account
}

func newRig(t *testing.T) *rig {
	t.Helper()
	m := &memory{accounts: map[string]earshot.Account{}, sessions: map[string]earshot.Session{}, tokens: map[string]earshot.Token{}}
	r := &rig{Keeper: New(m), store: m, at: time.Date(2026, 5, 4, 9, 0, 0, 0, time.UTC)}
	r.now = func() time.Time { return r.at }
	r.limiter = newLimiter(r.now)
	if some, err := r.Any(t.Context()); some || err != nil {
		t.Fatalf("accounts before the first: %v, %v", some, err)
	}
	var err error
	if r.admin, err = r.Save(t.Context(), earshot.Account{Login: " Maren ", Role: earshot.AccountAdmin}, rightPassword); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSignIn(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	if some, err := r.Any(ctx); !some || err != nil {
		t.Fatalf("no accounts: %v", err)
	}
	a, secret, err := r.SignIn(ctx, "MAREN", rightPassword, "192.0.2.1")
	if err != nil || a.ID != r.admin.ID {
		t.Fatalf("%+v, %v", a, err)
	}
	if a, err := r.Session(ctx, secret); err != nil || a.Login != "maren" {
		t.Errorf("session of %q, %v", a.Login, err)
	}
	for _, s := range r.store.sessions {
		if strings.Contains(string(s.Hash), secret) {
			t.Error("the store has the secret")
		}
	}
	if _, err := r.Session(ctx, secret+"x"); !errors.Is(err, ErrUnknown) {
		t.Errorf("another secret: %v", err)
	}
	if err := r.SignOut(ctx, secret); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Session(ctx, secret); !errors.Is(err, ErrUnknown) {
		t.Errorf("after signing out: %v", err)
	}
}

func TestSignInRefused(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	if _, err := r.Save(ctx, earshot.Account{Login: "gone", Role: earshot.AccountSupervisor, Disabled: true}, rightPassword); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{"maren", "correct horse batterY"},
		{"maren", ""},
		{"nobody", rightPassword},
		{"", ""},
		{"gone", rightPassword},
		{"maren", strings.Repeat("x", 100_000)},
	} {
		r.limiter = newLimiter(r.now)
		if _, _, err := r.SignIn(ctx, c[0], c[1], "192.0.2.1"); !errors.Is(err, ErrDenied) {
			t.Errorf("%q with %.20q: %v", c[0], c[1], err)
		}
	}
}

// Guessing is slowed down, by login and by address, and the right password does
// not help before the time is over.
func TestGuessingWaits(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for range freeTries {
		if _, _, err := r.SignIn(ctx, "maren", "wrong wrong wrong", "192.0.2.1"); !errors.Is(err, ErrDenied) {
			t.Fatal(err)
		}
	}
	var wait *WaitError
	_, _, err := r.SignIn(ctx, "maren", rightPassword, "192.0.2.2")
	if !errors.As(err, &wait) || wait.Wait != firstWait {
		t.Fatalf("by login: %v", err)
	}
	if _, _, err := r.SignIn(ctx, "other", rightPassword, "192.0.2.1"); !errors.As(err, &wait) {
		t.Errorf("by address: %v", err)
	}
	r.at = r.at.Add(firstWait)
	if _, _, err := r.SignIn(ctx, "maren", "wrong wrong wrong", "192.0.2.2"); !errors.Is(err, ErrDenied) {
		t.Fatal(err)
	}
	if _, _, err := r.SignIn(ctx, "maren", rightPassword, "192.0.2.2"); !errors.As(err, &wait) || wait.Wait != 2*firstWait {
		t.Errorf("the next wait: %v", err)
	}
	r.at = r.at.Add(2 * firstWait)
	if _, _, err := r.SignIn(ctx, "maren", rightPassword, "192.0.2.2"); err != nil {
		t.Errorf("the right one in time: %v", err)
	}
	if wait := r.limiter.wait("login maren"); wait != 0 {
		t.Errorf("waits %v after the right one", wait)
	}
}

func TestLimiterForgets(t *testing.T) {
	at := time.Unix(0, 0)
	l := newLimiter(func() time.Time { return at })
	for range 40 {
		l.failed("a")
	}
	if got := l.wait("a"); got != maxWait {
		t.Errorf("waits %v, want %v", got, maxWait)
	}
	at = at.Add(forgetAfter + time.Second)
	l.failed("a")
	if got := l.wait("a"); got != 0 {
		t.Errorf("waits %v after an hour", got)
	}
	for n := range 2 * maxNames {
		l.failed(earshot.NewID()[:20] + string(rune(n)))
	}
	if len(l.names) > maxNames {
		t.Errorf("%d names", len(l.names))
	}
}

func TestSessionEnds(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	_, secret, err := r.SignIn(ctx, "maren", rightPassword, "")
	if err != nil {
		t.Fatal(err)
	}
	r.at = r.at.Add(sessionLength * 3 / 4)
	if _, err := r.Session(ctx, secret); err != nil {
		t.Fatal(err)
	}
	r.at = r.at.Add(sessionLength * 3 / 4) // prolonged by its use
	if _, err := r.Session(ctx, secret); err != nil {
		t.Errorf("used in time: %v", err)
	}
	r.at = r.at.Add(sessionLength)
	if _, err := r.Session(ctx, secret); !errors.Is(err, ErrUnknown) {
		t.Errorf("not used: %v", err)
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	agent, err := r.Save(ctx, earshot.Account{Login: "ida", Role: earshot.AccountAgent, AgentID: "ida"}, rightPassword)
	if err != nil {
		t.Fatal(err)
	}
	until := r.at.Add(time.Hour)
	_, secret, err := r.NewToken(ctx, agent, "dialler", []earshot.Scope{earshot.ScopeRead}, &until)
	if err != nil {
		t.Fatal(err)
	}
	if a, token, err := r.Token(ctx, secret); err != nil || a.ID != agent.ID || len(token.Scopes) != 1 {
		t.Errorf("%+v %+v, %v", a, token, err)
	}
	r.at = until
	if _, _, err := r.Token(ctx, secret); !errors.Is(err, ErrUnknown) {
		t.Errorf("over: %v", err)
	}
	for _, scopes := range [][]earshot.Scope{{earshot.ScopeAdmin}, {"everything"}, nil} {
		if _, _, err := r.NewToken(ctx, agent, "x", scopes, nil); err == nil {
			t.Errorf("an agent has a token with %v", scopes)
		}
	}
	_, secret, err = r.NewToken(ctx, agent, "dialler", []earshot.Scope{earshot.ScopeRead}, nil)
	if err != nil {
		t.Fatal(err)
	}
	agent.Disabled = true
	if _, err := r.Save(ctx, agent, ""); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.Token(ctx, secret); !errors.Is(err, ErrUnknown) {
		t.Errorf("token of a disabled account: %v", err)
	}
}

func TestSaveChecks(t *testing.T) {
	r := newRig(t)
	var refused *earshot.AccountError
	for _, c := range []struct {
		a        earshot.Account
		password string
	}{
		{earshot.Account{Login: "short", Role: earshot.AccountAdmin}, "secret"},
		{earshot.Account{Login: "none", Role: earshot.AccountAdmin}, ""},
		{earshot.Account{Login: "two words", Role: earshot.AccountAdmin}, rightPassword},
		{earshot.Account{Login: "", Role: earshot.AccountAdmin}, rightPassword},
		{earshot.Account{Login: "boss", Role: "owner"}, rightPassword},
		{earshot.Account{Login: "ida", Role: earshot.AccountAgent}, rightPassword},
		{earshot.Account{ID: r.admin.ID, Login: "maren", Role: earshot.AccountSupervisor}, ""},
		{earshot.Account{ID: r.admin.ID, Login: "maren", Role: earshot.AccountAdmin, Disabled: true}, ""},
	} {
		if _, err := r.Save(t.Context(), c.a, c.password); !errors.As(err, &refused) {
			t.Errorf("%+v: %v", c.a, err)
		}
	}
	if _, err := r.Save(t.Context(), earshot.Account{ID: "other", Login: "x", Role: earshot.AccountAdmin}, ""); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("unknown account: %v", err)
	}
	a := r.admin
	a.Name = "Maren Holt"
	if got, err := r.Save(t.Context(), a, ""); err != nil || got.Password != r.admin.Password {
		t.Errorf("the password did not stay: %v", err)
	}
}

func TestMalformedHashes(t *testing.T) {
	good := hashPassword(rightPassword)
	if ok, err := samePassword(good, rightPassword); !ok || err != nil {
		t.Fatal(ok, err)
	}
	for _, bad := range []string{
		"", "plain", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "t=3", "t=0", 1),
		strings.Replace(good, "m=65536", "m=99999999", 1), strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "v=19", "v=16", 1), good[:strings.LastIndex(good, "$")+1], good + "$", strings.Replace(good, "$m=", "$$m=", 1),
	} {
		if ok, err := samePassword(bad, rightPassword); ok || err == nil {
			t.Errorf("%s: %v, %v", bad, ok, err)
		}
	}
	if a, b := hashPassword("x"), hashPassword("x"); a == b {
		t.Error("two hashes of one password are the same")
	}
}
