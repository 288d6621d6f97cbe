package main

import (
	"cmp"
	"fmt"
)

// feedbackCmd tells which rules and articles help, and which do not.
type feedbackCmd struct{}

// Run prints the counts, those most often wrong first.
func (feedbackCmd) Run(e *env) error {
	store, _, err := e.reader()
	if err != nil {
		return err
	}
	defer closeQuietly(store)
	list, err := store.FeedbackCounts(e.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, " wrong  dismissed  used  rule or article")
	for _, c := range list {
		fmt.Fprintf(e.stdout, "%6d  %9d  %4d  %s\n", c.Wrong, c.Dismissed, c.Used, cmp.Or(c.Rule, c.Article))
	}
	return nil
}
