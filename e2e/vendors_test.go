package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"

	"earshot"
	"earshot/crm/hubspot/hubspottest"
	"earshot/crm/pipedrive/pipedrivetest"
	"earshot/crm/salesforce/salesforcetest"
)

// resolvedGUID is an outcome of calls in HubSpot.
const resolvedGUID = "f240bbac-87c9-4f6e-bf70-924b57d47db7"

// labelTask is what the correction has somebody do, as a task says it.
const labelTask = "Send the label (2027-03-04)"

// vendorMapping is how notes are written in the test.
const vendorMapping = `
hubspot:
  dispositions: {resolved: ` + resolvedGUID + `}
  users: {"sip:mira@desk.example": "4711"}
salesforce:
  dispositions: {resolved: Resolved}
pipedrive:
  dispositions: {resolved: connected}
`

// vendors are strict servers of three vendors, each of which knows Ann.
type vendors struct {
	hubspot    *hubspottest.Server
	salesforce *salesforcetest.Server
	pipedrive  *pipedrivetest.Server
	// ann is her ID in each.
	annHubSpot, annSalesforce string
	annPipedrive              int
}

// newVendors starts them and returns how the server reaches them.
func newVendors(t *testing.T, number string) (*vendors, []string) {
	t.Helper()
	openapi3filter.RegisterBodyDecoder("audio/wav", openapi3filter.FileBodyDecoder)
	spec := func(vendor string) string { return filepath.Join("..", "crm", vendor, "testdata", "openapi.yaml") }
	v := &vendors{
		hubspot: hubspottest.New(t, spec("hubspot")), salesforce: salesforcetest.New(t, spec("salesforce")), pipedrive: pipedrivetest.New(t, spec("pipedrive")),
	}
	v.hubspot.Look(func() {
		v.annHubSpot = v.hubspot.Put("contacts", "ann", map[string]string{"firstname": "Ann", "phone": number})
		v.hubspot.Indexed["ann"] = true
	})
	v.salesforce.Look(func() {
		v.annSalesforce = v.salesforce.Put("Contact", map[string]any{"Name": "Ann", "Phone": number})
	})
	v.annPipedrive = v.pipedrive.Person("Ann", number)
	at := func(h http.Handler) string {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	return v, []string{
		"EARSHOT_HUBSPOT_URL=" + at(v.hubspot), "EARSHOT_HUBSPOT_TOKEN=" + v.hubspot.Token, "EARSHOT_HUBSPOT_TASK_PROPERTY=earshot_task_key",
		"EARSHOT_SALESFORCE_URL=" + at(v.salesforce), "EARSHOT_SALESFORCE_CLIENT_ID=app", "EARSHOT_SALESFORCE_CLIENT_SECRET=consumer-secret",
		"EARSHOT_PIPEDRIVE_URL=" + at(v.pipedrive), "EARSHOT_PIPEDRIVE_TOKEN=" + pipedrivetest.Secret,
	}
}

// TestNotesAtVendors places a call and reads its note at each vendor: on the
// right contact, once, and changed there when somebody corrects the summary.
func TestNotesAtVendors(t *testing.T) {
	t.Parallel()
	const number = "+493012345678"
	v, env := newVendors(t, number)
	dir := t.TempDir()
	mapping := filepath.Join(dir, "crm.yaml")
	if err := os.WriteFile(mapping, []byte(vendorMapping), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, append(env, "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CRM_MAPPING="+mapping, "EARSHOT_CRM_REGION=DE")...)
	for _, name := range []string{"hubspot", "salesforce", "pipedrive"} {
		if out, err := s.earshot(t, "crm", "test", name); err != nil || !strings.Contains(out, "ok ") {
			t.Errorf("crm test %s: %v\n%s", name, err, out)
		}
	}
	speech := writeExcerpt(t, dir, 12)
	out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", speech[0], "--audio", speech[1],
		"--role", "agent", "--role", "customer", "--aor", "sip:mira@desk.example", "--aor", "sip:03012345678@trunk.example")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ended := time.Now()
	call := s.awaitNote(t, s.callOf(t, out).ID)
	t.Logf("confirmed %v after the call", time.Since(ended).Round(100*time.Millisecond))
	first := v.check(t, call, "")
	for _, name := range []string{"hubspot", "salesforce", "pipedrive"} {
		out, err := s.earshot(t, "crm", "preview", string(call.ID), "--to", name)
		if err != nil || !strings.Contains(out, "Ann") || !strings.Contains(out, call.Summary.Text[:20]) {
			t.Errorf("crm preview to %s: %v\n%s", name, err, out)
		}
	}
	s.correct(t, call.ID, map[string]any{
		"reason": call.Summary.Reason, "text": "Corrected by hand.", "disposition": "resolved",
		"actions": []map[string]string{{"text": "Send the label", "owner": "agent", "due": "2027-03-04"}},
	})
	wait(t, time.Minute, "the correction to be delivered", func() bool {
		return s.call(t, call.ID).Summary.Text == "Corrected by hand." && delivered(t, s, call.ID, 3, 2)
	})
	if again := v.check(t, s.call(t, call.ID), "2027-03-04"); again != first {
		t.Errorf("records %v after the correction, %v before", again, first)
	}
}

