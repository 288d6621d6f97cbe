package pipedrive_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"go.uber.org/goleak"

	"earshot"
	"earshot/crm"
	"earshot/crm/crmtest"
	"earshot/crm/phone"
	"earshot/crm/pipedrive"
	"earshot/crm/pipedrive/pipedrivetest"
)

// spec is what the vendor documents, in our words.
const spec = "testdata/openapi.yaml"

func TestMain(m *testing.M) {
	openapi3filter.RegisterBodyDecoder("audio/wav", openapi3filter.FileBodyDecoder)
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, s *pipedrivetest.Server, cfg pipedrive.Config) *pipedrive.Connector {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	cfg.URL = srv.URL
	if cfg.Token == "" {
		cfg.Token = pipedrivetest.Secret
	}
	c, err := pipedrive.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func setup(t *testing.T) (crm.Connector, crmtest.Remote) {
	s := pipedrivetest.New(t, spec)
	return open(t, s, pipedrive.Config{Timeout: time.Second}), s
}

func TestContract(t *testing.T) { crmtest.Contract(t, setup) }

func TestStorm(t *testing.T) { crmtest.Storm(t, setup) }

func written(contact string) earshot.Delivery {
	d := crmtest.Delivery("call1", "pipedrive", 1)
	d.Note.Direction, d.Note.CallURL = earshot.DirectionInbound, "https://ear.example/c"
	d.Note.Participants = []earshot.Participant{
		{ID: "p1", AOR: "sip:+49301000@pbx.example", Role: earshot.RoleAgent, RoleConfidence: 1},
		{ID: "p2", AOR: "sip:+49301234567@pbx.example", Role: earshot.RoleCustomer, RoleConfidence: 1},
	}
	if contact != "" {
		d.Note.Match = &earshot.Match{State: earshot.MatchMatched, Contact: &earshot.Contact{ID: contact}}
	}
	d.Note.Writing = &earshot.Writing{
		Subject: "Call with Bea", Body: "Her parcel is late.\n<Tell her>", User: "12",
		Tasks: []earshot.Task{{Key: "call1-u1", Text: "Call back", Due: time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)}, {Key: "call1-u2", Text: "Send the form"}},
	}
	return d
}

func deliver(t *testing.T, s *pipedrivetest.Server, c *pipedrive.Connector, d earshot.Delivery) string {
	t.Helper()
	id, err := c.Deliver(t.Context(), d)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	return id
}

func expect(t *testing.T, got, want map[string]any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%v, want\n%v", got, want)
	}
}

func recording(call earshot.CallID) (pipedrive.Recording, error) {
	return pipedrive.Recording{Name: string(call) + ".wav", Type: "audio/wav", Audio: []byte("RIFF and so on")}, nil
}

func TestCallAsDocumented(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	c := open(t, s, pipedrive.Config{Recording: recording})
	d := written("5")
	id := deliver(t, s, c, d)
	d.State = earshot.DeliveryUnknown
	if again := deliver(t, s, c, d); again != id {
		t.Errorf("looked up, it is %s, not %s", again, id)
	}
	calls, tasks := s.Of("call"), s.Of("task")
	logs, recordings := s.Kept()
	if len(calls) != 1 || len(tasks) != 2 || len(logs) != 1 || len(recordings) != 1 {
		t.Fatalf("%d calls, %d tasks, %d call logs, %d recordings", len(calls), len(tasks), len(logs), len(recordings))
	}
	person := []any{map[string]any{"person_id": 5., "primary": true}}
	expect(t, calls[0], map[string]any{
		"id": 1, "subject": "Call with Bea", "type": "call", "done": true, "owner_id": 12., "due_date": "2026-03-04", "due_time": "05:06:07",
		"duration": "00:01:05", "participants": person, "note": "Her parcel is late.<br>&lt;Tell her&gt;<br><br>Earshot: call1-pipedrive",
	})
	expect(t, tasks[0], map[string]any{
		"id": 2, "subject": "Call back", "type": "task", "done": false, "owner_id": 12., "due_date": "2026-03-06", "participants": person,
		"note": "Call back<br>https://ear.example/c<br><br>Earshot: call1-u1",
	})
	expect(t, logs[0], map[string]any{
		"id": logs[0]["id"], "activity_id": 1., "duration": "65", "outcome": "connected", "from_phone_number": "+49301234567",
		"to_phone_number": "+49301000", "start_time": "2026-03-04 05:06:07", "end_time": "2026-03-04 05:07:12",
	})
	if form := recordings[logs[0]["id"].(string)]; !strings.Contains(form, `name="file"; filename="call1.wav"`) || !strings.Contains(form, "RIFF and so on") {
		t.Errorf("recording %q", form)
	}
}

