package srtp

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	_ "crypto/sha1" //nolint:gosec // some peers still name their certificate by it (RFC 8122 5)
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/logging"

	"earshot"
)

// handshakeTime bounds a handshake, retransmissions included.
const handshakeTime = 30 * time.Second

// exporter is the label of the keying material (RFC 5764 4.2).
const exporter = "EXTRACTOR-dtls_srtp"

// ErrFingerprint says that the peer's certificate is not the one that its SDP
// names (RFC 5763 5).
var ErrFingerprint = errors.New("certificate does not fit the fingerprint of the SDP")

var hashes = map[string]crypto.Hash{
	"sha-1": crypto.SHA1, "sha-256": crypto.SHA256, "sha-384": crypto.SHA384, "sha-512": crypto.SHA512,
}

type dtlsSuite struct {
	profile dtls.SRTPProtectionProfile
	suite   earshot.CryptoSuite
}

// dtlsSuites are the protection profiles offered and taken, the best first
// (RFC 5764 4.1.2, RFC 7714 14.2).
var dtlsSuites = []dtlsSuite{
	{dtls.SRTP_AEAD_AES_256_GCM, earshot.SuiteAES256GCM},
	{dtls.SRTP_AEAD_AES_128_GCM, earshot.SuiteAES128GCM},
	{dtls.SRTP_AES128_CM_HMAC_SHA1_80, earshot.SuiteAES128CM80},
	{dtls.SRTP_AES128_CM_HMAC_SHA1_32, earshot.SuiteAES128CM32},
}

// Certificate is what one process shows its peers.
type Certificate struct {
	tls         tls.Certificate
	fingerprint string
}

// NewCertificate makes a self-signed certificate: the fingerprint in the SDP is
// what vouches for it (RFC 5763 5).
func NewCertificate() (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "earshot"},
		NotBefore: time.Now().AddDate(0, 0, -1), NotAfter: time.Now().AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	return &Certificate{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, fingerprint("sha-256", der)}, nil
}

// Fingerprint returns that of the certificate: "sha-256 AB:CD:...".
func (c *Certificate) Fingerprint() string { return c.fingerprint }

// fingerprint returns that of a certificate, "" for a hash that is not known.
func fingerprint(hash string, der []byte) string {
	h, ok := hashes[hash]
	if !ok {
		return ""
	}
	sum := h.New()
	sum.Write(der)
	digits := strings.ToUpper(hex.EncodeToString(sum.Sum(nil)))
	var pairs []string
	for i := 0; i < len(digits); i += 2 {
		pairs = append(pairs, digits[i:i+2])
	}
	return hash + " " + strings.Join(pairs, ":")
}

// Handshake is one DTLS association as it is to be made.
type Handshake struct {
	Certificate *Certificate
	// Active says that we begin (RFC 4145 4).
	Active bool
	// Fingerprints are those of the peer's SDP.
	Fingerprints []string
	Peer         netip.AddrPort
	// Send sends a datagram to the peer.
	Send func(b []byte) error
	// Done is called once, by a goroutine of its own: with the keys the peer and
	// we encrypt with, or with what went wrong.
	Done func(remote, local *earshot.Crypto, err error)
}

// Association is a DTLS association over a socket that somebody else reads.
// Its methods are safe for concurrent use.
type Association struct {
	pipe *pipe
	peer netip.AddrPort
	done chan struct{}
}

// Start begins a handshake.
func (h Handshake) Start() *Association {
	a := &Association{pipe: newPipe(h.Peer, h.Send), peer: h.Peer, done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.run(h)
	}()
	return a
}

// Peer returns whom the association is with.
func (a *Association) Peer() netip.AddrPort { return a.peer }

// Deliver hands over a datagram of the peer. It never waits: what is too much
// is lost and comes again.
func (a *Association) Deliver(b []byte) { a.pipe.deliver(b) }

