package siprec

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net"
	"strings"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/icholy/digest"
)

const (
	realm = "earshot"
	// nonceLife is how long a nonce may be used.
	nonceLife = 5 * time.Minute
)

// algorithms are those we ask for, the better one first (RFC 8760 2.4).
var algorithms = [...]string{"SHA-256", "MD5"}

// authenticate refuses a request that does not prove to know the password
// (RFC 3261 22.1).
func (s *Server) authenticate(req *sip.Request, p policy) *refusal {
	stale := false
	for _, h := range req.GetHeaders("Authorization") {
		cred, err := digest.ParseCredentials(h.Value())
		if err != nil || cred.Realm != realm {
			continue
		}
		if !sameResource(cred.URI, req.Recipient) || !proves(cred, req, p) {
			s.m.unauthorized.Inc()
			continue
		}
		if s.fresh(cred.Nonce, req.Source(), time.Now()) {
			return nil
		}
		stale = true
	}
	r := &refusal{401, "Unauthorized", nil}
	for _, algorithm := range algorithms {
		c := digest.Challenge{
			Realm: realm, Nonce: s.nonce(req.Source(), time.Now()), Algorithm: algorithm, QOP: []string{"auth"}, Stale: stale,
		}
		r.headers = append(r.headers, "WWW-Authenticate", c.String())
	}
	return r
}

// sameResource reports whether credentials are for the user and host of a
// Request-URI (RFC 3261 22.4).
func sameResource(text string, target sip.Uri) bool {
	var uri sip.Uri
	return sip.ParseUri(text, &uri) == nil && uri.User == target.User && strings.EqualFold(uri.Host, target.Host)
}

// proves reports whether the response was made with the password.
func proves(cred *digest.Credentials, req *sip.Request, p policy) bool {
	chal := &digest.Challenge{Realm: cred.Realm, Nonce: cred.Nonce, Opaque: cred.Opaque, Algorithm: cred.Algorithm}
	if cred.QOP != "" {
		chal.QOP = []string{cred.QOP}
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: string(req.Method), URI: cred.URI, Count: cred.Nc, Cnonce: cred.Cnonce,
		Username: p.DigestUser, Password: p.DigestPassword,
	})
	if err != nil {
		return false
	}
	user := subtle.ConstantTimeCompare([]byte(cred.Username), []byte(p.DigestUser))
	return user&subtle.ConstantTimeCompare([]byte(cred.Response), []byte(want.Response)) == 1
}

// nonce is the time and a keyed hash of it and the peer's host: nothing is
// kept of it.
func (s *Server) nonce(source string, now time.Time) string {
	at := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(at, s.seal(at, source)...))
}

func (s *Server) seal(at []byte, source string) []byte {
	host, _, _ := net.SplitHostPort(source)
	mac := hmac.New(sha256.New, s.secret[:])
	mac.Write(at)
	mac.Write([]byte(host))
	return mac.Sum(nil)[:16]
}

// fresh reports whether a nonce is ours, for this peer, and not too old.
func (s *Server) fresh(nonce, source string, now time.Time) bool {
	raw, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(raw) != 24 || !hmac.Equal(raw[8:], s.seal(raw[:8], source)) {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(raw[:8])), 0))
	return age >= -time.Minute && age <= nonceLife
}