// A later revision changes the activity, and adds the tasks that are new.
func TestLaterRevision(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	c := open(t, s, pipedrive.Config{})
	d := written("5")
	d.RemoteID = deliver(t, s, c, d)
	d.Revision, d.Note.Writing.Body = 2, "It came."
	d.Note.Writing.Tasks = append(d.Note.Writing.Tasks, earshot.Task{Key: "call1-u9", Text: "Write to her"})
	deliver(t, s, c, d)
	calls := s.Of("call")
	logs, _ := s.Kept()
	if len(calls) != 1 || len(s.Of("task")) != 3 || len(logs) != 1 || !strings.HasPrefix(calls[0]["note"].(string), "It came.") {
		t.Errorf("%d tasks, %d call logs, calls %v", len(s.Of("task")), len(logs), calls)
	}
}

// The answer to a call log that was kept is lost: it is not made twice, though
// others come before it in the list.
func TestLostCallLog(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	c := open(t, s, pipedrive.Config{Recording: recording})
	s.LogFaults = []crmtest.Fault{{Drop: true, Keep: true}}
	d := written("")
	if _, err := c.Deliver(t.Context(), d); !errors.Is(err, crm.ErrUnknown) {
		t.Fatalf("error %v", err)
	}
	for i := range 60 {
		s.OtherLog(1000 + i)
	}
	d.State = earshot.DeliveryUnknown
	deliver(t, s, c, d)
	logs, recordings := s.Kept()
	if len(s.Of("call")) != 1 || len(logs) != 61 || len(recordings) != 1 || len(s.Of("task")) != 2 {
		t.Errorf("%d calls, %d call logs, %d recordings, %d tasks", len(s.Of("call")), len(logs), len(recordings), len(s.Of("task")))
	}
}

func TestOutcomesOfCallLogs(t *testing.T) {
	for _, tc := range []struct {
		mapped, summary string
		direction       earshot.Direction
		want, to        string
	}{
		{"", "resolved", earshot.DirectionInbound, "connected", "+49301000"},
		{"busy", "resolved", earshot.DirectionInbound, "busy", "+49301000"},
		{"Sold!", "voicemail", earshot.DirectionOutbound, "left_voicemail", "+49301234567"},
		{"", "wrong number", earshot.DirectionOutbound, "wrong_number", "+49301234567"},
	} {
		s := pipedrivetest.New(t, spec)
		d := written("")
		d.Note.Direction, d.Note.Summary.Disposition, d.Note.Writing.Disposition = tc.direction, tc.summary, tc.mapped
		deliver(t, s, open(t, s, pipedrive.Config{}), d)
		if logs, _ := s.Kept(); len(logs) != 1 || logs[0]["outcome"] != tc.want || logs[0]["to_phone_number"] != tc.to {
			t.Errorf("%+v: %v", tc, logs)
		}
	}
}

// A recording that is still being written is waited for; the note is not.
func TestRecordingToCome(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	ready := false
	c := open(t, s, pipedrive.Config{Recording: func(id earshot.CallID) (pipedrive.Recording, error) {
		if !ready {
			return pipedrive.Recording{}, earshot.ErrNotFound
		}
		return recording(id)
	}})
	d := written("")
	d.Note.EndedAt = time.Now()
	d.Note.StartedAt = d.Note.EndedAt.Add(-time.Minute)
	if _, err := c.Deliver(t.Context(), d); !errors.Is(err, crm.ErrUnknown) || len(s.Of("call")) != 1 {
		t.Fatalf("error %v, %d calls", err, len(s.Of("call")))
	}
	ready, d.State = true, earshot.DeliveryUnknown
	deliver(t, s, c, d)
	if logs, recordings := s.Kept(); len(s.Of("call")) != 1 || len(logs) != 1 || len(recordings) != 1 {
		t.Errorf("%d calls, %d call logs, %d recordings", len(s.Of("call")), len(logs), len(recordings))
	}
}

