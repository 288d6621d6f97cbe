package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/crm"
	"earshot/store/sqlite"
)

type crmCmd struct {
	List    crmListCmd    `cmd:"" default:"withargs" help:"Show the connectors that are configured, and what they can do."`
	Test    crmTestCmd    `cmd:"" help:"Check a connector's credentials, permissions and a look-up; writes nothing."`
	Preview crmPreviewCmd `cmd:"" help:"Show the note of a call as a connector would write it; writes nothing."`
}

// connectors makes those of the settings; the function returned gives back what
// they hold.
func (e *env) connectors() (config.Config, []crm.Connector, func(), error) {
	cfg, err := e.load()
	if err != nil {
		return cfg, nil, nil, err
	}
	list, closeAll, err := app.Connectors(cfg)
	if err == nil && len(list) == 0 {
		err = errors.New("no connector is configured: see docs/crm.md")
	}
	return cfg, list, closeAll, err
}

func named(list []crm.Connector, name string) (crm.Connector, error) {
	var names []string
	for _, c := range list {
		if c.Name() == name {
			return c, nil
		}
		names = append(names, c.Name())
	}
	return nil, fmt.Errorf("no connector %q is configured, there are %s", name, strings.Join(names, ", "))
}

type crmListCmd struct{}

// Run prints a line for each connector.
func (crmListCmd) Run(e *env) error {
	_, list, closeAll, err := e.connectors()
	if err != nil {
		return err
	}
	defer closeAll()
	for _, c := range list {
		fmt.Fprintf(e.stdout, "%-20s %s\n", c.Name(), strings.Join(crm.Abilities(c), ", "))
	}
	return nil
}

type crmTestCmd struct {
	Name string `arg:"" help:"Name of the connector."`
}

// Run prints a line for each thing that was tested.
func (c crmTestCmd) Run(e *env) error {
	_, list, closeAll, err := e.connectors()
	if err != nil {
		return err
	}
	defer closeAll()
	connector, err := named(list, c.Name)
	if err != nil {
		return err
	}
	tester, ok := connector.(crm.Tester)
	if !ok {
		return fmt.Errorf("%s can't be tested without writing", c.Name)
	}
	failed := false
	for _, check := range tester.Test(e.ctx) {
		if check.Err != nil {
			failed = true
			fmt.Fprintf(e.stdout, "failed  %s: %v\n", check.Name, check.Err)
			continue
		}
		fmt.Fprintf(e.stdout, "ok      %s: %s\n", check.Name, check.Found)
	}
	if failed {
		return fmt.Errorf("%s does not work yet", c.Name)
	}
	return nil
}

type crmPreviewCmd struct {
	Call string `arg:"" help:"ID of the call, or \"last\"."`
	To   string `required:"" placeholder:"NAME" help:"Name of the connector."`
}

// Run composes the note and looks the customer up.
func (c crmPreviewCmd) Run(e *env) error {
	cfg, list, closeAll, err := e.connectors()
	if err != nil {
		return err
	}
	defer closeAll()
	if _, err := named(list, c.To); err != nil {
		return err
	}
	store, err := sqlite.OpenReadOnly(e.ctx, app.Database(cfg))
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	call, err := findCall(e.ctx, store, c.Call)
	if err != nil {
		return err
	}
	mapping, err := app.LoadMapping(cfg, list)
	if err != nil {
		return err
	}
	note, err := crm.NewNotes(store, app.Links(cfg), mapping).Preview(e.ctx, call.ID, c.To, 1)
	if err != nil {
		return err
	}
	matcher, err := crm.NewMatcher(store, list, mapping, cfg.CRM.Region, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	note, lookErr := matcher.Preview(e.ctx, note)
	printWriting(e.stdout, note, mapping.MakesLeads(c.To))
	return lookErr
}

func printWriting(w io.Writer, n earshot.Note, leads bool) {
	fmt.Fprintf(w, "to       %s\ncontact  %s\n", n.Connector, contactOf(n.Match, leads))
	written := n.Writing
	if written == nil {
		written = new(crm.PlainWriting(n))
	}
	for _, v := range [][2]string{
		{"subject", written.Subject}, {"outcome", written.Disposition}, {"user", written.User}, {"queue", written.Queue},
	} {
		if v[1] != "" {
			fmt.Fprintf(w, "%-8s %s\n", v[0], v[1])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(written.Fields)) {
		fmt.Fprintf(w, "field    %s = %s\n", name, written.Fields[name])
	}
	for _, t := range written.Tasks {
		due := ""
		if !t.Due.IsZero() {
			due = ", due " + t.Due.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "task     %s%s\n", t.Text, due)
	}
	fmt.Fprintf(w, "\n%s\n", written.Body)
}

func contactOf(m *earshot.Match, leads bool) string {
	switch {
	case m == nil:
		return "none is looked up"
	case m.Contact != nil:
		return strings.TrimSpace(m.Contact.Name+" ("+m.Contact.ID+") "+m.Contact.URL) + ", by " + m.Number
	case m.State == earshot.MatchSeveral:
		return fmt.Sprintf("%d have %s, none is guessed", m.Candidates, m.Number)
	case m.State == earshot.MatchAnonymous:
		return "the caller is anonymous"
	case m.State == earshot.MatchFailed:
		return "the system could not be asked"
	case m.Number == "":
		return "it is not certain who the customer is"
	case leads:
		return "nobody has " + m.Number + ", a lead would be made"
	default:
		return "nobody has " + m.Number
	}
}
