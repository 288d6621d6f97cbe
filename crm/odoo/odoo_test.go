package odoo_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/odoo"
	"earshot/crm/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// versions are those of servers that differ, and how they are talked to.
var versions = map[string]string{"19.0": odoo.JSON2, "18.0": odoo.JSONRPC, "14.0": odoo.JSONRPC}

func open(t *testing.T, s *server, cfg odoo.Config) *odoo.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cfg.URL, cfg.Database, cfg.User = srv.URL, "acme", "earshot"
	cfg.API = versions[s.version]
	if cfg.Key == "" {
		cfg.Key = key
	}
	c, err := odoo.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// each runs a test against each of the versions.
func each(t *testing.T, run func(t *testing.T, version string)) {
	t.Helper()
	for version := range versions {
		t.Run(version, func(t *testing.T) { run(t, version) })
	}
}

func setup(version string) func(t *testing.T) (crm.Connector, crmtest.Remote) {
	return func(t *testing.T) (crm.Connector, crmtest.Remote) {
		s := newServer(t, version)
		return open(t, s, odoo.Config{Timeout: time.Second}), s
	}
}

func TestContract(t *testing.T) {
	crmtest.Contract(t, setup("19.0"))
}

func TestStorm(t *testing.T) {
	crmtest.Storm(t, setup("19.0"))
}

func TestStormOverJSONRPC(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		if versions[version] != odoo.JSONRPC {
			return
		}
		s := newServer(t, version)
		c := open(t, s, odoo.Config{Timeout: time.Second})
		d := crmtest.Delivery("call1", "odoo", 1)
		s.Fail(crmtest.Fault{Drop: true, Keep: true})
		if _, err := c.Deliver(t.Context(), d); !errors.Is(err, crm.ErrUnknown) {
			t.Fatalf("error %v", err)
		}
		d.State = earshot.DeliveryUnknown
		deliver(t, s, c, d)
		if n := len(s.Notes()); n != 1 {
			t.Errorf("%d notes", n)
		}
	})
}

func deliver(t *testing.T, s *server, c *odoo.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	return id
}

func TestNoteAsDocumented(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		s := newServer(t, version)
		c := open(t, s, odoo.Config{})
		s.put("res.partner", map[string]any{"name": "Somebody"})
		d := crmtest.Delivery("call1", "odoo", 1)
		d.Note.CallURL = "https://ear.example/c"
		d.Note.Match = &earshot.Match{Contact: &earshot.Contact{ID: fmt.Sprint(s.put("res.partner", map[string]any{"name": "Bea"}))}}
		d.Note.Writing = &earshot.Writing{
			Subject: "Call with Bea", Body: "1 < 2 & 3\nTwo", User: "5",
			Tasks: []earshot.Task{{Key: "call1-u1", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)}},
		}
		id := deliver(t, s, c, d)
		d.State = earshot.DeliveryUnknown
		if again := deliver(t, s, c, d); again != id {
			t.Errorf("looked up, it is %s, not %s", again, id)
		}
		messages, activities := s.all("mail.message"), s.all("mail.activity")
		if len(messages) != 1 || len(activities) != 1 {
			t.Fatalf("%d messages, %d activities", len(messages), len(activities))
		}
		m, a := messages[0], activities[0]
		if m["body"] != "<p>1 &lt; 2 &amp; 3<br>Two</p>" || m["subject"] != "Call with Bea" || m["message_id"] != "<call1-odoo@earshot>" || fmt.Sprint(m["res_id"]) != "2" {
			t.Errorf("message %v", m)
		}
		if a["summary"] != "Call back" || a["date_deadline"] != "2026-03-06" || fmt.Sprint(a["user_id"]) != "5" ||
			a["note"] != "<p>Call back<br>https://ear.example/c<br><br>Earshot: call1-u1</p>" {
			t.Errorf("activity %v", a)
		}
		next := d
		next.Revision, next.RemoteID, next.State = 2, id, earshot.DeliveryPending
		next.Note.Writing = &earshot.Writing{Subject: "Call with Bea", Body: "Late words"}
		if again := deliver(t, s, c, next); again != id || s.all("mail.message")[0]["body"] != "<p>Late words</p>" {
			t.Errorf("revision 2 is %s: %v", again, s.all("mail.message"))
		}
	})
}

