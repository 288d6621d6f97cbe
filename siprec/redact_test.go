package siprec

import (
	"strings"
	"testing"
)

const secretInvite = "INVITE sip:+14155550123@rec.example.com;transport=tcp SIP/2.0\r\n" +
	"Via: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bK1234567890\r\n" +
	"From: \"Marion Keller\" <sip:mkeller;phone-context=x:pw@example.com>;tag=9876543210\r\n" +
	"To: Agent Smith <tel:+442079460123>\r\n" +
	"Call-ID: 1234567890@192.0.2.10\r\nCSeq: 1 INVITE\r\n" +
	"P-Asserted-Identity: <sip:5551234;a,b&c@192.0.2.10>, <tel:5559876>\r\n" +
	"Contact: <sip:1001@192.0.2.10:5060;x-farendaddr=+14155550199;maddr=192.0.2.77>;+sip.src\r\n" +
	"X-Customer: 4155550123\r\nX-Correlation: 45a32b36-9cf2384823099fcd4\r\nUser-to-User: 04c81f;encoding=hex\r\n" +
	"Authorization: Digest username=\"bob\",\r\n realm=\"r\", nonce=\"n0nce\", response=\"0123abcd\"\r\n" +
	"Proxy-Authorization: Basic c2VjcmV0\r\n" +
	"Content-Type: multipart/mixed; boundary=\"Fence One\"\r\nContent-Length: 999\r\n\r\n" +
	"--Fence One\r\nContent-Type: application/sdp\r\n\r\n" +
	"v=0\r\no=keller 1 1 IN IP4 192.0.2.10\r\ns=Marion\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 4000 RTP/SAVP 0\r\n" +
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0a2V5|2^20|1:4\r\na=label:1\r\nk=base64:c2VjcmV0\r\na=ice-pwd:topsecret\r\n" +
	"--Fence One\r\nContent-Type: application/rs-metadata+xml\r\n\r\n" +
	"<recording>\r\n<!--\r\nmarion\r\n-->\r\n<aor>sip:marion@example.com</aor></recording>\r\n" +
	"--Fence One\r\nContent-Type: text/plain\r\n\r\nmarion's address\r\n--Fence One--\r\n"

func TestRedaction(t *testing.T) {
	got := redact([]byte(secretInvite), TraceRedacted)
	for _, leak := range []string{
		"4155550", "Marion", "marion", "mkeller", "keller", "pw@", "207946", "555123", "555987", "04c81f", "n0nce", "0123abcd",
		"bob", "c2VjcmV0", "topsecret", "Agent Smith", "phone-context",
	} {
		if strings.Contains(got, leak) {
			t.Errorf("%q is still there:\n%s", leak, got)
		}
	}
	for _, want := range []string{
		"INVITE sip:+xxxxxxxx123@rec.example.com;transport=tcp SIP/2.0\r\n", "branch=z9hG4bK1234567890", ";tag=9876543210",
		"Call-ID: 1234567890@192.0.2.10\r\n", "tel:+xxxxxxxxx123", "sip:x001@192.0.2.10:5060", "maddr=192.0.2.77", "+sip.src",
		"Authorization: Digest [hidden]\r\n", "m=audio 4000 RTP/SAVP 0\r\n", "inline:[hidden]|2^20|1:4", "c=IN IP4 192.0.2.10",
		"a=label:1\r\n", "[rs-metadata, 79 bytes]\r\n", "[text/plain, 18 bytes]\r\n", "--Fence One--\r\n", "X-Customer: xxxxxxx123\r\n",
		"X-Correlation: 45a32b36-9cf2384823099fcd4\r\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing:\n%s", want, got)
		}
	}
	full := redact([]byte(secretInvite), TraceFull)
	for _, leak := range []string{"n0nce", "0123abcd", "c2VjcmV0", "topsecret"} {
		if strings.Contains(full, leak) {
			t.Errorf("in full %q is still there:\n%s", leak, full)
		}
	}
	for _, want := range []string{"Marion Keller", "<aor>sip:marion@example.com</aor>", "sip:+14155550123@"} {
		if !strings.Contains(full, want) {
			t.Errorf("in full %q is missing:\n%s", want, full)
		}
	}
}

// FuzzRedact checks that no message makes the ladder fail or grow.
func FuzzRedact(f *testing.F) {
	f.Add([]byte(secretInvite))
	f.Add([]byte("--\r\n--\r\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, mode := range []Trace{TraceRedacted, TraceFull} {
			if got := redact(data, mode); len(got) > 3*maxTraceText+16 {
				t.Errorf("%d octets came of %d", len(got), len(data))
			}
		}
		readHead(data)
	})
}
