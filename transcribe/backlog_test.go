package transcribe

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

// recording is a tape that knows when it was recorded and how long it is.
type recording struct {
	tape
	at time.Time
}

func (r *recording) Started() (time.Time, bool) { return r.at, true }
func (r *recording) End() earshot.Position      { return earshot.At(int64(len(r.pcm)), r.rate) }

// minute is a recorded minute of which each half has a burst, number first and
// the one after it.
func minute(first int, at time.Time) *recording {
	return &recording{tape: tape{rate: 8000, pcm: bursts(first, [2]int{3000, 27_000}, [2]int{3000, 27_000})}, at: at}
}

// missing returns how much of a stream the ledger was told to have no text.
func (l *ledger) missing(id earshot.StreamID) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	sum := time.Duration(0)
	for _, m := range l.missed[id] {
		sum += (m.To - m.From).Duration()
	}
	return sum
}

// What was said too long ago is given up, to the moment, and marked.
func TestBacklogOfAnAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{BacklogAge: 72 * time.Hour}, &levels{}, sink)
		defer tr.Close()
		now := time.Now()
		for id, at := range map[earshot.StreamID]time.Time{
			"old": now.Add(-100 * time.Hour), "half": now.Add(-72*time.Hour - 20*time.Second), "new": now.Add(-time.Hour),
		} {
			add(t, tr, id, minute(1, at), earshot.Watermark{})
		}
		for id, want := range map[earshot.StreamID][]string{"old": nil, "half": {"b2"}, "new": {"b1", "b2"}} {
			eventually(t, time.Minute, string(id), func() bool { return sink.completed(id) })
			if got := sink.texts(id); !slices.Equal(got, want) {
				t.Errorf("%s has %q, want %q", id, got, want)
			}
			if w := sink.mark(id); w.Position != earshot.At(60*8000, 8000) {
				t.Errorf("%s is done to %v", id, w.Position.Duration())
			}
		}
		if old, half := sink.missing("old"), sink.missing("half"); old != time.Minute || half < 20*time.Second || half > 25*time.Second || sink.missing("new") != 0 {
			t.Errorf("missing: %v of old, %v of half, %v of new", old, half, sink.missing("new"))
		}
		if m := sink.missed["old"][0]; m.Kind != earshot.MarkMissed || m.Reason != tooOld || m.ID == "" {
			t.Errorf("mark %+v", m)
		}
		if s := tr.Stats(); s.Missed != sink.missing("old")+sink.missing("half") {
			t.Errorf("counted %v", s.Missed)
		}
	})
}

// slowMarks is a sink that takes its time to store what is missed.
type slowMarks struct{ *ledger }

func (s slowMarks) Missed(id earshot.StreamID, m earshot.StreamMark) {
	<-time.After(100 * time.Millisecond)
	s.ledger.Missed(id, m)
}

// However much is given up at a start, live streams are heard meanwhile.
func TestGivingUpDoesNotHoldUpLiveStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{BacklogAge: time.Hour}, &levels{}, slowMarks{sink})
		defer tr.Close()
		began := time.Now()
		var old []earshot.StreamID
		for k := range 100 {
			old = append(old, earshot.StreamID(strconv.Itoa(k)))
			add(t, tr, old[k], minute(1, began.Add(-100*time.Hour)), earshot.Watermark{})
		}
		add(t, tr, "live", &tape{rate: 8000, pcm: talk(3), started: began}, earshot.Watermark{})
		eventually(t, time.Minute, "live completed", func() bool { return sink.completed("live") })
		for i, u := range sink.finals {
			if d := sink.at[i].Sub(began.Add(u.To.Duration())); u.StreamID == "live" && d > 1500*time.Millisecond {
				t.Errorf("live final %v after it was spoken", d)
			}
		}
		eventually(t, 5*time.Minute, "all given up", func() bool { return sink.completed(old...) })
	})
}

// Of more than may wait the oldest is given up, and nothing that is live.
func TestBacklogOfALength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		// Nothing is recognised before all are there.
		tr := start(t, Config{Workers: 1, BacklogLimit: 150 * time.Second}, &levels{slow: 4 * time.Second}, sink)
		defer tr.Close()
		now := time.Now()
		live := &tape{rate: 8000, pcm: bursts(1, [2]int{3000, 5000}), started: now}
		add(t, tr, "live", live, earshot.Watermark{})
		for _, id := range []earshot.StreamID{"1", "2", "3", "4"} {
			add(t, tr, id, minute(1, now), earshot.Watermark{})
		}
		for _, id := range []earshot.StreamID{"live", "1", "2", "3", "4"} {
			eventually(t, 10*time.Minute, "stream "+string(id), func() bool { return sink.completed(id) })
		}
		if n := len(sink.texts("live")); n != 1 || sink.missing("live") != 0 {
			t.Errorf("%d finals of the live stream", n)
		}
		if got := sink.texts("4"); !slices.Equal(got, []string{"b1", "b2"}) {
			t.Errorf("the newest has %q", got)
		}
		if sink.missing("1") == 0 || sink.missing("4") != 0 || sink.missed["1"][0].Reason != tooMuch {
			t.Errorf("missing: %v of the oldest, %v of the newest", sink.missing("1"), sink.missing("4"))
		}
	})
}

