package hubspot_test

import (
	"errors"
	"fmt"
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
	"earshot/crm/hubspot"
	"earshot/crm/hubspot/hubspottest"
	"earshot/crm/phone"
	"earshot/crm/token"
)

// spec is what the vendor documents, in our words.
const spec = "testdata/openapi.yaml"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, s *hubspottest.Server, cfg hubspot.Config) *hubspot.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cfg.URL = srv.URL
	if cfg.Token == "" {
		cfg.Token = s.Token
	}
	cfg.TaskProperty, cfg.ContactProperty = "earshot_task_key", "earshot_number"
	c, err := hubspot.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func setup(t *testing.T) (crm.Connector, crmtest.Remote) {
	s := hubspottest.New(t, spec)
	return open(t, s, hubspot.Config{Timeout: 2 * time.Second}), s
}

func TestContract(t *testing.T) { crmtest.Contract(t, setup) }

func TestStorm(t *testing.T) { crmtest.Storm(t, setup) }

// written is a delivery as a mapping writes it.
func written(c crm.Connector) earshot.Delivery {
	d := crmtest.Delivery("call1", c.Name(), 1)
	d.Note.Direction = earshot.DirectionInbound
	d.Note.CallURL, d.Note.AudioURL = "https://ear.example/#/calls/call1?a=1&b=2", "https://ear.example/a"
	d.Note.Match = &earshot.Match{State: earshot.MatchNone, Number: "+4930901820"}
	d.Note.Writing = &earshot.Writing{
		Subject: "Call with Bea: late parcel", Body: "5 < 6 & \"so\" <script>\n\nTranscript: https://ear.example/#/calls/call1?a=1&b=2\n",
		Disposition: "f240bbac-87c9-4f6e-bf70-924b57d47db7", User: "4711", Fields: map[string]string{"case_number": "A-17"},
		Tasks: []earshot.Task{
			{Key: "call1-u1", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)},
			{Key: "call1-u2", Text: "Send the form"},
		},
	}
	return d
}

func expect(t *testing.T, got, want map[string]string) {
	t.Helper()
	for key, v := range want {
		if got[key] != v {
			t.Errorf("%s is %q, want %q", key, got[key], v)
		}
	}
}

func TestCallAsDocumented(t *testing.T) {
	s := hubspottest.New(t, spec)
	contact := s.Put("contacts", "bea", map[string]string{"firstname": "Bea"})
	c := open(t, s, hubspot.Config{})
	d := written(c)
	d.Note.Match.Contact = &earshot.Contact{ID: contact}
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	expect(t, s.Records["calls"]["call1-hubspot"], map[string]string{
		"hs_object_id": id, "hs_timestamp": "1772600767000", "hs_call_duration": "65000",
		"hs_call_direction": "INBOUND", "hs_call_status": "COMPLETED", "hs_call_title": "Call with Bea: late parcel",
		"hs_call_body": `<p>5 &lt; 6 &amp; &#34;so&#34; &lt;script&gt;</p><p>Transcript: <a href="https://ear.example/#/calls/call1?a=1&amp;b=2">` +
			`https://ear.example/#/calls/call1?a=1&amp;b=2</a></p>`,
		"hs_call_recording_url": "https://ear.example/a", "hs_call_from_number": "+4930901820", "hs_call_to_number": "",
		"hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7", "hubspot_owner_id": "4711", "case_number": "A-17",
	})
	expect(t, s.Records["tasks"]["call1-u1"], map[string]string{
		"hs_timestamp": fmt.Sprint(time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC).UnixMilli()), "hs_task_subject": "Call back",
		"hs_task_status": "NOT_STARTED", "hubspot_owner_id": "4711",
	})
	expect(t, s.Records["tasks"]["call1-u2"], map[string]string{"hs_timestamp": fmt.Sprint(d.Note.EndedAt.Add(24 * time.Hour).UnixMilli())})
	for _, link := range []string{"calls/" + id + " contacts/" + contact, "tasks/2000 contacts/" + contact, "tasks/2001 contacts/" + contact} {
		if !s.Links[link] {
			t.Errorf("no link %s among %v", link, s.Links)
		}
	}
}

// TestLaterRevision replaces the note and leaves the tasks to who does them.
func TestLaterRevision(t *testing.T) {
	s := hubspottest.New(t, spec)
	c := open(t, s, hubspot.Config{})
	d := written(c)
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	s.Records["tasks"]["call1-u1"]["hs_task_status"] = "COMPLETED"
	d.Note.AudioURL, d.Note.Writing.Body, d.Note.Writing.Disposition, d.RemoteID = "", "Bye.", "", id
	d.Note.Writing.Tasks = append(d.Note.Writing.Tasks, earshot.Task{Key: "call1-u3", Text: "Write"})
	if again, err := c.Deliver(t.Context(), d); err != nil || again != id {
		t.Fatalf("%s, %v, want %s", again, err, id)
	}
	expect(t, s.Records["calls"]["call1-hubspot"], map[string]string{
		"hs_call_body": "<p>Bye.</p>", "hs_call_recording_url": "", "hs_call_disposition": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
	})
	if tasks := s.Records["tasks"]; len(tasks) != 3 || tasks["call1-u1"]["hs_task_status"] != "COMPLETED" {
		t.Errorf("tasks %v", tasks)
	}
}

