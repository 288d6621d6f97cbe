package crmtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/crm"
)

// Remote is the other side of a connector under test.
type Remote interface {
	// Notes returns what is there, each note in its newest revision.
	Notes() []earshot.Note
	// Fail has the next deliveries meet these faults.
	Fail(faults ...Fault)
}

// Delivery makes a delivery of a revision of a note, ready to be sent.
func Delivery(call earshot.CallID, connector string, revision int) earshot.Delivery {
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	end := start.Add(65 * time.Second)
	n := crm.Compose(earshot.Call{
		ID: call, State: earshot.CallSettled, StartedAt: start, EndedAt: &end,
		Participants: []earshot.Participant{{ID: "p1", Name: "Ann", Role: earshot.RoleAgent, RoleConfidence: 1}},
	}, earshot.Summary{
		CallID: call, Revision: revision, Reason: "late parcel",
		Text: fmt.Sprintf("Revision %d.", revision), By: "extractive", CreatedAt: end,
	}, crm.Links{}, connector, revision)
	return earshot.Delivery{
		NoteID: n.ID, CallID: call, Connector: connector, Revision: revision,
		Key: crm.KeyFor(n.ID, revision), Note: n, State: earshot.DeliveryPending,
	}
}

// Contract runs what every connector must pass. setup makes a connector whose
// attempts time out within moments, and its remote, anew each time.
func Contract(t *testing.T, setup func(t *testing.T) (crm.Connector, Remote)) {
	for name, run := range map[string]func(*testing.T, crm.Connector, Remote){
		"a note arrives":                   noteArrives,
		"a double makes no second note":    doubleIsOne,
		"a lost answer is unknown":         lostAnswer,
		"no answer is unknown":             noAnswer,
		"busy is transient with a time":    busy,
		"a server's fault is transient":    serverFault,
		"refused is permanent":             refused,
		"gone is gone":                     gone,
		"the end of ctx ends an attempt":   ctxEnds,
		"notes are delivered side by side": sideBySide,
	} {
		t.Run(name, func(t *testing.T) {
			c, remote := setup(t)
			if err := crm.ValidName(c.Name()); err != nil {
				t.Fatal(err)
			}
			run(t, c, remote)
		})
	}
}

func wantNotes(t *testing.T, remote Remote, n, revision int) {
	t.Helper()
	notes := remote.Notes()
	if len(notes) != n {
		t.Fatalf("%d notes there, want %d", len(notes), n)
	}
	for _, got := range notes {
		if want := fmt.Sprintf("Revision %d.", revision); got.Summary.Text != want {
			t.Errorf("note says %q, want %q", got.Summary.Text, want)
		}
	}
}

// deliver makes one attempt and returns its error; remoteID goes into d.
func deliver(t *testing.T, c crm.Connector, d *earshot.Delivery) error {
	t.Helper()
	id, err := c.Deliver(t.Context(), *d)
	if err == nil && id != "" {
		d.RemoteID = id
	}
	return err
}

func noteArrives(t *testing.T, c crm.Connector, remote Remote) {
	d := Delivery("call1", c.Name(), 1)
	if err := deliver(t, c, &d); err != nil {
		t.Fatal(err)
	}
	wantNotes(t, remote, 1, 1)
	next := Delivery("call1", c.Name(), 2)
	next.RemoteID = d.RemoteID
	if err := deliver(t, c, &next); err != nil {
		t.Fatal(err)
	}
	wantNotes(t, remote, 1, 2)
}

func doubleIsOne(t *testing.T, c crm.Connector, remote Remote) {
	d := Delivery("call1", c.Name(), 1)
	for range 3 {
		if err := deliver(t, c, &d); err != nil {
			t.Fatal(err)
		}
		d.State = earshot.DeliveryUnknown
	}
	wantNotes(t, remote, 1, 1)
}

func lostAnswer(t *testing.T, c crm.Connector, remote Remote) {
	remote.Fail(Fault{Drop: true, Keep: true})
	unknownThenFine(t, c, remote)
}

func noAnswer(t *testing.T, c crm.Connector, remote Remote) {
	remote.Fail(Fault{Stall: true, Keep: true})
	unknownThenFine(t, c, remote)
}

func unknownThenFine(t *testing.T, c crm.Connector, remote Remote) {
	t.Helper()
	d := Delivery("call1", c.Name(), 1)
	err := deliver(t, c, &d)
	if !errors.Is(err, crm.ErrUnknown) || permanent(err) {
		t.Fatalf("error %v, want one that is unknown and transient", err)
	}
	d.State, d.Attempts = earshot.DeliveryUnknown, 1
	if err := deliver(t, c, &d); err != nil {
		t.Fatal(err)
	}
	wantNotes(t, remote, 1, 1)
}

func busy(t *testing.T, c crm.Connector, remote Remote) {
	remote.Fail(Fault{Status: http.StatusTooManyRequests, RetryAfter: "7"})
	d := Delivery("call1", c.Name(), 1)
	err := deliver(t, c, &d)
	var after *earshot.RetryAfterError
	if !errors.As(err, &after) || after.After != 7*time.Second || permanent(err) || errors.Is(err, crm.ErrUnknown) {
		t.Fatalf("error %#v, want to come back after 7 s", err)
	}
	wantNotes(t, remote, 0, 0)
}

func serverFault(t *testing.T, c crm.Connector, remote Remote) {
	remote.Fail(Fault{Status: http.StatusInternalServerError})
	d := Delivery("call1", c.Name(), 1)
	if err := deliver(t, c, &d); err == nil || permanent(err) {
		t.Fatalf("error %v, want a transient one", err)
	}
	if err := deliver(t, c, &d); err != nil {
		t.Fatal(err)
	}
	wantNotes(t, remote, 1, 1)
}

func refused(t *testing.T, c crm.Connector, remote Remote) {
	remote.Fail(Fault{Status: http.StatusBadRequest})
	d := Delivery("call1", c.Name(), 1)
	if err := deliver(t, c, &d); !permanent(err) || errors.Is(err, earshot.ErrGone) {
		t.Fatalf("error %v, want a permanent one", err)
	}
}

func gone(t *testing.T, c crm.Connector, remote Remote) {
	remote.Fail(Fault{Status: http.StatusGone})
	d := Delivery("call1", c.Name(), 1)
	if err := deliver(t, c, &d); !permanent(err) || !errors.Is(err, earshot.ErrGone) {
		t.Fatalf("error %v, want gone for good", err)
	}
}

func ctxEnds(t *testing.T, c crm.Connector, _ Remote) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Deliver(ctx, Delivery("call1", c.Name(), 1)); !errors.Is(err, context.Canceled) || permanent(err) {
		t.Fatalf("error %v, want the end of the context", err)
	}
}

func sideBySide(t *testing.T, c crm.Connector, remote Remote) {
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if _, err := c.Deliver(t.Context(), Delivery(earshot.CallID(fmt.Sprintf("call%d", i)), c.Name(), 1)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantNotes(t, remote, 20, 1)
}

func permanent(err error) bool {
	var p *earshot.PermanentError
	return errors.As(err, &p)
}
