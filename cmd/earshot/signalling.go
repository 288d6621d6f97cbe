package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"earshot"
	"earshot/siprec"
)

// apply puts the flags into a call.
func (s signalling) apply(spec *callSpec) error {
	var err error
	if spec.dialect, err = siprec.DialectOf(s.Dialect); err != nil {
		return fmt.Errorf("--dialect: %w", err)
	}
	if spec.sessionExpires, spec.refresher, err = sessionExpires(s.SessionExpires); err != nil {
		return err
	}
	spec.transport, spec.user, spec.password, spec.ipv6 = s.Transport, s.DigestUser, s.DigestPassword, s.IPv6
	spec.srtp, spec.suite = s.SRTP, earshot.CryptoSuite(s.Suite).Canonical()
	if key, _ := spec.suite.Lengths(); key == 0 && s.SRTP != "off" {
		return fmt.Errorf("--suite %s: not a suite of SRTP that is known", s.Suite)
	}
	if s.Transport == "tls" {
		spec.tls, err = s.tlsConfig()
	}
	return err
}

// tlsConfig reads the files of the --tls flags.
func (s signalling) tlsConfig() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: s.TLSInsecure} //nolint:gosec // asked for by a flag of that name
	if s.TLSCA != "" {
		pem, err := os.ReadFile(s.TLSCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		if cfg.RootCAs = x509.NewCertPool(); !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no certificate", s.TLSCA)
		}
	}
	if s.TLSCert != "" || s.TLSKey != "" {
		pair, err := tls.LoadX509KeyPair(s.TLSCert, s.TLSKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// sessionExpires reads N, N:uac or N:uas.
func sessionExpires(value string) (seconds int, refresher string, err error) {
	if value == "" {
		return 0, "", nil
	}
	number, refresher, _ := strings.Cut(value, ":")
	seconds, err = strconv.Atoi(number)
	if err != nil || seconds < 1 || (refresher != "" && refresher != "uac" && refresher != "uas") {
		return 0, "", fmt.Errorf("--session-expires %s: not seconds, seconds:uac or seconds:uas", value)
	}
	return seconds, refresher, nil
}

// stepPrinter prints each transaction of a call on a line.
type stepPrinter struct {
	mu    sync.Mutex
	w     io.Writer
	began time.Time
}

func newStepPrinter(w io.Writer) *stepPrinter { return &stepPrinter{w: w} }

func (p *stepPrinter) print(s siprec.Step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.began.IsZero() {
		p.began = s.At
	}
	arrow, detail, answer := "->", "", "no answer"
	if s.Received {
		arrow = "<-"
	}
	if s.Detail != "" {
		detail = " (" + s.Detail + ")"
	}
	if s.Status != 0 {
		answer = fmt.Sprintf("%d %s", s.Status, s.Reason)
	}
	fmt.Fprintf(p.w, "%8.3f s %s %s%s: %s in %s\n",
		s.At.Sub(p.began).Seconds(), arrow, s.Method, detail, answer, s.Took.Round(10*time.Microsecond))
}
