package e2e

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"earshot"
	"earshot/media/wav"
)

// keyed is a suite with what the library calls it.
type keyed struct {
	suite   string
	profile srtp.ProtectionProfile
	key     int // octets of master key and salt
	salt    int
}

var suites = []keyed{
	{"AES_CM_128_HMAC_SHA1_80", srtp.ProtectionProfileAes128CmHmacSha1_80, 16, 14},
	{"AES_CM_128_HMAC_SHA1_32", srtp.ProtectionProfileAes128CmHmacSha1_32, 16, 14},
	{"AES_256_CM_HMAC_SHA1_80", srtp.ProtectionProfileAes256CmHmacSha1_80, 32, 14},
	{"AES_CM_256_HMAC_SHA1_32", srtp.ProtectionProfileAes256CmHmacSha1_32, 32, 14},
	{"AEAD_AES_128_GCM", srtp.ProtectionProfileAeadAes128Gcm, 16, 12},
	{"AEAD_AES_256_GCM", srtp.ProtectionProfileAeadAes256Gcm, 32, 12},
}

var cryptoOf = regexp.MustCompile(`a=crypto:(\d+) (\S+) inline:(\S+)`)

// encrypting is one party that encrypts.
type encrypting struct {
	keyed
	master []byte
	ctx    *srtp.Context
}

func newEncrypting(t *testing.T, k keyed) *encrypting {
	t.Helper()
	e := &encrypting{keyed: k, master: earshot.NewCrypto(1, earshot.CryptoSuite(k.suite)).Key}
	var err error
	if e.ctx, err = srtp.CreateContext(e.master[:k.key], e.master[k.key:], k.profile); err != nil {
		t.Fatal(err)
	}
	return e
}

func (e *encrypting) line(tag int) string {
	return fmt.Sprintf("a=crypto:%d %s inline:%s|2^31\r\n", tag, e.suite, base64.StdEncoding.EncodeToString(e.master))
}

// encryptedBody is twoStreams with two suites to choose from, of which the
// server knows the second alone.
func encryptedBody(parties []*encrypting) string {
	body := strings.ReplaceAll(twoStreams("127.0.0.1"), "RTP/AVP", "RTP/SAVP")
	for i, label := range []string{"a", "b"} {
		attr := "a=label:" + label + "\r\n"
		body = strings.Replace(body, attr,
			"a=crypto:1 F8_128_HMAC_SHA1_80 inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n"+parties[i].line(i+2)+attr, 1)
	}
	return body
}

// speak sends audio encrypted, from a packet number on, in real time.
func (e *encrypting) speak(t *testing.T, port int, ssrc uint32, audio []byte, from int) {
	conn, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; (n+1)*160 <= len(audio); n++ {
		p := rtp.Packet{
			Header:  rtp.Header{Version: 2, SequenceNumber: uint16(65_500 + from + n), Timestamp: uint32((from + n) * 160), SSRC: ssrc},
			Payload: audio[n*160 : (n+1)*160],
		}
		raw, err := p.Marshal()
		if err == nil {
			raw, err = e.ctx.EncryptRTP(nil, raw, nil)
		}
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write(raw) // refused while the server is down
		<-tick.C
	}
}

// TestEncryptedCall records a call in each suite, over a wrap of the sequence
// numbers, and in one of them over a kill of the server. No key shows anywhere.
func TestEncryptedCall(t *testing.T) {
	s := newServer(t, "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CALLS_SUMMARY_DEADLINE=10s", "EARSHOT_SIP_TRACE=full", "EARSHOT_LOG_LEVEL=debug")
	audio := excerpt(t, 6)
	for i, k := range suites {
		t.Run(k.suite, func(t *testing.T) {
			parties := []*encrypting{newEncrypting(t, k), newEncrypting(t, k)}
			c := newSRC(t, s)
			r := c.request(t, "INVITE", inviteHeaders, encryptedBody(parties), 10*time.Second)
			lines := cryptoOf.FindAllStringSubmatch(r.body, -1)
			if r.status != 200 || len(lines) != 2 || strings.Count(r.body, " RTP/SAVP ") != 2 {
				t.Fatalf("answered %d with\n%s", r.status, r.body)
			}
			secrets := []string{}
			for ch, l := range lines {
				own, err := base64.StdEncoding.DecodeString(l[3])
				if l[1] != fmt.Sprint(ch+2) || l[2] != k.suite || err != nil || len(own) != k.key+k.salt {
					t.Errorf("answered %s", l[0])
				}
				secrets = append(secrets, l[3], base64.StdEncoding.EncodeToString(parties[ch].master))
			}
			c.cseq-- // the same INVITE again: established by what it answers
			ports := c.establish(t, inviteHeaders, encryptedBody(parties))
			half := len(audio[0]) / 320 * 160
			both := func(from, to int) {
				var wg sync.WaitGroup
				for ch, p := range parties {
					wg.Go(func() { p.speak(t, ports[ch], uint32(ch+1), audio[ch][from:to], from/160) })
				}
				wg.Wait()
			}
			both(0, half)
			if i == 0 {
				if err := s.killAndRestart(); err != nil {
					t.Fatal(err)
				}
			}
			both(half, half*2)
			call := s.calls(t)[0]
			leaks(t, s, call.ID, secrets)
			c.bye(t)
			call = s.complete(t, call.ID, 60*time.Second)
			leaks(t, s, call.ID, secrets)
			for _, st := range call.Streams {
				if st.PacketsInvalid != 0 || i > 0 && st.PacketsLost != 0 {
					t.Errorf("%s: %+v", st.Label, st.StreamStats)
				}
			}
			limit := 0
			if i == 0 { // what was not on disk when the server was killed
				limit = 25
			}
			for ch, got := range s.recording(t, call.ID) {
				if missing := missingFrames(got, linear(t, audio[ch][:half*2])); missing > limit {
					t.Errorf("channel %d: %d frames missing", ch, missing)
				}
			}
		})
	}
}

