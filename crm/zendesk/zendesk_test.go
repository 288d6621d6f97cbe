package zendesk_test

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
	"earshot/crm/phone"
	"earshot/crm/zendesk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *server, cfg zendesk.Config) *zendesk.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cfg.URL, cfg.User = srv.URL, "agent@acme.example"
	if cfg.Token == "" {
		cfg.Token = secret
	}
	c, err := zendesk.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func setup(t *testing.T) (crm.Connector, crmtest.Remote) {
	s := newServer(t)
	return open(t, s, zendesk.Config{Timeout: time.Second}), s
}

func TestContract(t *testing.T) { crmtest.Contract(t, setup) }

func TestStorm(t *testing.T) { crmtest.Storm(t, setup) }

func written() earshot.Delivery {
	d := crmtest.Delivery("call1", "zendesk", 1)
	d.Note.Direction, d.Note.AudioURL = earshot.DirectionInbound, "https://ear.example/c.wav"
	d.Note.Participants = []earshot.Participant{
		{AOR: "sip:2001@desk.example", Role: earshot.RoleAgent, RoleConfidence: 1}, {AOR: "sip:+49301234567@t.example", Role: earshot.RoleCustomer, RoleConfidence: 1},
	}
	d.Note.Match = &earshot.Match{State: earshot.MatchMatched, Number: "+49301234567", Contact: &earshot.Contact{ID: "11"}}
	d.Note.Writing = &earshot.Writing{
		Subject: "Call with Bea", Body: "Her parcel is late.", Disposition: "Call back", User: "21", Queue: "31",
		Fields: map[string]string{"41": "A-17", "name": "is no number"},
		Tasks:  []earshot.Task{{Key: "call1-u1", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)}},
	}
	return d
}

