package storetest

import (
	"errors"
	"testing"
	"time"

	"earshot"
	"earshot/store"
)

func testAccounts(t *testing.T, s Store) {
	ctx := t.Context()
	ben := earshot.Account{ID: "2", Login: "ben", Role: earshot.AccountAgent, AgentID: "ben", Password: "hash2", CreatedAt: epoch}
	ada := earshot.Account{ID: "1", Login: "ada", Name: "Ada", Role: earshot.AccountAdmin, Password: "hash1", CreatedAt: epoch}
	for _, a := range []earshot.Account{ben, ada} {
		if err := s.SaveAccount(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "accounts by login", must(s.Accounts(ctx))(t), []earshot.Account{ada, ben})
	equal(t, "in any case", must(s.AccountOf(ctx, "ADA"))(t), ada)
	ada.Name = "Ada Lind"
	if err := s.SaveAccount(ctx, ada); err != nil {
		t.Fatal(err)
	}
	equal(t, "changed", must(s.Account(ctx, "1"))(t), ada)
	ben.Login = "Ada"
	if err := s.SaveAccount(ctx, ben); !errors.Is(err, earshot.ErrExists) {
		t.Errorf("a login that is taken: %v", err)
	}
	ben.Login, ben.External, ben.Subject = "ben", true, "https://login.example 17"
	if err := s.SaveAccount(ctx, ben); err != nil {
		t.Fatal(err)
	}
	equal(t, "by subject", must(s.AccountOfSubject(ctx, ben.Subject))(t), ben)
	ada.External, ada.Subject = true, ben.Subject
	if err := s.SaveAccount(ctx, ada); !errors.Is(err, earshot.ErrExists) {
		t.Errorf("a subject that is taken: %v", err)
	}
	for _, nobody := range []string{"https://login.example 18", ""} {
		if _, err := s.AccountOfSubject(ctx, nobody); !errors.Is(err, earshot.ErrNotFound) {
			t.Errorf("unknown subject %q: %v", nobody, err)
		}
	}
	if _, err := s.AccountOf(ctx, "carl"); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("unknown login: %v", err)
	}
	if _, err := s.Account(ctx, "3"); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("unknown account: %v", err)
	}
}

