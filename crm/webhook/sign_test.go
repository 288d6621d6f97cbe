package webhook

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSignatureOfTheSpecification is the example of the reference libraries.
func TestSignatureOfTheSpecification(t *testing.T) {
	key, err := parseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		t.Fatal(err)
	}
	got := sign([][]byte{key}, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func TestVerify(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := []byte("0123456789abcdef01234567")
		body := []byte(`{"a":1}`)
		now := time.Now().Unix()
		header := func(change func(http.Header)) http.Header {
			ts := strconv.FormatInt(now, 10)
			h := http.Header{}
			h.Set(HeaderID, "id")
			h.Set(HeaderTimestamp, ts)
			h.Set(HeaderSignature, sign([][]byte{key}, "id", ts, body))
			change(h)
			return h
		}
		at := func(off int64) func(http.Header) {
			return func(h http.Header) {
				ts := strconv.FormatInt(now+off, 10)
				h.Set(HeaderTimestamp, ts)
				h.Set(HeaderSignature, sign([][]byte{key}, "id", ts, body))
			}
		}
		set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
		good := header(func(http.Header) {}).Get(HeaderSignature)
		for _, c := range []struct {
			name   string
			change func(http.Header)
			want   string // part of the error, "" for none
		}{
			{"as sent", func(http.Header) {}, ""},
			{"old, but not too old", at(-300), ""},
			{"too old", at(-301), "timestamp"},
			{"from the future", at(301), "timestamp"},
			{"second signature", set(HeaderSignature, "v1,AAAA "+good), ""},
			{"other version beside", set(HeaderSignature, "v1a,AAAA "+good), ""},
			{"other version only", set(HeaderSignature, "v2"+good[2:]), "signature"},
			{"too many signatures", set(HeaderSignature, strings.Repeat("v1,AAAA ", maxSignatures)+good), "signature"},
			{"other ID", set(HeaderID, "id2"), "signature"},
			{"other time", set(HeaderTimestamp, strconv.FormatInt(now-1, 10)), "signature"},
			{"no ID", func(h http.Header) { h.Del(HeaderID) }, "missing"},
			{"no time", func(h http.Header) { h.Del(HeaderTimestamp) }, "missing"},
			{"no signature", func(h http.Header) { h.Del(HeaderSignature) }, "missing"},
			{"time is no number", set(HeaderTimestamp, "now"), "malformed"},
			{"time is huge", set(HeaderTimestamp, "9223372036854775807"), "malformed"},
		} {
			err := Verify(NewSecret(key), header(c.change), body, DefaultTolerance)
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, ErrNotAuthentic) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if err := Verify(NewSecret(key), header(func(http.Header) {}), []byte(`{"a":2}`), DefaultTolerance); !errors.Is(err, ErrNotAuthentic) {
			t.Errorf("other body: %v", err)
		}
		if err := Verify("whsec_x", header(func(http.Header) {}), body, DefaultTolerance); err == nil || errors.Is(err, ErrNotAuthentic) {
			t.Errorf("malformed secret: %v", err)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "0": 0, "120": 2 * time.Minute, "-5": 0, "x": 0, "1.5": 0,
		"99999999999":                   24 * time.Hour,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:03:05 GMT": 0,
		"Fri, 02 Jan 2099 03:03:05 GMT": 24 * time.Hour,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", v, got, want)
		}
	}
}

func TestTimeoutAsDocumented(t *testing.T) {
	c, err := New(Config{URL: "http://h", Secret: NewSecret(make([]byte, 24))})
	if err != nil || c.cfg.Timeout != 15*time.Second || c.Name() != "webhook" {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzVerify(f *testing.F) {
	key := []byte("0123456789abcdef01234567")
	f.Add("id", "1614265330", "v1,AAAA", []byte("{}"))
	f.Add("", "-1", "v1, ,, v1", []byte{0})
	f.Fuzz(func(t *testing.T, id, ts, sig string, body []byte) {
		h := http.Header{}
		h.Set(HeaderID, id)
		h.Set(HeaderTimestamp, ts)
		h.Set(HeaderSignature, sig)
		if verify(key, h, body, 1<<62) == "" && !strings.Contains(sig, sign([][]byte{key}, id, ts, body)) {
			t.Error("took a signature that is not its")
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Fri, 02 Jan 2026 03:05:05 GMT")
	f.Fuzz(func(t *testing.T, v string) {
		if d := retryAfter(v, time.Unix(1e9, 0)); d < 0 || d > maxRetryAfter {
			t.Errorf("retryAfter(%q) = %v", v, d)
		}
	})
}

func FuzzParseSecret(f *testing.F) {
	f.Add("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	f.Add("whsec_")
	f.Fuzz(func(t *testing.T, s string) {
		key, err := parseSecret(s)
		if err == nil && (len(key) < minSecret || len(key) > maxSecret) {
			t.Errorf("%d bytes", len(key))
		}
	})
}
