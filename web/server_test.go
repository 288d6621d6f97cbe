package web

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string // part of the error, "" for none
	}{
		{Config{Listen: "127.0.0.1:8080"}, ""},
		{Config{Listen: "localhost:0"}, ""},
		{Config{Listen: "[::1]:8080"}, ""},
		{Config{Listen: "127.8.8.8:8080"}, ""},
		{Config{Listen: "0.0.0.0:8080"}, "no accounts"},
		{Config{Listen: ":8080"}, "127.0.0.1:8080"},
		{Config{Listen: "[::]:8080"}, "no accounts"},
		{Config{Listen: "192.168.1.5:8080"}, "no accounts"},
		{Config{Listen: "ear.example.com:80"}, "no accounts"},
		{Config{Listen: "8080"}, "not HOST:PORT"},
		{Config{Listen: "127.0.0.1:0", PublicURL: "ear.example.com"}, "http.public_url"},
		{Config{Listen: "127.0.0.1:0", PublicURL: "ftp://ear.example.com"}, "http.public_url"},
		{Config{Listen: "127.0.0.1:0", TLSCert: "cert.pem"}, "go together"},
		{Config{Listen: "127.0.0.1:0", TLSCert: "no.pem", TLSKey: "no.pem"}, "http.tls_cert"},
	} {
		_, err := New(c.cfg, newFixture(t).deps, newFixture(t).Server.log)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
	if _, err := New(Config{Listen: "127.0.0.1:0"}, Deps{}, newFixture(t).Server.log); err == nil {
		t.Error("a server without a reader")
	}
}

func TestPortInUse(t *testing.T) {
	f := newFixture(t)
	start(t, f)
	g := newFixture(t, func(c *Config, _ *Deps) { c.Listen = f.Addr().String() })
	if err := g.Start(); err == nil || !strings.Contains(err.Error(), "http.listen") {
		t.Errorf("Start on a used port: %v", err)
	}
}

// start serves until the end of the test and returns the URL.
func start(t *testing.T, f *fixture) string {
	t.Helper()
	if err := f.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return "http://" + f.Addr().String()
}

func client(t *testing.T) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}} //nolint:gosec // the certificate is the test's own
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestCloseEndsStreams(t *testing.T) {
	f := newFixture(t)
	base := start(t, f)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/events", nil)
	answer, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	lines := bufio.NewScanner(answer.Body)
	if !lines.Scan() || lines.Text() != "retry: 1000" {
		t.Fatalf("first line %q", lines.Text())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := f.Close(ctx); err != nil {
		t.Fatalf("Close waits for a stream: %v", err)
	}
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the stream did not end cleanly: %v", err)
	}
	if err := f.Close(ctx); err != nil {
		t.Errorf("second Close: %v", err)
	}
	f.Broker().Publish([]earshot.Event{earshot.NewEvent(earshot.EventCallEnded, "x", nil)}) // must not panic
}

func TestTLS(t *testing.T) {
	cert, key := selfSigned(t)
	f := newFixture(t, func(c *Config, _ *Deps) { c.TLSCert, c.TLSKey = cert, key })
	base := strings.Replace(start(t, f), "http:", "https:", 1)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/livez", nil)
	answer, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.TLS == nil {
		t.Errorf("%s over TLS %v", answer.Status, answer.TLS != nil)
	}
}

func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, b []byte) string {
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", raw)
}
