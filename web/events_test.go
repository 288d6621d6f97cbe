package web

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

func everyEvent() []string {
	out := []string{string(eventSnapshot), string(earshot.EventUtterancePartial)}
	for _, e := range earshot.EventTypes() {
		out = append(out, string(e))
	}
	return out
}

func (f *fixture) publish(e earshot.Event) earshot.Event {
	e = f.store.commit(e)
	f.broker.Publish([]earshot.Event{e})
	return e
}

func finalEvent(call earshot.CallID, n int64) earshot.Event {
	return earshot.NewEvent(earshot.EventUtteranceFinal, call, final(call, n))
}

func partialEvent(call earshot.CallID, n int64) earshot.Event {
	u := final(call, n)
	u.Final = false
	return earshot.NewEvent(earshot.EventUtterancePartial, call, u)
}

func TestEventsOfOneCall(t *testing.T) {
	f := newFixture(t)
	base := start(t, f)
	f.publish(finalEvent("live1", 100))
	f.broker.Publish([]earshot.Event{partialEvent("live1", 700), partialEvent("done1", 700)})
	s := open(t, client(t), base+"/api/v1/calls/live1/events", "")
	defer s.close()

	m, _ := s.next()
	var snap callSnapshot
	if err := json.Unmarshal(m.data.Data, &snap); err != nil {
		t.Fatal(err)
	}
	if m.event != "snapshot" || m.id != "3" || m.data.Seq != 3 || m.data.CallID != "live1" || snap.Call.ID != "live1" || len(snap.Utterances) != 1 {
		t.Fatalf("first event %q %q: %+v", m.id, m.event, snap)
	}
	if m, _ := s.next(); m.event != "utterance.partial" || m.id != "" || m.data.CallID != "live1" {
		t.Fatalf("second event %q %q, want the partial of now", m.id, m.event)
	}
	f.publish(finalEvent("done1", 5)) // another call
	want := f.publish(finalEvent("live1", 700))
	m, _ = s.next()
	if m.event != "utterance.final" || m.id != strconv.FormatInt(want.Seq, 10) || m.data.ID != want.ID || string(m.data.Data) != string(want.Data) {
		t.Fatalf("third event %q %q %+v", m.id, m.event, m.data)
	}
}

// TestLatePartial has a partial come after its final.
func TestLatePartial(t *testing.T) {
	f := newFixture(t)
	base := start(t, f)
	f.publish(finalEvent("live1", 100))
	f.broker.Publish([]earshot.Event{partialEvent("live1", 100)})
	s := open(t, client(t), base+"/api/v1/calls/live1/events", "")
	defer s.close()
	if m, _ := s.next(); m.event != "snapshot" {
		t.Fatalf("first event %q", m.event)
	}
	f.publish(finalEvent("live1", 700))
	if m, _ := s.next(); m.event != "utterance.final" {
		t.Errorf("%s of what is final already", m.event)
	}
}

func TestEventsOfAllCalls(t *testing.T) {
	f := newFixture(t)
	base := start(t, f)
	s := open(t, client(t), base+"/api/v1/events?partials=false", "")
	defer s.close()
	m, _ := s.next()
	var snap callsSnapshot
	if err := json.Unmarshal(m.data.Data, &snap); err != nil || len(snap.Calls) != 1 || snap.Calls[0].ID != "live1" {
		t.Fatalf("snapshot %s: %v", m.data.Data, err)
	}
	f.broker.Publish([]earshot.Event{partialEvent("live1", 700)})
	f.publish(finalEvent("done1", 5))
	if m, _ := s.next(); m.event != "utterance.final" || m.data.CallID != "done1" {
		t.Fatalf("event %q of %s", m.event, m.data.CallID)
	}
}

