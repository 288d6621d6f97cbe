package earshot

import (
	"bytes"
	"crypto/rand"
	"net/netip"
	"strings"
)

// CryptoSuite names how the packets of a stream are encrypted and
// authenticated, as a=crypto spells it (RFC 4568 6.2).
type CryptoSuite string

// The suites that are understood (RFC 4568 6.2, RFC 6188 4, RFC 7714 14.2).
const (
	SuiteAES128CM80 CryptoSuite = "AES_CM_128_HMAC_SHA1_80"
	SuiteAES128CM32 CryptoSuite = "AES_CM_128_HMAC_SHA1_32"
	SuiteAES256CM80 CryptoSuite = "AES_256_CM_HMAC_SHA1_80"
	SuiteAES256CM32 CryptoSuite = "AES_256_CM_HMAC_SHA1_32"
	SuiteAES128GCM  CryptoSuite = "AEAD_AES_128_GCM"
	SuiteAES256GCM  CryptoSuite = "AEAD_AES_256_GCM"
)

// suites are the octets of master key and salt of each suite.
var suites = map[CryptoSuite][2]int{
	SuiteAES128CM80: {16, 14},
	SuiteAES128CM32: {16, 14},
	SuiteAES256CM80: {32, 14},
	SuiteAES256CM32: {32, 14},
	SuiteAES128GCM:  {16, 12},
	SuiteAES256GCM:  {32, 12},
}

// Canonical returns the registered name: some write AES_CM_256 for AES_256_CM.
func (s CryptoSuite) Canonical() CryptoSuite {
	up := strings.ToUpper(string(s))
	return CryptoSuite(strings.Replace(up, "AES_CM_256_", "AES_256_CM_", 1))
}

// Lengths returns how many octets master key and salt have; 0 for a suite that
// is not understood.
func (s CryptoSuite) Lengths() (key, salt int) {
	n := suites[s.Canonical()]
	return n[0], n[1]
}

// Crypto is one a=crypto line: a master key and what it is for (RFC 4568 4).
// It prints without its key.
type Crypto struct {
	Tag   int         `json:"tag"`
	Suite CryptoSuite `json:"suite"` // as it was written
	// Key is the master key and behind it the salt.
	Key []byte `json:"key"`
	// MKI goes with each packet if it is not empty (RFC 3711 3.1).
	MKI []byte `json:"mki,omitempty"`
}

// NewCrypto makes a fresh key.
func NewCrypto(tag int, suite CryptoSuite) Crypto {
	key, salt := suite.Lengths()
	c := Crypto{Tag: tag, Suite: suite, Key: make([]byte, key+salt)}
	_, _ = rand.Read(c.Key) // never fails
	return c
}

// String names the suite and no key.
func (c Crypto) String() string { return string(c.Suite) }

// GoString keeps the key out of %#v.
func (c Crypto) GoString() string { return string(c.Suite) }

// Equal reports whether both mean the same key, used in the same way.
func (c *Crypto) Equal(d *Crypto) bool {
	if c == nil || d == nil {
		return c == d
	}
	return c.Tag == d.Tag && c.Suite == d.Suite && bytes.Equal(c.Key, d.Key) && bytes.Equal(c.MKI, d.MKI)
}

// DTLS is one side of the negotiation of DTLS-SRTP (RFC 5763 5).
type DTLS struct {
	// Setup is active, passive or actpass (RFC 4145 4).
	Setup string `json:"setup"`
	// Fingerprints are those of the certificate, "sha-256 AB:CD:..."; one that
	// fits is enough (RFC 8122 5).
	Fingerprints []string `json:"fingerprints"`
}

// Security is how the packets of a stream are protected, as both sides agreed.
// It holds keys: it belongs to what is stored of a dialog and to nothing that
// anybody sees.
type Security struct {
	// Remote is what the peer encrypts with, Local what we do. With DTLS they
	// come of the handshake and are nil before it.
	Remote *Crypto `json:"remote,omitempty"`
	Local  *Crypto `json:"local,omitempty"`
	// RemoteRTCP and LocalRTCP are the keys of RTCP where it has a handshake of
	// its own, on a port of its own (RFC 5764 4.1).
	RemoteRTCP *Crypto `json:"remote_rtcp,omitempty"`
	LocalRTCP  *Crypto `json:"local_rtcp,omitempty"`
	// DTLS is what was answered, PeerDTLS what was offered; nil with SDES.
	DTLS     *DTLS `json:"dtls,omitempty"`
	PeerDTLS *DTLS `json:"peer_dtls,omitempty"`
	// Peer and PeerRTCP are where the peer awaits the handshake.
	Peer     netip.AddrPort `json:"peer,omitzero"`
	PeerRTCP netip.AddrPort `json:"peer_rtcp,omitzero"`
	// Optional says that plain packets are taken too, until the first one that
	// is encrypted: keys offered with a plain profile.
	Optional bool `json:"optional,omitempty"`
	// Rollover is how often the sequence numbers of SSRC had wrapped around
	// (RFC 3711 3.3.1).
	SSRC     uint32 `json:"ssrc,omitempty"`
	Rollover uint32 `json:"rollover,omitempty"`
}

// String tells no keys.
func (s *Security) String() string {
	switch {
	case s == nil:
		return "none"
	case s.DTLS != nil:
		return "DTLS-SRTP"
	}
	return "SDES " + s.Remote.String()
}

// SRTPPolicy says which streams are taken.
type SRTPPolicy string

// The policies.
const (
	SRTPAllow   SRTPPolicy = "allow"   // plain and encrypted
	SRTPRequire SRTPPolicy = "require" // encrypted alone
	SRTPOff     SRTPPolicy = "off"     // plain alone
)

// StreamSecurity is news about the protection of a stream.
type StreamSecurity struct {
	StreamID StreamID
	// Security is what is to be stored with the stream's dialog; nil if that has
	// not changed.
	Security *Security
	// Problem is what went wrong, for people to read.
	Problem string
}
