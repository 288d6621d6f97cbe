package srtp

import (
	"bytes"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type outcome struct {
	remote, local *earshot.Crypto
	err           error
}

// shake runs a handshake of two over memory and returns what came of it to the
// one that begins and the one that waits. lose says which datagrams are lost.
func shake(t *testing.T, active, passive Handshake, lose func(n int64) bool) (outcome, outcome) {
	t.Helper()
	var ends [2]*Association
	var ready [2]chan struct{}
	results := [2]chan outcome{make(chan outcome, 1), make(chan outcome, 1)}
	for i := range ready {
		ready[i] = make(chan struct{})
	}
	var sent atomic.Int64
	for i, h := range []*Handshake{&active, &passive} {
		h.Active, h.Peer = i == 0, netip.MustParseAddrPort("127.0.0.1:9")
		h.Send = func(b []byte) error {
			<-ready[1-i]
			if !lose(sent.Add(1)) {
				ends[1-i].Deliver(b)
			}
			return nil
		}
		h.Done = func(remote, local *earshot.Crypto, err error) { results[i] <- outcome{remote, local, err} }
	}
	for i, h := range []Handshake{active, passive} {
		ends[i] = h.Start()
		close(ready[i])
	}
	var got [2]outcome
	for i := range got {
		select {
		case got[i] = <-results[i]:
		case <-time.After(25 * time.Second):
			t.Fatal("no end of the handshake")
		}
	}
	for _, a := range ends {
		a.Close()
		if !a.Over() {
			t.Error("not over")
		}
	}
	return got[0], got[1]
}

func certificate(t *testing.T) *Certificate {
	t.Helper()
	c, err := NewCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestHandshake(t *testing.T) {
	a, b := certificate(t), certificate(t)
	for _, hash := range []string{"sha-1", "sha-256", "sha-384", "sha-512"} {
		active := Handshake{Certificate: a, Fingerprints: []string{"md5 00", fingerprint(hash, b.tls.Certificate[0])}}
		passive := Handshake{Certificate: b, Fingerprints: []string{fingerprint(hash, a.tls.Certificate[0])}}
		one, two := shake(t, active, passive, func(int64) bool { return false })
		if one.err != nil || two.err != nil {
			t.Fatal(one.err, two.err)
		}
		if !one.remote.Equal(two.local) || !one.local.Equal(two.remote) || one.local.Equal(one.remote) {
			t.Errorf("%s: the keys differ", hash)
		}
		if one.local.Suite != earshot.SuiteAES256GCM {
			t.Errorf("%s: suite %s", hash, one.local.Suite)
		}
		out, in := pair(t, one.local)
		in2, err := NewInbound(two.remote)
		if err != nil {
			t.Fatal(err)
		}
		plain := source().Next()
		got, err := in2.RTP(nil, protect(t, out, plain), 0)
		if err != nil || !bytes.Equal(got, plain) || in == nil {
			t.Errorf("%s: %v", hash, err)
		}
	}
}

// Every third datagram is lost: flights are sent again.
func TestHandshakeOverLoss(t *testing.T) {
	a, b := certificate(t), certificate(t)
	one, two := shake(t,
		Handshake{Certificate: a, Fingerprints: []string{b.Fingerprint()}},
		Handshake{Certificate: b, Fingerprints: []string{a.Fingerprint()}},
		func(n int64) bool { return n == 1 || n == 4 })
	if one.err != nil || two.err != nil {
		t.Fatal(one.err, two.err)
	}
}

func TestWrongFingerprint(t *testing.T) {
	a, b, c := certificate(t), certificate(t), certificate(t)
	for name, prints := range map[string][2]string{
		"of the one who waits":  {c.Fingerprint(), a.Fingerprint()},
		"of the one who begins": {b.Fingerprint(), c.Fingerprint()},
	} {
		one, two := shake(t,
			Handshake{Certificate: a, Fingerprints: prints[:1]},
			Handshake{Certificate: b, Fingerprints: prints[1:]}, func(int64) bool { return false })
		if !errors.Is(one.err, ErrFingerprint) && !errors.Is(two.err, ErrFingerprint) {
			t.Errorf("%s: %v, %v", name, one.err, two.err)
		}
	}
}