// leaks looks for keys in all that the server shows.
func leaks(t *testing.T, s *server, id earshot.CallID, secrets []string) {
	t.Helper()
	shown := map[string]string{"log": s.log.String()}
	for _, path := range []string{
		"/metrics", "/api/v1/calls?limit=500", "/api/v1/calls/" + string(id), "/api/v1/calls/" + string(id) + "/sip",
		"/api/v1/calls/" + string(id) + "/capture", "/api/v1/sip/refused",
	} {
		resp, err := http.Get("http://" + s.http + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %s, %v", path, resp.Status, err)
		}
		shown[path] = string(body)
	}
	for where, text := range shown {
		for _, key := range secrets {
			raw, _ := base64.StdEncoding.DecodeString(key)
			if strings.Contains(text, key) || strings.Contains(text, strings.TrimRight(key, "=")) || strings.Contains(text, string(raw)) {
				t.Errorf("%s shows a key", where)
			}
		}
	}
}

// TestProgramCallsEncrypted places calls with the program's own client, with
// keys in the SDP and by handshake.
func TestProgramCallsEncrypted(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_MEDIA_SRTP=require", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CALLS_SUMMARY_DEADLINE=5s")
	sent := excerpt(t, 8)
	var files []string
	for ch, audio := range sent {
		files = append(files, filepath.Join(t.TempDir(), fmt.Sprintf("party%d.wav", ch)))
		if err := wav.WriteFile(files[ch], 8000, linear(t, audio)); err != nil {
			t.Fatal(err)
		}
	}
	call := func(srtp string) (string, error) {
		return s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", files[0], "--audio", files[1], "--srtp", srtp)
	}
	if out, err := call("off"); err == nil || !strings.Contains(out, "488") {
		t.Errorf("plain where it is not taken: %v\n%s", err, out)
	}
	for n, srtp := range []string{"sdes", "dtls"} {
		out, err := call(srtp)
		if err != nil {
			t.Fatalf("%s: %v\n%s", srtp, err, out)
		}
		calls := s.calls(t)
		if len(calls) != n+1 {
			t.Fatalf("%d calls", len(calls))
		}
		c := s.complete(t, calls[0].ID, 60*time.Second)
		for _, st := range c.Streams {
			if st.PacketsInvalid != 0 || st.PacketsLost != 0 || st.PacketsReceived == 0 {
				t.Errorf("%s: %+v", srtp, st.StreamStats)
			}
		}
		for ch, got := range s.recording(t, c.ID) {
			if missing := missingFrames(got, linear(t, sent[ch])); missing > 0 {
				t.Errorf("%s: channel %d: %d frames missing", srtp, ch, missing)
			}
		}
	}
}

// TestKeysOfAHandshakeSurviveAKill kills the server in a call whose keys came
// of a handshake: the next process cannot shake hands again, and goes on.
func TestKeysOfAHandshakeSurviveAKill(t *testing.T) {
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CALLS_SUMMARY_DEADLINE=5s")
	sent := linear(t, excerpt(t, 10)[0])
	file := filepath.Join(t.TempDir(), "party.wav")
	if err := wav.WriteFile(file, 8000, sent); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", file, "--srtp", "dtls")
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		done <- err
	}()
	id := s.onlyCall(t).ID
	wait(t, 10*time.Second, "two seconds of audio", func() bool { return s.call(t, id).Streams[0].PacketsReceived > 100 })
	if err := s.killAndRestart(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c := s.complete(t, id, 60*time.Second)
	if st := c.Streams[0].StreamStats; c.State == earshot.CallInterrupted || st.PacketsInvalid != 0 {
		t.Errorf("%s: %+v", c.State, st)
	}
	limit := int((maxGap + s.downtime) / (20 * time.Millisecond))
	if missing := missingFrames(s.recording(t, id)[0], sent); missing > limit {
		t.Errorf("%d frames missing, at most %d may be", missing, limit)
	}
}
