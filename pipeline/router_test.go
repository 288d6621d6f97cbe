package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"earshot"
)

// assistJob makes the job a test expects of an event: its key is the data.
func assistJob(_ context.Context, e earshot.Event) ([]earshot.Job, error) {
	var key string
	if err := json.Unmarshal(e.Data, &key); err != nil {
		return nil, earshot.Permanent(err)
	}
	return []earshot.Job{earshot.NewJob(earshot.JobAssist, e.CallID, key, nil)}, nil
}

func runRouter(t *testing.T, b *Bus, sink JobSink, f HandlerFunc) (*Router, func()) {
	t.Helper()
	r := NewRouter(b, sink, testLog(t))
	r.Handle(earshot.EventUtteranceFinal, "assist", f)
	return r, background(t, r.Run)
}

func wantKeys(t *testing.T, store *memStore, want []string) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d jobs", len(want)), func() bool {
		return len(store.keysOf(earshot.JobAssist)) >= len(want)
	})
	if got := store.keysOf(earshot.JobAssist); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("jobs %v,\nwant %v", got, want)
	}
}

func TestEventsBecomeJobsInOrder(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	r, _ := runRouter(t, b, store, assistJob)
	relay, _ := runRelay(t, store, b)
	<-r.Running()
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 50)
	store.addEvents(earshot.EventCallEnded, 100, 1) // nobody's
	relay.Wake()
	wantKeys(t, store, want)
}

func TestTwoHandlersOfOneType(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	r := NewRouter(b, store, testLog(t))
	var note, settle atomic.Int32
	count := func(n *atomic.Int32) HandlerFunc {
		return func(context.Context, earshot.Event) ([]earshot.Job, error) { n.Add(1); return nil, nil }
	}
	r.Handle(earshot.EventCallEnded, "note", count(&note))
	r.Handle(earshot.EventCallEnded, "settle", count(&settle))
	background(t, r.Run)
	store.addEvents(earshot.EventCallEnded, 0, 3)
	runRelay(t, store, b)
	eventually(t, "both saw all", func() bool { return note.Load() == 3 && settle.Load() == 3 })
}

func TestStoreErrorsAreWaitedOut(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 5)
	var fails atomic.Int32
	store.setApplyErr(func(c earshot.Commit) error {
		if len(c.Jobs) > 0 && c.Jobs[0].Key == "u0001" && fails.Add(1) <= 3 {
			return errors.New("disk is full")
		}
		return nil
	})
	r, _ := runRouter(t, b, store, assistJob)
	runRelay(t, store, b)
	wantKeys(t, store, want) // and still in order
	if n := counterValue(t, r.failed.WithLabelValues("assist_utterance_final")); n != 3 {
		t.Errorf("%v tries counted as failed", n)
	}
}

func TestPoisonIsSetAsideAndReplayed(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	subject := Subject(earshot.EventUtteranceFinal)
	bodies := []string{"{not json", `{"seq":1}`, `{"id":"x","type":"call.ended","call_id":"c9"}`, ""}
	for _, body := range bodies {
		if _, err := b.js.PublishMsg(&nats.Msg{Subject: subject, Data: []byte(body)}); err != nil {
			t.Fatal(err)
		}
	}
	odd := &nats.Msg{Subject: subject, Data: []byte("?"), Header: nats.Header{"A": {"1", "2"}, nats.MsgIdHdr: {"odd"}}}
	if _, err := b.js.PublishMsg(odd); err != nil {
		t.Fatal(err)
	}
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 1)
	r, _ := runRouter(t, b, store, assistJob)
	runRelay(t, store, b)
	wantKeys(t, store, want) // nothing holds it up

	var dead []earshot.Job
	for _, j := range store.all() {
		if j.Kind == earshot.JobPoison {
			dead = append(dead, j)
		}
	}
	if len(dead) != len(bodies)+1 {
		t.Fatalf("%d poison jobs, want %d", len(dead), len(bodies)+1)
	}
	for i, j := range dead {
		var p Poison
		if err := json.Unmarshal(j.Payload, &p); err != nil {
			t.Fatal(err)
		}
		if j.State != earshot.JobDead || j.LastError == "" || p.Reason == "" || p.Handler != "assist_utterance_final" {
			t.Errorf("poison job %+v", j)
		}
		if i < len(bodies) && string(p.Body) != bodies[i] {
			t.Errorf("poison job holds %q, want %q", p.Body, bodies[i])
		}
		var permanent *earshot.PermanentError
		if _, err := r.Replay(t.Context(), j); !errors.As(err, &permanent) {
			t.Errorf("Replay of what is still unreadable = %v", err)
		}
	}
	if dead[2].CallID != "c9" {
		t.Errorf("call of the poison job is %q", dead[2].CallID)
	}
	if n := counterValue(t, r.poisoned.WithLabelValues("assist_utterance_final")); n != float64(len(dead)) {
		t.Errorf("%v counted as poisoned", n)
	}
}

