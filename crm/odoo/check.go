package odoo

import (
	"context"
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
		{"may change messages", c.may("mail.message", "write")},
		{"may make activities", c.may("mail.activity", "create")},
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

// signsIn reads the context of the user, which every user may.
func (c *Connector) signsIn(ctx context.Context) (string, error) {
	var v struct {
		Lang any `json:"lang"`
	}
	err := c.call(ctx, "res.users", "context_get", nil, nil, &v, asks)
	return "signed in to " + c.cfg.Database, err
}

// may asks for an access right. The method for that has another name since 18.
func (c *Connector) may(model, operation string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		method, a := "check_access_rights", args{{"operation", operation}, {"raise_exception", false}}
		if c.cfg.API == JSON2 {
			method, a = "has_access", args{{"operation", operation}}
		}
		var yes bool
		if err := c.call(ctx, model, method, nil, a, &yes, asks); err != nil {
			return "", err
		}
		if !yes {
			return "", fmt.Errorf("the user may not %s %s", operation, model)
		}
		return "yes", nil
	}
}

// looksUp asks for a number that nobody has.
func (c *Connector) looksUp(ctx context.Context) (string, error) {
	n, _ := phone.Parse("+12025550100", "")
	list, err := c.Find(ctx, n)
	return fmt.Sprintf("answered, %d alike", len(list)), err
}
