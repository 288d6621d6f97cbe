package crmtest_test

import (
	"bytes"
	"errors"
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

var secret = webhook.NewSecret([]byte("0123456789abcdef01234567"))

func setup(t *testing.T) (*crmtest.Receiver, *webhook.Connector, string) {
	t.Helper()
	r := crmtest.NewReceiver(secret)
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	c, err := webhook.New(webhook.Config{URL: srv.URL, Secret: secret, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return r, c, srv.URL
}

func TestReceiverIsStrict(t *testing.T) {
	r, c, url := setup(t)
	if _, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1)); err != nil {
		t.Fatal(err)
	}
	good := r.Requests()[0]
	for name, change := range map[string]func(*http.Request){
		"another method":  func(q *http.Request) { q.Method = http.MethodPut },
		"not JSON":        func(q *http.Request) { q.Header.Set("Content-Type", "text/plain") },
		"no signature":    func(q *http.Request) { q.Header.Del(webhook.HeaderSignature) },
		"another ID":      func(q *http.Request) { q.Header.Set(webhook.HeaderID, "x") },
		"an old time":     func(q *http.Request) { q.Header.Set(webhook.HeaderTimestamp, "1614265330") },
		"another body":    func(q *http.Request) { q.Body = http.NoBody; q.ContentLength = 0 },
		"a wrong version": func(q *http.Request) { q.Header.Set(webhook.HeaderSignature, "v2,AAAA") },
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(good.Body))
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []string{"Content-Type", webhook.HeaderID, webhook.HeaderTimestamp, webhook.HeaderSignature} {
			req.Header.Set(k, good.Header.Get(k))
		}
		change(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode > 499 {
			t.Errorf("%s: status %d", name, resp.StatusCode)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if n := len(r.Notes()); n != 1 {
		t.Errorf("%d notes", n)
	}
	for i, q := range r.Requests() {
		if (q.Problem == "") != (i == 0) {
			t.Errorf("request %d: problem %q", i, q.Problem)
		}
	}
}

func TestReceiverRefusesABadNote(t *testing.T) {
	r, c, _ := setup(t)
	for _, change := range []func(*earshot.Delivery){
		func(d *earshot.Delivery) { d.Note.ID = "" },
		func(d *earshot.Delivery) { d.Note.Revision = 0 },
		func(d *earshot.Delivery) { d.Note.Summary.CreatedAt, d.Note.EndedAt = time.Time{}, time.Time{} },
		func(d *earshot.Delivery) { d.Key = "a.b" },
	} {
		d := crmtest.Delivery("call1", c.Name(), 1)
		change(&d)
		if _, err := c.Deliver(t.Context(), d); err == nil {
			t.Errorf("took %+v", d)
		}
	}
	if n := len(r.Notes()); n != 0 {
		t.Errorf("%d notes", n)
	}
}

func TestReceiverKeepsTheNewestRevision(t *testing.T) {
	r, c, _ := setup(t)
	for _, revision := range []int{1, 3, 2, 3} {
		if _, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), revision)); err != nil {
			t.Fatal(err)
		}
	}
	notes, requests := r.Notes(), r.Requests()
	if len(notes) != 1 || notes[0].Revision != 3 {
		t.Errorf("notes %+v", notes)
	}
	if requests[2].Double || !requests[3].Double {
		t.Error("doubles are not seen as such")
	}
}

func TestFaultWithoutKeepTakesNothing(t *testing.T) {
	r, c, _ := setup(t)
	r.Fail(crmtest.Fault{Drop: true}, crmtest.Fault{Status: 500, Keep: true})
	d := crmtest.Delivery("call1", c.Name(), 1)
	if _, err := c.Deliver(t.Context(), d); !errors.Is(err, crm.ErrUnknown) || len(r.Notes()) != 0 {
		t.Errorf("error %v, %d notes", err, len(r.Notes()))
	}
	if _, err := c.Deliver(t.Context(), d); err == nil || !strings.Contains(err.Error(), "500") || len(r.Notes()) != 1 {
		t.Errorf("error %v, %d notes", err, len(r.Notes()))
	}
}
