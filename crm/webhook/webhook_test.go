package webhook_test

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	secret    = webhook.NewSecret([]byte("0123456789abcdef01234567"))
	oldSecret = webhook.NewSecret([]byte("a secret that is replaced"))
)

func open(t *testing.T, cfg webhook.Config) *webhook.Connector {
	t.Helper()
	if cfg.Secret == "" {
		cfg.Secret = secret
	}
	c, err := webhook.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

func TestContract(t *testing.T) {
	crmtest.Contract(t, func(t *testing.T) (crm.Connector, crmtest.Remote) {
		r := crmtest.NewReceiver(secret)
		return open(t, webhook.Config{URL: serve(t, r).URL, Timeout: time.Second}), r
	})
}

func TestRequestAsDocumented(t *testing.T) {
	r := crmtest.NewReceiver(secret)
	c := open(t, webhook.Config{Name: "crm", URL: serve(t, r).URL})
	d := crmtest.Delivery("call1", "crm", 3)
	if _, err := c.Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	req := r.Requests()[0]
	if req.ID != "call1-crm-r3" || req.ID != d.Key {
		t.Errorf("webhook-id %q", req.ID)
	}
	var body map[string]json.RawMessage
	if err := json.Unmarshal(req.Body, &body); err != nil {
		t.Fatal(err)
	}
	if string(body["type"]) != `"call.note"` || string(body["timestamp"]) != `"2026-03-04T05:07:12Z"` || len(body) != 3 {
		t.Errorf("body %s", req.Body)
	}
	if req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", req.Header)
	}
}

func TestBodyIsTheSameEachTime(t *testing.T) {
	r := crmtest.NewReceiver(secret)
	r.Fail(crmtest.Fault{Status: 503})
	c := open(t, webhook.Config{URL: serve(t, r).URL})
	d := crmtest.Delivery("call1", c.Name(), 1)
	if _, err := c.Deliver(t.Context(), d); err == nil {
		t.Fatal("no error")
	}
	d.Attempts, d.UpdatedAt = 1, time.Now()
	if _, err := c.Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	reqs := r.Requests()
	if string(reqs[0].Body) != string(reqs[1].Body) || reqs[0].ID != reqs[1].ID {
		t.Error("the second attempt sent something else")
	}
}

func TestSecretsAreReplaced(t *testing.T) {
	for _, knows := range []string{secret, oldSecret} {
		r := crmtest.NewReceiver(knows)
		c := open(t, webhook.Config{URL: serve(t, r).URL, Previous: []string{oldSecret}})
		if _, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1)); err != nil {
			t.Error(err)
		}
		if n := len(strings.Fields(r.Requests()[0].Header.Get(webhook.HeaderSignature))); n != 2 {
			t.Errorf("%d signatures", n)
		}
	}
	r := crmtest.NewReceiver(oldSecret)
	c := open(t, webhook.Config{URL: serve(t, r).URL})
	if _, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1)); err == nil {
		t.Error("a receiver took what another secret signed")
	}
}

func TestAnswers(t *testing.T) {
	soon := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for _, c := range []struct {
		fault              crmtest.Fault
		permanent, unknown bool
		after              time.Duration
	}{
		{fault: crmtest.Fault{Status: 301, Location: "/x"}, permanent: true},
		{fault: crmtest.Fault{Status: 302, Location: "/x"}},
		{fault: crmtest.Fault{Status: 307, Location: "/x"}},
		{fault: crmtest.Fault{Status: 308, Location: "/x"}, permanent: true},
		{fault: crmtest.Fault{Status: 400}, permanent: true},
		{fault: crmtest.Fault{Status: 401}, permanent: true},
		{fault: crmtest.Fault{Status: 404}, permanent: true},
		{fault: crmtest.Fault{Status: 410}, permanent: true},
		{fault: crmtest.Fault{Status: 408}},
		{fault: crmtest.Fault{Status: 425}},
		{fault: crmtest.Fault{Status: 429, RetryAfter: "120"}, after: 2 * time.Minute},
		{fault: crmtest.Fault{Status: 500}},
		{fault: crmtest.Fault{Status: 502}, unknown: true},
		{fault: crmtest.Fault{Status: 503, RetryAfter: soon}, after: time.Hour},
		{fault: crmtest.Fault{Status: 503, RetryAfter: "soon"}},
		{fault: crmtest.Fault{Status: 504, RetryAfter: "5"}, unknown: true, after: 5 * time.Second},
	} {
		r := crmtest.NewReceiver(secret)
		r.Fail(c.fault)
		conn := open(t, webhook.Config{URL: serve(t, r).URL})
		_, err := conn.Deliver(t.Context(), crmtest.Delivery("call1", conn.Name(), 1))
		var permanent *earshot.PermanentError
		var after *earshot.RetryAfterError
		if err == nil || errors.As(err, &permanent) != c.permanent || errors.Is(err, crm.ErrUnknown) != c.unknown {
			t.Errorf("%d: error %v", c.fault.Status, err)
		}
		if errors.As(err, &after) != (c.after > 0) || after != nil && (c.after-after.After).Abs() > 10*time.Second {
			t.Errorf("%d: come back %+v, want after %v", c.fault.Status, after, c.after)
		}
		if len(r.Requests()) != 1 {
			t.Errorf("%d: %d requests", c.fault.Status, len(r.Requests()))
		}
	}
}