func TestResume(t *testing.T) {
	f := newFixture(t)
	base := start(t, f)
	for i := range int64(3 * eventBatch) {
		f.publish(finalEvent("live1", i))
	}
	total := int64(2 + 3*eventBatch)
	for _, c := range []struct{ query, header string }{{"", "7"}, {"?last_event_id=7", ""}, {"?last_event_id=900", "7"}} {
		s := open(t, client(t), base+"/api/v1/events"+c.query, c.header)
		for want := int64(8); want <= total; want++ {
			if m, ok := s.next(); !ok || m.data.Seq != want {
				t.Fatalf("%+v: event %d, want %d", c, m.data.Seq, want)
			}
		}
		s.close()
	}
	// An ID of the future is of another store.
	s := open(t, client(t), base+"/api/v1/events", "999999")
	defer s.close()
	if m, _ := s.next(); m.event != "snapshot" || m.data.Seq != total {
		t.Errorf("after an unknown ID came %q %d", m.event, m.data.Seq)
	}
}

func TestHeadOfEventsEnds(t *testing.T) {
	f := newFixture(t)
	answer, _ := f.do(t, http.MethodHead, "/api/v1/events")
	if answer.StatusCode != http.StatusOK || gathered(t, f.Collectors(), "earshot_web_readers") != 0 {
		t.Errorf("HEAD: %s", answer.Status)
	}
}

// TestNoGapNoDouble reads one call and all calls while events are committed,
// connecting, breaking off and resuming at random, and asserts that each
// reader sees every utterance once: in the snapshot or in one event.
func TestNoGapNoDouble(t *testing.T) {
	f := newFixture(t)
	f.store.pause = func(string) {
		for range rand.IntN(20) {
			runtime.Gosched()
		}
	}
	base := start(t, f)
	const count = 1500
	var group sync.WaitGroup
	group.Go(func() {
		for i := range int64(count) {
			f.broker.Publish([]earshot.Event{partialEvent("live1", i)})
			f.publish(finalEvent("live1", i))
			f.publish(finalEvent("done1", i))
		}
	})
	for i := range 6 {
		group.Go(func() {
			path := "/api/v1/calls/live1/events"
			if i%3 == 2 {
				path = "/api/v1/events?partials=false"
			}
			if err := follow(t, base+path, count); err != nil {
				t.Errorf("reader %d of %s: %v", i, path, err)
			}
		})
	}
	group.Wait()
}

// follow reads until it has seen the last utterance of live1.
func follow(t *testing.T, url string, count int) error {
	c := client(t)
	seen := map[earshot.UtteranceID]bool{}
	var lastID string
	var lastSeq int64
	first := true
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		s, err := dial(t, c, url, lastID)
		if err != nil {
			return err
		}
		for budget := 1 + rand.IntN(400); budget > 0; budget-- {
			m, ok := s.next()
			if !ok {
				break
			}
			if m.event == "utterance.partial" {
				continue
			}
			if m.event == "snapshot" {
				if !first {
					return fmt.Errorf("a second snapshot after %s", lastID)
				}
				for _, u := range snapshotUtterances(m) {
					seen[u.ID] = true
				}
			} else if m.data.Seq <= lastSeq {
				return fmt.Errorf("event %d after %d", m.data.Seq, lastSeq)
			}
			if strings.Contains(url, "/events?") && !first && m.data.Seq != lastSeq+1 {
				return fmt.Errorf("event %d after %d, none may be left out", m.data.Seq, lastSeq)
			}
			first, lastID, lastSeq = false, m.id, m.data.Seq
			if m.event == "utterance.final" && m.data.CallID == "live1" {
				u := decode[earshot.Utterance](m.data)
				if seen[u.ID] {
					return fmt.Errorf("utterance %s twice", u.ID)
				}
				seen[u.ID] = true
			}
			if lastSeq >= int64(2*count+1) { // the last utterance of live1
				s.close()
				return complete(url, seen, count)
			}
		}
		s.close()
	}
	return fmt.Errorf("stuck after event %d", lastSeq)
}

func snapshotUtterances(m message) []earshot.Utterance {
	var snap callSnapshot
	if json.Unmarshal(m.data.Data, &snap) != nil {
		return nil
	}
	return snap.Utterances
}