func deliver(t *testing.T, s *server, c *zendesk.Connector, d earshot.Delivery) string {
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

func TestTicketAsDocumented(t *testing.T) {
	s := newServer(t)
	c := open(t, s, zendesk.Config{})
	d := written()
	id := deliver(t, s, c, d)
	d.State = earshot.DeliveryUnknown
	if again := deliver(t, s, c, d); again != id || len(s.tickets) != 2 {
		t.Fatalf("looked up, it is %s, not %s; %d tickets", again, id, len(s.tickets))
	}
	expect(t, s.tickets[0], map[string]any{
		"id": 1, "subject": "Call with Bea", "external_id": "call1-zendesk", "requester_id": 11.0, "assignee_id": 21.0, "group_id": 31.0,
		"tags": []any{"call_back"}, "custom_fields": []any{map[string]any{"id": 41.0, "value": "A-17"}},
		"comment": map[string]any{"body": "Her parcel is late.\n\nEarshot: call1-zendesk-r1", "public": false},
	})
	expect(t, s.tickets[1], map[string]any{
		"id": 2, "subject": "Call back", "type": "task", "external_id": "call1-u1", "requester_id": 11.0, "assignee_id": 21.0, "group_id": 31.0,
		"due_at": "2026-03-06T12:00:00Z", "comment": map[string]any{"body": "Call back\n\nCall with Bea", "public": false},
	})
	next := crmtest.Delivery("call1", "zendesk", 2)
	next.RemoteID = id
	deliver(t, s, c, next)
	if got := s.comments[1]; len(got) != 2 || !strings.HasPrefix(got[1]["plain_body"].(string), "This replaces the note above about the same call (revision 2).") || got[1]["public"] != false {
		t.Errorf("comments %v", got)
	}
}

func TestCallOfTheTalkPartnerEdition(t *testing.T) {
	s := newServer(t)
	c := open(t, s, zendesk.Config{Voice: true})
	d := written()
	id := deliver(t, s, c, d)
	d.State = earshot.DeliveryUnknown
	if again := deliver(t, s, c, d); again != id || len(s.comments[1]) != 1 {
		t.Errorf("looked up, it is %s, not %s", again, id)
	}
	if s.tickets[0]["via_id"] != 45.0 {
		t.Errorf("ticket %v", s.tickets[0])
	}
	expect(t, s.tickets[0]["voice_comment"].(map[string]any), map[string]any{
		"from": "+49301234567", "to": "2001", "recording_url": "https://ear.example/c.wav", "started_at": "2026-03-04 05:06:07 +0000",
		"call_duration": 65.0, "answered_by_id": 21.0, "transcription_text": "Her parcel is late.\n\nEarshot: call1-zendesk-r1",
	})
	anonymous := written()
	anonymous.NoteID, anonymous.Note.Participants, anonymous.Note.Match = "call2-zendesk", nil, nil
	deliver(t, s, c, anonymous)
	if last := s.tickets[len(s.tickets)-1]; last["voice_comment"] != nil || last["comment"] == nil {
		t.Errorf("a call without numbers is %v", last)
	}
}

func TestFind(t *testing.T) {
	s := newServer(t)
	s.users = []map[string]any{{"id": 11, "name": "Ann", "phone": "+49301234567"}, {"id": 12, "name": "Bob", "phone": "030 1234567"}, {"id": 13, "name": "Eve", "phone": "+49301234560"}}
	n, _ := phone.Parse("+49301234567", "DE")
	list, err := open(t, s, zendesk.Config{}).Find(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	if len(list) != 2 || list[0].ID != "11" || list[1].ID != "12" || !strings.HasSuffix(list[0].URL, "/agent/users/11") {
		t.Errorf("found %+v", list)
	}
}

func TestMakeLead(t *testing.T) {
	s := newServer(t)
	c := open(t, s, zendesk.Config{})
	n, _ := phone.Parse("+442079460123", "")
	one, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	two, err := c.MakeLead(t.Context(), n)
	if err != nil || one.ID != two.ID || one.ID == "0" || len(s.users) != 1 {
		t.Errorf("%+v, %+v, %v", one, two, err)
	}
}

func TestChecks(t *testing.T) {
	s := newServer(t)
	if checks := open(t, s, zendesk.Config{}).Test(t.Context()); len(checks) != 3 || slices.ContainsFunc(checks, func(v crm.Check) bool { return v.Err != nil }) {
		t.Errorf("checks %+v", checks)
	}
	checks := open(t, s, zendesk.Config{Token: "another-key"}).Test(t.Context())
	if len(checks) != 1 || checks[0].Err == nil || strings.Contains(fmt.Sprint(checks), "another-key") {
		t.Errorf("checks %+v", checks)
	}
}

func TestRefusedForGood(t *testing.T) {
	s := newServer(t)
	_, err := open(t, s, zendesk.Config{Token: "another-key"}).Deliver(t.Context(), written())
	if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
		t.Errorf("error %v", err)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []zendesk.Config{
		{URL: "http://acme.zendesk.com", User: "u", Token: "t"},
		{URL: "https://acme.zendesk.com", User: "u"},
		{URL: "https://acme.zendesk.com", Token: "t"},
		{User: "u", Token: "t"},
		{URL: "https://acme.zendesk.com", User: "u", Token: "t", Name: "A B"},
	} {
		if _, err := zendesk.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

// TestBring opens the profile of a user that is there.
func TestBring(t *testing.T) {
	s := newServer(t)
	s.users = append(s.users, map[string]any{"id": 42, "name": "Bea"})
	c := open(t, s, zendesk.Config{Voice: true})
	if !c.Brings() || open(t, s, zendesk.Config{}).Brings() {
		t.Error("only the Talk Partner Edition brings callers up")
	}
	if err := c.Bring(t.Context(), earshot.Contact{ID: "42"}, "7"); err != nil || !slices.Equal(s.shown, []string{"7 42"}) {
		t.Errorf("%v, shown %v, %v", err, s.shown, s.problems)
	}
	for contact, agent := range map[string]string{"43": "7", "42": "mira"} {
		var permanent *earshot.PermanentError
		if err := c.Bring(t.Context(), earshot.Contact{ID: contact}, agent); !errors.As(err, &permanent) {
			t.Errorf("%s to %s: %v", contact, agent, err)
		}
	}
}
