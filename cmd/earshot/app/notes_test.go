package app

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"earshot/cmd/earshot/config"
)

// TestConnectorsAsConfigured looks that each connector is there when its
// settings are, and that bad settings stop the start without telling secrets.
func TestConnectorsAsConfigured(t *testing.T) {
	cfg := config.Default()
	names := func() (names []string) {
		t.Helper()
		connectors, closeAll, err := Connectors(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeAll()
		for _, c := range connectors {
			names = append(names, c.Name())
		}
		return names
	}
	if got := names(); got != nil {
		t.Errorf("connectors %v by default", got)
	}
	cfg.HubSpot.Token = "pat-secret"
	cfg.Webhook.URL, cfg.Webhook.Secrets = "http://127.0.0.1:1", []string{"whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"}
	if got := names(); !slices.Equal(got, []string{"hubspot", "webhook"}) {
		t.Errorf("connectors %v", got)
	}
	cfg.Dynamics.URL, cfg.Dynamics.Tenant, cfg.Dynamics.ClientID = "https://acme.crm4.dynamics.com", "acme", "app"
	if _, _, err := Connectors(cfg); err == nil {
		t.Error("Dynamics 365 without a secret is taken")
	}
	cfg.Dynamics.ClientSecret = "hush"
	if got := names(); !slices.Equal(got, []string{"dynamics", "hubspot", "webhook"}) {
		t.Errorf("connectors %v with Dynamics 365", got)
	}
	cfg.Dynamics.URL = ""
	cfg.HubSpot.TokenFile = "token"
	if _, _, err := Connectors(cfg); err == nil || strings.Contains(err.Error(), "pat-secret") {
		t.Errorf("with two tokens: error %v", err)
	}
	cfg.HubSpot.Token, cfg.HubSpot.TokenFile = "", filepath.Join(t.TempDir(), "token")
	if _, _, err := Connectors(cfg); err == nil {
		t.Error("a file that is not there is taken")
	}
	if err := os.WriteFile(cfg.HubSpot.TokenFile, []byte("pat-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := names(); !slices.Equal(got, []string{"hubspot", "webhook"}) {
		t.Errorf("connectors %v with the token in a file", got)
	}
	cfg.HubSpot.URL = "http://crm.example"
	if _, _, err := Connectors(cfg); err == nil || strings.Contains(err.Error(), "pat-secret") {
		t.Errorf("error %v", err)
	}
}

// TestSigningIn looks that each way to sign in to Salesforce is taken, and that
// half of one is not.
func TestSigningIn(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set config.Salesforce
		ok  bool
	}{
		"client":        {config.Salesforce{ClientID: "app", ClientSecret: "hush"}, true},
		"refresh token": {config.Salesforce{ClientID: "app", RefreshToken: "hush"}, true},
		"key":           {config.Salesforce{ClientID: "app", Username: "ear@acme.example", KeyFile: file, Audience: "https://login.salesforce.com"}, true},
		"nobody":        {config.Salesforce{ClientID: "app", KeyFile: file, Audience: "https://login.salesforce.com"}, false},
		"no secret":     {config.Salesforce{ClientID: "app"}, false},
		"no key":        {config.Salesforce{ClientID: "app", Username: "ear@acme.example", KeyFile: file + "x"}, false},
	} {
		cfg := config.Default()
		cfg.Data.Dir = t.TempDir()
		cfg.Salesforce = c.set
		cfg.Salesforce.URL = "https://acme.my.salesforce.com"
		list, closeAll, err := Connectors(cfg)
		if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.ok {
			if len(list) != 1 || list[0].Name() != "salesforce" {
				t.Errorf("%s: connectors %v", name, list)
			}
			closeAll()
		}
	}
}
