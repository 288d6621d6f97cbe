package srtp

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"earshot"
	"earshot/media/rtptest"
)

var suites = []earshot.CryptoSuite{
	earshot.SuiteAES128CM80, earshot.SuiteAES128CM32, earshot.SuiteAES256CM80, earshot.SuiteAES256CM32,
	earshot.SuiteAES128GCM, earshot.SuiteAES256GCM, "AES_CM_256_HMAC_SHA1_80",
}

// pair is both ends of one key.
func pair(t *testing.T, c *earshot.Crypto) (*Outbound, *Inbound) {
	t.Helper()
	out, err := NewOutbound(c)
	if err != nil {
		t.Fatal(err)
	}
	in, err := NewInbound(c)
	if err != nil {
		t.Fatal(err)
	}
	return out, in
}

func fresh(suite earshot.CryptoSuite) *earshot.Crypto {
	c := earshot.NewCrypto(1, suite)
	return &c
}

func protect(t *testing.T, out *Outbound, packet []byte) []byte {
	t.Helper()
	b, err := out.RTP(nil, packet)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func source() *rtptest.Numbered {
	return &rtptest.Numbered{Format: rtptest.PCMU, SSRC: 11, Seq: 65_500, Timestamp: 5}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEverySuiteThereAndBack(t *testing.T) {
	for _, suite := range suites {
		t.Run(string(suite), func(t *testing.T) {
			out, in := pair(t, fresh(suite))
			src := source()
			for n := range 100 { // over the wrap of the sequence number
				plain := src.Next()
				packet := protect(t, out, plain)
				if bytes.Contains(packet, plain[12:]) {
					t.Fatal("the payload is not encrypted")
				}
				got, err := in.RTP(make([]byte, 0, 2048), packet, int64(n))
				if err != nil || !bytes.Equal(got, plain) {
					t.Fatalf("packet %d: %v", n, err)
				}
			}
			if in.Rollover(11) != 1 {
				t.Errorf("rollover counter %d, want 1", in.Rollover(11))
			}
		})
	}
}

func TestRTCPThereAndBack(t *testing.T) {
	for _, suite := range suites {
		out, in := pair(t, fresh(suite))
		plain := unhex(t, "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61"+
			"deadbeef deadbeef deadbeef deadbeef deadbeef")
		packet, err := out.RTCP(nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := in.RTCP(make([]byte, 0, 2048), packet)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %x, %v", suite, got, err)
		}
		if _, err := in.RTCP(nil, packet); !errors.Is(err, ErrReplayed) {
			t.Errorf("%s: the same again: %v", suite, err)
		}
	}
}

// The packet of libsrtp's own test driver, under the master key of RFC 3711 B.3.
func TestVectorOfLibsrtp(t *testing.T) {
	key := unhex(t, "e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6")
	_, in := pair(t, &earshot.Crypto{Suite: earshot.SuiteAES128CM80, Key: key})
	plain := unhex(t, "800f1234decafbadcafebabe abababababababababababababababab")
	packet := unhex(t, "800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb")
	got, err := in.RTP(nil, packet, 0)
	if err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%x, %v", got, err)
	}
}

// The packet of libsrtp's own test driver for RFC 7714.
func TestGCMVectorOfLibsrtp(t *testing.T) {
	key := unhex(t, "000102030405060708090a0b0c0d0e0f a0a1a2a3a4a5a6a7a8a9aaab")
	out, in := pair(t, &earshot.Crypto{Suite: earshot.SuiteAES128GCM, Key: key})
	plain := unhex(t, "800f1234decafbadcafebabe abababababababababababababababab")
	packet := unhex(t, "800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392")
	if got := protect(t, out, plain); !bytes.Equal(got, packet) {
		t.Errorf("protected %x", got)
	}
	if got, err := in.RTP(nil, packet, 0); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("%x, %v", got, err)
	}
}

func TestReplayedAndForged(t *testing.T) {
	for _, suite := range suites {
		out, in := pair(t, fresh(suite))
		src := source()
		var packets [][]byte
		for range 200 {
			packets = append(packets, protect(t, out, src.Next()))
		}
		slices.Reverse(packets[10:20]) // reordered is not replayed
		for n, p := range packets {
			if _, err := in.RTP(nil, p, int64(n)); err != nil {
				t.Fatalf("%s: packet %d: %v", suite, n, err)
			}
		}
		for n, p := range packets {
			if _, err := in.RTP(nil, p, int64(n)); !errors.Is(err, ErrReplayed) {
				t.Fatalf("%s: packet %d again: %v", suite, n, err)
			}
		}
		forged := protect(t, out, src.Next())
		forged[30] ^= 1
		if _, err := in.RTP(nil, forged, 0); !errors.Is(err, ErrNotAuthentic) {
			t.Errorf("%s: forged: %v", suite, err)
		}
		for n := range len(forged) { // cut short anywhere
			if _, err := in.RTP(nil, forged[:n], 0); err == nil {
				t.Errorf("%s: %d octets were taken", suite, n)
			}
		}
	}
}

