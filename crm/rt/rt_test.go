package rt_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
	"earshot/crm/rt"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, s *crmtest.Tracker, cfg rt.Config) *rt.Connector {
	t.Helper()
	if cfg.URL == "" {
		cfg.URL = s.URL
	}
	cfg.User, cfg.Password = "root", crmtest.Password
	c, err := rt.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// remote is the tracker as the contract sees it: the notes of one connector.
type remote struct {
	*crmtest.Proxy
	tracker   *crmtest.Tracker
	connector string
}

var revision = regexp.MustCompile(`Revision \d+\.`)

// Notes returns each note in its newest revision, and once more for each
// comment that is there twice.
func (r remote) Notes() []earshot.Note {
	newest := map[string]earshot.Note{}
	var doubles []earshot.Note
	seen := map[string]bool{}
	for _, c := range r.tracker.Comments("-" + r.connector + "-r") {
		id, _, _ := strings.Cut(c.Key, "-")
		n := earshot.Note{CallID: earshot.CallID(id), Summary: earshot.Summary{Text: revision.FindString(c.Text)}}
		if seen[c.Key] {
			doubles = append(doubles, n)
		}
		seen[c.Key], newest[id] = true, n
	}
	for _, n := range newest {
		doubles = append(doubles, n)
	}
	return doubles
}

func isComment(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/comment") }

// TestContract runs the contract of connectors against a real tracker, each test
// under a name of its own.
func TestContract(t *testing.T) {
	url, tests := crmtest.StartServer(t, "rt"), 0
	crmtest.Contract(t, func(t *testing.T) (crm.Connector, crmtest.Remote) {
		s := &crmtest.Tracker{T: t, URL: url}
		p := crmtest.NewProxy(t, url, isComment)
		timeout := 30 * time.Second
		if strings.HasSuffix(t.Name(), "no_answer_is_unknown") {
			timeout = 5 * time.Second
		}
		tests++
		name := fmt.Sprintf("rt%d", tests)
		return connect(t, s, rt.Config{Name: name, URL: p.URL, Timeout: timeout}), remote{p, s, name}
	})
}

func delivery(call string, contact *earshot.Contact) earshot.Delivery {
	d := crmtest.Delivery(earshot.CallID(call), "request_tracker", 1)
	d.Note.Match = &earshot.Match{Connector: "request_tracker", State: earshot.MatchNone, Contact: contact}
	return d
}

func deliver(t *testing.T, c *rt.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestRequestTracker(t *testing.T) {
	s := &crmtest.Tracker{T: t, URL: crmtest.StartServer(t, "rt")}
	c := connect(t, s, rt.Config{})
	s.User("ann", map[string]any{"RealName": "Ann Lee", "EmailAddress": "ann@example.com", "CustomFields": map[string]string{"PhoneE164": "+49 30 1234567"}})
	s.User("bob", map[string]any{"MobilePhone": "(030) 765-4321", "EmailAddress": "bob@example.com"})
	for name, run := range map[string]func(*testing.T, *crmtest.Tracker, *rt.Connector){
		"finds": testFind, "finds all who have it": testFindAll, "ticket of the caller": testTicket, "nobody's call": testNobody, "what the mapping says": testMapping,
		"a lead": testLead, "test": testChecks,
	} {
		t.Run(name, func(t *testing.T) { run(t, &crmtest.Tracker{T: t, URL: s.URL}, c) })
	}
}

func testFind(t *testing.T, s *crmtest.Tracker, c *rt.Connector) {
	s.Ask(http.MethodPost, "/ticket", map[string]string{"Queue": "General", "Subject": "x", "Requestor": "bob"}, nil)
	for number, want := range map[string]string{"+49301234567": "ann", "0307654321": "bob", "+49301234560": ""} {
		n, _ := phone.Parse(number, "DE")
		list, err := c.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, v := range list {
			if slices.ContainsFunc(v.Numbers, n.Same) {
				got += v.ID
			}
		}
		if got != want {
			t.Errorf("%s is %q, want %q, of %+v", number, got, want, list)
		}
	}
}

// testFindAll: somebody with many tickets hides nobody, and who is disabled does
// not count.
func testFindAll(t *testing.T, s *crmtest.Tracker, c *rt.Connector) {
	s.User("o'hara", map[string]any{"WorkPhone": "030 / 55 51-23.45"})
	s.User("pat", map[string]any{"HomePhone": "+49 30 5551 2345"})
	s.User("former", map[string]any{"PagerPhone": "+49 30 55512345"})
	for _, name := range append([]string{"pat", "former"}, slices.Repeat([]string{"o'hara"}, 5)...) {
		s.Ask(http.MethodPost, "/ticket", map[string]string{"Queue": "General", "Subject": "x", "Requestor": name}, nil)
	}
	s.Ask(http.MethodPut, "/user/former", map[string]int{"Disabled": 1}, nil)
	n, _ := phone.Parse("+493055512345", "DE")
	list, err := c.Find(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, v := range list {
		got = append(got, v.ID)
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"o'hara", "pat"}) {
		t.Errorf("found %q", got)
	}
}

func testTicket(t *testing.T, s *crmtest.Tracker, c *rt.Connector) {
	ann := &earshot.Contact{ID: "ann"}
	first := delivery("call1", ann)
	ticket := deliver(t, c, first)
	other := deliver(t, c, delivery("call2", ann))
	if ticket != other {
		t.Errorf("a second call went to ticket %s, the first to %s", other, ticket)
	}
	second := crmtest.Delivery("call1", "request_tracker", 2)
	second.RemoteID = ticket
	if got := deliver(t, c, second); got != ticket {
		t.Errorf("the second revision went to ticket %s", got)
	}
	got := s.Comments("call1-")
	if len(got) != 2 || got[0].Minutes != "2" || got[1].Minutes != "0" || !strings.Contains(got[0].Text, "Revision 1.") ||
		!strings.HasPrefix(got[1].Text, "This replaces the note above about the same call (revision 2).\n\n") || got[0].Ticket != ticket {
		t.Errorf("comments %+v", got)
	}
	s.Ask(http.MethodPut, "/ticket/"+ticket, map[string]string{"Status": "resolved"}, nil)
	if again := deliver(t, c, delivery("call3", ann)); again == ticket {
		t.Error("a call went to a ticket that is resolved")
	}
}

func testNobody(t *testing.T, s *crmtest.Tracker, c *rt.Connector) {
	d := delivery("call4", nil)
	one, two := deliver(t, c, d), deliver(t, c, delivery("call5", nil))
	var got struct {
		Subject   string
		Requestor []any
	}
	s.Ask(http.MethodGet, "/ticket/"+one, nil, &got)
	if one == two || len(got.Requestor) != 0 || got.Subject != "Call: late parcel" {
		t.Errorf("tickets %s and %s: %+v", one, two, got)
	}
	d.State = earshot.DeliveryUnknown
	if again := deliver(t, c, d); again != one || len(s.Comments("call4-")) != 1 {
		t.Errorf("looked up, it is on ticket %s, with %d comments", again, len(s.Comments("call4-")))
	}
}

func testMapping(t *testing.T, s *crmtest.Tracker, c *rt.Connector) {
	s.Queue("Support")
	d := delivery("call6", &earshot.Contact{ID: "ann"})
	d.Note.Writing = &earshot.Writing{
		Subject: "It's Ann's <parcel>", Body: "One\nTwo & 'three'", Disposition: "resolved", User: "root", Queue: "Support",
		Tasks: []earshot.Task{{Key: "call6-u1", Text: "Send the form", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)}},
	}
	ticket := deliver(t, c, d)
	d.State = earshot.DeliveryUnknown
	deliver(t, c, d) // nothing is made twice
	var got struct {
		Subject, Status string
		Owner           struct{ ID string }
	}
	s.Ask(http.MethodGet, "/ticket/"+ticket, nil, &got)
	if got.Subject != "It's Ann's <parcel>" || got.Status != "resolved" || got.Owner.ID != "root" {
		t.Errorf("ticket %+v", got)
	}
	if list := s.Comments("call6-"); len(list) != 1 || list[0].Text != "One\nTwo & 'three'" {
		t.Errorf("comments %+v", list)
	}
	var tasks struct {
		Items []struct{ Subject, Due string }
	}
	q := url.Values{"query": {"CF.{CallID} = 'call6-u1' AND RefersTo = " + ticket}, "fields": {"Subject,Due"}}
	s.Ask(http.MethodGet, "/tickets?"+q.Encode(), nil, &tasks)
	if len(tasks.Items) != 1 || tasks.Items[0].Subject != "Send the form" || tasks.Items[0].Due != "2026-03-06T00:00:00Z" {
		t.Errorf("tasks %+v", tasks)
	}
}

func testLead(t *testing.T, _ *crmtest.Tracker, c *rt.Connector) {
	n, _ := phone.Parse("+442079460123", "")
	for range 2 {
		lead, err := c.MakeLead(t.Context(), n)
		if err != nil || lead.ID != "+442079460123" {
			t.Errorf("%+v, %v", lead, err)
		}
	}
	list, err := c.Find(t.Context(), n)
	if err != nil || !slices.ContainsFunc(list, func(v crm.Candidate) bool { return v.ID == "+442079460123" }) {
		t.Errorf("%+v, %v", list, err)
	}
}

func testChecks(t *testing.T, s *crmtest.Tracker, c *rt.Connector) {
	if checks := c.Test(t.Context()); len(checks) != 4 || slices.ContainsFunc(checks, func(v crm.Check) bool { return v.Err != nil }) {
		t.Errorf("checks %+v", checks)
	}
	nowhere := connect(t, s, rt.Config{Queue: "Nowhere"})
	if checks := nowhere.Test(t.Context()); len(checks) != 2 || checks[1].Err == nil {
		t.Errorf("checks %+v", checks)
	}
	for user, wantErr := range map[string]map[int]string{
		"earshot": {3: ""}, "reader": {1: "no tickets may be made"}, "clerk": {2: "CallID on ticket transactions"},
	} {
		bot, err := rt.New(rt.Config{URL: s.URL, User: user, Password: crmtest.Password, Timeout: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(bot.Close)
		checks := bot.Test(t.Context())
		last := checks[len(checks)-1]
		want, right := wantErr[len(checks)-1]
		if !right || want == "" && last.Err != nil || want != "" && !strings.Contains(fmt.Sprint(last.Err), want) {
			t.Errorf("%s: checks %+v", user, checks)
		}
	}
	stranger, err := rt.New(rt.Config{URL: s.URL, Token: "1-1-0123456789abcdef"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stranger.Close)
	checks := stranger.Test(t.Context())
	if len(checks) != 1 || checks[0].Err == nil || strings.Contains(fmt.Sprint(checks), "0123456789") {
		t.Errorf("checks %+v", checks)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []rt.Config{
		{URL: "http://127.0.0.1:1"},
		{URL: "http://crm.example", Token: "x"},
		{URL: "https://crm.example", User: "root"},
		{URL: "https://crm.example", Token: "x", Name: "Not Valid"},
		{Token: "x"},
	} {
		if _, err := rt.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

// TestManyCallsOfOneCaller: many calls of one caller at once lose nothing.
func TestManyCallsOfOneCaller(t *testing.T) {
	s := &crmtest.Tracker{T: t, URL: crmtest.StartServer(t, "rt")}
	c := connect(t, s, rt.Config{Timeout: time.Minute})
	s.User("ann", map[string]any{"EmailAddress": "ann@example.com"})
	ticket := deliver(t, c, delivery("call0", &earshot.Contact{ID: "ann"}))
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			got, err := c.Deliver(t.Context(), delivery(fmt.Sprintf("call%d", i+1), &earshot.Contact{ID: "ann"}))
			if err != nil || got != ticket {
				t.Errorf("ticket %q, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := len(s.Comments("call")); n != 7 {
		t.Errorf("%d comments", n)
	}
}
