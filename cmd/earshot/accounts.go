package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"earshot"
	"earshot/store/sqlite"
	"earshot/web/access"
)

type accountsCmd struct {
	List   accountsListCmd   `cmd:"" default:"withargs" help:"Show who may sign in."`
	Add    accountsAddCmd    `cmd:"" help:"Make an account; the password comes from the terminal or the first line of standard input."`
	Change accountsChangeCmd `cmd:"" help:"Change an account, its password with --password."`
}

type accountsListCmd struct{}

// Run prints a line for each account.
func (accountsListCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	list, err := store.Accounts(e.ctx)
	if err != nil {
		return err
	}
	for _, a := range list {
		fmt.Fprintf(e.stdout, "%-20s %-10s %-24s %s\n", a.Login, a.Role, a.Name, accountNotes(a))
	}
	if len(list) == 0 {
		fmt.Fprintln(e.stdout, "no accounts: whoever is on this machine may do everything (make one with earshot accounts add)")
	}
	return nil
}

func accountNotes(a earshot.Account) string {
	var notes []string
	if a.AgentID != "" {
		notes = append(notes, "agent "+a.AgentID)
	}
	if a.Team != "" {
		notes = append(notes, "team "+a.Team)
	}
	if a.External {
		notes = append(notes, "signs in through the OpenID provider")
	}
	if a.Disabled {
		notes = append(notes, "disabled")
	}
	return strings.Join(notes, ", ")
}

// accountFlags are what can be said of an account.
type accountFlags struct {
	Name  string `help:"Name of whoever it is."`
	Role  string `enum:"agent,supervisor,admin,," default:"" help:"agent, supervisor or admin."`
	Agent string `help:"ID in the directory (earshot directory): an agent sees the calls of it."`
	Team  string `help:"ID of the team whose calls a supervisor sees; all without it."`
}

func (f accountFlags) apply(a *earshot.Account) {
	for _, set := range []struct {
		to   *string
		from string
	}{{&a.Name, f.Name}, {(*string)(&a.Role), f.Role}, {&a.AgentID, f.Agent}, {&a.Team, f.Team}} {
		if set.from != "" {
			*set.to = set.from
		}
	}
}

type accountsAddCmd struct {
	Login string `arg:"" help:"Name to sign in with."`
	accountFlags
	External bool `help:"The OpenID provider (http.oidc) signs them in, by this login: there is no password."`
}

// Run makes an account. The first must be an admin's.
func (c accountsAddCmd) Run(e *env) error {
	return e.keeping(func(k *access.Keeper, _ *sqlite.Store) error {
		a := earshot.Account{Login: c.Login, Name: c.Login, Role: earshot.AccountAgent}
		c.apply(&a)
		some, err := k.Any(e.ctx)
		if err != nil {
			return err
		}
		if !some && a.Role != earshot.AccountAdmin {
			return errors.New("the first account is an admin's (--role admin): nobody could change any otherwise")
		}
		a.External = c.External
		password := ""
		if !c.External {
			if password, err = e.password(); err != nil {
				return err
			}
		}
		if a, err = k.Save(e.ctx, a, password); errors.Is(err, earshot.ErrExists) {
			return fmt.Errorf("there is an account %s: change it with earshot accounts change", c.Login)
		}
		if err == nil {
			fmt.Fprintf(e.stdout, "made account %s (%s)\n", a.Login, a.Role)
		}
		return err
	})
}

type accountsChangeCmd struct {
	Login string `arg:"" help:"Name to sign in with."`
	accountFlags
	Password bool `xor:"how" help:"Give it a new password, from the terminal or standard input."`
	External bool `xor:"how" help:"The OpenID provider signs them in from now on, and there is no password any more."`
	Disable  bool `xor:"able" help:"Sign it out everywhere, and let it sign in no more."`
	Enable   bool `xor:"able" help:"Let it sign in again."`
}

