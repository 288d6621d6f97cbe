package siprec

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
)

// authority signs certificates for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
	next int64
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), next: 1}
	a.key = newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test authority"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file("ca.pem"), "CERTIFICATE", raw)
	return a
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// issue writes NAME.pem and NAME.key for a DNS name and 127.0.0.1.
func (a *authority) issue(t *testing.T, name string) TLSFiles {
	t.Helper()
	a.next++
	key := newKey(t)
	raw, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(a.next), DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f := TLSFiles{Cert: a.file(name + ".pem"), Key: a.file(name + ".key")}
	writePEM(t, f.Cert, "CERTIFICATE", raw)
	writePEM(t, f.Key, "PRIVATE KEY", der)
	return f
}

// client is the TLS side of a client that trusts the authority and shows the
// certificate of that name, none for "".
func (a *authority) client(t *testing.T, name string) *tls.Config {
	t.Helper()
	cfg := &tls.Config{RootCAs: x509.NewCertPool()}
	cfg.RootCAs.AddCert(a.cert)
	if name != "" {
		f := a.issue(t, name)
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) tlsPeer(t *testing.T, cfg *tls.Config) *peer {
	t.Helper()
	conn, err := tls.Dial("tcp", r.TLSAddr().String(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &peer{conn: conn, stream: true, via: "TLS"}
}

// placeOverTLS places a session with the own client and ends it.
func placeOverTLS(t *testing.T, r *rig, cfg *tls.Config) error {
	t.Helper()
	c, err := NewClient(ClientConfig{Transport: "tls", TLS: cfg})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	session, err := c.Call(t.Context(), CallSpec{
		To:    "sip:" + r.TLSAddr().String() + ";transport=tls",
		Media: []ClientMedia{{Label: "1", Port: 40000, Formats: []earshot.Format{staticFormats[0]}}},
	})
	if err != nil {
		return err
	}
	return session.Bye(t.Context())
}

func TestSessionOverTLS(t *testing.T) {
	a := newAuthority(t)
	r := newRig(t, Config{TLSListen: "127.0.0.1:0", TLS: a.issue(t, "srs.example")})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		cfg := a.client(t, "")
		cfg.MinVersion, cfg.MaxVersion = version, version
		if err := placeOverTLS(t, r, cfg); err != nil {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	if _, err := tls.Dial("tcp", r.TLSAddr().String(), &tls.Config{RootCAs: a.client(t, "").RootCAs, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is taken")
	}
	s := newScript(r.tlsPeer(t, a.client(t, "")))
	ok := s.establish(t, sdpType, sdpOf(audioLine(40000, "1")))
	if contact, want := headerIn(ok, "Contact"), "<sip:earshot@"+r.TLSAddr().String()+";transport=tls>;+sip.srs"; contact != want {
		t.Errorf("Contact %s, want %s", contact, want)
	}
	// Our own requests go over the connection the client opened.
	go func() { _ = r.EndDialog(t.Context(), dialogID(s.id, tagIn(s.to))) }()
	if bye := s.p.receive(t, 5*time.Second); statusIn(bye) != 0 || bye[:4] != "BYE " {
		t.Fatalf("got\n%s", bye)
	} else {
		s.p.send(t, replyTo(bye, "200 OK"))
	}
	eventually(t, "the dialog to be gone", func() bool { return r.Dialogs() == 0 })
}

func TestMutualTLS(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	files := a.issue(t, "srs.example")
	files.ClientCA = a.file("ca.pem")
	r := newRig(t, Config{
		TLSListen: "127.0.0.1:0", TLS: files,
		Policies: []Policy{{RequireTLS: true, ClientNames: []string{"*.sbc.example"}}},
	})
	// In TLS 1.2 the client hears of it in its handshake.
	none := a.client(t, "")
	none.MaxVersion = tls.VersionTLS12
	if err := placeOverTLS(t, r, none); err == nil {
		t.Error("a client without certificate is taken")
	}
	stranger := other.client(t, "a.sbc.example")
	stranger.RootCAs, stranger.MaxVersion = none.RootCAs, tls.VersionTLS12
	if err := placeOverTLS(t, r, stranger); err == nil {
		t.Error("a certificate of another authority is taken")
	}
	eventually(t, "both to be counted", func() bool { return counterOf(r.m.handshakes) == 2 })
	if err := placeOverTLS(t, r, a.client(t, "a.sbc.example")); err != nil {
		t.Errorf("a client with the right name: %v", err)
	}
	var status *StatusError
	if err := placeOverTLS(t, r, a.client(t, "mallory.example")); !errors.As(err, &status) || status.Status != 403 || status.Warning == "" {
		t.Errorf("a client with another name: %v, want 403 and a Warning", err)
	}
	plain := newScript(r.peer(t, "udp"))
	got := plain.p.exchange(t, plain.request("INVITE", sdpType, sdpOf(audioLine(40000, "1"))))
	if statusIn(got) != 403 || headerIn(got, "Warning") == "" {
		t.Errorf("over UDP answered\n%s", got)
	}
	if len(r.sessions.all()) != 1 {
		t.Errorf("%d sessions began, want 1", len(r.sessions.all()))
	}
}

func TestReplacedCertificateIsTakenUp(t *testing.T) {
	a := newAuthority(t)
	files := a.issue(t, "srs.example")
	k, err := newKeyring(files, func(err error) { t.Errorf("reload: %v", err) })
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		k.looked = time.Time{}
		cert, err := x509.ParseCertificate(k.config().Certificates[0].Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return cert.SerialNumber.Int64()
	}
	before := serial()
	a.issue(t, "srs.example")
	newer := time.Now().Add(time.Second)
	if err := os.Chtimes(files.Cert, newer, newer); err != nil {
		t.Fatal(err)
	}
	after := serial()
	if after != before+1 {
		t.Errorf("certificate %d is used, want %d", after, before+1)
	}
	failed := false
	k.fail = func(error) { failed = true }
	if err := os.WriteFile(files.Cert, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	newer = newer.Add(time.Second)
	if err := os.Chtimes(files.Cert, newer, newer); err != nil {
		t.Fatal(err)
	}
	if serial() != after || !failed {
		t.Errorf("a broken file: certificate %d, told %v", serial(), failed)
	}
}

func TestBadTLSFilesAreNamed(t *testing.T) {
	a := newAuthority(t)
	good := a.issue(t, "srs.example")
	empty := a.file("empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, f := range []TLSFiles{
		{Cert: a.file("missing.pem"), Key: good.Key},
		{Cert: good.Cert, Key: a.issue(t, "other.example").Key},
		{Cert: good.Cert, Key: good.Key, ClientCA: empty},
	} {
		if _, err := f.Load(); err == nil {
			t.Errorf("%+v is taken", f)
		}
	}
}

// TestRefusedCertificateIsSaid: under TLS 1.3 a client has shaken hands before
// the server looks at its certificate, and hears of it all the same.
func TestRefusedCertificateIsSaid(t *testing.T) {
	a, other := newAuthority(t), newAuthority(t)
	files := a.issue(t, "srs.example")
	files.ClientCA = a.file("ca.pem")
	r := newRig(t, Config{TLSListen: "127.0.0.1:0", TLS: files})
	stranger := other.client(t, "sbc.example")
	stranger.RootCAs = a.client(t, "").RootCAs
	for name, cfg := range map[string]*tls.Config{"certificate required": a.client(t, ""), "bad certificate": stranger} {
		cfg.MinVersion = tls.VersionTLS13
		err := placeOverTLS(t, r, cfg)
		if err == nil || !strings.Contains(err.Error(), "the server refuses our certificate") || strings.Contains(err.Error(), "\n") {
			t.Errorf("want %s, got %v", name, err)
		}
	}
	if err := placeOverTLS(t, r, other.client(t, "")); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("a server that is not trusted: %v", err)
	}
}
