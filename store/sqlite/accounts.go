package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"earshot"
	"earshot/store"
)

const selectAccounts = `SELECT password, doc FROM accounts `

func scanAccount(row scanner) (earshot.Account, error) {
	var a earshot.Account
	var password string
	var doc []byte
	if err := row.Scan(&password, &doc); err != nil {
		return a, err
	}
	err := json.Unmarshal(doc, &a)
	a.Password = password
	return a, err
}

// Accounts returns all accounts by their logins.
func (s *Store) Accounts(ctx context.Context) ([]earshot.Account, error) {
	list, err := collect(ctx, s.reader, scanAccount, selectAccounts+`ORDER BY login`)
	return list, readError("accounts", err)
}

// Account returns the one with an ID, or earshot.ErrNotFound.
func (s *Store) Account(ctx context.Context, id string) (earshot.Account, error) {
	a, err := scanAccount(s.reader.QueryRowContext(ctx, selectAccounts+`WHERE id = ?`, id))
	return a, readError("account", err)
}

// AccountOf returns the one with a login, in any case of letters, or
// earshot.ErrNotFound.
func (s *Store) AccountOf(ctx context.Context, login string) (earshot.Account, error) {
	a, err := scanAccount(s.reader.QueryRowContext(ctx, selectAccounts+`WHERE login = ?`, login))
	return a, readError("account", err)
}

// AccountOfSubject returns the one that a provider's subject has, or
// earshot.ErrNotFound.
func (s *Store) AccountOfSubject(ctx context.Context, subject string) (earshot.Account, error) {
	a, err := scanAccount(s.reader.QueryRowContext(ctx, selectAccounts+`WHERE doc ->> 'subject' = ?`, subject))
	return a, readError("account", err)
}

// SaveAccount inserts an account or replaces the one with its ID. A login that
// or
// subject that another one has is earshot.ErrExists. An account that is disabled, or whose
// password is another one now, is signed out everywhere.
func (s *Store) SaveAccount(ctx context.Context, a earshot.Account) error {
	doc, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("encode account: %w", err)
	}
	_, err = s.write(ctx, func(t *tx) ([]earshot.Event, error) {
		_, err := t.exec(`DELETE FROM sessions WHERE account_id = ?
			AND (? OR ? <> (SELECT password FROM accounts WHERE id = ?))`, a.ID, a.Disabled, a.Password, a.ID)
		if err != nil {
			return nil, err
		}
		_, err = t.exec(`INSERT INTO accounts (id, login, password, doc) VALUES (?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET login = excluded.login, password = excluded.password, doc = excluded.doc`,
			a.ID, a.Login, a.Password, string(doc))
		return nil, err
	})
	if e, ok := errors.AsType[*sqlite.Error](err); ok && e.Code() == lib.SQLITE_CONSTRAINT_UNIQUE {
		return fmt.Errorf("save account: %w", earshot.ErrExists)
	}
	return writeError("save account", err)
}

// SaveSession stores a session, and forgets those that are over.
func (s *Store) SaveSession(ctx context.Context, v earshot.Session) error {
	_, err := s.write(ctx, func(t *tx) ([]earshot.Event, error) {
		if _, err := t.exec(`DELETE FROM sessions WHERE expires_at <= ?`, time.Now().UnixMicro()); err != nil {
			return nil, err
		}
		_, err := t.exec(`INSERT INTO sessions (hash, account_id, created_at, expires_at) VALUES (?, ?, ?, ?)
			ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at`,
			v.Hash, v.AccountID, v.CreatedAt.UnixMicro(), v.ExpiresAt.UnixMicro())
		return nil, err
	})
	return writeError("save session", err)
}

// Session returns the one with a hash, or earshot.ErrNotFound. It may be over.
func (s *Store) Session(ctx context.Context, hash []byte) (earshot.Session, error) {
	v := earshot.Session{Hash: hash}
	var created, expires int64
	err := s.reader.QueryRowContext(ctx, `SELECT account_id, created_at, expires_at FROM sessions WHERE hash = ?`, hash).
		Scan(&v.AccountID, &created, &expires)
	v.CreatedAt, v.ExpiresAt = fromMicro(created), fromMicro(expires)
	return v, readError("session", err)
}

