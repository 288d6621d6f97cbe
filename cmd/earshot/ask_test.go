package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/store/sqlite"
)

// conversations stores two calls.
func conversations(t *testing.T, cfg config.Config) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), app.Database(cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for n, lines := range [][]string{
		{"Hello, I ordered a garden hose.", "What is the delivery address?", "Rose Street 12.", "It arrives on Monday."},
		{"My invoice is wrong.", "I will refund the difference.", "Thank you."},
	} {
		id := earshot.CallID(fmt.Sprintf("call-%d", n))
		commit := earshot.Commit{Calls: []earshot.Call{{ID: id, State: earshot.CallSettled, StartedAt: time.Date(2026, 3, 2, 10, n, 0, 0, time.UTC)}}}
		for i, text := range lines {
			role := []earshot.Role{earshot.RoleCustomer, earshot.RoleAgent}[i%2]
			commit.Utterances = append(commit.Utterances, earshot.Utterance{
				ID: earshot.UtteranceID(fmt.Sprintf("%s-u%d", id, i)), CallID: id, StreamID: earshot.StreamID(role), Role: role,
				StartMS: int64(i) * 3000, EndMS: int64(i)*3000 + 2000, Text: text, Final: true,
			})
		}
		if _, err := store.Apply(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestAsk finds passages in other forms of the words, with what was replied,
// and nothing where nothing answers.
func TestAsk(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	conversations(t, cfg)
	for _, c := range []struct {
		cmd  askCmd
		want []string // "" is no answer
	}{
		{askCmd{Question: []string{"What address was it delivered to?"}, Limit: 1}, []string{"call-0", "00:03.0  agent: What is the delivery address?", "00:06.0  customer: Rose Street 12."}},
		{askCmd{Question: []string{"who gets refunds?"}, Limit: 5}, []string{"call-1", "I will refund the difference."}},
		{askCmd{Question: []string{"who gets refunds?"}, Call: "call-0", Limit: 5}, nil},
		{askCmd{Question: []string{"Is there a submarine?"}, Limit: 5}, nil},
		{askCmd{Question: []string{"?!"}, Limit: 5}, nil},
	} {
		var out bytes.Buffer
		e := &env{ctx: t.Context(), stdout: &out, stderr: &out, load: func() (config.Config, error) { return cfg, nil }}
		err := c.cmd.Run(e)
		if (err == nil) != (c.want != nil) {
			t.Errorf("%v: %v\n%s", c.cmd, err, out.String())
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%v: no %q in\n%s", c.cmd, want, out.String())
			}
		}
	}
}
