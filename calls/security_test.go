package calls

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"

	"earshot"
)

// offered is an m-line of a profile with keys of suites, and perhaps DTLS.
func offered(profile string, setup string, suites ...earshot.CryptoSuite) earshot.MediaOffer {
	o := audio("1")
	o.Profile = profile
	for i, s := range suites {
		o.Crypto = append(o.Crypto, earshot.NewCrypto(i+3, s))
	}
	if setup != "" {
		o.DTLS = &earshot.DTLS{Setup: setup, Fingerprints: []string{"sha-256 AA"}}
	}
	return o
}

const savp, avp, tls = "RTP/SAVP", "RTP/AVP", "UDP/TLS/RTP/SAVPF"

func TestSecurityOfAnOffer(t *testing.T) {
	const cm, gcm = earshot.SuiteAES128CM80, earshot.SuiteAES256GCM
	for _, tc := range []struct {
		name   string
		offer  earshot.MediaOffer
		policy earshot.SRTPPolicy
		want   string // "" is refused
	}{
		{"plain", offered(avp, ""), "", "none"},
		{"plain but required", offered(avp, ""), earshot.SRTPRequire, ""},
		{"the first key of the offer", offered(savp, "", gcm, cm), "", "SDES AEAD_AES_256_GCM"},
		{"keys with feedback", offered("RTP/SAVPF", "", cm), "", "SDES AES_CM_128_HMAC_SHA1_80"},
		{"keys, required", offered(savp, "", cm), earshot.SRTPRequire, "SDES AES_CM_128_HMAC_SHA1_80"},
		{"keys, not wanted", offered(savp, "", cm), earshot.SRTPOff, ""},
		{"no usable key", offered(savp, ""), "", ""},
		{"best effort", offered(avp, "", cm), "", "SDES AES_CM_128_HMAC_SHA1_80 or plain"},
		{"best effort, required", offered(avp, "", cm), earshot.SRTPRequire, "SDES AES_CM_128_HMAC_SHA1_80"},
		{"best effort, not wanted", offered(avp, "", cm), earshot.SRTPOff, "none"},
		{"keys and handshake", offered(savp, "actpass", cm), "", "SDES AES_CM_128_HMAC_SHA1_80"},
		{"handshake beside no usable key", offered(savp, "actpass"), "", "DTLS passive"},
		{"handshake alone, and keys", offered(tls, "actpass", cm), "", "DTLS passive"},
		{"the peer begins", offered(tls, "active"), "", "DTLS passive"},
		{"the peer waits", offered(tls, "passive"), "", "DTLS active"},
		{"the peer holds on", offered(tls, "holdconn"), "", ""},
		{"handshake without fingerprint", offered(tls, ""), "", ""},
		{"handshake, not wanted", offered(tls, "actpass"), earshot.SRTPOff, ""},
		{"something else", offered("TCP/MSRP", ""), "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{SRTP: tc.policy, Fingerprint: "sha-256 BB"})
			s := twoParty("d")
			s.Media = []earshot.MediaOffer{tc.offer}
			answer, err := r.Begin(t.Context(), s)
			if tc.want == "" {
				if !errors.Is(err, earshot.ErrMediaSecurity) && !errors.Is(err, earshot.ErrNoCommonCodec) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := answer.Media[0].Security
			text := got.String()
			if got != nil && got.DTLS != nil {
				text = "DTLS " + got.DTLS.Setup
			} else if got != nil {
				if got.Optional {
					text += " or plain"
				}
				if got.Local.Tag != got.Remote.Tag || got.Local.Suite != got.Remote.Suite || bytes.Equal(got.Local.Key, got.Remote.Key) {
					t.Errorf("answered %d %s", got.Local.Tag, got.Local)
				}
			}
			if text != tc.want {
				t.Errorf("%s, want %s", text, tc.want)
			}
		})
	}
}