// Speech that cannot be recognised is marked before its stream is completed.
func TestFailedSpeechIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		rec := &levels{err: func(int) error { return earshot.Permanent(errors.New("broken")) }}
		tr := start(t, Config{}, rec, sink)
		defer tr.Close()
		add(t, tr, "s", minute(1, time.Now()), earshot.Watermark{})
		eventually(t, time.Minute, "completed", func() bool { return sink.completed("s") })
		if marks := sink.missed["s"]; len(marks) != 2 || marks[0].Reason != failed {
			t.Errorf("marks %+v", marks)
		}
	})
}

// Speech without a pause is cut, and each piece but the last goes on.
func TestLongSpeechContinues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		src := &recording{tape: tape{rate: 8000, pcm: bursts(1, [2]int{40_000, 2000}, [2]int{2000, 2000})}, at: time.Now()}
		add(t, tr, "s", src, earshot.Watermark{})
		eventually(t, time.Minute, "completed", func() bool { return sink.completed("s") })
		var got []bool
		for i, u := range sink.finals {
			got = append(got, u.Continues)
			if i > 0 && sink.finals[i-1].Continues && u.From != sink.finals[i-1].To {
				t.Errorf("piece %d begins %v after the one before", i, (u.From - sink.finals[i-1].To).Duration())
			}
		}
		if n := len(got); n < 4 || slices.Contains(got[:n-2], false) || got[n-2] || got[n-1] {
			t.Errorf("pieces go on: %v", got)
		}
	})
}

// Partials come less often the more there is to do, unless an interval is set.
func TestPartialsByLoad(t *testing.T) {
	tr := &Transcriber{}
	for _, c := range []struct {
		set, length time.Duration
		load        int
		want        time.Duration
	}{
		{0, 2 * time.Second, 0, time.Second},
		{0, 12 * time.Second, 0, 3 * time.Second},
		{0, 2 * time.Second, 3, 4 * time.Second},
		{500 * time.Millisecond, 12 * time.Second, 3, 500 * time.Millisecond},
	} {
		tr.cfg.Partials, tr.load = c.set, c.load
		if got := tr.partialDue(c.length); got != c.want {
			t.Errorf("%+v: each %v", c, got)
		}
	}
}

// What is behind of a stream that goes on comes before that of streams that are
// over, and of these the newest first.
func TestBacklogOrder(t *testing.T) {
	going := &track{live: true, order: 1}
	over, ended, recorded := &track{live: true, ended: true, order: 2}, &track{live: true, ended: true, order: 3}, &track{order: 4}
	list := []*track{over, recorded, going, ended}
	slices.SortFunc(list, func(a, b *track) int {
		if a.before(b) {
			return -1
		}
		return 1
	})
	if want := []*track{going, recorded, ended, over}; !slices.Equal(list, want) {
		t.Errorf("order %v %v %v %v", list[0].order, list[1].order, list[2].order, list[3].order)
	}
}

// Partials wait for what is behind of streams that go on, and take turns with
// what is behind of those that are over.
func TestPartialsWaitForStreamsThatGoOn(t *testing.T) {
	now := time.Now()
	queue := func() *track {
		return &track{live: true, spans: []*span{{live: true, cutAt: now.Add(-time.Minute)}, {live: true, cutAt: now.Add(-time.Minute)}}}
	}
	behind, talking := queue(), &track{live: true, partial: &partial{at: now}}
	tr := &Transcriber{
		cfg: Config{}.withDefaults(), partialNext: true,
		tracks: map[earshot.StreamID]*track{"behind": behind, "talking": talking},
	}
	if j, ok := tr.pick(now); !ok || j.span != behind.spans[0] {
		t.Errorf("of a stream that goes on: %+v", j)
	}
	behind.ended = true
	if j, ok := tr.pick(now); !ok || j.partial == nil {
		t.Errorf("of a stream that is over: %+v", j)
	}
	talking.partial, talking.partialRun = &partial{at: now}, false
	if j, ok := tr.pick(now); !ok || j.span != behind.spans[1] {
		t.Errorf("a partial goes first twice: %+v", j)
	}
}
