package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
)

// onBus returns the data of the events on the bus, in order.
func onBus(t *testing.T, b *Bus) []string {
	t.Helper()
	var got []string
	s := streamInfo(t, b).State
	for seq := s.FirstSeq; seq <= s.LastSeq && s.Msgs > 0; seq++ {
		raw, err := b.js.GetMsg(streamName, seq)
		if err != nil {
			t.Fatal(err)
		}
		var e earshot.Event
		if err := json.Unmarshal(raw.Data, &e); err != nil {
			t.Fatal(err)
		}
		var data string
		if err := json.Unmarshal(e.Data, &data); err != nil {
			t.Fatal(err)
		}
		got = append(got, data)
	}
	return got
}

func TestRelayKeepsTheOrder(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	want := store.addEvents(earshot.EventCallStarted, 0, 2*relayBatch+10) // more than a batch
	r, _ := runRelay(t, store, b)
	eventually(t, "first published", func() bool { return store.publishedCount() == len(want) })
	want = append(want, store.addEvents(earshot.EventCallEnded, 1000, 1)...)
	r.Wake()
	eventually(t, "woken", func() bool { return store.publishedCount() == len(want) })
	want = append(want, store.addEvents(earshot.EventCallEnded, 2000, 1)...)
	eventually(t, "found without being woken", func() bool { return store.publishedCount() == len(want) })
	if got := onBus(t, b); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%d events on the bus, want %d in the order of the store", len(got), len(want))
	}
}

func TestEventIsMarkedOnceItIsOnTheDisk(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	r := NewRelay(store, b, testLog(t))
	if r.settle != settleTime || settleTime < 2*syncInterval {
		t.Fatalf("settle = %v", r.settle)
	}
	store.addEvents(earshot.EventCallStarted, 0, 3)
	if err := r.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := store.publishedCount(); n != 0 || len(onBus(t, b)) != 3 {
		t.Fatalf("%d marked at once, %d on the bus", n, len(onBus(t, b)))
	}
	for i := range r.sent { // that much time passes
		r.sent[i].at = r.sent[i].at.Add(-settleTime)
	}
	if err := r.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := store.publishedCount(); n != 3 || len(onBus(t, b)) != 3 {
		t.Errorf("%d marked, %d on the bus", n, len(onBus(t, b)))
	}
}

// killedOutbox forgets what it is told, like a store whose process is killed
// between publishing and marking.
type killedOutbox struct{ *memStore }

var errKilled = errors.New("killed")

func (killedOutbox) MarkPublished(context.Context, []int64) error { return errKilled }

func TestKillBetweenPublishAndMark(t *testing.T) {
	dir := t.TempDir()
	b, store := openBus(t, BusConfig{Dir: dir}), newMemStore()
	want := store.addEvents(earshot.EventCallStarted, 0, 20)
	r := NewRelay(killedOutbox{store}, b, testLog(t))
	r.settle = 0
	if err := r.round(t.Context()); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	b.Close()
	b = openBus(t, BusConfig{Dir: dir})
	runRelay(t, store, b)
	eventually(t, "all marked", func() bool { return store.publishedCount() == 20 })
	if got := onBus(t, b); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("on the bus: %v", got)
	}
}

func TestDeletedBusGetsRecentEventsAgain(t *testing.T) {
	store := newMemStore()
	store.addEvents(earshot.EventCallStarted, 0, 5)
	store.mu.Lock()
	for i := range 2 { // too old for the bus
		store.events[i].At = time.Now().Add(-25 * time.Hour)
	}
	store.mu.Unlock()
	dir := filepath.Join(t.TempDir(), "a")
	b := openBus(t, BusConfig{Dir: dir})
	_, stop := runRelay(t, store, b)
	eventually(t, "published", func() bool { return store.publishedCount() == 5 })
	stop()
	b.Close()

	b = openBus(t, BusConfig{Dir: filepath.Join(t.TempDir(), "b")})
	runRelay(t, store, b)
	eventually(t, "filled", func() bool { return !b.Fresh() && len(onBus(t, b)) == 3 })
	if got := strings.Join(onBus(t, b), " "); got != "u0002 u0003 u0004" {
		t.Errorf("on the bus: %s", got)
	}
}

func TestEventTheBusCannotTake(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	store.addEvents(earshot.EventCallStarted, 0, 1)
	long := earshot.NewEvent(earshot.EventCallUpdated, "c", strings.Repeat("x", embeddedMaxPayload))
	if _, err := store.Apply(t.Context(), earshot.Commit{Events: []earshot.Event{long}}); err != nil {
		t.Fatal(err)
	}
	store.addEvents(earshot.EventCallStarted, 1, 1)
	r, _ := runRelay(t, store, b)
	eventually(t, "all off the list", func() bool { return store.publishedCount() == 3 })
	if got := strings.Join(onBus(t, b), " "); got != "u0000 u0001" {
		t.Errorf("on the bus: %s", got)
	}
	if n := counterValue(t, r.refused); n != 1 {
		t.Errorf("%v events counted as unpublishable", n)
	}
}

// flakyOutbox fails to list events a number of times.
type flakyOutbox struct {
	*memStore
	fails atomic.Int32
}

func (o *flakyOutbox) Unpublished(ctx context.Context, after int64, limit int) ([]earshot.Event, error) {
	if n := o.fails.Add(-1); n >= 0 {
		return nil, errors.New("store is busy " + strconv.Itoa(int(n)))
	}
	return o.memStore.Unpublished(ctx, after, limit)
}

func TestRelayWaitsForTheStore(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	store.addEvents(earshot.EventCallStarted, 0, 3)
	out := &flakyOutbox{memStore: store}
	out.fails.Store(2)
	r, _ := runRelay(t, out, b)
	eventually(t, "published", func() bool { return store.publishedCount() == 3 })
	if n := counterValue(t, r.errors); n != 2 {
		t.Errorf("%v errors counted", n)
	}
}
