package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"earshot/cmd/earshot/app"
)

type askCmd struct {
	Question []string `arg:"" help:"The question, in plain words."`
	Call     string   `help:"Only in this call: its ID, or \"last\"."`
	Limit    int      `default:"5" help:"How many passages at the most."`
}

func (c askCmd) Run(e *env) error {
	if c.Limit < 1 {
		return errors.New("--limit: at least 1")
	}
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	q := app.Question{Text: strings.Join(c.Question, " "), Limit: c.Limit}
	if c.Call != "" {
		call, err := findCall(e.ctx, store, c.Call)
		if err != nil {
			return err
		}
		q.CallID = call.ID
	}
	found, err := app.Ask(e.ctx, store, q)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("nothing that was said answers this")
	}
	for _, p := range found {
		fmt.Fprintf(e.stdout, "%s  %s\n", p.CallID, p.CallStartedAt.Local().Format(time.DateTime))
		for i, u := range p.Utterances {
			who := string(u.Role)
			if i == 0 {
				who = speakerName(p.Speaker, u.Role)
			}
			fmt.Fprintf(e.stdout, "  %s  %s: %s\n", clock(u.StartMS), who, u.Text)
		}
	}
	return nil
}
