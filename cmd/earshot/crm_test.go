package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"earshot"
	"earshot/cmd/earshot/app"
	"earshot/cmd/earshot/config"
	"earshot/store/sqlite"
)

// summarisedCall is a data folder with one call that has a summary, and a
// webhook.
func summarisedCall(t *testing.T) config.Config {
	t.Helper()
	srv := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(srv.Close)
	cfg := config.Default()
	cfg.Data.Dir = t.TempDir()
	cfg.Webhook = config.Webhook{URL: srv.URL, Secrets: []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}}
	store, err := sqlite.Open(t.Context(), app.Database(cfg), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	commit := earshot.Commit{
		Calls: []earshot.Call{{
			ID: "call-1", State: earshot.CallSettled, Direction: earshot.DirectionInbound,
			Participants: []earshot.Participant{{ID: "p", AOR: "sip:+49301234567@trunk.example"}},
		}},
		Summaries: []earshot.Summary{{
			CallID: "call-1", Revision: 1, Reason: "A parcel is late.", Disposition: "resolved",
			Actions: []earshot.Action{{Text: "Call back.", Owner: earshot.RoleAgent, UtteranceID: "u"}},
		}},
	}
	if _, err := store.Apply(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

func runCRM(t *testing.T, cfg config.Config, cmd interface{ Run(*env) error }) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := cmd.Run(&env{ctx: t.Context(), stdout: &out, stderr: &out, load: func() (config.Config, error) { return cfg, nil }})
	return out.String(), err
}

func TestCRMPreview(t *testing.T) {
	cfg := summarisedCall(t)
	plain, err := runCRM(t, cfg, crmPreviewCmd{Call: "last", To: "webhook"})
	if err != nil || !strings.Contains(plain, "contact  none is looked up\nsubject  Call with +49301234567: A parcel is late.\ntask     Call back.\n\nIncoming call, ") {
		t.Errorf("%v\n%s", err, plain)
	}
	cfg.CRM.Mapping = filepath.Join(t.TempDir(), "crm.yaml")
	rules := "webhook:\n  body: 'It is {{.Summary.Disposition}}.'\n  dispositions: {resolved: '7'}\n  fields: {kind: call}\n"
	if err := os.WriteFile(cfg.CRM.Mapping, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	mapped, err := runCRM(t, cfg, crmPreviewCmd{Call: "call-1", To: "webhook"})
	if err != nil || !strings.Contains(mapped, "outcome  7\nfield    kind = call\n") || !strings.HasSuffix(mapped, "\n\nIt is resolved.\n") {
		t.Errorf("%v\n%s", err, mapped)
	}
	if err := os.WriteFile(cfg.CRM.Mapping, []byte("webhook:\n  body: '{{.Sumary}}'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runCRM(t, cfg, crmPreviewCmd{Call: "call-1", To: "webhook"}); err == nil || !strings.Contains(err.Error(), "crm.yaml:2: ") {
		t.Errorf("a mapping that is wrong: %v", err)
	}
	if _, err := runCRM(t, cfg, crmPreviewCmd{Call: "call-1", To: "hook"}); err == nil {
		t.Error("a connector that is not there")
	}
}

func TestCRMTest(t *testing.T) {
	cfg := summarisedCall(t)
	if out, err := runCRM(t, cfg, crmTestCmd{Name: "webhook"}); err != nil || !strings.HasPrefix(out, "ok      connection: http://127.0.0.1:") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := runCRM(t, cfg, crmListCmd{}); err != nil || !strings.HasPrefix(out, "webhook ") {
		t.Errorf("%v\n%s", err, out)
	}
	cfg.Webhook.URL = "http://127.0.0.1:1"
	if out, err := runCRM(t, cfg, crmTestCmd{Name: "webhook"}); err == nil || !strings.HasPrefix(out, "failed  connection: ") {
		t.Errorf("%v\n%s", err, out)
	}
	cfg.Webhook = config.Webhook{}
	if _, err := runCRM(t, cfg, crmListCmd{}); err == nil {
		t.Error("no connector, no error")
	}
}