// delivered reports whether so many connectors have a revision.
func delivered(t *testing.T, s *server, id earshot.CallID, connectors, revision int) bool {
	t.Helper()
	var notes struct{ Items []earshot.Delivery }
	s.get(t, "/api/v1/calls/"+string(id)+"/notes", &notes)
	n := 0
	for _, d := range notes.Items {
		if d.Revision >= revision && d.State == earshot.DeliveryConfirmed {
			n++
		}
	}
	return n == connectors
}

// correct writes a summary over the one that is there.
func (s *server) correct(t *testing.T, id earshot.CallID, summary map[string]any) {
	t.Helper()
	url := "http://" + s.http + "/api/v1/calls/" + string(id) + "/summary"
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	raw, err := json.Marshal(summary)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("If-Match", resp.Header.Get("ETag"))
	if resp, err = http.DefaultClient.Do(req); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("correct the summary: %s", resp.Status)
	}
}

// ids are those of the records of a call at the three vendors.
type ids struct{ hubspot, salesforce, pipedrive string }

// check finds the one record of a call at each vendor, with what its summary
// says, and once it is corrected with its outcome and a task due on a day.
func (v *vendors) check(t *testing.T, call earshot.Call, due string) ids {
	t.Helper()
	return ids{v.checkHubSpot(t, call, due), v.checkSalesforce(t, call, due), v.checkPipedrive(t, call, due)}
}

func (v *vendors) checkHubSpot(t *testing.T, call earshot.Call, due string) (id string) {
	t.Helper()
	v.hubspot.Look(func() {
		if n := len(v.hubspot.Records["calls"]); n != 1 || len(v.hubspot.Problems) > 0 {
			t.Fatalf("HubSpot has %d calls; %v", n, v.hubspot.Problems)
		}
		for _, r := range v.hubspot.Records["calls"] {
			id = r["hs_object_id"]
			length := fmt.Sprint(call.EndedAt.Sub(call.StartedAt).Truncate(time.Second).Milliseconds())
			if !strings.Contains(r["hs_call_body"], firstWords(call.Summary.Text)) || r["hs_call_duration"] != length ||
				r["hs_timestamp"] != fmt.Sprint(call.StartedAt.UnixMilli()) || r["hubspot_owner_id"] != "4711" {
				t.Errorf("HubSpot's call %v\nof %s ms, %q", r, length, call.Summary.Text)
			}
			if due != "" && r["hs_call_disposition"] != resolvedGUID {
				t.Errorf("HubSpot's outcome %q", r["hs_call_disposition"])
			}
		}
		if !v.hubspot.Links["calls/"+id+" contacts/"+v.annHubSpot] {
			t.Errorf("HubSpot's links %v", v.hubspot.Links)
		}
		found := due == ""
		for _, task := range v.hubspot.Records["tasks"] {
			found = found || task["hs_task_subject"] == labelTask
		}
		if !found {
			t.Errorf("HubSpot's tasks %v", v.hubspot.Records["tasks"])
		}
	})
	return id
}

func (v *vendors) checkSalesforce(t *testing.T, call earshot.Call, due string) (id string) {
	t.Helper()
	v.salesforce.Look(func() {
		found := due == ""
		for key, r := range v.salesforce.Records {
			if !strings.HasPrefix(key, "00T") {
				continue
			}
			if r["TaskSubtype"] != "Call" {
				found = found || r["Subject"] == labelTask && r["ActivityDate"] == due
				continue
			}
			if id != "" {
				t.Errorf("Salesforce has the call twice")
			}
			id = key
			if text, _ := r["Description"].(string); !strings.Contains(text, firstWords(call.Summary.Text)) || r["WhoId"] != v.annSalesforce ||
				due != "" && r["CallDisposition"] != "Resolved" {
				t.Errorf("Salesforce's call %v\nwant one of %s with %q", r, v.annSalesforce, call.Summary.Text)
			}
		}
		if !found || len(v.salesforce.Problems) > 0 {
			t.Errorf("Salesforce has no task: %v; %v", v.salesforce.Records, v.salesforce.Problems)
		}
	})
	return id
}

func (v *vendors) checkPipedrive(t *testing.T, call earshot.Call, due string) string {
	t.Helper()
	calls := v.pipedrive.Of("call")
	if len(calls) != 1 {
		t.Fatalf("Pipedrive has %d calls", len(calls))
	}
	a := calls[0]
	if note, _ := a["note"].(string); !strings.Contains(note, firstWords(call.Summary.Text)) || !strings.Contains(fmt.Sprint(a["participants"]), fmt.Sprintf("person_id:%d", v.annPipedrive)) {
		t.Errorf("Pipedrive's call %v\nwant one of %d with %q", a, v.annPipedrive, call.Summary.Text)
	}
	found := due == ""
	for _, task := range v.pipedrive.Of("task") {
		found = found || task["subject"] == labelTask && task["due_date"] == due
	}
	if !found {
		t.Errorf("Pipedrive's tasks %v", v.pipedrive.Of("task"))
	}
	return fmt.Sprint(a["id"])
}

// firstWords of a text have nothing that HTML writes otherwise.
func firstWords(text string) string {
	words, _, _ := strings.Cut(text, ":")
	return words
}
