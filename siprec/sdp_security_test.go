package siprec

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"earshot"
)

const (
	key30 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5"                         // 16 + 14 octets
	key28 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nw"                           // 16 + 12, without its padding
	key46 = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NQ==" // 32 + 14
)

func TestParseCrypto(t *testing.T) {
	for _, tc := range []struct {
		value string
		ok    bool
		mki   string
	}{
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30, true, ""},
		{"1 AES_CM_128_HMAC_SHA1_32 inline:" + key30 + "|2^20|1:4", true, "\x00\x00\x00\x01"},
		{"1 AES_CM_128_HMAC_SHA1_32 inline:" + key30 + "|258:2", true, "\x01\x02"},
		{"7 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1048576", true, ""},
		{"1 AEAD_AES_128_GCM inline:" + key28, true, ""},
		{"1 AEAD_AES_128_GCM inline:" + key28 + "==", true, ""},
		{"1 AES_256_CM_HMAC_SHA1_80 inline:" + key46, true, ""},
		{"1 AES_CM_256_HMAC_SHA1_32 inline:" + key46, true, ""},
		{"1 aes_cm_128_hmac_sha1_80 INLINE:" + key30 + " WSH=128 KDR=0 -x", true, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key46, false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:%%%%", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80", false, ""},
		{"x AES_CM_128_HMAC_SHA1_80 inline:" + key30, false, ""},
		{"1 F8_128_HMAC_SHA1_80 inline:" + key30, false, ""},
		{"1 NULL_HMAC_SHA1_80 inline:" + key30, false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNENCRYPTED_SRTP", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " UNAUTHENTICATED_SRTP", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + " KDR=1", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|2^20|1:4;inline:" + key30 + "|2^20|2:4", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|999:1", false, ""},
		{"1 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "|1:200", false, ""},
		{"", false, ""},
	} {
		c, ok := parseCrypto(tc.value)
		if ok != tc.ok || string(c.MKI) != tc.mki && ok {
			t.Errorf("%q: %v, MKI %x", tc.value, ok, c.MKI)
		}
		key, salt := c.Suite.Lengths()
		if ok && len(c.Key) != key+salt {
			t.Errorf("%q: %d octets of key", tc.value, len(c.Key))
		}
	}
}

// encrypted is an offer as a border controller with both ways in it writes it.
const encrypted = "v=0\r\no=b 1 1 IN IP4 192.0.2.7\r\ns=-\r\nt=0 0\r\na=setup:actpass\r\n" +
	"a=fingerprint:SHA-256 aa:bb\r\n" +
	"m=audio 4000 RTP/SAVP 0\r\nc=IN IP4 192.0.2.7\r\na=label:1\r\na=sendonly\r\n" +
	"a=crypto:3 F8_128_HMAC_SHA1_80 inline:" + key30 + "\r\n" +
	"a=crypto:4 AEAD_AES_128_GCM inline:" + key28 + "\r\na=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:" + key30 + "\r\n" +
	"m=audio 4002 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 192.0.2.7\r\na=label:2\r\na=setup:passive\r\n" +
	"a=fingerprint:sha-1 cc:dd\r\na=fingerprint:sha-256 EE:FF\r\n"

func TestParseEncryptedOffer(t *testing.T) {
	o, err := parseSDP([]byte(encrypted))
	if err != nil {
		t.Fatal(err)
	}
	a, b := o.media[0], o.media[1]
	if len(a.Crypto) != 2 || a.Crypto[0].Tag != 4 || a.Crypto[0].Suite != earshot.SuiteAES128GCM || a.Crypto[1].Tag != 5 {
		t.Errorf("keys %v", a.Crypto)
	}
	if a.DTLS == nil || a.DTLS.Setup != "actpass" || len(a.DTLS.Fingerprints) != 1 || a.DTLS.Fingerprints[0] != "sha-256 AA:BB" {
		t.Errorf("inherited %+v", a.DTLS)
	}
	if b.DTLS == nil || b.DTLS.Setup != "passive" || strings.Join(b.DTLS.Fingerprints, ",") != "sha-1 CC:DD,sha-256 EE:FF" {
		t.Errorf("of its own %+v", b.DTLS)
	}
}

// The answer has the profile of the offer and one key of our own.
func TestAnswerIsEncrypted(t *testing.T) {
	o, err := parseSDP([]byte(encrypted))
	if err != nil {
		t.Fatal(err)
	}
	local := earshot.NewCrypto(4, earshot.SuiteAES128GCM)
	answer := func(s *earshot.Security) earshot.MediaAnswer {
		return earshot.MediaAnswer{Accepted: true, Port: 20000, Formats: o.media[0].Formats, Direction: earshot.RecvOnly, Security: s}
	}
	text := string(answerSDP(1, 1, "192.0.2.1", o.media, []earshot.MediaAnswer{
		answer(&earshot.Security{Remote: &o.media[0].Crypto[0], Local: &local}),
		answer(&earshot.Security{DTLS: &earshot.DTLS{Setup: "active", Fingerprints: []string{"sha-256 12:34"}}}),
	}))
	for _, want := range []string{
		"m=audio 20000 RTP/SAVP 0\r\n", "m=audio 20000 UDP/TLS/RTP/SAVPF 0\r\n",
		"a=crypto:4 AEAD_AES_128_GCM inline:" + base64.StdEncoding.EncodeToString(local.Key) + "\r\n",
		"a=setup:active\r\na=fingerprint:sha-256 12:34\r\n",
	} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, text)
		}
	}
	if strings.Count(text, "a=crypto:") != 1 || strings.Contains(text, key28) {
		t.Errorf("the keys of the answer:\n%s", text)
	}
	if back, err := parseSDP([]byte(text)); err != nil || !back.media[0].Crypto[0].Equal(&local) {
		t.Errorf("read back: %v", err)
	}
}