// Who joins late does not know how often the sequence numbers have wrapped.
func TestLateJoin(t *testing.T) {
	for _, rollover := range []uint32{1, 2, rollovers - 1} {
		out, in := pair(t, fresh(earshot.SuiteAES128CM32))
		out.SetRollover(11, rollover)
		src := source()
		for n := range 100 {
			plain := src.Next()
			got, err := in.RTP(nil, protect(t, out, plain), int64(n))
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("rollover %d, packet %d: %v", rollover, n, err)
			}
		}
		if got := in.Rollover(11); got != rollover+1 {
			t.Errorf("rollover counter %d, want %d", got, rollover+1)
		}
	}
}

func TestRestoredRollover(t *testing.T) {
	for _, ahead := range []uint32{0, 1} { // stored just before the wrap
		out, in := pair(t, fresh(earshot.SuiteAES128GCM))
		out.SetRollover(11, 1000+ahead)
		in.Restore(11, 1000)
		src := source()
		if _, err := in.RTP(nil, protect(t, out, src.Next()), 0); err != nil {
			t.Errorf("%d behind: %v", ahead, err)
		}
	}
}

// Sources that are not authentic are not remembered without end.
func TestFloodOfSources(t *testing.T) {
	out, in := pair(t, fresh(earshot.SuiteAES128CM80))
	src := source()
	for n := range 1000 {
		src.SSRC = uint32(1000 + n)
		p := protect(t, out, src.Next())
		p[len(p)-1] ^= 1
		if _, err := in.RTP(nil, p, int64(n)*huntPause); !errors.Is(err, ErrNotAuthentic) {
			t.Fatal(err)
		}
	}
	if got := len(in.current.hunted); got > maxHunted {
		t.Errorf("%d sources remembered", got)
	}
	src.SSRC = 5
	if _, err := in.RTP(nil, protect(t, out, src.Next()), 0); err != nil {
		t.Errorf("the true source: %v", err)
	}
}

func TestNewKey(t *testing.T) {
	old, renewed := fresh(earshot.SuiteAES128CM80), fresh(earshot.SuiteAES256GCM)
	out, in := pair(t, old)
	out2, err := NewOutbound(renewed)
	if err != nil {
		t.Fatal(err)
	}
	src := source()
	take := func(out *Outbound, ok bool) {
		t.Helper()
		if _, err := in.RTP(nil, protect(t, out, src.Next()), 0); (err == nil) != ok {
			t.Fatalf("taken: %v", err)
		}
	}
	take(out, true)
	if err := in.SetKey(renewed); err != nil {
		t.Fatal(err)
	}
	take(out, true) // was on its way
	take(out2, true)
	take(out, false) // over with the first packet under the new one
	if err := in.SetKey(renewed); err != nil || in.next != nil {
		t.Errorf("the same key again: %v", err)
	}
	take(out2, true)
}

func TestMKI(t *testing.T) {
	c := fresh(earshot.SuiteAES128CM80)
	c.MKI = []byte{0, 0, 0, 1}
	out, in := pair(t, c)
	if _, err := in.RTP(nil, protect(t, out, source().Next()), 0); err != nil {
		t.Error(err)
	}
	c.MKI = []byte{0, 0, 0, 2}
	other, _ := pair(t, c)
	src := source()
	src.Seq++
	if _, err := in.RTP(nil, protect(t, other, src.Next()), 0); !errors.Is(err, ErrNotAuthentic) {
		t.Errorf("another MKI: %v", err)
	}
}

func TestOpeningAllocatesNothing(t *testing.T) {
	for _, suite := range suites {
		out, in := pair(t, fresh(suite))
		src, dst := source(), make([]byte, 0, 2048)
		var packets [][]byte
		for range 150 {
			packets = append(packets, protect(t, out, src.Next()))
		}
		next := 0
		if got := testing.AllocsPerRun(140, func() {
			if _, err := in.RTP(dst, packets[next], 0); err != nil {
				t.Fatal(err)
			}
			next++
		}); got != 0 {
			t.Errorf("%s: %v allocations per packet", suite, got)
		}
	}
}

// A key that is printed by mistake does not show.
func TestKeysDoNotPrint(t *testing.T) {
	c := earshot.Crypto{Suite: earshot.SuiteAES128CM80, Key: []byte("0123456789abcdef0123456789abcd")}
	s := &earshot.Security{Remote: &c, Local: &c}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		for _, v := range []any{c, &c, s, []earshot.Crypto{c}, earshot.MediaOffer{Crypto: []earshot.Crypto{c}}, earshot.MediaAnswer{Security: s}} {
			text := fmt.Sprintf(format, v)
			if strings.Contains(text, "0123") || strings.Contains(text, "0x30, 0x31") || strings.Contains(text, "48 49") {
				t.Errorf("%s of %T shows the key: %s", format, v, text)
			}
		}
	}
}
