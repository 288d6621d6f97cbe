package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/crm/crmtest"
	"earshot/crm/hubspot/hubspottest"
)

// faults are how a vendor fails, before and after it has done what it was asked
// for. They come as often as they are listed.
var faults = []crmtest.Fault{
	{Status: http.StatusTooManyRequests, RetryAfter: "1"},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusInternalServerError, Keep: true},
	{Status: http.StatusServiceUnavailable, RetryAfter: "2"},
	{Status: http.StatusBadGateway, Keep: true},
	{Status: http.StatusConflict},
	{Body: `{"id":1,"error":["ConcurrencyException",["ir.note","1"]]}`},
	{Body: "<html>maintenance</html>", Keep: true},
	{Drop: true},
	{Drop: true, Keep: true},
	{Drop: true, Keep: true},
	{Stall: true},
	{Stall: true, Keep: true},
}

// parties is how many parties call.
const parties = 8

// searchLag is how long HubSpot's search does not know of who is new.
const searchLag = 10 * time.Second

// TestNotesThroughChaos has a Tryton, and a HubSpot whose search lags and which
// knows none of who calls, fail at three of ten requests, and kills the server
// while it delivers. Each call has one note in each then, on the right party and
// with the right words, and each party is one contact. E2E_CHAOS sets how many
// calls, E2E_KILLS how many kills.
func TestNotesThroughChaos(t *testing.T) {
	calls, kills := number("E2E_CHAOS", 10), number("E2E_KILLS", 1)
	url := crmtest.StartServer(t, "tryton")
	erp := &crmtest.ERP{T: t, URL: url}
	for i := range parties {
		erp.Party(fmt.Sprintf("Party %d", i), [2]string{"phone", fmt.Sprintf("+4930123456%02d", i)})
	}
	proxy := crmtest.NewProxy(t, url, isOfNote)
	var requests, failed atomic.Int64
	chaos := func() crmtest.Fault {
		requests.Add(1)
		if rand.IntN(10) >= 3 {
			return crmtest.Fault{}
		}
		failed.Add(1)
		return faults[rand.IntN(len(faults))]
	}
	proxy.Chaos(chaos)
	hub := hubspottest.New(t, filepath.Join("..", "crm", "hubspot", "testdata", "openapi.yaml"))
	hub.Lag = searchLag
	hubServer := httptest.NewServer(hub)
	t.Cleanup(hubServer.Close)
	hubProxy := crmtest.NewProxy(t, hubServer.URL, func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/batch/upsert") })
	hubProxy.Chaos(chaos)
	mapping := filepath.Join(t.TempDir(), "crm.yaml")
	if err := os.WriteFile(mapping, []byte("hubspot: {unmatched: lead, per_minute: 6000}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hook := newReceiver(t)
	s := newServer(t, append(hook.env(), "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CRM_MAPPING="+mapping, "EARSHOT_CRM_REGION=DE",
		"EARSHOT_HUBSPOT_URL="+hubProxy.URL, "EARSHOT_HUBSPOT_TOKEN="+hub.Token, "EARSHOT_HUBSPOT_CONTACT_PROPERTY=earshot_number", "EARSHOT_CALLS_SUMMARY_DEADLINE=30s", "EARSHOT_TRYTON_URL="+proxy.URL,
		"EARSHOT_TRYTON_DATABASE=crm", "EARSHOT_TRYTON_USER=admin", "EARSHOT_TRYTON_PASSWORD="+crmtest.Password)...)
	refused := make(chan int)
	go func() { refused <- callParties(t, s, calls) }()
	each := time.Duration(calls) * 600 * time.Millisecond / time.Duration(kills) // about as long as the calls are placed
	for range kills {
		<-time.After(each/2 + rand.N(each/2))
		if err := s.killAndRestart(); err != nil {
			t.Fatal(err)
		}
	}
	none := <-refused
	list := s.allCalls(t)
	if len(list) < calls-none || len(list) > calls {
		t.Fatalf("%d calls, want %d less %d at most", len(list), calls, none)
	}
	for _, c := range list {
		c = s.awaitNote(t, c.ID)
		checkMemo(t, erp, c)
		checkHub(t, hub, c)
		if notes := hook.callNotes(c.ID); len(notes) != 1 || notes[0].Summary.Text != c.Summary.Text {
			t.Errorf("call %s: webhook has %+v", c.ID, notes)
		}
	}
	hub.Look(func() {
		if calls, contacts := len(hub.Records["calls"]), len(hub.Records["contacts"]); calls != len(list) || contacts > parties || len(hub.Problems) > 0 {
			t.Errorf("HubSpot has %d calls of %d and %d contacts: %v", calls, len(list), contacts, hub.Problems)
		}
	})
	if failed.Load() == 0 {
		t.Error("the vendor never failed")
	}
	t.Logf("%d calls, %d kills; %d of %d requests failed", len(list), kills, failed.Load(), requests.Load())
	if dead := s.metric(t, "earshot_pipeline_jobs_dead"); dead != 0 {
		t.Errorf("%v dead jobs", dead)
	}
	log := s.log.String()
	for _, secret := range append([]string{crmtest.Password, hub.Token, hook.secret}, words(s.transcript(t, list[0].ID))...) {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

func number(name string, standard int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return standard
}

// isOfNote reports whether a request makes, changes or looks for a note.
func isOfNote(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil && bytes.Contains(body, []byte(`"model.ir.note.`))
}

// callParties places calls of real speech, some at a time, each of the next
// party, and returns how many did not end well for their client: a kill may cut
// off what it reads.
func callParties(t *testing.T, s *server, n int) int {
	t.Helper()
	speech := writeExcerpt(t, t.TempDir(), 4)
	var wg sync.WaitGroup
	var bad atomic.Int64
	turn := make(chan struct{}, 10)
	for i := range n {
		wg.Go(func() {
			turn <- struct{}{}
			defer func() { <-turn }()
			out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", speech[0], "--audio", speech[1],
				"--role", "agent", "--role", "customer", "--name", "Mira", "--name", fmt.Sprintf("Caller %d", i),
				"--aor", "sip:mira@desk.example", "--aor", fmt.Sprintf("sip:+4930123456%02d@trunk.example", i%parties), "--api", "http://"+s.http)
			if err != nil {
				bad.Add(1)
				t.Logf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	return int(bad.Load())
}

// allCalls returns every call, page by page.
func (s *server) allCalls(t *testing.T) []earshot.Call {
	t.Helper()
	var out []earshot.Call
	next := ""
	for {
		var page struct {
			Items []earshot.Call
			Next  string
		}
		s.get(t, "/api/v1/calls?limit=100&cursor="+next, &page)
		out = append(out, page.Items...)
		if next = page.Next; next == "" {
			return out
		}
	}
}

// checkMemo finds the one note about a call with the party whose number called.
func checkMemo(t *testing.T, erp *crmtest.ERP, c earshot.Call) {
	t.Helper()
	memos := erp.Memos("Earshot: " + string(c.ID) + "-tryton")
	if len(memos) != 1 {
		t.Errorf("call %s: %d notes", c.ID, len(memos))
		return
	}
	customer := c.Participants[1]
	var i int
	if _, err := fmt.Sscanf(customer.Name, "Caller %d", &i); err != nil {
		t.Fatal(err)
	}
	m := memos[0]
	if want := fmt.Sprintf("Party %d", i%parties); m.Party != want || !strings.Contains(m.Message, "Customer: "+customer.Name+"\n") ||
		!strings.Contains(m.Message, c.Summary.Text) {
		t.Errorf("call %s of %s, with %s instead of %s:\n%s", c.ID, customer.Name, m.Party, want, m.Message)
	}
}

// checkHub finds the one call in HubSpot on the contact whose number called.
func checkHub(t *testing.T, hub *hubspottest.Server, c earshot.Call) {
	t.Helper()
	hub.Look(func() {
		var i int
		if _, err := fmt.Sscanf(c.Participants[1].Name, "Caller %d", &i); err != nil {
			t.Error(err)
			return
		}
		contact := hub.Records["contacts"][fmt.Sprintf("+4930123456%02d", i%parties)]
		note := hub.Records["calls"][string(c.ID)+"-hubspot"]
		if contact == nil || note == nil || !hub.Links["calls/"+note["hs_object_id"]+" contacts/"+contact["hs_object_id"]] ||
			!strings.Contains(note["hs_call_body"], firstWords(c.Summary.Text)) {
			t.Errorf("call %s of %s: HubSpot has %v, contact %v", c.ID, c.Participants[1].Name, note, contact)
		}
	})
}

// words are what was said, utterance by utterance.
func words(us []earshot.Utterance) []string {
	var out []string
	for _, u := range us {
		out = append(out, u.Text)
	}
	return out
}
