package odoo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"earshot"
	"earshot/crm"
	"earshot/crm/rest"
)

// effect is whether a method changes anything.
type effect int

const (
	asks effect = iota
	writes
)

// arg is an argument by name, args those of a call in their order.
type (
	arg struct {
		name  string
		value any
	}
	args []arg
)

func (a args) named() map[string]any {
	m := map[string]any{}
	for _, v := range a {
		m[v.name] = v.value
	}
	return m
}

// domain are conditions that must all hold: field, operator, value.
type domain [][3]any

// ids are those of records that were made: one, or a list of them.
type ids []int

// UnmarshalJSON implements json.Unmarshaler.
func (v *ids) UnmarshalJSON(raw []byte) error {
	var one int
	if json.Unmarshal(raw, &one) == nil {
		*v = ids{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]int)(v))
}

// search reads up to a hundred records.
func (c *Connector) search(ctx context.Context, model string, d domain, fields []string, out any) error {
	return c.call(ctx, model, "search_read", nil, args{{"domain", d}, {"fields", fields}, {"limit", 100}}, out, asks)
}

// post posts a message on a partner.
func (c *Connector) post(ctx context.Context, partner int, a args, out any) error {
	if c.cfg.API == JSON2 {
		return c.call(ctx, "res.partner", "message_post", []int{partner}, append(a, arg{"body_is_html", true}), out, writes)
	}
	_, isHTML, err := c.signedIn(ctx)
	if err != nil {
		return err
	}
	if isHTML {
		a = append(a, arg{"body_is_html", true})
	}
	return c.call(ctx, "res.partner", "message_post", []int{partner}, a, out, writes)
}

// call calls a method of a model, on records or, without them, on the model.
func (c *Connector) call(ctx context.Context, model, method string, records []int, a args, out any, what effect) error {
	if c.cfg.API == JSON2 {
		body := a.named()
		if records != nil {
			body["ids"] = records
		}
		_, err := c.rest.Do(ctx, rest.Request{Path: "/json/2/" + model + "/" + method, In: body, Out: out, Asks: what == asks})
		return err
	}
	uid, _, err := c.signedIn(ctx)
	if err != nil {
		return err
	}
	positional := []any{}
	if records != nil {
		positional = append(positional, records)
	}
	return c.rpc(ctx, "object", "execute_kw", []any{c.cfg.Database, uid, c.cfg.Key, model, method, positional, a.named()}, out, what)
}

// answer is that of JSON-RPC 2.0.
type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Data struct {
			Name string `json:"name"`
		} `json:"data"`
	} `json:"error"`
}

// rpc calls a service over JSON-RPC.
func (c *Connector) rpc(ctx context.Context, service, method string, params []any, out any, what effect) error {
	var a answer
	_, err := c.rest.Do(ctx, rest.Request{Path: "/jsonrpc", Out: &a, Asks: what == asks, In: map[string]any{
		"jsonrpc": "2.0", "id": 1, "method": "call",
		"params": map[string]any{"service": service, "method": method, "args": params},
	}})
	if err != nil {
		return err
	}
	if a.Error != nil {
		return c.refusal(a.Error.Data.Name, what)
	}
	if out == nil || json.Unmarshal(a.Result, out) == nil {
		return nil
	}
	err = fmt.Errorf("%s answers with something else", c.cfg.Name)
	if what == writes {
		err = crm.Unknown(err)
	}
	return err
}

// final are the exceptions by which Odoo refuses
// (https://www.odoo.com/documentation/18.0/developer/reference/backend/orm.html).
var final = []string{
	"odoo.exceptions.AccessDenied", "odoo.exceptions.AccessError", "odoo.exceptions.MissingError", "odoo.exceptions.UserError",
	"odoo.exceptions.ValidationError", "builtins.TypeError", "builtins.ValueError", "builtins.KeyError",
}

// refusal is the error of an exception. What the database refuses is rolled back.
func (c *Connector) refusal(name string, what effect) error {
	err := fmt.Errorf("%s refuses: %s", c.cfg.Name, rest.Code(name))
	switch {
	case slices.Contains(final, name):
		return earshot.Permanent(err)
	case strings.HasPrefix(name, "psycopg2."), what == asks:
		return err
	default:
		return crm.Unknown(err)
	}
}

// signedIn returns who is signed in over JSON-RPC, and whether bodies are marked
// as HTML.
func (c *Connector) signedIn(ctx context.Context) (uid int, isHTML bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uid != 0 {
		return c.uid, c.isHTML, nil
	}
	var version struct {
		Serie string `json:"server_serie"`
	}
	if err := c.rpc(ctx, "common", "version", []any{}, &version, asks); err != nil {
		return 0, false, fmt.Errorf("sign in: %w", err)
	}
	var who json.RawMessage
	if err := c.rpc(ctx, "common", "authenticate", []any{c.cfg.Database, c.cfg.User, c.cfg.Key, map[string]any{}}, &who, asks); err != nil {
		return 0, false, fmt.Errorf("sign in: %w", err)
	}
	if json.Unmarshal(who, &uid) != nil || uid == 0 { // it is false when they are refused
		return 0, false, earshot.Permanent(errors.New("sign in: login or API key are refused"))
	}
	major, _ := strconv.Atoi(strings.TrimPrefix(strings.Split(version.Serie, ".")[0], "saas~"))
	c.uid, c.isHTML = uid, major >= 17
	return c.uid, c.isHTML, nil
}