// Run changes an account. A server that is up knows it at once.
func (c accountsChangeCmd) Run(e *env) error {
	return e.keeping(func(k *access.Keeper, store *sqlite.Store) error {
		a, err := accountOf(e, store, c.Login)
		if err != nil {
			return err
		}
		c.apply(&a)
		a.Disabled = c.Disable || a.Disabled && !c.Enable
		a.External = c.External || a.External && !c.Password
		password := ""
		if c.Password {
			if password, err = e.password(); err != nil {
				return err
			}
		}
		if a, err = k.Save(e.ctx, a, password); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "changed account %s (%s) %s\n", a.Login, a.Role, accountNotes(a))
		return nil
	})
}

func accountOf(e *env, store *sqlite.Store, login string) (earshot.Account, error) {
	a, err := store.AccountOf(e.ctx, login)
	if errors.Is(err, earshot.ErrNotFound) {
		return a, fmt.Errorf("there is no account %s: earshot accounts lists them", login)
	}
	return a, err
}

type tokensCmd struct {
	List   tokensListCmd   `cmd:"" default:"withargs" help:"Show tokens."`
	Add    tokensAddCmd    `cmd:"" help:"Make a token that acts for an account, and print it once."`
	Revoke tokensRevokeCmd `cmd:"" help:"Revoke a token."`
}

type tokensListCmd struct{}

// Run prints a line for each token.
func (tokensListCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	list, err := store.Tokens(e.ctx, "")
	if err != nil {
		return err
	}
	for _, t := range list {
		until := "until revoked"
		if t.ExpiresAt != nil {
			until = "until " + t.ExpiresAt.Local().Format(time.DateTime)
		}
		a, err := store.Account(e.ctx, t.AccountID)
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s  %-20s %-20s %v %s\n", t.ID, a.Login, t.Name, t.Scopes, until)
	}
	return nil
}

type tokensAddCmd struct {
	Login  string          `arg:"" help:"Account it acts for."`
	Name   string          `required:"" help:"What it is for."`
	Scopes []earshot.Scope `required:"" help:"Some of read, audio, write, admin."`
	For    time.Duration   `help:"How long it holds; until it is revoked without it."`
}

// Run prints the token alone on standard output.
func (c tokensAddCmd) Run(e *env) error {
	return e.keeping(func(k *access.Keeper, store *sqlite.Store) error {
		a, err := accountOf(e, store, c.Login)
		if err != nil {
			return err
		}
		var expires *time.Time
		if c.For > 0 {
			t := time.Now().Add(c.For).UTC()
			expires = &t
		}
		_, secret, err := k.NewToken(e.ctx, a, c.Name, c.Scopes, expires)
		if err == nil {
			fmt.Fprintln(e.stdout, secret)
		}
		return err
	})
}

type tokensRevokeCmd struct {
	ID string `arg:"" help:"ID of the token."`
}

// Run revokes a token.
func (c tokensRevokeCmd) Run(e *env) error {
	return e.keeping(func(_ *access.Keeper, store *sqlite.Store) error {
		err := store.RevokeToken(e.ctx, "", c.ID)
		if errors.Is(err, earshot.ErrNotFound) {
			return fmt.Errorf("there is no token %s: earshot tokens lists them", c.ID)
		}
		return err
	})
}

// keeping opens the store, beside a server that may be up.
func (e *env) keeping(do func(*access.Keeper, *sqlite.Store) error) error {
	store, err := e.writer()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	return do(access.New(store), store)
}

// password asks for one, twice on a terminal and not shown.
func (e *env) password() (string, error) {
	fd := int(os.Stdin.Fd())
	if !term.IsTerminal(fd) {
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", fmt.Errorf("no password on standard input: %w", err)
		}
		return line, nil
	}
	var typed [2]string
	for i, prompt := range []string{"Password: ", "Once more: "} {
		fmt.Fprint(e.stderr, prompt)
		line, err := term.ReadPassword(fd)
		fmt.Fprintln(e.stderr)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		typed[i] = string(line)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same")
	}
	return typed[0], nil
}