func TestRefusalOfPlainMedia(t *testing.T) {
	r := refusalOf(errors.Join(errors.New("profile RTP/AVP"), earshot.ErrMediaSecurity))
	if r.status != 488 || len(r.headers) != 2 || !strings.HasPrefix(r.headers[1], "302 ") {
		t.Errorf("%+v", r)
	}
}

// What offers bring beside codecs and keys.
func TestOffersOfAllKinds(t *testing.T) {
	const head = "v=0\r\no=x 1 2 IN IP4 192.0.2.1\r\ns=-\r\n"
	one := func(sdp string) earshot.MediaOffer {
		t.Helper()
		o, err := parseSDP([]byte(head + sdp))
		if err != nil {
			t.Fatal(err)
		}
		return o.media[0]
	}
	for name, tc := range map[string]struct {
		sdp string
		ok  func(m earshot.MediaOffer) bool
	}{
		"IPv6": {"c=IN IP6 2001:db8::7\r\nm=audio 4000 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool {
			return m.Remote.String() == "[2001:db8::7]:4000" && m.Direction == earshot.SendRecv
		}},
		"no address":               {"m=audio 4000 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool { return !m.Remote.IsValid() && m.Direction == earshot.SendRecv }},
		"a name for an address":    {"c=IN IP4 sbc.example\r\nm=audio 4000 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool { return !m.Remote.IsValid() }},
		"on hold the old way":      {"c=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool { return m.Direction == earshot.Inactive }},
		"on hold the old way, v6":  {"c=IN IP6 ::\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n", func(m earshot.MediaOffer) bool { return m.Direction == earshot.Inactive }},
		"multicast":                {"c=IN IP4 239.1.2.3/127\r\nm=audio 4000 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool { return m.Remote.Addr().IsMulticast() }},
		"several ports":            {"c=IN IP4 192.0.2.1\r\nm=audio 4000/2 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool { return m.Port == 4000 }},
		"a port for RTCP":          {"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4444\r\n", func(m earshot.MediaOffer) bool { return m.RemoteRTCP.String() == "192.0.2.1:4444" }},
		"an address for RTCP":      {"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4444 IN IP6 2001:db8::9\r\n", func(m earshot.MediaOffer) bool { return m.RemoteRTCP.String() == "[2001:db8::9]:4444" }},
		"RTCP on the port of RTP":  {"c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:4444\r\na=rtcp-mux\r\n", func(m earshot.MediaOffer) bool { return m.RTCPMux && m.RemoteRTCP == m.Remote }},
		"lengths of packets":       {"m=audio 4000 RTP/AVP 0\r\na=ptime:30\r\na=maxptime:60\r\n", func(m earshot.MediaOffer) bool { return m.PTime == 30 && m.MaxPTime == 60 }},
		"direction of the session": {"a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n", func(m earshot.MediaOffer) bool { return m.Direction == earshot.Inactive }},
		"what a call tells its parties": {"a=recordpref:on\r\nm=audio 4000 RTP/AVP 0\r\na=record:off\r\na=direction:both\r\na=sendonly\r\n", func(m earshot.MediaOffer) bool {
			return m.Direction == earshot.SendOnly && len(m.Formats) == 1
		}},
		"a bundle, ICE and more": {"a=group:BUNDLE 0\r\na=ice-lite\r\nm=audio 4000 RTP/AVP 0\r\na=mid:0\r\na=ice-ufrag:x\r\na=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=rtcp-fb:* nack\r\n", func(m earshot.MediaOffer) bool { return m.Port == 4000 && len(m.Formats) == 1 }},
	} {
		if m := one(tc.sdp); !tc.ok(m) {
			t.Errorf("%s: %+v", name, m)
		}
	}
	for _, profile := range []string{"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"} {
		m := one("m=audio 4000 " + profile + " 0\r\na=ptime:30\r\na=maxptime:60\r\n")
		text := string(answerSDP(1, 1, "2001:db8::1", []earshot.MediaOffer{m}, []earshot.MediaAnswer{
			{Accepted: true, Port: 20000, Formats: m.Formats, Direction: earshot.RecvOnly},
		}))
		for _, want := range []string{"m=audio 20000 " + profile + " 0\r\n", "c=IN IP6 2001:db8::1\r\n", "a=ptime:30\r\na=maxptime:60\r\n", "a=recvonly\r\n"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", profile, want, text)
			}
		}
		for _, never := range []string{"a=group", "a=mid", "a=ice", "a=candidate", "a=record"} {
			if strings.Contains(text, never) {
				t.Errorf("%s: %q in\n%s", profile, never, text)
			}
		}
	}
}
