package tryton_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
	"earshot/crm/tryton"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func connect(t *testing.T, cfg tryton.Config) *tryton.Connector {
	t.Helper()
	cfg.Database, cfg.User, cfg.Password = "crm", "admin", crmtest.Password
	c, err := tryton.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// remote is Tryton as the contract sees it: the notes of one connector.
type remote struct {
	*crmtest.Proxy
	erp       *crmtest.ERP
	connector string
}

var revision = regexp.MustCompile(`Revision \d+\.`)

func (r remote) Notes() []earshot.Note {
	var out []earshot.Note
	for _, m := range r.erp.Memos("-" + r.connector) {
		if strings.HasSuffix(m.Message, "-"+r.connector) {
			out = append(out, earshot.Note{Summary: earshot.Summary{Text: revision.FindString(m.Message)}})
		}
	}
	return out
}

// writesNote reports whether a request makes or changes a note.
func writesNote(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && regexp.MustCompile(`"model\.ir\.note\.(create|write)"`).Match(body)
}

func TestContract(t *testing.T) {
	url, tests := crmtest.StartServer(t, "tryton"), 0
	crmtest.Contract(t, func(t *testing.T) (crm.Connector, crmtest.Remote) {
		p := crmtest.NewProxy(t, url, writesNote)
		timeout := 30 * time.Second
		if strings.HasSuffix(t.Name(), "no_answer_is_unknown") {
			timeout = 5 * time.Second
		}
		tests++
		name := fmt.Sprintf("tryton%d", tests)
		return connect(t, tryton.Config{Name: name, URL: p.URL, Timeout: timeout}), remote{p, &crmtest.ERP{T: t, URL: url}, name}
	})
}

func delivery(call string, contact *earshot.Contact) earshot.Delivery {
	d := crmtest.Delivery(earshot.CallID(call), "tryton", 1)
	d.Note.Match = &earshot.Match{Connector: "tryton", State: earshot.MatchNone, Contact: contact}
	return d
}

func deliver(t *testing.T, c *tryton.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTryton(t *testing.T) {
	url := crmtest.StartServer(t, "tryton")
	c := connect(t, tryton.Config{URL: url})
	for name, run := range map[string]func(*testing.T, *crmtest.ERP, *tryton.Connector){
		"finds": testFind, "note of the caller": testNote, "nobody's call": testNobody, "a lead": testLead,
		"session that is over": testSession, "refusals": testRefusals, "test": testChecks,
		"finds among many": testFindAmongMany, "a note somebody moved": testMoved, "errors inside 200": testErrors,
	} {
		t.Run(name, func(t *testing.T) { run(t, &crmtest.ERP{T: t, URL: url}, c) })
	}
}

func testFind(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	ann := erp.Party("Ann Lee", [2]string{"mobile", "+49 30 1234567"}, [2]string{"email", "ann@example.com"})
	bob := erp.Party("Bob", [2]string{"other", "(030) 765-4321"})
	for number, want := range map[string]int{"+49301234567": ann, "0307654321": bob, "+49301234560": 0} {
		n, _ := phone.Parse(number, "DE")
		list, err := c.Find(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		list = slices.DeleteFunc(list, func(v crm.Candidate) bool { return !slices.ContainsFunc(v.Numbers, n.Same) })
		if want == 0 && len(list) != 0 || want != 0 && (len(list) != 1 || list[0].ID != strconv.Itoa(want) || list[0].Name == "") {
			t.Errorf("%s is %+v, want party %d", number, list, want)
		}
	}
}

func testNote(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	id := erp.Party("Eve")
	eve := &earshot.Contact{ID: strconv.Itoa(id)}
	d := delivery("call1", eve)
	note := deliver(t, c, d)
	second := crmtest.Delivery("call1", "tryton", 2)
	second.RemoteID, second.Note.Match = note, d.Note.Match
	second.Note.Writing = &earshot.Writing{Subject: "It's Eve's <parcel>", Body: "Revision 2.\nTwo % lines_"}
	if again := deliver(t, c, second); again != note {
		t.Errorf("the second revision is note %s, the first %s", again, note)
	}
	got := erp.Memos("call1-tryton")
	if len(got) != 1 || got[0].Party != "Eve" || got[0].Message != "It's Eve's <parcel>\n\nRevision 2.\nTwo % lines_\n\nEarshot: call1-tryton" {
		t.Errorf("notes %+v", got)
	}
}

func testNobody(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	d := delivery("call2", nil)
	one := deliver(t, c, d)
	deliver(t, c, delivery("call22", nil)) // its line holds that of the first
	d.State = earshot.DeliveryUnknown
	if again := deliver(t, c, d); again != one {
		t.Errorf("looked up, it is note %s, not %s", again, one)
	}
	queued := delivery("call3", nil)
	queued.Note.Writing = &earshot.Writing{Subject: "x", Queue: "Night calls"}
	deliver(t, c, queued)
	for text, party := range map[string]string{"call2-tryton": "Unknown callers", "call22-tryton": "Unknown callers", "call3-tryton": "Night calls"} {
		if got := erp.Memos(text); len(got) != 1 || got[0].Party != party {
			t.Errorf("%s: %+v, want it with %s", text, got, party)
		}
	}
	var parties []int
	erp.Call("model.party.party.search", []any{[]any{[]any{"name", "=", "Unknown callers"}}, 0, 10, nil, map[string]any{}}, &parties)
	if len(parties) != 1 {
		t.Errorf("parties of unknown callers: %v", parties)
	}
}

// testFindAmongMany: numbers that end alike hide none, nor does a party that is
// not active any more count.
func testFindAmongMany(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	var alike [][2]string
	for i := range 150 {
		alike = append(alike, [2]string{"other", fmt.Sprintf("+4930%03d54321", 100+i)})
	}
	erp.Party("Switchboard", alike...)
	zoe := erp.Party("Zoe", [2]string{"other", "(030) 9 99 / 54-32.1"})
	former := erp.Party("Zoe, once", [2]string{"phone", "+49 30 99954321"})
	erp.Call("model.party.party.write", []any{[]int{former}, map[string]bool{"active": false}, map[string]any{}}, nil)
	n, _ := phone.Parse("+493099954321", "DE")
	list, err := c.Find(t.Context(), n)
	if err != nil || len(list) != 1 || list[0].ID != strconv.Itoa(zoe) || !n.Same(list[0].Numbers[0]) {
		t.Errorf("found %+v, %v, want party %d", list, err, zoe)
	}
}

// testMoved: where somebody moved the note of nobody's call it stays, and it
// goes to the caller once that is known.
func testMoved(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	d := delivery("call7", nil)
	d.RemoteID = deliver(t, c, d)
	note, err := strconv.Atoi(d.RemoteID)
	if err != nil {
		t.Fatal(err)
	}
	there, caller := erp.Party("Kim"), erp.Party("Lou")
	erp.Call("model.ir.note.write", []any{[]int{note}, map[string]string{"resource": fmt.Sprintf("party.party,%d", there)}, map[string]any{}}, nil)
	for _, want := range []struct {
		party   string
		contact *earshot.Contact
	}{{"Kim", nil}, {"Lou", &earshot.Contact{ID: strconv.Itoa(caller)}}} {
		d.Note.Match.Contact = want.contact
		deliver(t, c, d)
		if got := erp.Memos("call7-tryton"); len(got) != 1 || got[0].Party != want.party {
			t.Errorf("notes %+v, want one of %s", got, want.party)
		}
	}
}

// testErrors: what Tryton 6.0 says with status 200 when its database is locked,
// and when another changed the record.
func testErrors(t *testing.T, erp *crmtest.ERP, _ *tryton.Connector) {
	p := crmtest.NewProxy(t, erp.URL, writesNote)
	c := connect(t, tryton.Config{URL: p.URL})
	for i, tc := range []struct {
		says               string
		permanent, unknown bool
	}{
		{`["database is locked", ""]`, false, true},
		{`["ConcurrencyException", ["ir.note,1"]]`, false, false},
		{`["UserError", ["A value is required for field \"Resource\" in \"Note\".", "", null]]`, true, false},
	} {
		p.Fail(crmtest.Fault{Body: `{"id": 1, "error": ` + tc.says + `}`})
		d := delivery(fmt.Sprintf("call8%d", i), nil)
		_, err := c.Deliver(t.Context(), d)
		_, permanent := errors.AsType[*earshot.PermanentError](err)
		if err == nil || permanent != tc.permanent || errors.Is(err, crm.ErrUnknown) != tc.unknown || strings.Contains(err.Error(), "Resource") {
			t.Errorf("%s: %v", tc.says, err)
		}
		deliver(t, c, d) // nothing had been written
		if got := erp.Memos(string(d.NoteID)); len(got) != 1 {
			t.Errorf("%s: notes %+v", tc.says, got)
		}
	}
}

// testLead: the area code of the second number is newer than the list of the
// phonenumbers that Debian 12 has.
func testLead(t *testing.T, _ *crmtest.ERP, c *tryton.Connector) {
	for _, number := range []string{"+442079460123", "+13242242412"} {
		n, _ := phone.Parse(number, "")
		one, err := c.MakeLead(t.Context(), n)
		if err != nil {
			t.Fatalf("%s: %v", number, err)
		}
		if two, err := c.MakeLead(t.Context(), n); err != nil || two != one || one.Name != "Caller "+number {
			t.Errorf("%+v, %+v, %v", one, two, err)
		}
		found, err := c.Find(t.Context(), n)
		if err != nil || len(found) != 1 || found[0].ID != one.ID {
			t.Errorf("found %+v, %v, want %+v", found, err, one)
		}
	}
}

// testSession sets a password, which ends the sessions, under the connector.
func testSession(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	deliver(t, c, delivery("call4", nil))
	erp.Call("model.res.user.write", []any{[]int{1}, map[string]string{"password": crmtest.Password}, map[string]any{}}, nil)
	deliver(t, c, delivery("call5", nil))
	again := &crmtest.ERP{T: t, URL: erp.URL}
	if got := again.Memos("call5-tryton"); len(got) != 1 {
		t.Errorf("notes %+v", got)
	}
}

func testRefusals(t *testing.T, _ *crmtest.ERP, c *tryton.Connector) {
	for name, contact := range map[string]string{"no number": "Ann", "no such party": "999999"} {
		_, err := c.Deliver(t.Context(), delivery("call6", &earshot.Contact{ID: contact}))
		if err == nil || strings.Contains(err.Error(), "Resource") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func testChecks(t *testing.T, erp *crmtest.ERP, c *tryton.Connector) {
	if checks := c.Test(t.Context()); len(checks) != 3 || slices.ContainsFunc(checks, func(v crm.Check) bool { return v.Err != nil }) {
		t.Errorf("checks %+v", checks)
	}
	stranger, err := tryton.New(tryton.Config{URL: erp.URL, Database: "crm", User: "admin", Password: "wrong-one"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stranger.Close)
	checks := stranger.Test(t.Context())
	if len(checks) != 1 || checks[0].Err == nil || strings.Contains(fmt.Sprint(checks), "wrong-one") {
		t.Errorf("checks %+v", checks)
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []tryton.Config{
		{URL: "http://crm.example", Database: "a", User: "b", Password: "c"},
		{URL: "https://crm.example", User: "b", Password: "c"},
		{URL: "https://crm.example", Database: "a", User: "b"},
		{Database: "a", User: "b", Password: "c"},
		{URL: "https://crm.example", Database: "a", User: "b", Password: "c", Name: "Not Valid"},
	} {
		if _, err := tryton.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}

// TestStorm is the contract's, against a real server.
func TestStorm(t *testing.T) {
	url := crmtest.StartServer(t, "tryton")
	crmtest.Storm(t, func(t *testing.T) (crm.Connector, crmtest.Remote) {
		p := crmtest.NewProxy(t, url, writesNote)
		return connect(t, tryton.Config{URL: p.URL, Timeout: 5 * time.Second}), remote{p, &crmtest.ERP{T: t, URL: url}, "tryton"}
	})
}