// A peer's own policy goes before that of the server.
func TestPolicyOfThePeer(t *testing.T) {
	r := newRig(t, Config{SRTP: earshot.SRTPRequire})
	s := twoParty("d")
	s.SRTP = earshot.SRTPAllow
	if _, err := r.Begin(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// Two m-lines of one label: the plain one is the peer's second choice.
func TestPlainTwinIsRefused(t *testing.T) {
	r := newRig(t, Config{})
	s := twoParty("d")
	other := audio("2")
	s.Media = []earshot.MediaOffer{offered(avp, ""), offered(savp, "", earshot.SuiteAES128CM80), other}
	answer := r.begin(t, s)
	if m := answer.Media; m[0].Accepted || !m[1].Accepted || !m[2].Accepted {
		t.Errorf("%+v", m)
	}
}

func TestMulticastIsRefused(t *testing.T) {
	r := newRig(t, Config{})
	s := twoParty("d")
	s.Media = s.Media[:1]
	s.Media[0].Remote = netip.MustParseAddrPort("239.1.2.3:4000")
	if _, err := r.Begin(t.Context(), s); !errors.Is(err, earshot.ErrNoCommonCodec) {
		t.Errorf("error %v", err)
	}
}

// A re-INVITE with the same key changes nothing; one with a new key keeps ours.
func TestKeysOfAReinvite(t *testing.T) {
	r := newRig(t, Config{})
	s := twoParty("d")
	s.Media = []earshot.MediaOffer{offered(savp, "", earshot.SuiteAES128CM80)}
	first := r.begin(t, s)
	again, err := r.Update(t.Context(), first.SegmentID, s)
	if err != nil || again.Media[0].Security != first.Media[0].Security {
		t.Errorf("the same key: %v, %v", again.Media[0].Security, err)
	}
	s.Media = []earshot.MediaOffer{offered(savp, "", earshot.SuiteAES128CM80)}
	renewed, err := r.Update(t.Context(), first.SegmentID, s)
	if err != nil {
		t.Fatal(err)
	}
	got := renewed.Media[0].Security
	if !got.Remote.Equal(&s.Media[0].Crypto[0]) || !bytes.Equal(got.Local.Key, first.Media[0].Security.Local.Key) {
		t.Error("a new key is not taken, or ours has changed")
	}
	recv := r.media.all[first.Media[0].StreamID]
	if recv.security != got {
		t.Error("the media plane does not have the new key")
	}
	s.Media[0].Crypto = nil // a key that cannot be used any more
	if _, err := r.Update(t.Context(), first.SegmentID, s); !errors.Is(err, earshot.ErrMediaSecurity) || recv.security != got {
		t.Errorf("without a key: %v", err)
	}
}

// A restarted server has its keys from the dialog; no record has them.
func TestKeysSurviveARestart(t *testing.T) {
	r := newRig(t, Config{})
	s := twoParty("d")
	s.Media = []earshot.MediaOffer{offered(savp, "", earshot.SuiteAES128CM80)}
	answer := r.begin(t, s)
	state, err := json.Marshal(map[string]any{"answer": answer.Media})
	if err != nil {
		t.Fatal(err)
	}
	r.store.dialogs = []earshot.Dialog{{ID: "d", CallID: answer.CallID, SegmentID: answer.SegmentID, State: state}}
	rec, err := json.Marshal([]any{r.store.only(t), r.store.events})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []*earshot.Crypto{answer.Media[0].Security.Local, answer.Media[0].Security.Remote} {
		quoted, err := json.Marshal(key.Key)
		if err != nil || bytes.Contains(rec, bytes.Trim(quoted, `"`)) {
			t.Error("a key is in the record or an event of the call")
		}
	}
	next := rigOver(r.store, newMemMedia(), Config{})
	if _, err := next.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := next.media.all[answer.Media[0].StreamID].security
	if got == nil || !got.Remote.Equal(answer.Media[0].Security.Remote) || !got.Local.Equal(answer.Media[0].Security.Local) {
		t.Errorf("resumed with %v", got)
	}
	dialog, err := next.Secured(t.Context(), earshot.StreamSecurity{StreamID: answer.Media[0].StreamID, Problem: "media: odd"})
	if err != nil || dialog != "d" || len(next.store.only(t).Problems) == 0 {
		t.Errorf("dialog %q, %v", dialog, err)
	}
	if _, err := next.Secured(t.Context(), earshot.StreamSecurity{StreamID: "nobody"}); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("of nobody: %v", err)
	}
}
