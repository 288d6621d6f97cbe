package tryton

import (
	"context"
	"errors"
	"fmt"

	"earshot/crm"
	"earshot/crm/phone"
)

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var out []crm.Check
	for _, step := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"credentials", c.signsIn},
		{"permissions", c.mayWrite},
		{"look-up", c.looksUp},
	} {
		found, err := step.run(ctx)
		out = append(out, crm.Check{Name: step.name, Found: found, Err: err})
		if err != nil {
			break
		}
	}
	return out
}

func (c *Connector) signsIn(ctx context.Context) (string, error) {
	_, err := c.signedIn(ctx, "")
	return c.cfg.User + " in " + c.cfg.Database, err
}

// mayWrite asks for the access rights to what is read and written.
func (c *Connector) mayWrite(ctx context.Context) (string, error) {
	needs := map[string][]string{
		"ir.note": {"read", "create", "write"}, "party.party": {"read", "create"}, "party.contact_mechanism": {"read"},
	}
	models := []string{"ir.note", "party.party", "party.contact_mechanism"}
	var have map[string]map[string]bool
	if err := c.call(ctx, "model.ir.model.access.get_access", []any{models, noContext}, &have, asks); err != nil {
		return "", err
	}
	var missing []error
	for _, model := range models {
		for _, right := range needs[model] {
			if !have[model][right] {
				missing = append(missing, fmt.Errorf("%s may not %s %s", c.cfg.User, right, model))
			}
		}
	}
	return "parties are read, notes are written", errors.Join(missing...)
}

// looksUp asks for a number that nobody has.
func (c *Connector) looksUp(ctx context.Context) (string, error) {
	n, _ := phone.Parse("+12025550100", "")
	list, err := c.Find(ctx, n)
	return fmt.Sprintf("answered, %d alike", len(list)), err
}
