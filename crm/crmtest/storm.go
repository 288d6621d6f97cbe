package crmtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"earshot"
	"earshot/crm"
)

// stormNotes is how many notes a storm brings, in two revisions each.
const stormNotes = 200

// faults are what a system does in a storm, most of them with the note taken.
var faults = []Fault{
	{Status: http.StatusTooManyRequests, RetryAfter: "1"},
	{Status: http.StatusConflict},
	{Status: http.StatusInternalServerError},
	{Status: http.StatusInternalServerError, Keep: true},
	{Status: http.StatusBadGateway, Keep: true},
	{Status: http.StatusServiceUnavailable},
	{Status: http.StatusGatewayTimeout, Keep: true},
	{Status: http.StatusOK, Body: "<html>maintenance</html>"},
	{Status: http.StatusOK, Body: "<html>maintenance</html>", Keep: true},
	{Drop: true},
	{Drop: true, Keep: true},
	{Drop: true, Keep: true},
}

// Storm brings notes to a system that does not do well, by a process that dies
// now and then before it has stored what came of an attempt, and wants each
// there once in its newest revision. It is for connectors that promise that.
// setup is that of Contract.
func Storm(t *testing.T, setup func(t *testing.T) (crm.Connector, Remote)) {
	t.Helper()
	c, remote := setup(t)
	remote.Fail(Fault{Stall: true, Keep: true}, Fault{Stall: true}) // each costs a time-out
	var wg sync.WaitGroup
	work := make(chan int)
	for worker := range 4 {
		random := rand.New(rand.NewPCG(1, uint64(worker)))
		wg.Go(func() {
			for i := range work {
				if err := throughStorm(t, c, remote, earshot.CallID(fmt.Sprintf("call%d", i)), random); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range stormNotes {
		work <- i
	}
	close(work)
	wg.Wait()
	wantNotes(t, remote, stormNotes, 2)
	if s, ok := remote.(Searched); ok && s.Searches() > 0 {
		t.Errorf("%d searches while notes were delivered: what was made ten seconds ago may not be in them", s.Searches())
	}
}

// Searched is a Remote whose vendor has a search that lags behind what was
// written. No note may depend on it, however long the lag is.
type Searched interface {
	// Searches is how often it was asked.
	Searches() int
}

// throughStorm attempts both revisions of a note until they are confirmed.
func throughStorm(t *testing.T, c crm.Connector, remote Remote, call earshot.CallID, random *rand.Rand) error {
	remoteID := ""
	for revision := range 2 {
		d := Delivery(call, c.Name(), revision+1)
		d.RemoteID = remoteID
		for confirmed := false; !confirmed; {
			if d.Attempts++; d.Attempts > 100 {
				return fmt.Errorf("%s: no end after 100 attempts", call)
			}
			if random.IntN(100) < 30 {
				remote.Fail(faults[random.IntN(len(faults))])
			}
			id, err := c.Deliver(t.Context(), d)
			switch {
			case permanent(err):
				return fmt.Errorf("%s: %w", call, err)
			case random.IntN(100) < 10, errors.Is(err, crm.ErrUnknown):
				d.State = earshot.DeliveryUnknown // died, or does not know
			case err == nil:
				confirmed, remoteID = true, id
			case d.State != earshot.DeliveryUnknown:
				d.State = earshot.DeliveryFailed
			}
		}
	}
	return nil
}
