package transcribe

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"earshot"

	"github.com/prometheus/client_golang/prometheus"
)

// talk is audio of n turns of a second each and two of silence.
func talk(n int) []int16 {
	return bursts(1, slices.Repeat([][2]int{{1000, 2000}}, n)...)
}

func turns(n int) []string {
	var out []string
	for k := range n {
		out = append(out, fmt.Sprintf("b%d", k+1))
	}
	return out
}

func TestBacklogDoesNotStarveLiveStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{Workers: 1}, &levels{slow: 200 * time.Millisecond}, sink)
		defer tr.Close()
		began := time.Now()
		for k := range 5 {
			add(t, tr, earshot.StreamID(fmt.Sprint("old", k)), &tape{rate: 8000, pcm: talk(20)}, earshot.Watermark{})
		}
		add(t, tr, "live", &tape{rate: 8000, pcm: talk(20), started: began}, earshot.Watermark{})
		eventually(t, 3*time.Minute, "live completed", func() bool { return sink.completed("live") })
		for i, u := range sink.finals {
			if u.StreamID != "live" {
				if !u.Late {
					t.Fatalf("text of the backlog is not marked late: %+v", u)
				}
				continue
			}
			spoken := began.Add(u.To.Duration())
			if d := sink.at[i].Sub(spoken); u.Late || d > 1500*time.Millisecond {
				t.Errorf("live final %v after it was spoken, late %v", d, u.Late)
			}
		}
		eventually(t, 3*time.Minute, "backlog drained", func() bool {
			return sink.completed("old0", "old1", "old2", "old3", "old4")
		})
		var order []earshot.StreamID
		for _, u := range sink.finals {
			if u.StreamID != "live" && !slices.Contains(order, u.StreamID) {
				order = append(order, u.StreamID)
			}
		}
		if want := []earshot.StreamID{"old4", "old3", "old2", "old1", "old0"}; !slices.Equal(order, want) {
			t.Errorf("backlog in order %v, newest first is %v", order, want)
		}
		for k := range 5 {
			if got := sink.texts(earshot.StreamID(fmt.Sprint("old", k))); !slices.Equal(got, turns(20)) {
				t.Errorf("old%d: %q", k, got)
			}
		}
	})
}

// More speech than the workers can take: no final is lost, partials go first,
// and the backlog is drained when the speech is over.
func TestSaturation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const streams = 30
		sink := newLedger(t)
		tr := start(t, Config{Workers: 2, Partials: time.Second}, &levels{slow: 300 * time.Millisecond}, sink)
		defer tr.Close()
		var ids []earshot.StreamID
		for k := range streams {
			id := earshot.StreamID(fmt.Sprint("s", k))
			ids = append(ids, id)
			add(t, tr, id, &tape{rate: 8000, pcm: talk(10), started: time.Now().Add(time.Duration(k) * 97 * time.Millisecond)}, earshot.Watermark{})
		}
		<-time.After(28 * time.Second)
		s := tr.Stats()
		if s.Streams != streams || s.Live != streams || s.QueuedBacklog == 0 || s.Backlog < 10*time.Second || s.Oldest < 5*time.Second {
			t.Errorf("under load: %+v", s)
		}
		if s.DrainRate < 5 || s.DrainRate > 7 {
			t.Errorf("drain rate %.2f, two workers at 0.3 make 6.7", s.DrainRate)
		}
		eventually(t, 5*time.Minute, "drained", func() bool { return sink.completed(ids...) })
		for _, id := range ids {
			if got := sink.texts(id); !slices.Equal(got, turns(10)) {
				t.Errorf("%s: %q", id, got)
			}
		}
		s = tr.Stats()
		if s.Streams != 0 || s.Backlog != 0 || s.QueuedLive+s.QueuedBacklog+s.Held != 0 || s.Finals != 10*streams {
			t.Errorf("afterwards: %+v", s)
		}
		if s.PartialsSkipped == 0 {
			t.Error("no partial was dropped under load")
		}
	})
}

func TestPartialsGrowRare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{Workers: 1}, &levels{}, sink)
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: bursts(1, [2]int{14000, 1000}), started: time.Now()}, earshot.Watermark{})
		eventually(t, 20*time.Second, "completed", func() bool { return sink.completed("s") })
		if n := len(sink.partials); n < 6 || n > 9 {
			t.Errorf("%d partials of 14 s", n)
		}
		for i, p := range sink.partials[1:] {
			step := (p.To - sink.partials[i].To).Duration()
			if want := max(time.Second, (p.To-p.From).Duration()/4); step < want {
				t.Errorf("partial at %v is %v after the one before, want %v", p.To.Duration(), step, want)
			}
		}
	})
}

func TestNoPartialsWhenTurnedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{Partials: -1}, &levels{}, sink)
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: bursts(1, [2]int{4000, 1000}), started: time.Now()}, earshot.Watermark{})
		eventually(t, 20*time.Second, "completed", func() bool { return sink.completed("s") })
		if n := len(sink.partials); n != 0 {
			t.Errorf("%d partials", n)
		}
	})
}

// spoken replaces what is recognised by a script.
func spoken(script map[string]string) func(string) string {
	return func(heard string) string {
		if text, ok := script[heard]; ok {
			return text
		}
		return heard
	}
}

func TestCardNumberInPiecesIsNeverCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		rec := &levels{text: spoken(map[string]string{
			"b1": "Sure, it is 4111", "b2": "1111 1111", "b3": "", "b4": "1111. Okay?", "b5": "My order is 4711", "b6": "Thanks.",
		})}
		tr := start(t, Config{}, rec, sink)
		defer tr.Close()
		began := time.Now()
		pcm := bursts(1, [2]int{1200, 1000}, [2]int{2400, 1000}, [2]int{500, 1000}, [2]int{1200, 1000}, [2]int{1000, 9000}, [2]int{500, 1000})
		add(t, tr, "s", &tape{rate: 8000, pcm: pcm, started: began}, earshot.Watermark{})
		eventually(t, 30*time.Second, "completed", func() bool { return sink.completed("s") })
		want := []string{"Sure, it is [card number]", "[card number]", "[card number]. Okay?", "My order is 4711", "Thanks."}
		if got := sink.texts("s"); !slices.Equal(got, want) {
			t.Errorf("finals %q", got)
		}
		for _, p := range sink.partials {
			if strings.Contains(p.Text, "1111") {
				t.Errorf("partial %q", p.Text)
			}
		}
		// The order number waits for more digits, but not for ever.
		if d := sink.at[3].Sub(began.Add(sink.finals[3].To.Duration())); d < DefaultHoldDigits || d > DefaultHoldDigits+time.Second {
			t.Errorf("held back for %v", d)
		}
	})
}

func TestOtherPartyAsksForTheCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		rec := &levels{text: spoken(map[string]string{"b1": "And the security code please?", "b5": "three four one"})}
		tr := start(t, Config{}, rec, sink)
		defer tr.Close()
		now := time.Now()
		add(t, tr, "agent", &tape{rate: 8000, pcm: bursts(1, [2]int{1000, 3000}), started: now}, earshot.Watermark{})
		add(t, tr, "customer", &tape{rate: 8000, pcm: bursts(4, [2]int{0, 2000}, [2]int{700, 1000}), started: now}, earshot.Watermark{})
		eventually(t, 30*time.Second, "completed", func() bool { return sink.completed("agent", "customer") })
		if got := sink.texts("customer"); !slices.Equal(got, []string{"[security code]"}) {
			t.Errorf("customer: %q", got)
		}
	})
}

func TestNoiseAdvancesTheWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		rec := &levels{text: spoken(map[string]string{"b1": "", "b3": ""})}
		tr := start(t, Config{}, rec, sink)
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: talk(3)}, earshot.Watermark{})
		eventually(t, 10*time.Second, "completed", func() bool { return sink.completed("s") })
		if got := sink.texts("s"); !slices.Equal(got, []string{"b2"}) {
			t.Errorf("finals %q", got)
		}
		if w := sink.mark("s"); w.Finals != 1 || w.Position != earshot.PositionOf(9*time.Second) {
			t.Errorf("watermark %+v", w)
		}
	})
}

// gate is a recogniser that blocks until it is opened.
type gate struct{ open chan struct{} }

func (g gate) Recognise(ctx context.Context, _ []int16, _ int) (earshot.Recognition, error) {
	select {
	case <-ctx.Done():
		return earshot.Recognition{}, ctx.Err()
	case <-g.open:
		return earshot.Recognition{Text: "text", Confidence: 1}, nil
	}
}

func TestBacklogIsCutOnlyAsFarAsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		g := gate{make(chan struct{})}
		tr := start(t, Config{Workers: 1}, g, sink)
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: talk(50)}, earshot.Watermark{})
		<-time.After(10 * time.Second)
		if s := tr.Stats(); s.QueuedBacklog != backlogSpans-1 || s.Live != 0 {
			t.Errorf("%+v", s)
		}
		close(g.open)
		eventually(t, 10*time.Second, "completed", func() bool { return sink.completed("s") })
		if n := len(sink.finals); n != 50 {
			t.Errorf("%d finals", n)
		}
	})
}

func TestCollectors(t *testing.T) {
	tr, err := New(Config{}, nil, nil, newLedger(t), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(tr.Collectors()...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != len(metrics()) {
		t.Errorf("%d metrics, want %d", len(families), len(metrics()))
	}
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "earshot_transcribe_") || f.GetHelp() == "" {
			t.Errorf("metric %s: %s", f.GetName(), f.GetHelp())
		}
	}
}