// Over reports whether nothing comes of the association any more.
func (a *Association) Over() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// Close ends the association and waits for its goroutine.
func (a *Association) Close() {
	a.pipe.shut()
	<-a.done
}

// run shakes hands and then listens until the peer closes: it may have to send
// its last flight again.
func (a *Association) run(h Handshake) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	defer cancel()
	conn, err := h.connect(ctx, a.pipe)
	if err != nil {
		h.Done(nil, nil, err)
		return
	}
	defer conn.Close()
	remote, local, err := h.keys(conn)
	h.Done(remote, local, err)
	buf := make([]byte, 2048)
	for err == nil {
		_, err = conn.Read(buf)
	}
}

func (h Handshake) connect(ctx context.Context, p *pipe) (*dtls.Conn, error) {
	profiles := make([]dtls.SRTPProtectionProfile, len(dtlsSuites))
	for i, s := range dtlsSuites {
		profiles[i] = s.profile
	}
	// The certificate is checked here and not by an authority.
	var mismatch error
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	options := []dtls.Option{
		dtls.WithCertificates(h.Certificate.tls),
		dtls.WithSRTPProtectionProfiles(profiles...),
		dtls.WithExtendedMasterSecret(dtls.RequestExtendedMasterSecret),
		dtls.WithInsecureSkipVerify(true),
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			mismatch = h.check(raw)
			return mismatch
		}),
		dtls.WithLoggerFactory(quiet),
		dtls.WithMTU(1200),
	}
	var conn *dtls.Conn
	var err error
	if h.Active {
		client := make([]dtls.ClientOption, len(options))
		for i, o := range options {
			client[i] = o
		}
		conn, err = dtls.ClientWithOptions(p, p.peer, client...)
	} else {
		server := make([]dtls.ServerOption, len(options), len(options)+1)
		for i, o := range options {
			server[i] = o
		}
		server = append(server, dtls.WithClientAuth(dtls.RequireAnyClientCert))
		conn, err = dtls.ServerWithOptions(p, p.peer, server...)
	}
	if err != nil {
		return nil, fmt.Errorf("DTLS: %w", err)
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		err = errors.Join(mismatch, err, conn.Close())
		return nil, fmt.Errorf("DTLS handshake: %w", err)
	}
	return conn, nil
}

// check compares the peer's certificate with the fingerprints: one that fits
// is enough (RFC 8122 5.1).
func (h Handshake) check(raw [][]byte) error {
	if len(raw) == 0 {
		return ErrFingerprint
	}
	for _, f := range h.Fingerprints {
		hash, _, _ := strings.Cut(f, " ")
		if f != "" && f == fingerprint(hash, raw[0]) {
			return nil
		}
	}
	return ErrFingerprint
}

// keys derives the keys of both sides: client key, server key, client salt,
// server salt (RFC 5764 4.2).
func (h Handshake) keys(conn *dtls.Conn) (remote, local *earshot.Crypto, err error) {
	profile, ok := conn.SelectedSRTPProtectionProfile()
	at := slices.IndexFunc(dtlsSuites, func(s dtlsSuite) bool { return s.profile == profile })
	if !ok || at < 0 {
		return nil, nil, errors.New("DTLS: the peer agreed on no SRTP profile")
	}
	suite := dtlsSuites[at].suite
	state, ok := conn.ConnectionState()
	if !ok {
		return nil, nil, errors.New("DTLS: no keys")
	}
	key, salt := suite.Lengths()
	material, err := state.ExportKeyingMaterial(exporter, nil, 2*(key+salt))
	if err != nil {
		return nil, nil, fmt.Errorf("DTLS keys: %w", err)
	}
	client := &earshot.Crypto{Suite: suite, Key: slices.Concat(material[:key], material[2*key:2*key+salt])}
	server := &earshot.Crypto{Suite: suite, Key: slices.Concat(material[key:2*key], material[2*key+salt:])}
	if h.Active {
		return server, client, nil
	}
	return client, server, nil
}