func TestCallsOfNobody(t *testing.T) {
	s := newServer(t, "19.0")
	c := open(t, s, odoo.Config{})
	for _, call := range []earshot.CallID{"call1", "call2"} {
		deliver(t, s, c, crmtest.Delivery(call, "odoo", 1))
	}
	d := crmtest.Delivery("call3", "odoo", 1)
	d.Note.Writing = &earshot.Writing{Queue: "Night calls"}
	deliver(t, s, c, d)
	partners := s.all("res.partner")
	if len(partners) != 2 || partners[0]["name"] != "Unknown callers" || partners[1]["name"] != "Night calls" {
		t.Errorf("partners %v", partners)
	}
}

func TestFind(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		s := newServer(t, version)
		s.put("res.partner", map[string]any{"display_name": "Ann", "phone": "030 123 4567", "phone_sanitized": "+49301234567"})
		s.put("res.partner", map[string]any{"display_name": "Alike", "phone": "+49 30 999 4567", "phone_sanitized": "+49309994567"})
		s.put("res.partner", map[string]any{"display_name": "Bob", "phone": "(030) 123-4567", "mobile": false, "phone_sanitized": false})
		c := open(t, s, odoo.Config{})
		n, _ := phone.Parse("+49301234567", "DE")
		list, err := c.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err, s.problems)
		}
		list = slices.DeleteFunc(list, func(v crm.Candidate) bool { return !slices.ContainsFunc(v.Numbers, n.Same) })
		if len(list) != 2 || list[0].ID != "1" || list[0].Name != "Ann" || list[1].ID != "3" {
			t.Errorf("found %+v", list)
		}
	})
}

func TestMakeLead(t *testing.T) {
	s := newServer(t, "19.0")
	c := open(t, s, odoo.Config{})
	n, _ := phone.Parse("+442079460123", "")
	one, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	two, err := c.MakeLead(t.Context(), n)
	if err != nil || one.ID != two.ID || len(s.all("res.partner")) != 1 {
		t.Errorf("%+v, %+v, %v", one, two, err)
	}
}

func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		s := newServer(t, version)
		c := open(t, s, odoo.Config{})
		d := crmtest.Delivery("call1", "odoo", 1)
		d.Note.Match = &earshot.Match{Contact: &earshot.Contact{ID: "99"}}
		_, err := c.Deliver(t.Context(), d)
		if _, ok := errors.AsType[*earshot.PermanentError](err); !ok || errors.Is(err, crm.ErrUnknown) || strings.Contains(err.Error(), "secret text") {
			t.Errorf("error %v", err)
		}
	})
}

func TestChecks(t *testing.T) {
	each(t, func(t *testing.T, version string) {
		s := newServer(t, version)
		if checks := open(t, s, odoo.Config{}).Test(t.Context()); len(checks) != 4 || slices.ContainsFunc(checks, func(v crm.Check) bool { return v.Err != nil }) {
			t.Errorf("checks %+v", checks)
		}
		s.mayNot = "mail.activity create"
		if checks := open(t, s, odoo.Config{}).Test(t.Context()); len(checks) != 3 || checks[2].Err == nil {
			t.Errorf("checks %+v", checks)
		}
		checks := open(t, s, odoo.Config{Key: "another-key"}).Test(t.Context())
		if len(checks) != 1 || checks[0].Err == nil || strings.Contains(fmt.Sprint(checks), "another-key") {
			t.Errorf("checks %+v", checks)
		}
	})
}

func TestConfig(t *testing.T) {
	for _, cfg := range []odoo.Config{
		{URL: "http://crm.example", Database: "d", Key: "k"},
		{URL: "https://crm.example", Key: "k"},
		{URL: "https://crm.example", Database: "d"},
		{URL: "https://crm.example", Database: "d", Key: "k", API: "xmlrpc"},
		{URL: "https://crm.example", Database: "d", Key: "k", API: odoo.JSONRPC},
		{URL: "https://crm.example", Database: "d", Key: "k", Name: "A B"},
	} {
		if _, err := odoo.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}