// Without the number called there is no call log, and without a recording none
// is added.
func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	c := open(t, s, pipedrive.Config{Recording: func(earshot.CallID) (pipedrive.Recording, error) {
		return pipedrive.Recording{}, fmt.Errorf("recording: %w", earshot.ErrNotFound)
	}})
	deliver(t, s, c, written(""))
	if logs, recordings := s.Kept(); len(logs) != 1 || len(recordings) != 0 {
		t.Errorf("%d call logs, %d recordings", len(logs), len(recordings))
	}
	d := written("")
	d.Note.ID, d.Note.Participants = "call2-pipedrive", nil
	deliver(t, s, c, d)
	if logs, _ := s.Kept(); len(s.Of("call")) != 2 || len(logs) != 1 {
		t.Errorf("%d calls, %d call logs", len(s.Of("call")), len(logs))
	}
}

func TestCallThatWasRemovedIsMadeAgain(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	d := written("")
	d.RemoteID = "77"
	if id := deliver(t, s, open(t, s, pipedrive.Config{}), d); id == "77" || len(s.Of("call")) != 1 {
		t.Errorf("call %s", id)
	}
}

func TestFind(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	ann := s.Person("Ann", "+49301234567")
	s.Person("Alike", "+49309994567")
	bob := s.Person("Bob", "+4917000", "030 1234567")
	c := open(t, s, pipedrive.Config{})
	n, _ := phone.Parse("+49301234567", "DE")
	list, err := c.Find(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	list = slices.DeleteFunc(list, func(v crm.Candidate) bool { return !slices.ContainsFunc(v.Numbers, n.Same) })
	if len(list) != 2 || list[0].ID != strconv.Itoa(ann) || list[1].ID != strconv.Itoa(bob) || !strings.HasSuffix(list[1].URL, fmt.Sprintf("/person/%d", bob)) {
		t.Errorf("found %+v", list)
	}
}

// The one made before is found among many, which take several pages.
func TestMakeLead(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	c := open(t, s, pipedrive.Config{})
	for range 60 {
		s.Person("Somebody", "+4917000")
	}
	n, _ := phone.Parse("+442079460123", "")
	one, err := c.MakeLead(t.Context(), n)
	if err != nil {
		t.Fatal(err, s.Problems)
	}
	two, err := c.MakeLead(t.Context(), n)
	if err != nil || one.ID != two.ID || s.Person("last", "") != 62 {
		t.Errorf("%+v, %+v, %v", one, two, err)
	}
}

func TestChecks(t *testing.T) {
	s := pipedrivetest.New(t, spec)
	if checks := open(t, s, pipedrive.Config{}).Test(t.Context()); len(checks) != 3 || slices.ContainsFunc(checks, func(v crm.Check) bool { return v.Err != nil }) {
		t.Errorf("checks %+v", checks)
	}
	checks := open(t, s, pipedrive.Config{Token: "another-token"}).Test(t.Context())
	if len(checks) != 1 || checks[0].Err == nil || strings.Contains(fmt.Sprint(checks), "another-token") {
		t.Errorf("checks %+v", checks)
	}
	if logs, _ := s.Kept(); len(s.Of("call"))+len(logs) != 0 || s.Person("first", "") != 1 {
		t.Error("something was written")
	}
}

func TestConfig(t *testing.T) {
	for _, cfg := range []pipedrive.Config{
		{URL: "http://acme.example", Token: "k"}, {URL: "https://acme.example"}, {Token: "k"}, {URL: "https://acme.example", Token: "k", Name: "A B"},
	} {
		if _, err := pipedrive.New(cfg); err == nil {
			t.Errorf("%+v: no error", cfg)
		}
	}
}
