package salesforce

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"earshot"
	"earshot/crm"
	"earshot/crm/phone"
	"earshot/crm/rest"
)

// field is what Salesforce says of one
// (https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm).
type field struct {
	Name       string `json:"name"`
	ExternalID bool   `json:"externalId"`
	Unique     bool   `json:"unique"`
	Createable bool   `json:"createable"`
}

// Test implements crm.Tester.
func (c *Connector) Test(ctx context.Context) []crm.Check {
	var task struct {
		Createable bool    `json:"createable"`
		Updateable bool    `json:"updateable"`
		Fields     []field `json:"fields"`
	}
	_, err := c.client.Do(ctx, rest.Request{Path: api + "/sobjects/Task/describe", Out: &task})
	checks := []crm.Check{{Name: "credentials", Found: c.cfg.URL, Err: err}}
	if err != nil {
		return checks
	}
	if !task.Createable || !task.Updateable {
		err = earshot.Permanent(errors.New("the user may not create and edit tasks"))
	}
	checks = append(checks, crm.Check{Name: "may create tasks", Err: err})
	for _, name := range []string{"CallObject", c.cfg.ExternalID} {
		if err == nil && name != "" {
			var found string
			found, err = c.checkField(task.Fields, name)
			checks = append(checks, crm.Check{Name: "field " + name, Found: found, Err: err})
		}
	}
	if n, ok := phone.Parse("+12025550123", ""); ok && err == nil {
		list, err := c.Find(ctx, n)
		checks = append(checks, crm.Check{Name: "look-up", Found: fmt.Sprintf("%d records that may have +12025550123", len(list)), Err: err})
	}
	return checks
}

func (c *Connector) checkField(fields []field, name string) (found string, err error) {
	i := slices.IndexFunc(fields, func(f field) bool { return f.Name == name && f.Createable })
	switch {
	case i < 0:
		return "", earshot.Permanent(errors.New("tasks have no such field that the user may set"))
	case name != c.cfg.ExternalID:
		return "may be set", nil
	case !fields[i].ExternalID:
		return "", earshot.Permanent(errors.New("the field is no external ID"))
	case !fields[i].Unique:
		return "not unique: a double is unlikely, not impossible", nil
	}
	return "unique: each note once", nil
}
