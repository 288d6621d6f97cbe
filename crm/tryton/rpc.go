package tryton

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// noContext is the context that calls of models end with.
var noContext = map[string]any{}

// effect is whether a method changes anything.
type effect int

const (
	asks effect = iota
	writes
)

// request and answer are those of JSON-RPC 1.0 as Tryton speaks it.
type request struct {
	ID     int    `json:"id"`
	Method string `json:"method"`
	Params []any  `json:"params"`
}

type answer struct {
	Result json.RawMessage   `json:"result"`
	Error  []json.RawMessage `json:"error"`
}

// final are the errors that trying again does not help. The others that Tryton
// has a name for undo what was begun.
var final = map[string]bool{
	"UserError": true, "UserWarning": true, "LoginException": true, "MissingDependenciesException": true,
	"ConcurrencyException": false, "TimeoutException": false, "RateLimitException": false,
}

// errUser says that the values are not ones that may be written.
var errUser = errors.New("tryton refuses: UserError")

// call calls a method, and signs in when there is no session or it is over.
func (c *Connector) call(ctx context.Context, method string, params []any, out any, what effect) error {
	session, err := c.signedIn(ctx, "")
	if err != nil {
		return err
	}
	a, err := c.ask(ctx, request{1, method, params}, session, what)
	if status, ok := errors.AsType[*rest.StatusError](err); ok && status.Status == http.StatusUnauthorized {
		if session, err = c.signedIn(ctx, session); err != nil {
			return err
		}
		a, err = c.ask(ctx, request{1, method, params}, session, what)
	}
	if err != nil {
		return err
	}
	if err := a.refusal(what); err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(a.Result, out); err != nil {
		err = errors.New("tryton answers with something else")
		if what == asks {
			return err
		}
		return crm.Unknown(err)
	}
	return nil
}

// refusal returns the error inside an answer. What has no name, such as
// "database is locked", is the server's fault: it may pass, and may have come
// after the commit.
func (a *answer) refusal(what effect) error {
	if len(a.Error) == 0 {
		return nil
	}
	var kind string
	_ = json.Unmarshal(a.Error[0], &kind) // no kind is none
	isFinal, named := final[kind]
	switch {
	case kind == "UserError":
		return earshot.Permanent(errUser)
	case isFinal:
		return earshot.Permanent(fmt.Errorf("tryton refuses: %s", kind))
	case named:
		return fmt.Errorf("tryton refuses for now: %s", kind)
	}
	err := errors.New("tryton fails, its log says why")
	if what == asks {
		return err
	}
	return crm.Unknown(err)
}

func (c *Connector) ask(ctx context.Context, r request, session string, what effect) (answer, error) {
	var a answer
	header := http.Header{}
	if session != "" {
		header.Set("Authorization", "Session "+session)
	}
	_, err := c.rest.Do(ctx, rest.Request{Path: "/" + url.PathEscape(c.cfg.Database) + "/", Header: header, In: r, Out: &a, Asks: what == asks})
	return a, err
}

// signedIn returns a session that is not the one that is over.
func (c *Connector) signedIn(ctx context.Context, over string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != over {
		return c.session, nil
	}
	c.session = ""
	a, err := c.ask(ctx, request{1, "common.db.login", []any{c.cfg.User, map[string]string{"password": c.cfg.Password}, "en"}}, "", asks)
	if err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	if err := a.refusal(asks); err != nil {
		return "", fmt.Errorf("sign in: %w", err)
	}
	var id int
	var key string
	if json.Unmarshal(a.Result, &[]any{&id, &key}) != nil || key == "" {
		return "", errors.New("sign in: tryton answers with something else")
	}
	c.session = base64.StdEncoding.EncodeToString([]byte(c.cfg.User + ":" + strconv.Itoa(id) + ":" + key))
	return c.session, nil
}

// create makes a record and returns its ID.
func (c *Connector) create(ctx context.Context, model string, values map[string]any) (string, error) {
	var ids []int
	if err := c.call(ctx, "model."+model+".create", []any{[]any{values}, noContext}, &ids, writes); err != nil {
		return "", err
	}
	if len(ids) != 1 {
		return "", crm.Unknown(errors.New("tryton answers without the record"))
	}
	return strconv.Itoa(ids[0]), nil
}

// search reads up to a hundred records.
func (c *Connector) search(ctx context.Context, model string, domain []any, fields []string, out any) error {
	return c.call(ctx, "model."+model+".search_read", []any{domain, 0, 100, nil, fields, noContext}, out, asks)
}
