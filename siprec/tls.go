package siprec

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// handshakePatience is how long a client may take for its TLS handshake.
	handshakePatience = 10 * time.Second
	// reloadInterval is how often the files are looked at, at most.
	reloadInterval = time.Second
)

// TLSFiles are the PEM files of SIP over TLS.
type TLSFiles struct {
	Cert, Key string
	// ClientCA is what client certificates must come from; empty asks for none
	// (RFC 7866 12: mutual TLS).
	ClientCA string
}

// Load reads the files.
func (f TLSFiles) Load() (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("SIP certificate: %w", err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}
	if f.ClientCA == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(f.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("CA of SIP clients: %w", err)
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("CA of SIP clients: %s holds no certificate", f.ClientCA)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	cfg.RootCAs = cfg.ClientCAs // for requests of ours on a connection of their own
	return cfg, nil
}

// changed is when one of the files was written last.
func (f TLSFiles) changed() time.Time {
	var newest time.Time
	for _, path := range []string{f.Cert, f.Key, f.ClientCA} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	return newest
}

// keyring has the certificates as the files hold them: those that are replaced
// are taken up without a restart.
type keyring struct {
	files TLSFiles
	fail  func(error)

	mu      sync.Mutex
	cfg     *tls.Config
	written time.Time
	looked  time.Time
}

func newKeyring(files TLSFiles, fail func(error)) (*keyring, error) {
	k := &keyring{files: files, fail: fail, written: files.changed(), looked: time.Now()}
	var err error
	k.cfg, err = files.Load()
	return k, err
}

// config returns what the next handshake is to use. Files that can't be read
// leave things as they were.
func (k *keyring) config() *tls.Config {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.looked) < reloadInterval {
		return k.cfg
	}
	k.looked = time.Now()
	if written := k.files.changed(); !written.Equal(k.written) {
		k.written = written
		if cfg, err := k.files.Load(); err != nil {
			k.fail(err)
		} else {
			k.cfg = cfg
		}
	}
	return k.cfg
}

// startTLS binds the port of SIP over TLS.
func (s *Server) startTLS() error {
	if s.cfg.TLS.Cert == "" {
		return nil
	}
	var err error
	s.keys, err = newKeyring(s.cfg.TLS, func(err error) {
		s.log.Error("new TLS files can't be used, the old ones are kept", "error", err)
	})
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	if s.tls, err = lc.Listen(s.ctx, "tcp", s.cfg.TLSListen); err != nil {
		return fmt.Errorf("listen for SIP over TLS: %w", err)
	}
	return nil
}

// secure puts TLS on a connection; the handshake comes with its first read.
func (s *Server) secure(conn net.Conn) *tls.Conn {
	return tls.Server(conn, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.keys.config(), nil },
	})
}

// handshake ends before the first byte is read, and notes who the client is.
func (c *streamConn) handshake() error {
	conn, ok := c.Conn.(*tls.Conn)
	if !ok || c.shaken {
		return nil
	}
	if !c.guest {
		_ = conn.SetReadDeadline(time.Now().Add(handshakePatience))
	}
	if err := conn.HandshakeContext(c.s.ctx); err != nil {
		c.s.m.handshakes.Inc()
		return errors.Join(err, conn.Close())
	}
	if !c.guest {
		_ = conn.SetReadDeadline(time.Time{})
	}
	c.shaken = true
	if certs := conn.ConnectionState().PeerCertificates; len(certs) > 0 {
		c.s.clients.Store(conn.RemoteAddr().String(), namesOf(certs[0]))
	}
	return nil
}

// namesOf are the names a certificate is for (RFC 5922 7.1): those in the
// subjectAltName, the common name only when there are none.
func namesOf(cert *x509.Certificate) []string {
	names := append([]string(nil), cert.DNSNames...)
	for _, u := range cert.URIs {
		if u.Scheme == "sip" || u.Scheme == "sips" {
			names = append(names, u.Opaque+u.Host)
		}
	}
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 && cert.Subject.CommonName != "" {
		names = append(names, cert.Subject.CommonName)
	}
	return names
}
