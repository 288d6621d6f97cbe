// Package access knows who may use the server: accounts with passwords,
// browsers that are signed in, and tokens of programs. What each of them may
// do is decided where it is done.
package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"earshot"
)

// sessionLength is how long a browser stays signed in after it was last used.
const sessionLength = 12 * time.Hour

// Prefixes make secrets known for what they are when they turn up in a file.
const (
	sessionPrefix = "eas_"
	tokenPrefix   = "eat_"
)

// Errors of signing in.
var (
	// ErrDenied says no more than that it did not work: neither which logins there
	// are nor which of the two was wrong.
	ErrDenied = errors.New("login or password is wrong")
	// ErrUnknown says that a session or token is not one, or is over.
	ErrUnknown = errors.New("not signed in")
)

// WaitError says that too many passwords were wrong.
type WaitError struct{ Wait time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many wrong passwords: try again in %v", e.Wait.Round(time.Second))
}

// Store keeps accounts, sessions and tokens. What is not there is
// earshot.ErrNotFound; it is safe for concurrent use.
type Store interface {
	Accounts(ctx context.Context) ([]earshot.Account, error)
	Account(ctx context.Context, id string) (earshot.Account, error)
	AccountOf(ctx context.Context, login string) (earshot.Account, error)
	AccountOfSubject(ctx context.Context, subject string) (earshot.Account, error)
	SaveAccount(ctx context.Context, a earshot.Account) error
	SaveSession(ctx context.Context, s earshot.Session) error
	Session(ctx context.Context, hash []byte) (earshot.Session, error)
	EndSession(ctx context.Context, hash []byte) error
	SaveToken(ctx context.Context, t earshot.Token) error
	TokenOf(ctx context.Context, hash []byte) (earshot.Token, error)
}

// Keeper signs people and programs in. Its methods are safe for concurrent use.
type Keeper struct {
	store   Store
	now     func() time.Time
	limiter *limiter
	// hashing bounds how many hashes are made at a time: each needs 64 MiB.
	hashing chan struct{}
	// some is set once there are accounts: the last one who may change them stays.
	some atomic.Bool
}

// New returns a keeper of the accounts in a store.
func New(store Store) *Keeper {
	return &Keeper{store: store, now: time.Now, limiter: newLimiter(time.Now), hashing: make(chan struct{}, 2)}
}

// Any reports whether there is an account that can sign in.
func (k *Keeper) Any(ctx context.Context) (bool, error) {
	if k.some.Load() {
		return true, nil
	}
	list, err := k.store.Accounts(ctx)
	if slices.ContainsFunc(list, func(a earshot.Account) bool { return !a.Disabled }) {
		k.some.Store(true)
	}
	return k.some.Load(), err
}

// SignIn checks a password and begins a session: secret is what the browser
// keeps. The error is [ErrDenied], or a [*WaitError] after too many of them for
// the login or from the address.
func (k *Keeper) SignIn(ctx context.Context, login, password, remote string) (a earshot.Account, secret string, err error) {
	login = strings.ToLower(strings.TrimSpace(login))
	names := []string{"login " + login, "address " + remote}
	if wait := k.limiter.wait(names...); wait > 0 {
		return a, "", &WaitError{Wait: wait}
	}
	a, err = k.store.AccountOf(ctx, login)
	if err != nil && !errors.Is(err, earshot.ErrNotFound) {
		return a, "", err
	}
	ok, err := k.check(ctx, a, password)
	if err != nil {
		return a, "", err
	}
	if !ok {
		k.limiter.failed(names...)
		return earshot.Account{}, "", ErrDenied
	}
	k.limiter.succeeded(names[0])
	secret, err = k.begin(ctx, a)
	return a, secret, err
}

// begin begins a session.
func (k *Keeper) begin(ctx context.Context, a earshot.Account) (secret string, err error) {
	secret, hash := newSecret(sessionPrefix)
	now := k.now()
	return secret, k.store.SaveSession(ctx, earshot.Session{Hash: hash, AccountID: a.ID, CreatedAt: now, ExpiresAt: now.Add(sessionLength)})
}

// nobody is what the password of an unknown login is compared with, so that it
// takes as long as that of a known one.
var nobody = hashPassword(rand.Text())

