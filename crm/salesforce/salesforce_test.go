package salesforce_test

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
	"earshot/crm/salesforce"
	"earshot/crm/salesforce/salesforcetest"
	"earshot/crm/token"
)

// spec is what the vendor documents, in our words.
const spec = "testdata/openapi.yaml"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a connector that signs in by a grant, client credentials for nil.
func open(t *testing.T, s *salesforcetest.Server, cfg salesforce.Config, grant token.Grant) *salesforce.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	if grant == nil {
		grant = token.ClientCredentials{ID: "app", Secret: "consumer-secret"}
	}
	tokens, err := token.New(token.Config{
		Name: "salesforce", URL: srv.URL + salesforce.TokenPath, Grant: grant, Store: token.NewStore(t.TempDir()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tokens.Close)
	cfg.URL, cfg.Tokens = srv.URL, tokens
	c, err := salesforce.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func setup(externalID string) func(*testing.T) (crm.Connector, crmtest.Remote) {
	return func(t *testing.T) (crm.Connector, crmtest.Remote) {
		s := salesforcetest.New(t, spec)
		return open(t, s, salesforce.Config{Timeout: 2 * time.Second, ExternalID: externalID}, nil), s
	}
}

// TestContract with the look-up by CallObject, and with an external ID.
func TestContract(t *testing.T) {
	t.Run("look-up", func(t *testing.T) { crmtest.Contract(t, setup("")) })
	t.Run("external ID", func(t *testing.T) { crmtest.Contract(t, setup("Earshot_Id__c")) })
}

// TestStorm: nothing is committed later than it is answered here, so that the
// look-up alone keeps doubles out.
func TestStorm(t *testing.T) {
	t.Run("look-up", func(t *testing.T) { crmtest.Storm(t, setup("")) })
	t.Run("external ID", func(t *testing.T) { crmtest.Storm(t, setup("Earshot_Id__c")) })
}

// written is a delivery as a mapping writes it.
func written(c crm.Connector) earshot.Delivery {
	d := crmtest.Delivery("call1", c.Name(), 1)
	d.Note.Direction, d.Note.CallURL = earshot.DirectionInbound, "https://ear.example/c"
	d.Note.Match = &earshot.Match{State: earshot.MatchNone, Number: "+4930901820"}
	d.Note.Writing = &earshot.Writing{
		Subject: "Call with Bea: late parcel", Body: "Her parcel is late.\nBea's \"quoted\" <word>",
		Disposition: "Resolved", User: "005000000000000001", Fields: map[string]string{"Case_Number__c": "A-17"},
		Tasks: []earshot.Task{
			{Key: "call1-it's", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)},
			{Key: "call1-u2", Text: "Send the form"},
		},
	}
	return d
}

func deliver(t *testing.T, s *salesforcetest.Server, c *salesforce.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	return id
}

func byKey(s *salesforcetest.Server, key string) map[string]any {
	for id, r := range s.Records {
		if r["CallObject"] == key && !s.Deleted[id] {
			return r
		}
	}
	return nil
}

func expect(t *testing.T, got, want map[string]any) {
	t.Helper()
	for key, v := range want {
		if got[key] != v {
			t.Errorf("%s is %v, want %v", key, got[key], v)
		}
	}
}

func TestCallAsDocumented(t *testing.T) {
	s := salesforcetest.New(t, spec)
	contact := s.Put("Contact", map[string]any{"Name": "Bea"})
	c := open(t, s, salesforce.Config{}, nil)
	d := written(c)
	d.Note.Match.Contact = &earshot.Contact{ID: "Contact/" + contact}
	id := deliver(t, s, c, d)
	expect(t, s.Records[id], map[string]any{
		"Subject": "Call with Bea: late parcel", "Description": "Her parcel is late.\nBea's \"quoted\" <word>", "TaskSubtype": "Call",
		"Status": "Completed", "CallType": "Inbound", "CallDurationInSeconds": 65.0, "CallDisposition": "Resolved",
		"CallObject": "call1-salesforce", "ActivityDate": "2026-03-04", "WhoId": contact, "OwnerId": "005000000000000001", "Case_Number__c": "A-17",
	})
	expect(t, byKey(s, "call1-it's"), map[string]any{
		"Subject": "Call back", "Status": "Not Started", "TaskSubtype": "Task", "ActivityDate": "2026-03-06", "WhoId": contact,
		"Description": "Call back\n\nCall with Bea: late parcel\nhttps://ear.example/c",
	})
	if due, set := byKey(s, "call1-u2")["ActivityDate"]; set {
		t.Errorf("a task without a day is due %v", due)
	}
}

// TestLaterRevision replaces what is said, and leaves the rest to people.
func TestLaterRevision(t *testing.T) {
	s := salesforcetest.New(t, spec)
	c := open(t, s, salesforce.Config{}, nil)
	d := written(c)
	d.RemoteID = deliver(t, s, c, d)
	byKey(s, "call1-it's")["Status"] = "Completed"
	s.Records[d.RemoteID]["OwnerId"] = "005000000000000002"
	d.Note.Writing.Body, d.Note.Writing.Disposition = "Bye.", ""
	d.Note.Writing.Tasks = append(d.Note.Writing.Tasks, earshot.Task{Key: "call1-u3", Text: "Write"})
	if id := deliver(t, s, c, d); id != d.RemoteID || len(s.Records) != 4 {
		t.Errorf("%s, %d records", id, len(s.Records))
	}
	expect(t, s.Records[d.RemoteID], map[string]any{"Description": "Bye.", "CallDisposition": "Resolved", "OwnerId": "005000000000000002"})
	expect(t, byKey(s, "call1-it's"), map[string]any{"Status": "Completed"})
}

// TestDeleted: somebody deletes the task, or renames what it is found by.
func TestDeleted(t *testing.T) {
	s := salesforcetest.New(t, spec)
	c := open(t, s, salesforce.Config{}, nil)
	d := written(c)
	d.Note.Writing.Tasks = nil
	d.RemoteID = deliver(t, s, c, d)
	s.Records[d.RemoteID]["CallObject"] = "renamed"
	if id := deliver(t, s, c, d); id != d.RemoteID {
		t.Errorf("another task %s", id)
	}
	s.Deleted[d.RemoteID] = true
	if id := deliver(t, s, c, d); id == d.RemoteID || len(s.Notes()) != 1 {
		t.Errorf("%s, %d notes", id, len(s.Notes()))
	}
}

// TestWhomItIsAbout: accounts are not people, nobody is nobody, and who is gone
// does not keep the note from being written.
func TestWhomItIsAbout(t *testing.T) {
	s := salesforcetest.New(t, spec)
	account, gone := s.Put("Account", map[string]any{"Name": "ACME"}), s.Put("Lead", map[string]any{"Name": "Bea"})
	s.Deleted[gone] = true
	c := open(t, s, salesforce.Config{}, nil)
	for contact, want := range map[string]map[string]any{
		"Account/" + account: {"WhatId": account, "WhoId": nil}, "Lead/" + gone: {"WhoId": nil, "WhatId": nil},
		"Robot/1": {"WhoId": nil, "WhatId": nil}, "": {"WhoId": nil, "WhatId": nil},
	} {
		d := crmtest.Delivery(earshot.CallID("call"+strings.ReplaceAll(contact, "/", "")), c.Name(), 1)
		d.Note.Match = &earshot.Match{}
		if contact != "" {
			d.Note.Match.Contact = &earshot.Contact{ID: contact}
		}
		expect(t, s.Records[deliver(t, s, c, d)], want)
	}
	d := written(c)
	d.Note.Writing.Queue = "00G000000000000001"
	expect(t, s.Records[deliver(t, s, c, d)], map[string]any{"OwnerId": "00G000000000000001"})
	expect(t, byKey(s, "call1-u2"), map[string]any{"OwnerId": "005000000000000001"})
}

// TestLongNotesFit has the server refuse what is longer than documented.
func TestLongNotesFit(t *testing.T) {
	s := salesforcetest.New(t, spec)
	c := open(t, s, salesforce.Config{}, nil)
	d := written(c)
	d.Note.Writing.Body, d.Note.Writing.Subject = strings.Repeat("ü😀\n", 20000), strings.Repeat("ü", 300)
	r := s.Records[deliver(t, s, c, d)]
	body, _ := r["Description"].(string)
	if n := utf8.RuneCountInString(body); n < 18000 || !strings.HasSuffix(body, "...") || !utf8.ValidString(body) {
		t.Errorf("description of %d characters", n)
	}
	if subject, _ := r["Subject"].(string); utf8.RuneCountInString(subject) != 255 {
		t.Errorf("subject of %d characters", utf8.RuneCountInString(subject))
	}
}

func TestFind(t *testing.T) {
	s := salesforcetest.New(t, spec)
	acme := s.Put("Account", map[string]any{"Name": "ACME", "Phone": "+49 30 901820"})
	s.Put("Contact", map[string]any{"Name": "Ann", "AccountId": acme, "MobilePhone": "(030) 901820"})
	s.Put("Lead", map[string]any{"Name": "Bea", "Phone": "+4930901820"})
	alone := s.Put("Account", map[string]any{"Name": "Alone", "Phone": "+1 202-555-0123"})
	s.Put("Contact", map[string]any{"Name": "Other", "AccountId": alone, "Phone": "+4930901821"})
	c := open(t, s, salesforce.Config{}, nil)
	for address, want := range map[string][]string{
		"sip:+4930901820@pbx.example": {"Ann", "Bea"}, "tel:+12025550123": {"Alone"}, "+493012345678": nil, "7": nil,
	} {
		n, _ := phone.Parse(address, "DE")
		list, err := c.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err, s.Problems)
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

func TestLeadIsMadeOnce(t *testing.T) {
	s := salesforcetest.New(t, spec)
	c := open(t, s, salesforce.Config{}, nil)
	n, _ := phone.Parse("+4930901820", "")
	first, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	second, err := c.MakeLead(t.Context(), n)
	if err != nil || second != first || len(s.Records) != 1 || !strings.HasPrefix(first.ID, "Lead/00Q") {
		t.Errorf("%+v and %+v, %v", first, second, err)
	}
}

func TestTest(t *testing.T) {
	s := salesforcetest.New(t, spec)
	for externalID, want := range map[string]int{"": 4, "Earshot_Id__c": 5, "Other__c": 4} {
		checks := open(t, s, salesforce.Config{ExternalID: externalID}, nil).Test(t.Context())
		last := checks[len(checks)-1]
		if len(checks) != want || (last.Err != nil) != (externalID == "Other__c") {
			t.Errorf("%q: %+v", externalID, checks)
		}
		if externalID == "Earshot_Id__c" && !strings.HasPrefix(checks[3].Found, "not unique") {
			t.Errorf("%+v", checks[3])
		}
	}
	if slices.ContainsFunc(s.Requests, func(r string) bool { return strings.HasSuffix(r, "Task") && r != "describeTask" }) {
		t.Errorf("a test writes: %v", s.Requests)
	}
}

// TestSessions end, also in the middle, and each refresh token is good once.
func TestSessions(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, grant := range map[string]token.Grant{
		"JWT":           token.JWT{Issuer: "app", Subject: "ear@acme.example", Audience: "https://login.salesforce.com", Key: key, Life: salesforce.AssertionLife},
		"refresh token": token.RefreshToken{ID: "app", Token: "refresh"},
	} {
		s := salesforcetest.New(t, spec)
		if name == "refresh token" {
			s.Refresh = "refresh"
		}
		c := open(t, s, salesforce.Config{}, grant)
		for range 2 {
			deliver(t, s, c, written(c))
		}
		s.Token = "ended"
		deliver(t, s, c, written(c))
		if s.Tokens != 2 || len(s.Notes()) != 1 {
			t.Errorf("%s: %d tokens, %d notes", name, s.Tokens, len(s.Notes()))
		}
	}
}

// TestAnswers looks at what is Salesforce's own; the rest is crm/rest's.
func TestAnswers(t *testing.T) {
	for code, want := range map[string]bool{"REQUEST_LIMIT_EXCEEDED": false, "UNABLE_TO_LOCK_ROW": false, "REQUIRED_FIELD_MISSING": true} {
		s := salesforcetest.New(t, spec)
		s.Code = code
		s.Fail(crmtest.Fault{Status: http.StatusForbidden})
		c := open(t, s, salesforce.Config{}, nil)
		_, err := c.Deliver(t.Context(), crmtest.Delivery("call1", c.Name(), 1))
		var permanent *earshot.PermanentError
		if err == nil || errors.As(err, &permanent) != want || errors.Is(err, crm.ErrUnknown) ||
			!strings.Contains(err.Error(), code) || strings.Contains(err.Error(), "Revision") || strings.Contains(err.Error(), "session") {
			t.Errorf("%s: error %v", code, err)
		}
	}
}

func TestLiveCalls(t *testing.T) {
	s := salesforcetest.New(t, spec)
	c := open(t, s, salesforce.Config{Event: "Earshot_Call__e"}, nil)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	call := earshot.Call{ID: "call1", Direction: earshot.DirectionInbound, Participants: []earshot.Participant{
		{ID: "p1", AOR: "sip:+4930901820@pbx.example", Role: earshot.RoleCustomer},
	}}
	for _, c2 := range []struct {
		event earshot.Event
		want  map[string]any
	}{
		{
			earshot.NewEvent(earshot.EventCallStarted, "call1", call),
			map[string]any{"Type__c": "call.started", "Number__c": "+4930901820", "Direction__c": "inbound", "At__c": "2026-03-04T05:06:07Z"},
		},
		{
			earshot.NewEvent(earshot.EventCallMatched, "call1", earshot.CallMatch{CallID: "call1", Match: earshot.Match{
				State: earshot.MatchMatched, Number: "+4930901820", Contact: &earshot.Contact{ID: "Contact/003", Name: "Ann"},
			}}),
			map[string]any{"Type__c": "call.matched", "Match__c": "matched", "Contact__c": "Contact/003", "Title__c": "Ann"},
		},
		{
			earshot.NewEvent(earshot.EventSuggestionCreated, "call1", earshot.Suggestion{Kind: "alert", Title: "Angry", Text: strings.Repeat("a", 9000)}),
			map[string]any{"Type__c": "suggestion.created", "Kind__c": "alert", "Title__c": "Angry", "Text__c": strings.Repeat("a", 3997) + "..."},
		},
		{earshot.NewEvent(earshot.EventCallEnded, "call1", call), map[string]any{"Type__c": "call.ended", "Call_Id__c": "call1"}},
	} {
		c2.event.At = at
		if !slices.Contains(c.Events(), c2.event.Type) {
			t.Errorf("%s is not wanted", c2.event.Type)
		}
		if err := c.Publish(t.Context(), c2.event); err != nil {
			t.Fatal(err, s.Problems)
		}
		expect(t, s.Events[len(s.Events)-1], c2.want)
	}
	if events := open(t, s, salesforce.Config{}, nil).Events(); events != nil {
		t.Errorf("without a platform event: %v", events)
	}
}

// TestServerIsStrict: otherwise the other tests show nothing.
func TestServerIsStrict(t *testing.T) {
	s := salesforcetest.New(t, spec)
	srv := httptest.NewServer(s)
	defer srv.Close()
	for body, want := range map[string]int{
		`{"Subject":"Call","Status":"Completed","CallDurationInSeconds":65}`:     201,
		`{"Subject":"Call","Status":"Completed","CallDurationInSeconds":"65"}`:   400,
		`{"Subject":"Call","Status":"Completed","CallDuration":65}`:              400,
		`{"Subject":"Call","Status":"Done"}`:                                     400,
		`{"Subject":"Call","Status":"Completed","CallType":"inbound"}`:           400,
		`{"Subject":"Call","Status":"Completed","ActivityDate":"04.03.2026"}`:    400,
		`{"Subject":"Call","Status":"Completed","WhoId":"003000000000000099"}`:   400,
		`{"Subject":"Call","Status":"Completed","WhoId":"Contact/003000000001"}`: 400,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/services/data/v62.0/sobjects/Task", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+s.Token)
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
	for _, cfg := range []salesforce.Config{
		{},
		{URL: "http://acme.my.salesforce.com"},
		{URL: "https://acme.my.salesforce.com", ExternalID: "Earshot_Id"},
		{URL: "https://acme.my.salesforce.com", ExternalID: "Earshot Id__c"},
		{URL: "https://acme.my.salesforce.com", Event: "Earshot_Call__c"},
		{URL: "https://acme.my.salesforce.com", Name: "a.b"},
	} {
		if _, err := salesforce.New(cfg); err == nil {
			t.Errorf("New(%+v): no error", cfg)
		}
	}
}
