package dynamics_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/dynamics"
	"earshot/crm/phone"
	"earshot/crm/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *server, cfg dynamics.Config) *dynamics.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	tokens, err := token.New(token.Config{
		Name: "dynamics", URL: srv.URL + "/acme" + dynamics.TokenPath,
		Grant: token.ClientCredentials{ID: "app", Secret: "hush", Scope: srv.URL + dynamics.Scope},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	cfg.URL, cfg.Tokens = srv.URL, tokens
	c, err := dynamics.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func setup(t *testing.T) (crm.Connector, crmtest.Remote) {
	s := newServer(t)
	return open(t, s, dynamics.Config{Timeout: 2 * time.Second}), s
}

func TestContract(t *testing.T) { crmtest.Contract(t, setup) }

func TestStorm(t *testing.T) { crmtest.Storm(t, setup) }

const (
	user  = "00000000-0000-0000-0000-0000000000cc"
	queue = "00000000-0000-0000-0000-0000000000dd"
)

// written is a delivery as a mapping writes it.
func written(c crm.Connector) earshot.Delivery {
	d := crmtest.Delivery("call1", c.Name(), 1)
	d.Note.Direction, d.Note.CallURL = earshot.DirectionInbound, "https://ear.example/c"
	d.Note.Match = &earshot.Match{State: earshot.MatchNone, Number: "+4930901820"}
	d.Note.Writing = &earshot.Writing{
		Subject: "Call with Bea: late parcel", Body: "Her parcel is late.", Disposition: "Resolved",
		User: user, Queue: queue, Fields: map[string]string{"new_casenumber": "A-17"},
		Tasks: []earshot.Task{
			{Key: "call1-u1", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)},
			{Key: "call1-u2", Text: "Send the form"},
		},
	}
	return d
}

func deliver(t *testing.T, s *server, c *dynamics.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	return id
}

func (s *server) task(subject string) map[string]any {
	for path, r := range s.rows {
		if strings.HasPrefix(path, "/tasks(") && r["subject"] == subject {
			return r
		}
	}
	return nil
}

func expect(t *testing.T, got, want map[string]any) {
	t.Helper()
	for key, v := range want {
		if !reflect.DeepEqual(got[key], v) {
			t.Errorf("%s is %v, want %v", key, got[key], v)
		}
	}
}

func TestCallAsDocumented(t *testing.T) {
	s := newServer(t)
	bea := s.put("contacts", map[string]any{"fullname": "Bea"})
	c := open(t, s, dynamics.Config{})
	d := written(c)
	d.Note.Match.Contact = &earshot.Contact{ID: "contact/" + bea}
	id := deliver(t, s, c, d)
	expect(t, s.rows["/phonecalls("+id+")"], map[string]any{
		"subject": "Call with Bea: late parcel", "description": "Her parcel is late.", "directioncode": false,
		"actualstart": "2026-03-04T05:06:07Z", "actualend": "2026-03-04T05:07:12Z", "actualdurationminutes": 2.0,
		"phonenumber": "+4930901820", "category": "Resolved", "new_casenumber": "A-17", "statecode": 1.0, "statuscode": 4.0,
		"regardingobjectid_contact_phonecall@odata.bind": "/contacts(" + bea + ")", "ownerid@odata.bind": "/systemusers(" + user + ")",
		"phonecall_activity_parties": []any{
			map[string]any{"partyid_contact@odata.bind": "/contacts(" + bea + ")", "participationtypemask": 1.0},
			map[string]any{"partyid_systemuser@odata.bind": "/systemusers(" + user + ")", "participationtypemask": 2.0},
		},
	})
	expect(t, s.task("Call back"), map[string]any{
		"scheduledend": "2026-03-06T12:00:00Z", "regardingobjectid_contact_task@odata.bind": "/contacts(" + bea + ")",
		"description": "Call back\n\nCall with Bea: late parcel\nhttps://ear.example/c",
	})
	if due, set := s.task("Send the form")["scheduledend"]; set {
		t.Errorf("a task without a day is due %v", due)
	}
	if len(s.queued) > 0 {
		t.Errorf("in queues: %v", s.queued)
	}
	out := crmtest.Delivery("call2", c.Name(), 1)
	out.Note.Direction = earshot.DirectionOutbound
	expect(t, s.rows["/phonecalls("+deliver(t, s, c, out)+")"], map[string]any{"directioncode": true, "statuscode": 2.0})
	if parts := strings.Split(id, "-"); len(parts) != 5 || parts[2][0] != '5' || !strings.ContainsRune("89ab", rune(parts[3][0])) {
		t.Errorf("%s is no UUID of version 5", id)
	}
}

