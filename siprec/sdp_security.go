package siprec

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"earshot"
)

const (
	// maxCrypto bounds the a=crypto lines that are looked at in an m-line.
	maxCrypto = 32
	// maxMKI is the greatest length of a master key identifier (RFC 4568 6.1).
	maxMKI = 128
)

// parseCrypto reads the value of an a=crypto (RFC 4568 9.2):
// "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^31|1:4 PARAMS". It reports whether
// the line can be used; others are passed over, as RFC 4568 5.1.2 has it.
func parseCrypto(value string) (earshot.Crypto, bool) {
	var c earshot.Crypto
	f := strings.Fields(value)
	if len(f) < 3 || len(f[0]) > 9 {
		return c, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 32)
	c.Tag, c.Suite = int(tag), earshot.CryptoSuite(f[1])
	key, salt := c.Suite.Lengths()
	if err != nil || key == 0 || !sessionParams(f[3:]) {
		return c, false
	}
	method, info, _ := strings.Cut(f[2], ":")
	if !strings.EqualFold(method, "inline") || strings.Contains(info, ";") {
		return c, false // more than one key at a time is not supported
	}
	parts := strings.Split(info, "|")
	// Some leave the padding out, RFC 4568 6.1 wants it.
	c.Key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(parts[0], "="))
	if err != nil || len(c.Key) != key+salt || len(parts) > 3 {
		return c, false
	}
	for _, p := range parts[1:] {
		if !keyParam(&c, p) {
			return c, false
		}
	}
	return c, true
}

// keyParam reads a lifetime or an MKI with its length. The lifetime is that of
// the peer to keep: 2^48 packets are more than any call has.
func keyParam(c *earshot.Crypto, param string) bool {
	value, length, mki := strings.Cut(param, ":")
	if !mki {
		_, err := strconv.ParseUint(strings.TrimPrefix(param, "2^"), 10, 64)
		return err == nil
	}
	id, err := strconv.ParseUint(value, 10, 64)
	n, errN := strconv.ParseUint(length, 10, 8)
	if err != nil || errN != nil || n == 0 || n > maxMKI {
		return false
	}
	c.MKI = make([]byte, n)
	for i := len(c.MKI) - 1; i >= 0 && id > 0; i-- {
		c.MKI[i] = byte(id)
		id >>= 8
	}
	return id == 0
}

// sessionParams reports whether we can do what the parameters say. Not what is
// sent without encryption or authentication, nor with keys derived again and
// again; those that begin with a minus may be ignored (RFC 4568 6.3).
func sessionParams(params []string) bool {
	for _, p := range params {
		name, value, _ := strings.Cut(strings.ToUpper(p), "=")
		switch {
		case strings.HasPrefix(p, "-"), name == "WSH": // the window size is a hint
		case name == "KDR" && value == "0":
		default:
			return false
		}
	}
	return true
}

// writeSecurity writes the attributes that answer an encrypted m-line: exactly
// one a=crypto with the tag and suite of the offer and our own key
// (RFC 4568 5.1.2), or our side of DTLS (RFC 5763 5).
func writeSecurity(b *strings.Builder, s *earshot.Security) {
	switch {
	case s == nil:
	case s.DTLS != nil:
		writeDTLS(b, s.DTLS)
	case s.Local != nil:
		writeCrypto(b, s.Local)
	}
}

func writeCrypto(b *strings.Builder, c *earshot.Crypto) {
	fmt.Fprintf(b, "a=crypto:%d %s inline:%s\r\n", c.Tag, c.Suite, base64.StdEncoding.EncodeToString(c.Key))
}

func writeDTLS(b *strings.Builder, d *earshot.DTLS) {
	fmt.Fprintf(b, "a=setup:%s\r\n", d.Setup)
	for _, f := range d.Fingerprints {
		fmt.Fprintf(b, "a=fingerprint:%s\r\n", f)
	}
}

// dtlsAttribute takes an a=setup or a=fingerprint, of the session or of an
// m-line.
func dtlsAttribute(d *earshot.DTLS, name, value string) {
	switch name {
	case "setup":
		d.Setup = strings.ToLower(value)
	case "fingerprint":
		hash, hex, _ := strings.Cut(value, " ")
		d.Fingerprints = append(d.Fingerprints, strings.ToLower(hash)+" "+strings.ToUpper(strings.TrimSpace(hex)))
	}
}