func testSessions(t *testing.T, s Store) {
	ctx := t.Context()
	a := earshot.Account{ID: "1", Login: "ada", Role: earshot.AccountAdmin, Password: "hash"}
	later := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond)
	begin := func(hash string) earshot.Session {
		v := earshot.Session{Hash: []byte(hash), AccountID: "1", CreatedAt: epoch, ExpiresAt: later}
		if err := s.SaveSession(ctx, v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	save := func() {
		if err := s.SaveAccount(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	there := func(hash string) bool {
		_, err := s.Session(ctx, []byte(hash))
		if err != nil && !errors.Is(err, earshot.ErrNotFound) {
			t.Fatal(err)
		}
		return err == nil
	}
	save()
	v := begin("one")
	equal(t, "session", must(s.Session(ctx, v.Hash))(t), v)
	v.ExpiresAt = later.Add(time.Hour)
	if err := s.SaveSession(ctx, v); err != nil {
		t.Fatal(err)
	}
	equal(t, "prolonged", must(s.Session(ctx, v.Hash))(t), v)
	a.Name = "Ada"
	if save(); !there("one") {
		t.Error("a new name signs out")
	}
	a.Password = "other"
	if save(); there("one") {
		t.Error("a new password does not sign out")
	}
	begin("two")
	a.Disabled = true
	if save(); there("two") {
		t.Error("a disabled account stays signed in")
	}
	begin("three")
	if err := s.EndSession(ctx, []byte("three")); err != nil || there("three") {
		t.Errorf("ended session: %v", err)
	}
}

func testTokens(t *testing.T, s Store) {
	ctx := t.Context()
	one := earshot.Token{ID: "1", AccountID: "a", Name: "board", Scopes: []earshot.Scope{earshot.ScopeRead}, CreatedAt: epoch, Hash: []byte{1}}
	two := earshot.Token{ID: "2", AccountID: "b", Name: "crm", Scopes: []earshot.Scope{earshot.ScopeWrite}, CreatedAt: epoch, ExpiresAt: new(epoch), Hash: []byte{2}}
	for _, v := range []earshot.Token{two, one} {
		if err := s.SaveToken(ctx, v); err != nil {
			t.Fatal(err)
		}
	}
	equal(t, "all", must(s.Tokens(ctx, ""))(t), []earshot.Token{one, two})
	equal(t, "one's own", must(s.Tokens(ctx, "b"))(t), []earshot.Token{two})
	equal(t, "by hash", must(s.TokenOf(ctx, []byte{2}))(t), two)
	if err := s.RevokeToken(ctx, "b", "1"); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("revoking another's: %v", err)
	}
	if err := s.RevokeToken(ctx, "", "1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.TokenOf(ctx, []byte{1}); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("revoked: %v", err)
	}
}

func testAuditTrail(t *testing.T, s Store) {
	ctx := t.Context()
	var all []earshot.AuditEntry
	for i, call := range []earshot.CallID{"x", "", "x"} {
		e := earshot.AuditEntry{At: epoch.Add(time.Duration(i) * time.Second), Login: "ada", Action: "hear recording", CallID: call}
		if err := s.Audit(ctx, e); err != nil {
			t.Fatal(err)
		}
		all = append([]earshot.AuditEntry{e}, all...)
	}
	first, next, err := s.AuditTrail(ctx, "", 2, "")
	if err != nil || next == "" {
		t.Fatal(next, err)
	}
	rest, end, err := s.AuditTrail(ctx, "", 2, next)
	if err != nil || end != "" {
		t.Fatal(end, err)
	}
	equal(t, "trail", append(first, rest...), all)
	of, _, err := s.AuditTrail(ctx, "x", 10, "")
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "of a call", of, []earshot.AuditEntry{all[0], all[2]})
	if _, _, err := s.AuditTrail(ctx, "", 2, "%"); !errors.Is(err, store.ErrCursor) {
		t.Errorf("bad cursor: %v", err)
	}
}

// testAudience has calls and words for those only who may see the call.
func testAudience(t *testing.T, s Store) {
	ctx := t.Context()
	var commit earshot.Commit
	for i, who := range []earshot.Participant{{AgentID: "ada", Team: "desk"}, {AgentID: "ben", Team: "desk"}, {AgentID: "cid", Team: "sales"}, {}} {
		c := NewCall(i, earshot.CallSettled)
		c.Participants[0].AgentID, c.Participants[0].Team = who.AgentID, who.Team
		commit.Calls = append(commit.Calls, c)
		commit.Utterances = append(commit.Utterances, NewUtterance(c, 0, i, "a parcel"))
	}
	apply(t, s, commit)
	for _, c := range []struct {
		who  earshot.Audience
		want int
	}{
		{earshot.Audience{}, 4},
		{earshot.Audience{AgentID: "ada"}, 1},
		{earshot.Audience{Team: "desk"}, 2},
		{earshot.Audience{AgentID: "dora"}, 0},
		{earshot.Audience{Nobody: true}, 0},
	} {
		list, _, err := s.Calls(ctx, store.CallQuery{Audience: c.who, State: "ended"})
		if err != nil || len(list) != c.want {
			t.Errorf("%+v sees %d calls, %v", c.who, len(list), err)
		}
		for _, call := range list {
			if !c.who.Sees(&call) {
				t.Errorf("%+v is shown %s", c.who, call.ID)
			}
		}
		for _, ranked := range []bool{false, true} {
			hits, _, err := s.Search(ctx, store.SearchQuery{Text: "parcel", Audience: c.who, Rank: ranked})
			if err != nil || len(hits) != c.want {
				t.Errorf("%+v finds %d, %v", c.who, len(hits), err)
			}
		}
	}
}
