package crm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"

	"earshot"
)

// screen is a connector that shows live calls.
type screen struct {
	fake
	types   []earshot.EventType
	publish func(context.Context, earshot.Event) error

	mu    sync.Mutex
	shown []string
}

func (s *screen) Events() []earshot.EventType { return s.types }

func (s *screen) Publish(ctx context.Context, e earshot.Event) error {
	if s.publish != nil {
		if err := s.publish(ctx, e); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = append(s.shown, string(e.Type)+" "+string(e.CallID))
	return nil
}

func count(t *testing.T, l *Live, outcome string) float64 {
	t.Helper()
	var m dto.Metric
	if err := l.told.WithLabelValues("crm", outcome).Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// show runs Live over what publish does, until nothing happens any more.
func show(t *testing.T, c Connector, publish func(*Live)) *Live {
	t.Helper()
	l := NewLive([]Connector{c}, nobody, testLog(t))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- l.Run(ctx) }()
	publish(l)
	time.Sleep(time.Minute) // of the bubble
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run: %v", err)
	}
	return l
}

func nobody(context.Context, string, earshot.CallID) (string, error) { return "", nil }

// desk brings callers up, as what it was told.
type desk struct {
	Finder
	brought []string
}

func (d *desk) Name() string { return "crm" }

func (d *desk) Deliver(context.Context, earshot.Delivery) (string, error) { return "", nil }

func (d *desk) Brings() bool { return true }

func (d *desk) Bring(_ context.Context, c earshot.Contact, user string) error {
	d.brought = append(d.brought, c.ID+" to "+user)
	return nil
}

// TestLiveBringsCallersUp shows a contact to the agent of the call, if both are
// known in that system.
func TestLiveBringsCallersUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &desk{Finder: &system{}}
		agent := func(_ context.Context, connector string, call earshot.CallID) (string, error) {
			return map[earshot.CallID]string{"a": connector + "-7"}[call], nil
		}
		l := NewLive([]Connector{d}, agent, testLog(t))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- l.Run(ctx) }()
		ann := &earshot.Contact{ID: "ann"}
		for call, m := range map[earshot.CallID]earshot.Match{
			"a": {Connector: "crm", State: earshot.MatchMatched, Contact: ann},
			"b": {Connector: "crm", State: earshot.MatchMatched, Contact: ann}, // of an agent whom nobody knows
			"c": {Connector: "other", State: earshot.MatchMatched, Contact: ann},
			"d": {Connector: "crm", State: earshot.MatchSeveral},
		} {
			l.Publish(matchCommit(call, m).Events)
		}
		synctest.Wait()
		cancel()
		<-done
		if !slices.Equal(d.brought, []string{"ann to crm-7"}) {
			t.Errorf("brought up: %v", d.brought)
		}
	})
}

func event(typ earshot.EventType, call earshot.CallID) earshot.Event {
	return earshot.NewEvent(typ, call, map[string]string{})
}

func TestLiveTellsWhatIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{types: []earshot.EventType{earshot.EventCallStarted, earshot.EventCallEnded}}
		l := show(t, s, func(l *Live) {
			l.Publish([]earshot.Event{event(earshot.EventCallStarted, "a"), event(earshot.EventCallMarked, "a"), event(earshot.EventCallEnded, "a")})
		})
		if !slices.Equal(s.shown, []string{"call.started a", "call.ended a"}) || count(t, l, "told") != 2 {
			t.Errorf("shown %v", s.shown)
		}
	})
}

func TestLiveMatchesOfOnesOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		matches := func(l *Live) {
			for _, connector := range []string{"other", "crm"} {
				l.Publish(matchCommit("a", earshot.Match{Connector: connector}).Events)
			}
		}
		all := &screen{types: []earshot.EventType{earshot.EventCallMatched}}
		show(t, all, matches)
		finder := &struct {
			*screen
			Finder
		}{&screen{types: all.types}, &system{}}
		show(t, finder, matches)
		if len(all.shown) != 2 || len(finder.shown) != 1 {
			t.Errorf("shown %v, to one that looks up %v", all.shown, finder.shown)
		}
	})
}

func TestLiveDropsWhatIsStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{types: []earshot.EventType{earshot.EventCallStarted}}
		s.publish = func(ctx context.Context, _ earshot.Event) error {
			<-ctx.Done() // the receiver does not answer
			return ctx.Err()
		}
		begin := time.Now()
		l := show(t, s, func(l *Live) {
			for range 2 + liveQueue { // all in one lane
				l.Publish([]earshot.Event{event(earshot.EventCallStarted, "a")})
				synctest.Wait()
			}
			if time.Since(begin) > 0 {
				t.Error("Publish waited")
			}
			time.Sleep(1100 * time.Millisecond)
		})
		if failed, dropped := count(t, l, "failed"), count(t, l, "dropped"); failed+dropped != 2+liveQueue || failed > 2 || len(s.shown) != 0 {
			t.Errorf("%v failed, %v dropped", failed, dropped)
		}
	})
}

func TestLiveOutlivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &screen{types: []earshot.EventType{earshot.EventCallStarted}}
		s.publish = func(_ context.Context, e earshot.Event) error {
			if e.CallID == "bad" {
				panic("nil map")
			}
			return nil
		}
		l := show(t, s, func(l *Live) {
			for i := range 20 {
				l.Publish([]earshot.Event{event(earshot.EventCallStarted, "bad"), event(earshot.EventCallStarted, earshot.CallID(fmt.Sprint(i)))})
			}
		})
		if len(s.shown) != 20 || count(t, l, "failed") != 20 {
			t.Errorf("%d shown, %v failed", len(s.shown), count(t, l, "failed"))
		}
	})
}
