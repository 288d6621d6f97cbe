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

func TestCallsAreListed(t *testing.T) {
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	store, err := sqlite.Open(t.Context(), app.Database(cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for n, state := range []earshot.CallState{earshot.CallSettled, earshot.CallLive, earshot.CallInterrupted} {
		call := earshot.Call{
			ID: earshot.CallID(fmt.Sprintf("call-%d", n)), State: state, Direction: earshot.DirectionInbound,
			StartedAt: time.Date(2026, 3, 2, 10, n, 0, 0, time.UTC), Tags: []string{fmt.Sprintf("queue:q%d", n%2)},
			Participants: []earshot.Participant{{ID: "p", Name: "Mira Holt", Role: earshot.RoleAgent}},
		}
		if _, err := store.Apply(t.Context(), earshot.Commit{Calls: []earshot.Call{call}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		cmd  callsCmd
		want string
	}{
		{callsCmd{Limit: 20}, "call-2 call-1 call-0"},
		{callsCmd{Limit: 20, State: "live"}, "call-1"},
		{callsCmd{Limit: 20, State: "ended"}, "call-2 call-0"},
		{callsCmd{Limit: 20, Tag: "queue:q0"}, "call-2 call-0"},
		{callsCmd{Limit: 20, Tag: "queue:q1", State: "ended"}, "no"},
		{callsCmd{Limit: 1}, "call-2 there"},
	} {
		var out bytes.Buffer
		e := &env{ctx: t.Context(), stdout: &out, stderr: &out, load: func() (config.Config, error) { return cfg, nil }}
		if err := tc.cmd.Run(e); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for line := range strings.Lines(out.String()) {
			id, rest, _ := strings.Cut(line, " ")
			ids = append(ids, id)
			if strings.HasPrefix(id, "call-") && !strings.Contains(rest, "Mira Holt (agent)") {
				t.Errorf("listed %q", line)
			}
		}
		if got := strings.Join(ids, " "); got != tc.want {
			t.Errorf("%+v lists %s, want %s", tc.cmd, got, tc.want)
		}
	}
}
