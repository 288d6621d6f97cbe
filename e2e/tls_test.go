package e2e

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"earshot/media/wav"
)

// openssl runs openssl in a folder, as an operator would.
func openssl(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// certificates makes an authority and, signed by it, NAME.pem and NAME.key for
// a server at 127.0.0.1 and a client.
func certificates(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	openssl(t, dir, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
		"-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
	for _, name := range []string{"srs", "sbc"} {
		openssl(t, dir, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN="+name,
			"-addext", "subjectAltName=DNS:"+name+".example,IP:127.0.0.1", "-keyout", name+".key", "-out", name+".csr")
		openssl(t, dir, "x509", "-req", "-in", name+".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30",
			"-copy_extensions", "copy", "-out", name+".pem")
	}
	return dir
}

// TestEncryptedFromEndToEnd places calls over TLS with certificates made by
// openssl, their media encrypted both ways.
func TestEncryptedFromEndToEnd(t *testing.T) {
	dir := certificates(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	tls := "127.0.0.1:" + strconv.Itoa(freePort(t))
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_SIP_TLS_LISTEN="+tls,
		"EARSHOT_SIP_TLS_CERT="+file("srs.pem"), "EARSHOT_SIP_TLS_KEY="+file("srs.key"), "EARSHOT_SIP_TLS_CLIENT_CA="+file("ca.pem"))
	audio := excerpt(t, 8)
	var files []string
	for i, party := range audio {
		files = append(files, filepath.Join(dir, []string{"agent.wav", "customer.wav"}[i]))
		if err := wav.WriteFile(files[i], 8000, linear(t, party)); err != nil {
			t.Fatal(err)
		}
	}
	place := func(args ...string) (string, error) {
		return s.earshot(t, append([]string{
			"call", "--to", "sip:" + tls, "--transport", "tls", "--tls-ca", file("ca.pem"), "--audio", files[0], "--audio", files[1],
		}, args...)...)
	}
	for i, srtp := range []string{"sdes", "dtls"} {
		out, err := place("--tls-cert", file("sbc.pem"), "--tls-key", file("sbc.key"), "--srtp", srtp)
		if err != nil {
			t.Fatalf("%s: %v\n%s", srtp, err, out)
		}
		list := s.calls(t)
		if len(list) != i+1 {
			t.Fatalf("%d calls", len(list))
		}
		call := list[0]
		if len(call.Problems) != 0 || call.Segments[0].EndReason != "bye" {
			t.Errorf("%s: problems %q, segments %+v", srtp, call.Problems, call.Segments)
		}
		checkRecording(t, s, call.ID, audio[0], audio[1])
	}
	ladder, err := s.earshot(t, "show", "last", "--sip")
	if err != nil || !strings.Contains(ladder, "over TLS") || strings.Contains(ladder, "inline:") {
		t.Errorf("%v, ladder\n%s", err, ladder)
	}
}
