package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	"earshot"
)

func TestSignInAs(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	if _, err := r.Save(ctx, earshot.Account{Login: "ida", Role: earshot.AccountAgent, AgentID: "ida", External: true}, ""); err != nil {
		t.Fatal(err)
	}
	ida := Person{Subject: "https://login.example 17", Login: "Ida", Name: "Ida Holm"}
	a, secret, err := r.SignInAs(ctx, ida)
	if err != nil || a.Name != "Ida Holm" || a.Subject != ida.Subject || a.AgentID != "ida" {
		t.Fatalf("%+v, %v", a, err)
	}
	if got, err := r.Session(ctx, secret); err != nil || got.ID != a.ID {
		t.Fatalf("session of %+v, %v", got, err)
	}
	ida.Login = "ida.holm" // she was renamed there
	if b, _, err := r.SignInAs(ctx, ida); err != nil || b.ID != a.ID || b.Login != "ida" {
		t.Fatalf("after renaming: %+v, %v", b, err)
	}
	if _, _, err := r.SignIn(ctx, "ida", "", "192.0.2.1"); !errors.Is(err, ErrDenied) {
		t.Fatalf("an empty password: %v", err)
	}
}

// The provider is asked again after 12 hours, however busy the browser is.
func TestExternalSessionEnds(t *testing.T) {
	r := newRig(t)
	p := Person{Subject: "s 1", Login: "x", Managed: true, Role: earshot.AccountSupervisor}
	_, secret, err := r.SignInAs(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	for range 11 {
		r.at = r.at.Add(time.Hour)
		if _, err := r.Session(t.Context(), secret); err != nil {
			t.Fatal(err)
		}
	}
	r.at = r.at.Add(time.Hour)
	if _, err := r.Session(t.Context(), secret); !errors.Is(err, ErrUnknown) {
		t.Fatalf("after 12 hours: %v", err)
	}
}

func TestProviderDecides(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	p := Person{Subject: "s 2", Login: "kim", Managed: true, Role: earshot.AccountAgent, AgentID: "kim"}
	a, _, err := r.SignInAs(ctx, p)
	if err != nil || a.Role != earshot.AccountAgent || a.AgentID != "kim" {
		t.Fatalf("%+v, %v", a, err)
	}
	p.Role, p.Team = earshot.AccountSupervisor, "desk"
	if b, _, err := r.SignInAs(ctx, p); err != nil || b.ID != a.ID || b.Role != earshot.AccountSupervisor || b.Team != "desk" {
		t.Fatalf("%+v, %v", b, err)
	}
}

func TestWhoMayNotSignIn(t *testing.T) {
	r := newRig(t)
	ctx := t.Context()
	for _, a := range []earshot.Account{
		{Login: "gone", Role: earshot.AccountSupervisor, External: true, Disabled: true},
		{Login: "taken", Role: earshot.AccountSupervisor, External: true, Subject: "s 8"},
	} {
		if _, err := r.Save(ctx, a, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		p    Person
		want string
	}{
		{Person{Subject: "s 9", Login: "nobody"}, "there is no account nobody"},
		{Person{Subject: "s 9", Login: "maren"}, "somebody else's"}, // who has a password
		{Person{Subject: "s 9", Login: "maren", Managed: true, Role: earshot.AccountAdmin}, "somebody else's"},
		{Person{Subject: "s 9", Login: "taken"}, "somebody else's"},
		{Person{Subject: "s 9", Login: "gone"}, "disabled"},
		{Person{Subject: "s 8", Login: "taken", Managed: true}, "no group"},
		{Person{Subject: "s 9", Login: "a b", Managed: true, Role: earshot.AccountAdmin}, "a login is letters"},
	} {
		_, secret, err := r.SignInAs(ctx, c.p)
		if _, ok := errors.AsType[*earshot.AccountError](err); !ok || !strings.Contains(err.Error(), c.want) || secret != "" {
			t.Errorf("%+v: %v", c.p, err)
		}
	}
	if a, _, err := r.SignIn(ctx, "maren", rightPassword, "192.0.2.1"); err != nil || a.Subject != "" {
		t.Errorf("the account with a password is now %+v, %v", a, err)
	}
}
