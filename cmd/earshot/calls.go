package main

import (
	"fmt"
	"strings"
	"time"

	"earshot"
	"earshot/store/sqlite"
)

type callsCmd struct {
	Tag   string `placeholder:"KIND:VALUE" help:"Only calls with this tag, such as caller:+15550100 or queue:support."`
	State string `enum:",live,ended" default:"" help:"Only live calls, or ended ones."`
	Limit int    `default:"20" help:"How many calls at the most, the newest first."`
}

func (c callsCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	list, next, err := store.Calls(e.ctx, sqlite.CallQuery{State: c.State, Tag: c.Tag, Limit: c.Limit})
	if err != nil {
		return err
	}
	for _, call := range list {
		fmt.Fprintln(e.stdout, callLine(&call))
	}
	switch {
	case len(list) == 0:
		fmt.Fprintln(e.stdout, "no such calls")
	case next != "":
		fmt.Fprintf(e.stdout, "there are more: --limit %d\n", 2*c.Limit)
	}
	return nil
}

// callLine is a call in a line: what `earshot show` needs, and what one looks
// for.
func callLine(call *earshot.Call) string {
	parties := make([]string, len(call.Participants))
	for i, p := range call.Participants {
		parties[i] = fmt.Sprintf("%s (%s)", speakerName(p.Name, p.Role), p.Role)
	}
	return fmt.Sprintf("%s  %s  %-11s  %-8s  %8s  %s", call.ID, call.StartedAt.Local().Format(time.DateTime), call.State,
		call.Direction, call.Duration(time.Now()).Round(time.Second), strings.Join(parties, ", "))
}
