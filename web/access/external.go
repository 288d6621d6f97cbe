package access

import (
	"context"
	"errors"
	"strings"

	"earshot"
)

// Person is somebody whom a provider has signed in.
type Person struct {
	// Subject is who they are there for good: the issuer and its name for them.
	Subject string
	// Login and Name are what they are called, and may change.
	Login, Name string
	// Managed says that the provider decides what follows, and that who has a
	// role has an account. Else accounts are made here, by login.
	Managed bool
	Role    earshot.AccountRole // "": none
	AgentID string
	Team    string
}

// SignInAs begins a session of somebody whom a provider has signed in, and makes
// or changes their account where the provider decides. The error is an
// [*earshot.AccountError] that says why they may not, for them to read.
//
// A login alone is not believed where there is a password: who may choose their
// name at the provider must not become somebody else here.
func (k *Keeper) SignInAs(ctx context.Context, p Person) (a earshot.Account, secret string, err error) {
	p.Login = strings.ToLower(strings.TrimSpace(p.Login))
	have, err := k.accountFor(ctx, p)
	if err != nil {
		return a, "", err
	}
	if have.Disabled {
		return a, "", refuse("the account %s is disabled", have.Login)
	}
	a = p.account(have)
	if a != have {
		if a, err = k.Save(ctx, a, ""); err != nil {
			return a, "", err
		}
	}
	k.some.Store(true)
	secret, err = k.begin(ctx, a)
	return a, secret, err
}

// accountFor returns the account that somebody has, or may have: one without
// ID is to be made.
func (k *Keeper) accountFor(ctx context.Context, p Person) (earshot.Account, error) {
	if p.Managed && p.Role == "" {
		return earshot.Account{}, refuse("%s is in no group that may use Earshot", p.Login)
	}
	a, err := k.store.AccountOfSubject(ctx, p.Subject)
	if !errors.Is(err, earshot.ErrNotFound) {
		return a, err
	}
	a, err = k.store.AccountOf(ctx, p.Login)
	switch {
	case errors.Is(err, earshot.ErrNotFound) && p.Managed:
		return earshot.Account{}, nil
	case errors.Is(err, earshot.ErrNotFound):
		return a, refuse("there is no account %s here: ask an administrator for one", p.Login)
	case err == nil && (!a.External || a.Subject != ""):
		return a, refuse("the account %s is somebody else's: ask an administrator", p.Login)
	}
	return a, err
}

// account returns an account with what a provider says of its owner.
func (p Person) account(a earshot.Account) earshot.Account {
	a.External, a.Subject = true, p.Subject
	if a.ID == "" {
		a.Login = p.Login
	}
	if p.Name != "" {
		a.Name = p.Name
	}
	if a.Name == "" {
		a.Name = a.Login
	}
	if p.Managed {
		a.Role, a.AgentID, a.Team = p.Role, p.AgentID, p.Team
	}
	return a
}
