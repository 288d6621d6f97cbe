package crm

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"earshot"
)

// compose runs a note job and applies what it returns.
func compose(t *testing.T, s *memStore, summaryRevision int) earshot.Commit {
	t.Helper()
	n := NewNotes(s, func(id earshot.CallID) Links { return Links{CallURL: "http://e/" + string(id)} }, nil)
	c, err := n.Handle(t.Context(), NoteJob("c1", "crm", summaryRevision))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNoteJobStoresTheIntent(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "all well")
	c := compose(t, s, 1)
	if len(c.Deliveries) != 1 || len(c.Jobs) != 1 {
		t.Fatalf("commit %+v", c)
	}
	d, j := c.Deliveries[0], c.Jobs[0]
	if d.State != earshot.DeliveryPending || d.Revision != 1 || d.Key != "c1-crm-r1" || d.Note.CallURL != "http://e/c1" {
		t.Errorf("delivery %+v", d)
	}
	var p DeliverPayload
	if err := json.Unmarshal(j.Payload, &p); err != nil || p != (DeliverPayload{"c1-crm", 1}) ||
		j.Kind != earshot.JobDeliver || j.Key != d.Key || j.CallID != "c1" {
		t.Errorf("job %+v, %v", j, err)
	}
}

func TestFieldsOfANote(t *testing.T) {
	field := func(name, value string, at int64) earshot.Suggestion {
		return earshot.Suggestion{Kind: "field", Title: name, Text: value, AtMS: at}
	}
	s := newMemStore()
	s.addCall("c1", "all well")
	s.made = map[earshot.CallID][]earshot.Suggestion{"c1": {
		field("reason", "moving", 9000), field("reason", "billing", 5000), field("offer", "made", 1), {Kind: "card", Title: "x", Text: "y"},
	}}
	n := compose(t, s, 1).Deliveries[0].Note
	if !maps.Equal(n.Fields, map[string]string{"reason": "moving", "offer": "made"}) {
		t.Errorf("fields %v", n.Fields)
	}
	if body := PlainWriting(n).Body; !strings.Contains(body, "\noffer: made\nreason: moving\n") {
		t.Errorf("body %q", body)
	}
	w, err := mapping(t, "crm: {fields: {cf_1: '{{index .Fields \"reason\"}}', cf_2: '{{index .Fields \"other\"}}'}}\n").Write(n, nil)
	if err != nil || !maps.Equal(w.Fields, map[string]string{"cf_1": "moving"}) {
		t.Errorf("%+v, %v", w, err)
	}
}

func TestOnlyNewsMakesARevision(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "all well")
	compose(t, s, 1)
	same := s.summaries["c1"]
	same.Revision, same.CreatedAt = 2, same.CreatedAt.Add(1)
	s.summaries["c1"] = same
	if c := compose(t, s, 2); len(c.Deliveries)+len(c.Jobs) != 0 {
		t.Errorf("the same note again: %+v", c)
	}
	s.addCall("c1", "not so well")
	if c := compose(t, s, 3); len(c.Deliveries) != 1 || c.Deliveries[0].Revision != 2 || c.Deliveries[0].NoteID != "c1-crm" {
		t.Errorf("commit %+v", c)
	}
	s.addCall("c1", "all well") // back to what it was is news too
	if c := compose(t, s, 4); len(c.Deliveries) != 1 || c.Deliveries[0].Revision != 3 {
		t.Errorf("commit %+v", c)
	}
}

func TestNotesOfConnectorsAreApart(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "all well")
	compose(t, s, 1)
	c, err := NewNotes(s, nil, nil).Handle(t.Context(), NoteJob("c1", "crm-2", 1))
	if err != nil || len(c.Deliveries) != 1 || c.Deliveries[0].Revision != 1 || c.Deliveries[0].NoteID != "c1-crm-2" {
		t.Errorf("commit %+v, %v", c, err)
	}
}

func TestNoteJobThatCannotWork(t *testing.T) {
	s := newMemStore()
	s.addCall("c1", "x")
	s.calls["c2"] = s.calls["c1"]
	bad := NoteJob("c1", "crm", 1)
	bad.Payload = []byte("{")
	for name, j := range map[string]earshot.Job{
		"no call":    NoteJob("c9", "crm", 1),
		"no summary": NoteJob("c2", "crm", 1),
		"bad name":   NoteJob("c1", "a.b", 1),
		"payload":    bad,
	} {
		_, err := NewNotes(s, nil, nil).Handle(t.Context(), j)
		if _, ok := errors.AsType[*earshot.PermanentError](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDeliverLanes(t *testing.T) {
	lanes := map[string]bool{}
	for range 100 {
		d := earshot.Delivery{CallID: earshot.NewCallID(), Connector: "crm"}
		a, b := DeliverJob(d), DeliverJob(d)
		if a.Lane != b.Lane {
			t.Fatal("one call has two lanes")
		}
		lanes[a.Lane] = true
	}
	if len(lanes) != deliverLanes {
		t.Errorf("%d lanes, want %d", len(lanes), deliverLanes)
	}
}