// TestNobodyThere looks that what certainly did not arrive is not unknown.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c := open(t, webhook.Config{URL: "http://user:pass-word@" + addr + "/hook-path?token=query-token"})
	_, err = c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1))
	if err == nil || errors.Is(err, crm.ErrUnknown) {
		t.Fatalf("error %v", err)
	}
	for _, leak := range []string{"pass-word", "query-token", "hook-path", "user"} {
		if strings.Contains(err.Error(), leak) || strings.Contains(c.Origin(), leak) {
			t.Errorf("%q is in %q", leak, err)
		}
	}
	if !strings.Contains(err.Error(), addr) {
		t.Errorf("error %q does not say where", err)
	}
}

func TestErrorsHideTheURL(t *testing.T) {
	r := crmtest.NewReceiver(secret)
	r.Fail(crmtest.Fault{Drop: true}, crmtest.Fault{Stall: true}, crmtest.Fault{Status: 301, Location: "http://x/?token=query-token"}, crmtest.Fault{Status: 400})
	url := strings.Replace(serve(t, r).URL, "http://", "http://user:pass-word@", 1) + "/hook-path?token=query-token"
	c := open(t, webhook.Config{URL: url, Timeout: 300 * time.Millisecond})
	for range 4 {
		_, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1))
		if err == nil {
			t.Fatal("no error")
		}
		for _, leak := range []string{"pass-word", "query-token", "hook-path", "parcel", "Ann"} {
			if strings.Contains(err.Error(), leak) {
				t.Errorf("%q is in %q", leak, err)
			}
		}
	}
	if a := r.Requests()[0].Header.Get("Authorization"); a == "" {
		t.Error("user and password of the URL are not used")
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []webhook.Config{
		{URL: "http://h", Secret: "whsec_"},
		{URL: "http://h", Secret: "not-a-secret-of-webhooks"},
		{URL: "http://h", Secret: "whsec_!!!!"},
		{URL: "http://h", Secret: webhook.NewSecret(make([]byte, 23))},
		{URL: "http://h", Secret: webhook.NewSecret(make([]byte, 65))},
		{URL: "http://h", Secret: secret, Previous: []string{"x"}},
		{URL: "ftp://h", Secret: secret},
		{URL: "http://", Secret: secret},
		{URL: "h/path", Secret: secret},
		{URL: "http://h\x00?token=query-token", Secret: secret},
		{URL: "http://h", Secret: secret, Name: "a.b"},
	} {
		_, err := webhook.New(cfg)
		if err == nil {
			t.Errorf("New took %+v", cfg)
			continue
		}
		if strings.Contains(err.Error(), "query-token") || strings.Contains(err.Error(), "not-a-secret") {
			t.Errorf("error %q holds a secret", err)
		}
	}
}

func TestConnectionIsTested(t *testing.T) {
	asked := make(chan string, 1)
	srv := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Method }))
	c := open(t, webhook.Config{URL: srv.URL + "/secret"})
	checks := c.Test(t.Context())
	if len(checks) != 1 || checks[0].Err != nil || !strings.HasPrefix(checks[0].Found, srv.URL+" at 127.0.0.1") {
		t.Errorf("checks %+v", checks)
	}
	srv.Close()
	if checks = c.Test(t.Context()); checks[0].Err == nil {
		t.Errorf("nobody listens: %+v", checks)
	}
	if len(asked) > 0 {
		t.Error("something was sent")
	}
}

// request is what a receiver got.
type request struct {
	header http.Header
	body   []byte
}

func catch(t *testing.T, cfg webhook.Config) (*webhook.Connector, <-chan request) {
	t.Helper()
	got := make(chan request, 1)
	cfg.URL = serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- request{r.Header, body}
	})).URL
	return open(t, cfg), got
}

func TestCloudEvents(t *testing.T) {
	c, got := catch(t, webhook.Config{CloudEvents: true, Source: "https://earshot.example"})
	d := crmtest.Delivery("call1", "webhook", 3)
	if _, err := c.Deliver(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if err := webhook.Verify(secret, r.header, r.body, webhook.DefaultTolerance); err != nil {
		t.Error(err)
	}
	if ct := r.header.Get("Content-Type"); ct != "application/cloudevents+json" {
		t.Errorf("content type %q", ct)
	}
	var e map[string]any
	if err := json.Unmarshal(r.body, &e); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"specversion": "1.0", "id": d.Key, "source": "https://earshot.example", "type": "earshot.call.note", "subject": "call1",
		"datacontenttype": "application/json",
	} {
		if e[key] != want {
			t.Errorf("%s is %v, want %v", key, e[key], want)
		}
	}
	if _, err := time.Parse(time.RFC3339, e["time"].(string)); err != nil || e["data"].(map[string]any)["id"] != string(d.NoteID) {
		t.Errorf("event %v", e)
	}
}

func TestEventsArePosted(t *testing.T) {
	c, got := catch(t, webhook.Config{Events: []earshot.EventType{earshot.EventCallStarted}})
	e := earshot.NewEvent(earshot.EventCallStarted, "call1", earshot.Call{ID: "call1"})
	e.ID = "call1.started.1"
	if err := c.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	r := <-got
	if err := webhook.Verify(secret, r.header, r.body, webhook.DefaultTolerance); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(string(r.body), `{"type":"call.started","timestamp":"`) || !strings.Contains(string(r.body), `"data":{"id":"call1"`) {
		t.Errorf("body %s", r.body)
	}
	if id := r.header.Get(webhook.HeaderID); id != "call1-started-1" {
		t.Errorf("id %q", id)
	}
}