// TestWithoutContact: none that is known, and one that is gone since.
func TestWithoutContact(t *testing.T) {
	s := hubspottest.New(t, spec)
	c := open(t, s, hubspot.Config{})
	d := written(c)
	if _, err := c.Deliver(t.Context(), d); err != nil || slices.Contains(s.Requests, "associate") {
		t.Errorf("%v after %v", err, s.Requests)
	}
	d.Note.Match.Contact = &earshot.Contact{ID: "999"}
	if _, err := c.Deliver(t.Context(), d); err != nil || len(s.Links) > 0 || !slices.Contains(s.Requests, "associate") {
		t.Errorf("%v, links %v after %v", err, s.Links, s.Requests)
	}
}

func TestFind(t *testing.T) {
	s := hubspottest.New(t, spec)
	for key, p := range map[string]map[string]string{
		"e164":     {"firstname": "Ann", "lastname": "Alm", "phone": "+4930901820"},
		"national": {"firstname": "Bea", "phone": "030 / 90 18 20"},
		"mobile":   {"email": "c@crm.example", "mobilephone": "+49 30 901820"},
		"other":    {"firstname": "Dan", "phone": "+49 30 901821"},
		"fresh":    {"firstname": "Eve", "phone": "+4930901820"}, // the search lags
		"short":    {"firstname": "Flo", "phone": "17"},
	} {
		s.Put("contacts", key, p)
		s.Indexed[key] = key != "fresh"
	}
	c := open(t, s, hubspot.Config{})
	for address, want := range map[string][]string{
		"sip:030901820@pbx.example": {"Ann Alm", "Bea", "c@crm.example"}, "17": {"Flo"}, "+493012345678": nil,
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
	s := hubspottest.New(t, spec)
	c := open(t, s, hubspot.Config{})
	n, _ := phone.Parse("+4930901820", "")
	first, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	if second, err := c.MakeLead(t.Context(), n); err != nil || second.ID != first.ID || len(s.Records["contacts"]) != 1 {
		t.Errorf("%+v and %+v, %v", first, second, err)
	}
	none, err := hubspot.New(hubspot.Config{Token: "pat"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := none.MakeLead(t.Context(), n); !permanent(err) {
		t.Errorf("without a property: %v", err)
	}
}

func TestTest(t *testing.T) {
	s := hubspottest.New(t, spec)
	for _, check := range open(t, s, hubspot.Config{}).Test(t.Context()) {
		if check.Err != nil {
			t.Errorf("%s: %v", check.Name, check.Err)
		}
	}
	if want := []string{"listContacts", "property", "property", "property", "searchContacts"}; !slices.Equal(s.Requests, want) {
		t.Errorf("requests %v", s.Requests)
	}
	checks := open(t, s, hubspot.Config{Property: "other"}).Test(t.Context())
	if last := checks[len(checks)-1]; len(checks) != 2 || last.Err == nil || last.Err.Error() != "there is no property other" {
		t.Errorf("with another property: %+v", checks)
	}
	checks = open(t, s, hubspot.Config{Token: "pat-other"}).Test(t.Context())
	if len(checks) != 1 || !permanent(checks[0].Err) {
		t.Errorf("with another token: %+v", checks)
	}
}

// TestOAuth: the token of the settings is refused, and what it is replaced by
// is void after one use.
func TestOAuth(t *testing.T) {
	s := hubspottest.New(t, spec)
	s.Refresh, s.Expires = "refresh", 1800
	srv := httptest.NewServer(s)
	defer srv.Close()
	store := token.NewStore(t.TempDir())
	connector := func() *hubspot.Connector {
		tokens, err := token.New(token.Config{
			Name: "hubspot", URL: srv.URL + hubspot.TokenPath, Store: store,
			Grant: token.RefreshToken{ID: "app", Secret: "secret", Token: "refresh"},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(tokens.Close)
		return open(t, s, hubspot.Config{Tokens: tokens})
	}
	c := connector()
	for i := range 3 {
		if i == 2 {
			s.Token = "revoked" // 401, then a new one
		}
		if _, err := c.Deliver(t.Context(), written(c)); err != nil {
			t.Fatal(err, s.Problems)
		}
	}
	if _, err := connector().Deliver(t.Context(), written(c)); err != nil { // after a restart
		t.Fatal(err, s.Problems)
	}
	if s.Refresh != "refresh+++" || len(s.Records["calls"]) != 1 {
		t.Errorf("refresh token %q, %d calls", s.Refresh, len(s.Records["calls"]))
	}
}

// TestLongNotesFit has the server refuse what is longer than documented.
func TestLongNotesFit(t *testing.T) {
	s := hubspottest.New(t, spec)
	c := open(t, s, hubspot.Config{})
	d := written(c)
	d.Note.Writing.Body = strings.Repeat(strings.Repeat("<ü>", 20)+"\n", 3000)
	if _, err := c.Deliver(t.Context(), d); err != nil {
		t.Fatal(err, s.Problems)
	}
	if body := s.Records["calls"]["call1-hubspot"]["hs_call_body"]; utf8.RuneCountInString(body) < 60000 || !strings.HasSuffix(body, "</p>") {
		t.Errorf("body of %d characters ends in %q", utf8.RuneCountInString(body), body[len(body)-10:])
	}
}

// TestServerIsStrict looks that the server would see a misspelt property and a
// number that is none: otherwise the other tests show nothing.
func TestServerIsStrict(t *testing.T) {
	s := hubspottest.New(t, spec)
	srv := httptest.NewServer(s)
	defer srv.Close()
	for body, want := range map[string]int{
		`{"inputs":[{"id":"a","idProperty":"earshot_note_id","properties":{"hs_timestamp":"1772600767000"}}]}`:                              200,
		`{"inputs":[{"id":"a","idProperty":"earshot_note_id","properties":{"hs_timestamp":"1772600767000","hs_call_boddy":""}}]}`:           400,
		`{"inputs":[{"id":"a","idProperty":"earshot_note_id","properties":{"hs_timestamp":1772600767000}}]}`:                                400,
		`{"inputs":[{"id":"a","idProperty":"earshot_note_id","properties":{"hs_timestamp":"1772600767"}}]}`:                                 400,
		`{"inputs":[{"id":"a","idProperty":"earshot_note_id","properties":{"hs_timestamp":"1772600767000","hs_call_status":"done"}}]}`:      400,
		`{"inputs":[{"id":"a","idProperty":"earshot_note_id","properties":{"hs_timestamp":"1772600767000","hs_call_disposition":"done"}}]}`: 400,
		`{"inputs":[{"id":"a","properties":{"hs_timestamp":"1772600767000"}}]}`:                                                             400,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/crm/objects/2026-03/calls/batch/upsert", strings.NewReader(body))
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

// TestAnswers looks at what is HubSpot's own; the rest is crm/rest's.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		fault              crmtest.Fault
		inside             string
		permanent, unknown bool
		after              time.Duration
	}{
		{fault: crmtest.Fault{Status: 401}, permanent: true},
		{fault: crmtest.Fault{Status: 409}},
		{fault: crmtest.Fault{Status: 423, RetryAfter: "2"}, after: 2 * time.Second},
		{fault: crmtest.Fault{Status: 477, RetryAfter: "999999999"}, after: 24 * time.Hour},
		{fault: crmtest.Fault{Status: 502, Keep: true}, unknown: true},
		{inside: "VALIDATION_ERROR", permanent: true},
		{inside: "CONFLICT"},
	} {
		s := hubspottest.New(t, spec)
		if c.inside != "" {
			s.Inside = []string{c.inside}
		} else {
			s.Fail(c.fault)
		}
		conn := open(t, s, hubspot.Config{})
		d := crmtest.Delivery("call1", conn.Name(), 1)
		_, err := conn.Deliver(t.Context(), d)
		var after *earshot.RetryAfterError
		if err == nil || permanent(err) != c.permanent || errors.Is(err, crm.ErrUnknown) != c.unknown {
			t.Errorf("%d%s: error %v", c.fault.Status, c.inside, err)
			continue
		}
		if errors.As(err, &after) != (c.after > 0) || after != nil && after.After != c.after {
			t.Errorf("%d: come back %+v, want after %v", c.fault.Status, after, c.after)
		}
		if strings.Contains(err.Error(), s.Token) || strings.Contains(err.Error(), "Revision") {
			t.Errorf("error %q holds a secret or text", err)
		}
		if len(s.Requests) != 1 {
			t.Errorf("%d: requests %v", c.fault.Status, s.Requests)
		}
	}
}

func permanent(err error) bool {
	var p *earshot.PermanentError
	return errors.As(err, &p)
}

func TestBadConfig(t *testing.T) {
	for _, cfg := range []hubspot.Config{
		{},
		{Token: "a secret"},
		{Token: "secret", URL: "http://crm.example"},
		{Token: "secret", URL: "https://user:secret@crm.example"},
		{Token: "secret", Name: "a.b"},
	} {
		if _, err := hubspot.New(cfg); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("New(%+v): error %v", cfg, err)
		}
	}
}
