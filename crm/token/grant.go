package token

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Grant is what an access token is asked for with.
type Grant interface {
	// form returns the parameters of a request; refresh is the refresh token of
	// now.
	form(refresh string, now time.Time) (url.Values, error)
	// check returns an error unless the grant is complete.
	check() error
	// seed is the refresh token of the settings, "" where there is none.
	seed() string
}

// ClientCredentials is the grant of RFC 6749 4.4, with the client in the body
// (RFC 6749 2.3.1).
type ClientCredentials struct {
	ID, Secret string
	// Scope is left out when it is "".
	Scope string
}

//nolint:unparam // of Grant: signing a JWT can fail
func (g ClientCredentials) form(string, time.Time) (url.Values, error) {
	v := url.Values{"grant_type": {"client_credentials"}, "client_id": {g.ID}, "client_secret": {g.Secret}}
	if g.Scope != "" {
		v.Set("scope", g.Scope)
	}
	return v, nil
}

func (g ClientCredentials) check() error {
	if g.ID == "" || g.Secret == "" {
		return errors.New("the client's ID or secret is missing")
	}
	return nil
}

func (ClientCredentials) seed() string { return "" }

// RefreshToken is the grant of RFC 6749 6. Token is the one that somebody got
// when they signed in.
type RefreshToken struct {
	// Secret is left out when it is "", for clients that have none.
	ID, Secret, Token string
}

//nolint:unparam // of Grant: signing a JWT can fail
func (g RefreshToken) form(refresh string, _ time.Time) (url.Values, error) {
	v := url.Values{"grant_type": {"refresh_token"}, "client_id": {g.ID}, "refresh_token": {refresh}}
	if g.Secret != "" {
		v.Set("client_secret", g.Secret)
	}
	return v, nil
}

func (g RefreshToken) check() error {
	if g.ID == "" || g.Token == "" {
		return errors.New("the client's ID or the refresh token is missing")
	}
	return nil
}

func (g RefreshToken) seed() string { return g.Token }

// JWT is the grant of RFC 7523 2.1.
type JWT struct {
	// Issuer, Subject and Audience are the claims of these names.
	Issuer, Subject, Audience string
	// Key signs, with RS256.
	Key *rsa.PrivateKey
	// Life of the assertion, default 3 min.
	Life time.Duration
}

// ParseKey reads an RSA key: PEM of PKCS #1 or PKCS #8, at least 2048 bits, as
// RFC 7518 3.3 asks. Errors do not hold it.
func ParseKey(text []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("parse key: it is not PEM")
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		any8, err8 := x509.ParsePKCS8PrivateKey(block.Bytes)
		rsa8, ok := any8.(*rsa.PrivateKey)
		if err8 != nil || !ok {
			return nil, errors.New("parse key: it is no RSA key of PKCS #1 or PKCS #8 without a password")
		}
		key = rsa8
	}
	if key.N.BitLen() < 2048 {
		return nil, fmt.Errorf("parse key: it has %d bits, want 2048", key.N.BitLen())
	}
	return key, nil
}

func (g JWT) form(_ string, now time.Time) (url.Values, error) {
	life := g.Life
	if life == 0 {
		life = 3 * time.Minute
	}
	head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`))
	claims, err := json.Marshal(struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience string `json:"aud"`
		Expires  int64  `json:"exp"`
	}{g.Issuer, g.Subject, g.Audience, now.Add(life).Unix()})
	if err != nil {
		return nil, fmt.Errorf("encode claims: %w", err)
	}
	text := head + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.Key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign assertion: %w", err)
	}
	return url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"},
		"assertion":  {text + "." + base64.RawURLEncoding.EncodeToString(signature)},
	}, nil
}

func (g JWT) check() error {
	if g.Issuer == "" || g.Subject == "" || g.Audience == "" || g.Key == nil {
		return errors.New("the issuer, the subject, the audience or the key is missing")
	}
	return nil
}

func (JWT) seed() string { return "" }
