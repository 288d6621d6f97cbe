package crm_test

import (
	"context"
	"errors"
	"fmt"

	"earshot"
	"earshot/crm"
)

// logbook is the smallest connector: it knows what it has by the key.
type logbook map[string]earshot.Note

func (logbook) Name() string { return "logbook" }

func (l logbook) Deliver(_ context.Context, d earshot.Delivery) (string, error) {
	if _, ok := l[d.Key]; ok {
		return d.Key, nil // an earlier attempt arrived
	}
	if d.Note.Summary.Text == "" {
		return "", earshot.Permanent(errors.New("the logbook takes no empty notes"))
	}
	l[d.Key] = d.Note
	return d.Key, nil
}

func ExampleConnector() {
	var c crm.Connector = logbook{}
	call := earshot.Call{ID: "call1"}
	note := crm.Compose(call, earshot.Summary{Text: "Parcel is late."}, crm.Links{}, c.Name(), 1)
	d := earshot.Delivery{NoteID: note.ID, Revision: 1, Key: crm.KeyFor(note.ID, 1), Note: note}
	fmt.Println(c.Deliver(context.Background(), d))
	// Output: call1-logbook-r1 <nil>
}