// check reports whether an account may sign in with a password; the zero one
// may not.
func (k *Keeper) check(ctx context.Context, a earshot.Account, password string) (bool, error) {
	select {
	case k.hashing <- struct{}{}:
		defer func() { <-k.hashing }()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	hash, possible := a.Password, a.ID != "" && !a.Disabled && !a.External && len(password) <= maxPassword
	if !possible {
		hash, password = nobody, ""
	}
	same, err := samePassword(hash, password)
	return same && possible, err
}

// Session returns the account of a session's secret, and prolongs the session,
// but for those whom a provider has signed in: it is asked again after 12 hours.
// The error is [ErrUnknown] if it is none.
func (k *Keeper) Session(ctx context.Context, secret string) (earshot.Account, error) {
	v, err := k.store.Session(ctx, hashOf(secret))
	if err != nil {
		return earshot.Account{}, known(err)
	}
	now := k.now()
	if !now.Before(v.ExpiresAt) {
		return earshot.Account{}, ErrUnknown
	}
	a, err := k.enabled(ctx, v.AccountID)
	if err == nil && !a.External && v.ExpiresAt.Sub(now) < sessionLength/2 {
		v.ExpiresAt = now.Add(sessionLength)
		err = k.store.SaveSession(ctx, v)
	}
	return a, err
}

// SignOut ends a session. One that is none is no error.
func (k *Keeper) SignOut(ctx context.Context, secret string) error {
	return k.store.EndSession(ctx, hashOf(secret))
}

// Token returns the account a token's secret acts for, and the token. The error
// is [ErrUnknown] if it is none.
func (k *Keeper) Token(ctx context.Context, secret string) (earshot.Account, earshot.Token, error) {
	t, err := k.store.TokenOf(ctx, hashOf(secret))
	if err != nil {
		return earshot.Account{}, t, known(err)
	}
	if t.ExpiresAt != nil && !k.now().Before(*t.ExpiresAt) {
		return earshot.Account{}, t, ErrUnknown
	}
	a, err := k.enabled(ctx, t.AccountID)
	return a, t, err
}

// enabled returns an account that may sign in.
func (k *Keeper) enabled(ctx context.Context, id string) (earshot.Account, error) {
	a, err := k.store.Account(ctx, id)
	if err != nil {
		return a, known(err)
	}
	if a.Disabled {
		return a, ErrUnknown
	}
	return a, nil
}

func known(err error) error {
	if errors.Is(err, earshot.ErrNotFound) {
		return ErrUnknown
	}
	return err
}

// NewToken makes a token of an account; secret is shown this one time. Without
// expires it holds until it is revoked.
func (k *Keeper) NewToken(ctx context.Context, a earshot.Account, name string, scopes []earshot.Scope, expires *time.Time) (t earshot.Token, secret string, err error) {
	for _, s := range scopes {
		if !slices.Contains(earshot.Scopes(), s) {
			return t, "", refuse("there is no scope %q", s)
		}
		if s == earshot.ScopeAdmin && a.Role != earshot.AccountAdmin {
			return t, "", refuse("the scope admin is for accounts of that role")
		}
	}
	if strings.TrimSpace(name) == "" || len(scopes) == 0 {
		return t, "", refuse("a token needs a name and a scope")
	}
	secret, hash := newSecret(tokenPrefix)
	t = earshot.Token{
		ID: earshot.NewID(), AccountID: a.ID, Name: name, Scopes: scopes, Hash: hash,
		CreatedAt: k.now().UTC().Truncate(time.Microsecond), ExpiresAt: expires,
	}
	return t, secret, k.store.SaveToken(ctx, t)
}

var loginPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,99}$`)

// Save checks an account and stores it: a new one without ID, which it is
// given. An empty password leaves the one there is; an external account has
// none, and keeps its subject. What cannot be is
// an [*earshot.AccountError]; a login that is taken is [earshot.ErrExists].
func (k *Keeper) Save(ctx context.Context, a earshot.Account, password string) (earshot.Account, error) {
	a.Login = strings.ToLower(strings.TrimSpace(a.Login))
	if err := k.checkAccount(ctx, a); err != nil {
		return a, err
	}
	have := earshot.Account{ID: earshot.NewID(), CreatedAt: k.now().UTC().Truncate(time.Microsecond)}
	if a.ID != "" {
		var err error
		if have, err = k.store.Account(ctx, a.ID); err != nil {
			return a, err
		}
	}
	a.ID, a.CreatedAt, a.Password = have.ID, have.CreatedAt, have.Password
	if a.External {
		if password != "" {
			return a, refuse("whom a provider signs in has no password here")
		}
		a.Password, a.Subject = "", cmp.Or(a.Subject, have.Subject)
		return a, k.store.SaveAccount(ctx, a)
	}
	a.Subject = ""
	if password != "" || a.Password == "" {
		if len(password) < minPassword || len(password) > maxPassword {
			return a, refuse("a password has %d to %d characters", minPassword, maxPassword)
		}
		a.Password = hashPassword(password)
	}
	return a, k.store.SaveAccount(ctx, a)
}

func (k *Keeper) checkAccount(ctx context.Context, a earshot.Account) error {
	if !loginPattern.MatchString(a.Login) {
		return refuse("a login is letters, digits and . _ @ + -, not %q", a.Login)
	}
	switch a.Role {
	case earshot.AccountAdmin, earshot.AccountSupervisor:
	case earshot.AccountAgent:
		if a.AgentID == "" {
			return refuse("an agent's account says who that is in the directory")
		}
	default:
		return refuse("there is no role %q", a.Role)
	}
	if a.ID == "" || a.Role == earshot.AccountAdmin && !a.Disabled {
		return nil
	}
	list, err := k.store.Accounts(ctx)
	if err != nil {
		return err
	}
	if admins(list, a.ID) == 0 && admins(list, "") > 0 {
		return refuse("nobody would be left who may change accounts")
	}
	return nil
}

func refuse(why string, args ...any) error {
	return &earshot.AccountError{Why: fmt.Sprintf(why, args...)}
}

// admins counts those who may change accounts, but one.
func admins(list []earshot.Account, but string) int {
	n := 0
	for _, a := range list {
		if a.ID != but && a.Role == earshot.AccountAdmin && !a.Disabled {
			n++
		}
	}
	return n
}

func newSecret(prefix string) (secret string, hash []byte) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	secret = prefix + base64.RawURLEncoding.EncodeToString(raw)
	return secret, hashOf(secret)
}

// hashOf is enough for secrets of 256 random bits.
func hashOf(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}