func TestPanicIsRecoveredAndSetAside(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	var panics atomic.Int32
	var healed atomic.Bool
	r, _ := runRouter(t, b, store, func(ctx context.Context, e earshot.Event) ([]earshot.Job, error) {
		if strings.Contains(string(e.Data), "u0000") && !healed.Load() {
			panics.Add(1)
			panic("no such thing")
		}
		return assistJob(ctx, e)
	})
	store.addEvents(earshot.EventUtteranceFinal, 0, 2)
	runRelay(t, store, b)
	wantKeys(t, store, []string{"u0001"})
	if n := panics.Load(); n != handlerTries {
		t.Errorf("%d tries, want %d", n, handlerTries)
	}
	var dead earshot.Job
	for _, j := range store.all() {
		if j.Kind == earshot.JobPoison {
			dead = j
		}
	}
	if !strings.Contains(dead.LastError, "no such thing") {
		t.Fatalf("poison job %+v", dead)
	}
	healed.Store(true)
	c, err := r.Replay(t.Context(), dead)
	if err != nil || len(c.Jobs) != 1 || c.Jobs[0].Key != "u0000" {
		t.Errorf("Replay = %+v, %v", c, err)
	}
}

func TestUndeliveredEventsOutliveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bus")
	b, store := openBus(t, BusConfig{Dir: dir}), newMemStore()
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 10)
	_, stopRelay := runRelay(t, store, b)
	eventually(t, "published", func() bool { return store.publishedCount() == 10 })
	stopRelay()
	b.Close() // nobody has handled them

	b = openBus(t, BusConfig{Dir: dir})
	_, stopRouter := runRouter(t, b, store, assistJob)
	wantKeys(t, store, want)
	stopRouter()
	b.Close()

	b = openBus(t, BusConfig{Dir: dir}) // handled ones do not come again
	var again atomic.Int32
	_, stopRouter = runRouter(t, b, store, func(ctx context.Context, e earshot.Event) ([]earshot.Job, error) {
		again.Add(1)
		return assistJob(ctx, e)
	})
	want = append(want, store.addEvents(earshot.EventUtteranceFinal, 10, 1)...)
	runRelay(t, store, b)
	wantKeys(t, store, want)
	stopRouter()
	// The event that was acknowledged last may come once more: its
	// acknowledgement can be lost in the stop.
	if n := again.Load(); n > 2 {
		t.Errorf("%d events came again", n-1)
	}
}

func TestDoublesMakeOneJob(t *testing.T) {
	store := newMemStore()
	want := store.addEvents(earshot.EventUtteranceFinal, 0, 10)
	for range 2 { // the second time the bus is another one
		b := openBus(t, BusConfig{})
		_, stopRelay := runRelay(t, store, b)
		r, stopRouter := runRouter(t, b, store, assistJob)
		eventually(t, "all handled", func() bool {
			return counterValue(t, r.handled.WithLabelValues("assist_utterance_final")) == 10
		})
		stopRouter()
		stopRelay()
		b.Close()
	}
	wantKeys(t, store, want)
}

func TestStopLetsAHandlerEnd(t *testing.T) {
	b, store := openBus(t, BusConfig{}), newMemStore()
	entered, proceed := make(chan struct{}), make(chan struct{})
	r, stop := runRouter(t, b, store, func(ctx context.Context, e earshot.Event) ([]earshot.Job, error) {
		close(entered)
		<-proceed
		return assistJob(ctx, e)
	})
	store.addEvents(earshot.EventUtteranceFinal, 0, 1)
	runRelay(t, store, b)
	<-entered
	time.AfterFunc(50*time.Millisecond, func() { close(proceed) })
	stop()
	if got := store.keysOf(earshot.JobAssist); len(got) != 1 {
		t.Errorf("jobs %v", got)
	}
	if _, err := r.handlers[0].gate.Unmarshal(&nats.Msg{}); !errors.Is(err, errStopping) {
		t.Errorf("a stopped router takes messages: %v", err)
	}
}

func TestHandlerNames(t *testing.T) {
	r := NewRouter(openBus(t, BusConfig{}), newMemStore(), testLog(t))
	r.Handle(earshot.EventCallEnded, "a", assistJob)
	for _, name := range []string{"", "a.b", "a b", "a*", "a"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Handle took the name %q", name)
				}
			}()
			r.Handle(earshot.EventCallEnded, name, assistJob)
		}()
	}
}

func TestNakDelay(t *testing.T) {
	for n, want := range map[uint64]time.Duration{
		0: 100 * time.Millisecond, 1: 100 * time.Millisecond, 2: 200 * time.Millisecond,
		5: 1600 * time.Millisecond, 9: 25600 * time.Millisecond, 10: 30 * time.Second, 1 << 60: 30 * time.Second,
	} {
		if got := (nakDelay{}).WaitTime(n); got != want {
			t.Errorf("WaitTime(%d) = %v, want %v", n, got, want)
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	good, _ := json.Marshal(earshot.NewEvent(earshot.EventCallEnded, "c", 1))
	f.Add(good)
	f.Add([]byte(`{"id":"x","type":"call.started"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := decodeEvent(body, earshot.EventCallEnded)
		if err == nil && (e.ID == "" || e.Type != earshot.EventCallEnded) {
			t.Errorf("decoded %+v", e)
		}
	})
}
