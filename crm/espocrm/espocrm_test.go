package espocrm_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/espocrm"
	"earshot/crm/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *server, cfg espocrm.Config) *espocrm.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cfg.URL = srv.URL
	if cfg.Key == "" {
		cfg.Key = key
	}
	c, err := espocrm.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func setup(t *testing.T) (crm.Connector, crmtest.Remote) {
	s := newServer(t)
	return open(t, s, espocrm.Config{Timeout: time.Second}), s
}

func TestContract(t *testing.T) { crmtest.Contract(t, setup) }

func TestStorm(t *testing.T) { crmtest.Storm(t, setup) }

func written(contact string) earshot.Delivery {
	d := crmtest.Delivery("call1", "espocrm", 1)
	d.Note.Direction, d.Note.CallURL = earshot.DirectionOutbound, "https://ear.example/c"
	if contact != "" {
		d.Note.Match = &earshot.Match{State: earshot.MatchMatched, Contact: &earshot.Contact{ID: contact}}
	}
	d.Note.Writing = &earshot.Writing{
		Subject: "Call with Bea", Body: "Her parcel is late.", User: "u7", Fields: map[string]string{"cCaseNumber": "A-17"},
		Tasks: []earshot.Task{{Key: "call1-u1", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)}, {Key: "call1-u2", Text: "Send the form"}},
	}
	return d
}

func deliver(t *testing.T, s *server, c *espocrm.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	return id
}

func expect(t *testing.T, got, want map[string]any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

func TestCallAsDocumented(t *testing.T) {
	s := newServer(t)
	c := open(t, s, espocrm.Config{})
	d := written("Contact/c1")
	id := deliver(t, s, c, d)
	d.State = earshot.DeliveryUnknown
	if again := deliver(t, s, c, d); again != id {
		t.Errorf("looked up, it is %s, not %s", again, id)
	}
	calls, tasks := s.all("Call"), s.all("Task")
	if len(calls) != 1 || len(tasks) != 2 {
		t.Fatalf("%d calls, %d tasks", len(calls), len(tasks))
	}
	expect(t, calls[0], map[string]any{
		"id": id, "name": "Call with Bea", "status": "Held", "direction": "Outbound", "dateStart": "2026-03-04 05:06:07",
		"dateEnd": "2026-03-04 05:07:12", "description": "Her parcel is late.\n\nEarshot: call1-espocrm",
		"contactsIds": []any{"c1"}, "assignedUserId": "u7", "cCaseNumber": "A-17",
	})
	expect(t, tasks[0], map[string]any{
		"id": tasks[0]["id"], "name": "Call back", "status": "Not Started", "dateEndDate": "2026-03-06", "contactId": "c1", "assignedUserId": "u7",
		"description": "Call back\n\nhttps://ear.example/c\n\nEarshot: call1-u1",
	})
}

func TestLeadsAreParents(t *testing.T) {
	s := newServer(t)
	deliver(t, s, open(t, s, espocrm.Config{}), written("Lead/l1"))
	for _, r := range append(s.all("Call"), s.all("Task")...) {
		if r["parentType"] != "Lead" || r["parentId"] != "l1" || r["contactsIds"] != nil {
			t.Errorf("record %v", r)
		}
	}
}

func TestCallThatWasRemovedIsMadeAgain(t *testing.T) {
	s := newServer(t)
	c := open(t, s, espocrm.Config{})
	d := written("")
	d.RemoteID = "gone"
	if id := deliver(t, s, c, d); id == "gone" || len(s.all("Call")) != 1 {
		t.Errorf("call %s", id)
	}
}

func TestFind(t *testing.T) {
	s := newServer(t)
	ann := s.put("Contact", map[string]any{"name": "Ann", "phoneNumber": "+49301234567"})
	s.put("Contact", map[string]any{"name": "Alike", "phoneNumber": "+49309994567"})
	bob := s.put("Lead", map[string]any{"name": "Bob", "phoneNumber": "+4917000", "phoneNumberData": []map[string]string{
		{"phoneNumber": "+4917000"}, {"phoneNumber": "030 / 123 4567"},
	}})
	c := open(t, s, espocrm.Config{})
	n, _ := phone.Parse("+49301234567", "DE")
	list, err := c.Find(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	list = slices.DeleteFunc(list, func(v crm.Candidate) bool { return !slices.ContainsFunc(v.Numbers, n.Same) })
	if len(list) != 2 || list[0].ID != "Contact/"+ann || list[1].ID != "Lead/"+bob || !strings.HasSuffix(list[1].URL, "/#Lead/view/"+bob) {
		t.Errorf("found %+v", list)
	}
}

func TestMakeLead(t *testing.T) {
	s := newServer(t)
	c := open(t, s, espocrm.Config{})
	n, _ := phone.Parse("+442079460123", "")
	one, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	two, err := c.MakeLead(t.Context(), n)
	if err != nil || one.ID != two.ID || len(s.all("Lead")) != 1 {
		t.Errorf("%+v, %+v, %v", one, two, err)
	}
}

func TestChecks(t *testing.T) {
	s := newServer(t)
	if checks := open(t, s, espocrm.Config{}).Test(t.Context()); len(checks) != 3 || slices.ContainsFunc(checks, func(v crm.Check) bool { return v.Err != nil }) {
		t.Errorf("checks %+v", checks)
	}
	s.mayNot = "Call edit"
	if checks := open(t, s, espocrm.Config{}).Test(t.Context()); len(checks) != 2 || checks[1].Err == nil {
		t.Errorf("checks %+v", checks)
	}
	checks := open(t, s, espocrm.Config{Key: "another-key"}).Test(t.Context())
	if len(checks) != 1 || checks[0].Err == nil || strings.Contains(fmt.Sprint(checks), "another-key") {
		t.Errorf("checks %+v", checks)
	}
	if len(s.all("Call")) != 0 {
		t.Error("something was written")
	}
}

func TestMisspeltFieldIsRefusedForGood(t *testing.T) {
	s := newServer(t)
	d := written("")
	d.Note.Writing.Fields = map[string]string{"cCasNumber": "x"}
	_, err := open(t, s, espocrm.Config{}).Deliver(t.Context(), d)
	if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
		t.Errorf("error %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []espocrm.Config{{URL: "http://crm.example", Key: "k"}, {URL: "https://crm.example"}, {Key: "k"}, {URL: "https://crm.example", Key: "k", Name: "A B"}} {
		if _, err := espocrm.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}