// EndSession forgets a session; one that is not there is no error.
func (s *Store) EndSession(ctx context.Context, hash []byte) error {
	_, err := s.exec(ctx, `DELETE FROM sessions WHERE hash = ?`, hash)
	return writeError("end session", err)
}

const selectTokens = `SELECT hash, doc FROM tokens `

func scanToken(row scanner) (earshot.Token, error) {
	var v earshot.Token
	var hash, doc []byte
	if err := row.Scan(&hash, &doc); err != nil {
		return v, err
	}
	err := json.Unmarshal(doc, &v)
	v.Hash = hash
	return v, err
}

// SaveToken stores a new token.
func (s *Store) SaveToken(ctx context.Context, v earshot.Token) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode token: %w", err)
	}
	_, err = s.exec(ctx, `INSERT INTO tokens (id, hash, account_id, doc) VALUES (?, ?, ?, ?)`, v.ID, v.Hash, v.AccountID, string(doc))
	return writeError("save token", err)
}

// TokenOf returns the one with a hash, or earshot.ErrNotFound. It may be over.
func (s *Store) TokenOf(ctx context.Context, hash []byte) (earshot.Token, error) {
	v, err := scanToken(s.reader.QueryRowContext(ctx, selectTokens+`WHERE hash = ?`, hash))
	return v, readError("token", err)
}

// Tokens returns those of an account, or all for "", the oldest first.
func (s *Store) Tokens(ctx context.Context, account string) ([]earshot.Token, error) {
	list, err := collect(ctx, s.reader, scanToken, selectTokens+`WHERE ? IN ('', account_id) ORDER BY id`, account)
	return list, readError("tokens", err)
}

// RevokeToken forgets a token of an account, or of any for "";
// earshot.ErrNotFound says that there is none.
func (s *Store) RevokeToken(ctx context.Context, account, id string) error {
	n, err := s.exec(ctx, `DELETE FROM tokens WHERE id = ? AND ? IN ('', account_id)`, id, account)
	if err == nil && n == 0 {
		err = earshot.ErrNotFound
	}
	return writeError("revoke token", err)
}

// Audit stores what somebody did.
func (s *Store) Audit(ctx context.Context, e earshot.AuditEntry) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode audit entry: %w", err)
	}
	_, err = s.exec(ctx, `INSERT INTO audit (at, call_id, doc) VALUES (?, ?, ?)`, e.At.UnixMicro(), string(e.CallID), string(doc))
	return writeError("write audit entry", err)
}

// AuditTrail returns what was done, the newest first, of one call unless it is
// "", and the cursor of the next page.
func (s *Store) AuditTrail(ctx context.Context, call earshot.CallID, limit int, before string) ([]earshot.AuditEntry, string, error) {
	at := hitCursor{N: 1<<63 - 1}
	if before != "" {
		var err error
		if at, err = parseCursor[hitCursor](before); err != nil {
			return nil, "", fmt.Errorf("read audit trail: %w", err)
		}
	}
	limit = store.Limit(limit)
	type numbered struct {
		earshot.AuditEntry
		n int64
	}
	list, err := collect(ctx, s.reader, func(row scanner) (numbered, error) {
		var v numbered
		var doc []byte
		if err := row.Scan(&v.n, &doc); err != nil {
			return v, err
		}
		return v, json.Unmarshal(doc, &v.AuditEntry)
	}, `SELECT n, doc FROM audit WHERE ? IN ('', call_id) AND n < ? ORDER BY n DESC LIMIT ?`, string(call), at.N, limit+1)
	if err != nil {
		return nil, "", readError("audit trail", err)
	}
	next := ""
	if len(list) > limit {
		list = list[:limit]
		next = cursor(hitCursor{N: list[limit-1].n})
	}
	out := make([]earshot.AuditEntry, len(list))
	for i, v := range list {
		out[i] = v.AuditEntry
	}
	return out, next, nil
}

// audience is the condition that a column of call IDs is seen by an audience.
func audience(a earshot.Audience, column string) (where string, args []any) {
	switch {
	case a.All():
		return "", nil
	case a.AgentID != "":
		return ` AND ` + column + ` IN (SELECT call_id FROM call_agents WHERE agent_id = ?)`, []any{a.AgentID}
	case a.Team != "":
		return ` AND ` + column + ` IN (SELECT call_id FROM call_agents WHERE team = ?)`, []any{a.Team}
	}
	return ` AND false`, nil
}