func complete(url string, seen map[earshot.UtteranceID]bool, count int) error {
	if strings.Contains(url, "/calls/") && len(seen) != count {
		return fmt.Errorf("%d utterances seen of %d", len(seen), count)
	}
	return nil
}

// TestSlowReaderIsCutOff blocks a reader while more events come than its
// queue holds. Publishing goes on; the reader gets an unbroken beginning, then
// the end of the stream, and the rest when it resumes.
func TestSlowReaderIsCutOff(t *testing.T) {
	f := newFixture(t)
	base := start(t, f)
	blocked, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	f.store.pause = func(what string) {
		if what == "events" {
			once.Do(func() { close(blocked); <-release })
		}
	}
	const count = queueLength + 200
	c := client(t)
	got := make(chan int64)
	go func() {
		defer close(got)
		last := "2"
		for range 2 {
			s, err := dial(t, c, base+"/api/v1/events", last)
			if err != nil {
				t.Error(err)
				return
			}
			for {
				m, ok := s.next()
				if !ok {
					break
				}
				last = m.id
				got <- m.data.Seq
				if m.data.Seq == count+2 {
					break
				}
			}
			s.close()
		}
	}()
	<-blocked
	for i := range int64(count) {
		f.publish(finalEvent("live1", i))
	}
	if n := gathered(t, f.Collectors(), "earshot_web_readers_cut_off_total"); n != 1 {
		t.Errorf("%v readers cut off, want 1", n)
	}
	close(release)
	want := int64(3)
	for seq := range got {
		if seq != want {
			t.Fatalf("event %d, want %d", seq, want)
		}
		want++
	}
	if want != count+3 {
		t.Errorf("the last event was %d of %d", want-1, count+2)
	}
}

func TestTooManyReaders(t *testing.T) {
	f := newFixture(t)
	for range maxReaders {
		if _, _, err := f.broker.subscribe("", false); err != nil {
			t.Fatal(err)
		}
	}
	answer, body := f.do(t, http.MethodGet, "/api/v1/events")
	checkProblem(t, answer, body, http.StatusServiceUnavailable)
	if answer.Header.Get("Retry-After") == "" {
		t.Error("503 without Retry-After")
	}
	f.broker.Close()
	answer, body = f.do(t, http.MethodGet, "/api/v1/events")
	checkProblem(t, answer, body, http.StatusServiceUnavailable)
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		ctx, cancel := context.WithCancel(t.Context())
		w := &lockedRecorder{header: http.Header{}, read: time.Now().Add(readTimeout)}
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/api/v1/events", nil)
		var group sync.WaitGroup
		group.Go(func() { f.Handler().ServeHTTP(w, r) })
		time.Sleep(46 * time.Second) // of the bubble's clock
		synctest.Wait()
		if n := strings.Count(w.String(), ": heartbeat\n\n"); n != 3 {
			t.Errorf("%d heartbeats in 46 s, want 3", n)
		}
		if read, write := w.deadlines(); !read.IsZero() || !write.After(time.Now()) {
			t.Errorf("deadlines %v, %v would end the stream", read, write)
		}
		cancel()
		group.Wait()
		if n := gathered(t, f.Collectors(), "earshot_web_readers"); n != 0 {
			t.Errorf("%v readers are left", n)
		}
	})
}

// lockedRecorder is a response that may be read while it is written. Its read
// deadline is the server's until somebody sets another.
type lockedRecorder struct {
	lockedBuffer
	header      http.Header
	read, write time.Time
}

func (r *lockedRecorder) Header() http.Header { return r.header }
func (r *lockedRecorder) WriteHeader(int)     {}
func (r *lockedRecorder) Flush()              {}

func (r *lockedRecorder) SetReadDeadline(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = t
	return nil
}

func (r *lockedRecorder) SetWriteDeadline(t time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.write = t
	return nil
}

func (r *lockedRecorder) deadlines() (read, write time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read, r.write
}