// TestLaterRevision changes a phone call that is completed, and leaves the rest
// to people.
func TestLaterRevision(t *testing.T) {
	s := newServer(t)
	c := open(t, s, dynamics.Config{})
	d := written(c)
	d.RemoteID = deliver(t, s, c, d)
	call := s.rows["/phonecalls("+d.RemoteID+")"]
	call["ownerid@odata.bind"] = "somebody else"
	s.task("Call back")["statecode"] = 1.0
	delete(s.queued, d.RemoteID) // somebody took it
	d.Note.Writing.Body, d.Note.Writing.Disposition = "Bye.", ""
	d.Note.Writing.Tasks = append(d.Note.Writing.Tasks, earshot.Task{Key: "call1-u3", Text: "Write"})
	if id := deliver(t, s, c, d); id != d.RemoteID || len(s.rows) != 4 || len(s.queued) > 0 {
		t.Errorf("%s, %d rows, in queues %v", id, len(s.rows), s.queued)
	}
	expect(t, call, map[string]any{"description": "Bye.", "category": "Resolved", "ownerid@odata.bind": "somebody else", "statecode": 1.0})
	expect(t, s.task("Call back"), map[string]any{"statecode": 1.0})

	delete(s.rows, "/phonecalls("+d.RemoteID+")") // somebody deletes it
	if id := deliver(t, s, c, d); id != d.RemoteID || len(s.Notes()) != 1 {
		t.Errorf("%s, %d notes", id, len(s.Notes()))
	}
}

// TestWhomItIsAbout: nobody is in the queue, who is gone does not keep the note
// from being written.
func TestWhomItIsAbout(t *testing.T) {
	s := newServer(t)
	acme := s.put("accounts", map[string]any{"name": "ACME"})
	c := open(t, s, dynamics.Config{})
	for contact, bound := range map[string]any{"account/" + acme: "/accounts(" + acme + ")", "lead/" + user: nil, "robot/1": nil, "": nil} {
		d := written(c)
		d.NoteID = earshot.NoteID("call-" + contact)
		if contact != "" {
			d.Note.Match.Contact = &earshot.Contact{ID: contact}
		}
		id := deliver(t, s, c, d)
		deliver(t, s, c, d) // once more, as after a lost answer
		call := s.rows["/phonecalls("+id+")"]
		expect(t, call, map[string]any{"regardingobjectid_account_phonecall@odata.bind": bound, "regardingobjectid_lead_phonecall@odata.bind": nil})
		if want := map[bool]string{true: queue}[contact == ""]; s.queued[id] != want {
			t.Errorf("%q is in the queue %q, want %q", contact, s.queued[id], want)
		}
	}
	d := written(c)
	d.NoteID, d.Note.Writing.Queue = "call-elsewhere", "Nobody's"
	if _, err := c.Deliver(t.Context(), d); !permanent(err) {
		t.Errorf("a queue that is no ID: %v", err)
	}
}

func permanent(err error) bool {
	var p *earshot.PermanentError
	return errors.As(err, &p)
}

// TestLongNotesFit has the server refuse what is longer than documented.
func TestLongNotesFit(t *testing.T) {
	s := newServer(t)
	c := open(t, s, dynamics.Config{})
	d := written(c)
	d.Note.Writing.Body, d.Note.Writing.Subject = strings.Repeat("ü😀\n", 20000), strings.Repeat("ü", 250)
	r := s.rows["/phonecalls("+deliver(t, s, c, d)+")"]
	body, _ := r["description"].(string)
	if n := utf8.RuneCountInString(body); n < 1400 || !strings.HasSuffix(body, "...") || !utf8.ValidString(body) {
		t.Errorf("description of %d characters", n)
	}
	if subject, _ := r["subject"].(string); utf8.RuneCountInString(subject) != 200 {
		t.Errorf("subject of %d characters", utf8.RuneCountInString(subject))
	}
}

