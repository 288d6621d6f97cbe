package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// DefaultTolerance is how far a timestamp may be off for most receivers.
const DefaultTolerance = 5 * time.Minute

// ErrNotAuthentic says that a request is not what a holder of the secret sent
// lately. It is wrapped with what was wrong.
var ErrNotAuthentic = errors.New("webhook is not authentic")

const (
	secretPrefix = "whsec_"
	// The sizes of a secret in bytes, from "Signature scheme".
	minSecret, maxSecret = 24, 64
	// maxSignatures bounds the work one header can cause.
	maxSignatures = 16
)

// parseSecret reads "whsec_" and base64. The error does not repeat the secret.
func parseSecret(s string) ([]byte, error) {
	text, ok := strings.CutPrefix(s, secretPrefix)
	if !ok {
		return nil, errors.New("webhook secret does not begin with " + secretPrefix)
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errors.New("webhook secret is not base64")
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("webhook secret has %d bytes, want %d to %d", len(key), minSecret, maxSecret)
	}
	return key, nil
}

// NewSecret returns the text form of a secret of 24 to 64 bytes.
func NewSecret(key []byte) string { return secretPrefix + base64.StdEncoding.EncodeToString(key) }

func mac(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// sign returns the value of the signature header, a signature for each key.
func sign(keys [][]byte, id, timestamp string, body []byte) string {
	sigs := make([]string, len(keys))
	for i, k := range keys {
		sigs[i] = "v1," + base64.StdEncoding.EncodeToString(mac(k, id, timestamp, body))
	}
	return strings.Join(sigs, " ")
}

// Verify checks a request as a receiver: one of its signatures must be that of
// the secret over ID, timestamp and body, and the timestamp at most tolerance
// from now. Body is the bytes as they came. The error wraps [ErrNotAuthentic]
// unless the secret itself is malformed.
func Verify(secret string, header http.Header, body []byte, tolerance time.Duration) error {
	key, err := parseSecret(secret)
	if err != nil {
		return err
	}
	if what := verify(key, header, body, tolerance); what != "" {
		return fmt.Errorf("%w: %s", ErrNotAuthentic, what)
	}
	return nil
}

// verify returns what is wrong, or "".
func verify(key []byte, header http.Header, body []byte, tolerance time.Duration) string {
	id, timestamp, sigs := header.Get(HeaderID), header.Get(HeaderTimestamp), header.Get(HeaderSignature)
	if id == "" || timestamp == "" || sigs == "" {
		return "a header is missing"
	}
	sec, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || sec < 0 || sec > 1<<40 {
		return "malformed timestamp"
	}
	if off := time.Since(time.Unix(sec, 0)).Abs(); off > tolerance {
		return "timestamp is too far off"
	}
	want := mac(key, id, timestamp, body)
	for i, s := range strings.Fields(sigs) {
		version, text, _ := strings.Cut(s, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		if i < maxSignatures && version == "v1" && err == nil && hmac.Equal(got, want) {
			return ""
		}
	}
	return "no signature matches"
}
