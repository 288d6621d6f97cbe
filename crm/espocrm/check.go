package espocrm

import (
	"context"
	"errors"
	"fmt"

	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var out []crm.Check
	for _, step := range []struct {
		name string
		run  func(context.Context) (string, error)
	}{
		{"credentials", c.user},
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

// appUser is who is signed in and what they may do
// (https://docs.espocrm.com/development/api/).
type appUser struct {
	User struct{ UserName string }
	ACL  struct {
		Table map[string]any
	}
}

func (c *Connector) app(ctx context.Context) (appUser, error) {
	var u appUser
	_, err := c.rest.Do(ctx, rest.Request{Path: api + "/App/user", Out: &u})
	return u, err
}

func (c *Connector) user(ctx context.Context) (string, error) {
	u, err := c.app(ctx)
	return u.User.UserName, err
}

func (c *Connector) mayWrite(ctx context.Context) (string, error) {
	u, err := c.app(ctx)
	if err != nil {
		return "", err
	}
	var missing []error
	for _, need := range []struct{ entity, action string }{
		{"Call", "create"}, {"Call", "read"}, {"Call", "edit"}, {"Task", "create"}, {"Task", "read"}, {"Contact", "read"}, {"Lead", "read"}, {"Account", "read"},
	} {
		rights, _ := u.ACL.Table[need.entity].(map[string]any)
		if level, _ := rights[need.action].(string); level == "" || level == "no" {
			missing = append(missing, fmt.Errorf("the role of the API user does not let it %s %s records", need.action, need.entity))
		}
	}
	return "calls and tasks are written, people are read", errors.Join(missing...)
}

// looksUp asks for a number that nobody has.
func (c *Connector) looksUp(ctx context.Context) (string, error) {
	n, _ := phone.Parse("+12025550100", "")
	list, err := c.Find(ctx, n)
	return fmt.Sprintf("answered, %d alike", len(list)), err
}