func TestFind(t *testing.T) {
	s := newServer(t)
	acme := s.put("accounts", map[string]any{"name": "ACME", "telephone1": "+4930901820"})
	s.put("contacts", map[string]any{"fullname": "Ann", "_parentcustomerid_value": acme, "mobilephone": "+4930901820"})
	s.put("leads", map[string]any{"fullname": "Bea", "telephone2": "030 901820"})
	s.put("contacts", map[string]any{"fullname": "Cyd", "telephone1": "(0)40 / 35 - 00 - 00"})
	s.put("accounts", map[string]any{"name": "Alone", "telephone1": "+1 (202) 555 0123"})
	s.put("leads", map[string]any{"fullname": "Short", "telephone1": "17"})
	retired := s.put("contacts", map[string]any{"fullname": "Retired", "telephone1": "+4930901820"})
	s.rows["/contacts("+retired+")"]["statecode"] = 1.0
	c := open(t, s, dynamics.Config{})
	for address, want := range map[string][]string{
		"sip:+4930901820@pbx.example": {"Ann", "Bea"}, "+4940350000": {"Cyd"}, "tel:+12025550123": {"Alone"},
		"17": {"Short"}, "+493012345678": nil,
	} {
		n, _ := phone.Parse(address, "DE")
		list, err := c.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err, s.problems)
		}
		var got []string
		for _, candidate := range list {
			if slices.ContainsFunc(candidate.Numbers, n.Same) {
				got = append(got, candidate.Name)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// TestFindWithoutSales: there is no table of leads then.
func TestFindWithoutSales(t *testing.T) {
	s := newServer(t)
	s.noLeads = true
	s.put("accounts", map[string]any{"name": "ACME", "telephone1": "+4930901820"})
	n, _ := phone.Parse("+4930901820", "")
	list, err := open(t, s, dynamics.Config{}).Find(t.Context(), n)
	if err != nil || len(list) != 1 || list[0].Name != "ACME" {
		t.Errorf("%+v, %v", list, err)
	}
}

func TestLeadIsMadeOnce(t *testing.T) {
	s := newServer(t)
	c := open(t, s, dynamics.Config{})
	n, _ := phone.Parse("+4930901820", "")
	first, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.problems)
	}
	second, err := c.MakeLead(t.Context(), n)
	if err != nil || second != first || len(s.rows) != 1 || !strings.HasPrefix(first.ID, "lead/") {
		t.Errorf("%+v and %+v, %v", first, second, err)
	}
	d := written(c)
	d.Note.Match.Contact = &first
	expect(t, s.rows["/phonecalls("+deliver(t, s, c, d)+")"], map[string]any{
		"regardingobjectid_lead_phonecall@odata.bind": "/leads(" + strings.TrimPrefix(first.ID, "lead/") + ")",
	})
}

func TestTest(t *testing.T) {
	s := newServer(t)
	for _, check := range open(t, s, dynamics.Config{}).Test(t.Context()) {
		if check.Err != nil {
			t.Errorf("%s: %v", check.Name, check.Err)
		}
	}
	checks := open(t, s, dynamics.Config{MaxBody: 5000}).Test(t.Context())
	if last := checks[len(checks)-1]; !permanent(last.Err) || last.Found != "up to 2000 characters" {
		t.Errorf("longer than fits: %+v", last)
	}
	if slices.ContainsFunc(s.requests, func(r string) bool { return strings.HasPrefix(r, "write") }) {
		t.Errorf("a test writes: %v", s.requests)
	}
}

// TestTokenEnds in the middle: another is asked for at once.
func TestTokenEnds(t *testing.T) {
	s := newServer(t)
	c := open(t, s, dynamics.Config{})
	deliver(t, s, c, written(c))
	s.token = "ended"
	deliver(t, s, c, written(c))
	if s.tokens != 2 || len(s.Notes()) != 1 {
		t.Errorf("%d tokens, %d notes", s.tokens, len(s.Notes()))
	}
}

// TestErrorsAreClean looks that the code is in an error, and nothing else.
func TestErrorsAreClean(t *testing.T) {
	s := newServer(t)
	s.Fail(crmtest.Fault{Status: http.StatusForbidden})
	c := open(t, s, dynamics.Config{})
	_, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1))
	if !permanent(err) || err.Error() != "dynamics answers 403 (0x80072322)" {
		t.Errorf("error %v", err)
	}
}

// TestServerIsStrict: otherwise the other tests show nothing.
func TestServerIsStrict(t *testing.T) {
	s := newServer(t)
	s.token = "token"
	srv := httptest.NewServer(s)
	defer srv.Close()
	for body, want := range map[string]int{
		`{"subject":"Call","actualdurationminutes":2}`:    204,
		`{"subject":"Call","actualdurationminutes":"2"}`:  400,
		`{"subject":"Call","actualdurationseconds":2}`:    400,
		`{"subject":"Call","directioncode":"inbound"}`:    400,
		`{"subject":"Call","actualstart":"04.03.2026"}`:   400,
		`{"subject":"Call","statecode":1,"statuscode":2}`: 400,
		`{"subject":"Call","regardingobjectid_contact_phonecall@odata.bind":"/contacts(00000000-0000-0000-0000-000000000099)"}`: 404,
		`{"subject":"Call","regardingobjectid_contact_phonecall@odata.bind":"Bea"}`:                                             400,
	} {
		clear(s.rows)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPatch,
			srv.URL+"/api/data/v9.2/phonecalls(00000000-0000-5000-8000-000000000001)", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("OData-Version", "4.0")
		req.Header.Set("Authorization", "Bearer "+s.token)
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, resp.StatusCode, want)
		}
	}
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []dynamics.Config{
		{},
		{URL: "http://acme.crm.dynamics.com"},
		{URL: "https://acme.crm.dynamics.com", MaxBody: 10},
		{URL: "https://acme.crm.dynamics.com", Name: "a.b"},
	} {
		if _, err := dynamics.New(cfg); err == nil {
			t.Errorf("New(%+v): no error", cfg)
		}
	}
}
