package transcribe

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

func TestLiveStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		began := time.Now()
		src := &tape{rate: 8000, pcm: bursts(0, [2]int{0, 500}, [2]int{2500, 1000}, [2]int{300, 1500}), started: began}
		add(t, tr, "s", src, earshot.Watermark{})
		eventually(t, 10*time.Second, "completed", func() bool { return sink.completed("s") })
		if got := sink.texts("s"); !slices.Equal(got, []string{"b1", "b2"}) {
			t.Fatalf("finals %q", got)
		}
		first := sink.finals[0]
		if first.From != earshot.PositionOf(320*time.Millisecond) || first.ID != earshot.UtteranceIDFor("s", first.From) {
			t.Errorf("first utterance %s begins at %v", first.ID, first.From.Duration())
		}
		// Speech ends at 3.0 s; then come end silence, settling and a tick or two.
		if d := sink.at[0].Sub(began); d > 3*time.Second+DefaultEndSilence+250*time.Millisecond {
			t.Errorf("first final after %v", d)
		}
		if first.Late || first.CallID != "call" || first.Confidence != 0.9 {
			t.Errorf("first final %+v", first)
		}
		if w := sink.mark("s"); w.Finals != 2 || w.Position != earshot.At(int64(len(src.pcm)), 8000) {
			t.Errorf("watermark %+v", w)
		}
		if n := len(sink.partials); n != 2 {
			t.Errorf("%d partials", n)
		}
		for _, p := range sink.partials {
			if p.ID != first.ID || p.Final || p.Text != "b1" {
				t.Errorf("partial %+v", p)
			}
		}
	})
}

func TestRecordingOfEveryRate(t *testing.T) {
	for _, rate := range []int{8000, 12000, 16000, 24000, 48000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := newLedger(t)
				rec := &levels{}
				tr := start(t, Config{}, rec, sink)
				defer tr.Close()
				pcm := make([]int16, rate*3)
				for i := rate; i < rate*2; i++ {
					pcm[i] = 5000
				}
				add(t, tr, "s", &tape{rate: rate, pcm: pcm}, earshot.Watermark{})
				eventually(t, 5*time.Second, "completed", func() bool { return sink.completed("s") })
				if len(sink.finals) != 1 {
					t.Fatalf("%d finals", len(sink.finals))
				}
				u := sink.finals[0]
				from, to := u.From.Duration(), u.To.Duration()
				if from < 760*time.Millisecond || from > 830*time.Millisecond || to < 2100*time.Millisecond || to > 2200*time.Millisecond {
					t.Errorf("from %v to %v", from, to)
				}
				if !u.Late {
					t.Error("text from a recording is not marked late")
				}
				if w := sink.mark("s"); w.Position != earshot.PositionOf(3*time.Second) {
					t.Errorf("completed at %v", w.Position.Duration())
				}
			})
		})
	}
}

// conversation is audio of many utterances: short, long, unbroken for longer
// than the limit, and noise of one window.
func conversation() []int16 {
	pcm := bursts(0, [2]int{0, 400}, [2]int{300, 900}, [2]int{2000, 300}, [2]int{1000, 700}, [2]int{40, 900}, [2]int{5000, 650})
	long := bursts(10, [2]int{12000, 40}, [2]int{9000, 20}, [2]int{8000, 1000})
	return append(append(pcm, long...), bursts(20, [2]int{200, 610}, [2]int{200, 590}, [2]int{200, 3000}, [2]int{700, 100})...)
}

// reference transcribes the conversation without interruption.
func reference(t *testing.T) *ledger {
	sink := newLedger(t)
	tr := start(t, Config{}, &levels{}, sink)
	defer tr.Close()
	add(t, tr, "s", &tape{rate: 8000, pcm: conversation()}, earshot.Watermark{})
	eventually(t, 30*time.Second, "completed", func() bool { return sink.completed("s") })
	return sink
}

// same fails unless two ledgers hold the same spans and texts.
func same(t *testing.T, got, want []earshot.Utterance, what string) {
	t.Helper()
	key := func(us []earshot.Utterance) []string {
		var out []string
		for _, u := range us {
			out = append(out, fmt.Sprintf("%d-%d %s", u.From, u.To, u.Text))
		}
		return out
	}
	if g, w := key(got), key(want); !slices.Equal(g, w) {
		t.Fatalf("%s:\ngot  %q\nwant %q", what, g, w)
	}
}

func TestRestartAtEachWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := reference(t)
		if len(want.finals) < 8 {
			t.Fatalf("only %d utterances", len(want.finals))
		}
		for i, w := range want.history[:len(want.history)-1] {
			sink := newLedger(t)
			sink.marks["s"] = w
			tr := start(t, Config{}, &levels{}, sink)
			add(t, tr, "s", &tape{rate: 8000, pcm: conversation()}, w)
			eventually(t, 30*time.Second, "completed", func() bool { return sink.completed("s") })
			tr.Close()
			same(t, append(slices.Clone(want.finals[:w.Finals]), sink.finals...), want.finals, fmt.Sprintf("restart %d at %v", i, w.Position.Duration()))
		}
	})
}

func TestKilledAtRandomMoments(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := reference(t)
		random := rand.New(rand.NewPCG(1, 2))
		sink := newLedger(t)
		src := &tape{rate: 8000, pcm: conversation(), started: time.Now()}
		for kills := 0; !sink.completed("s"); kills++ {
			tr := start(t, Config{}, &levels{slow: 300 * time.Millisecond}, sink)
			add(t, tr, "s", src, sink.mark("s"))
			life := time.Duration(random.Int64N(int64(9 * time.Second)))
			for death := time.Now().Add(life); time.Now().Before(death) && !sink.completed("s"); {
				<-time.After(time.Millisecond)
			}
			tr.Close()
			if kills > 100 {
				t.Fatal("no progress")
			}
		}
		same(t, sink.finals, want.finals, "after the kills")
	})
}

func TestSpeechWithoutPauseIsCutWhereItIsQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		pcm := bursts(0, [2]int{12000, 160}, [2]int{20000, 0})
		add(t, tr, "s", &tape{rate: 8000, pcm: pcm}, earshot.Watermark{})
		eventually(t, 10*time.Second, "completed", func() bool { return sink.completed("s") })
		if got := sink.finals[0].To.Duration(); got < 12*time.Second || got > 12160*time.Millisecond {
			t.Errorf("cut at %v, the pause is from 12 s to 12.16", got)
		}
		end := earshot.Position(0)
		for _, u := range sink.finals {
			if d := (u.To - u.From).Duration(); d > DefaultMaxUtterance {
				t.Errorf("utterance of %v", d)
			}
			if u.From != end {
				t.Errorf("gap from %v to %v", end.Duration(), u.From.Duration())
			}
			end = u.To
		}
		if end.Duration() != 32160*time.Millisecond {
			t.Errorf("ends at %v", end.Duration())
		}
	})
}

func TestLastWordsAreFlushed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		add(t, tr, "eof", &tape{rate: 8000, pcm: bursts(1, [2]int{400, 7}), started: time.Now()}, earshot.Watermark{})
		// A source that never says that it is over, but End does.
		add(t, tr, "end", &tape{rate: 8000, pcm: bursts(2, [2]int{400, 0}), started: time.Now(), open: true}, earshot.Watermark{})
		add(t, tr, "none", &tape{rate: 8000}, earshot.Watermark{})
		eventually(t, time.Second, "end of file", func() bool { return sink.completed("eof", "none") })
		tr.End("end")
		tr.End("unknown")
		eventually(t, endGrace+time.Second, "end of stream", func() bool { return sink.completed("end") })
		if a, b := sink.texts("eof"), sink.texts("end"); !slices.Equal(a, []string{"b1"}) || !slices.Equal(b, []string{"b2"}) {
			t.Errorf("finals %q and %q", a, b)
		}
		if w := sink.mark("none"); w.Position != 0 || w.Finals != 0 {
			t.Errorf("empty stream: %+v", w)
		}
	})
}

// A stream may send nothing while nobody speaks: that is an end of speech too.
func TestStalledStreamEndsUtterance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		src := &tape{rate: 8000, pcm: bursts(1, [2]int{1000, 50}), started: time.Now(), open: true}
		add(t, tr, "s", src, earshot.Watermark{})
		eventually(t, 4*time.Second, "final", func() bool { return len(sink.texts("s")) == 1 })
		src.mu.Lock()
		src.pcm = append(src.pcm, bursts(2, [2]int{0, 4000}, [2]int{500, 1000})...)
		src.open = false
		src.mu.Unlock()
		eventually(t, 10*time.Second, "completed", func() bool { return sink.completed("s") })
		if got := sink.texts("s"); !slices.Equal(got, []string{"b1", "b3"}) {
			t.Errorf("finals %q", got)
		}
	})
}

func TestSinkErrorsAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		sink.refuse = 6
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: bursts(1, [2]int{500, 1000}, [2]int{500, 1000})}, earshot.Watermark{})
		eventually(t, 30*time.Second, "completed", func() bool { return sink.completed("s") })
		if got := sink.texts("s"); !slices.Equal(got, []string{"b1", "b2"}) {
			t.Errorf("finals %q", got)
		}
		if n := tr.Stats().CommitErrors; n != 6 {
			t.Errorf("%d commit errors counted", n)
		}
	})
}

func TestRecogniserErrors(t *testing.T) {
	tests := []struct {
		name   string
		err    func(run int) error
		want   []string
		failed uint64
		errors uint64
	}{
		{"passing", func(run int) error {
			if run < 3 {
				return errors.New("not now")
			}
			return nil
		}, []string{"b1", "b2"}, 0, 2},
		{"permanent", func(run int) error {
			if run == 1 {
				return earshot.Permanent(errors.New("never"))
			}
			return nil
		}, []string{"b2"}, 1, 1},
		{"lasting", func(int) error { return errors.New("down") }, nil, 2, 2 * DefaultAttempts},
		{"panic", func(run int) error {
			if run == 1 {
				panic("broken model")
			}
			return nil
		}, []string{"b1", "b2"}, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sink := newLedger(t)
				tr := start(t, Config{Workers: 1}, &levels{err: tt.err}, sink)
				defer tr.Close()
				add(t, tr, "s", &tape{rate: 8000, pcm: bursts(1, [2]int{500, 1000}, [2]int{500, 1000})}, earshot.Watermark{})
				eventually(t, 10*time.Minute, "completed", func() bool { return sink.completed("s") })
				if got := sink.texts("s"); !slices.Equal(got, tt.want) {
					t.Errorf("finals %q, want %q", got, tt.want)
				}
				if s := tr.Stats(); s.Failed != tt.failed || s.Errors != tt.errors {
					t.Errorf("%d failed, %d errors", s.Failed, s.Errors)
				}
			})
		})
	}
}

func TestSourceErrorsEndTheStreamAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr := start(t, Config{}, &levels{}, sink)
		defer tr.Close()
		src := &tape{rate: 8000, pcm: bursts(1, [2]int{1000, 1000}, [2]int{60000, 0}), started: time.Now()}
		add(t, tr, "s", src, earshot.Watermark{})
		eventually(t, 5*time.Second, "first final", func() bool { return len(sink.texts("s")) == 1 })
		src.fail(errors.New("disk gone"))
		eventually(t, 20*time.Minute, "completed", func() bool { return sink.completed("s") })
	})
}

func TestNoRecogniser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr, err := New(Config{}, nil, nil, sink, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tr.Start()
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: conversation()}, earshot.Watermark{})
		eventually(t, 5*time.Second, "completed", func() bool { return sink.completed("s") })
		if w := sink.mark("s"); w.Finals != 0 || w.Position != earshot.At(int64(len(conversation())), 8000) {
			t.Errorf("watermark %+v", w)
		}
	})
}

// Without a recogniser no audio is read but what is asked for to see the end.
func TestNoRecogniserReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr, err := New(Config{}, nil, nil, sink, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tr.Start()
		defer tr.Close()
		src := &known{tape: tape{rate: 8000, pcm: conversation(), open: true}}
		add(t, tr, "s", src, earshot.Watermark{})
		for range 30 {
			<-time.After(time.Second)
		}
		if n := src.reads.Load(); n > 70 {
			t.Errorf("%d reads in 30 s", n)
		}
		src.mu.Lock()
		src.open = false
		src.mu.Unlock()
		eventually(t, 5*time.Second, "completed", func() bool { return sink.completed("s") })
		if w := sink.mark("s"); w.Position != src.End() || src.samples.Load() != 0 {
			t.Errorf("watermark %+v, %d samples read", w, src.samples.Load())
		}
	})
}

// known is a source that knows its end and counts what is read of it.
type known struct {
	tape
	reads, samples atomic.Int64
}

func (k *known) End() earshot.Position { return earshot.At(int64(len(k.pcm)), k.rate) }

func (k *known) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	n, err := k.tape.ReadAt(pcm, pos)
	k.reads.Add(1)
	k.samples.Add(int64(n))
	return n, err
}

func TestDetectorFailureLosesNoSpeech(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sink := newLedger(t)
		tr, err := New(Config{}, loudVAD{err: errors.New("model broken")}, &levels{}, sink, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tr.Start()
		defer tr.Close()
		add(t, tr, "s", &tape{rate: 8000, pcm: bursts(1, [2]int{500, 1000}, [2]int{500, 1000})}, earshot.Watermark{})
		eventually(t, 5*time.Second, "completed", func() bool { return sink.completed("s") })
		if got := sink.texts("s"); !slices.Equal(got, []string{"b1", "b2"}) {
			t.Errorf("finals %q", got)
		}
	})
}

func TestAddAndCloseErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, Config{}, &levels{}, newLedger(t))
		src := &tape{rate: 8000, open: true}
		add(t, tr, "s", src, earshot.Watermark{})
		if err := tr.Add(Track{StreamID: "s", Source: src}); err == nil {
			t.Error("a stream is added twice")
		}
		for _, rate := range []int{0, 500, 11025, 44100, 32000} {
			if err := tr.Add(Track{StreamID: "r", Source: &tape{rate: rate}}); err == nil {
				t.Errorf("a stream of %d samples per second is added", rate)
			}
		}
		tr.Close()
		tr.Close()
		if err := tr.Add(Track{StreamID: "t", Source: src}); !errors.Is(err, ErrClosed) {
			t.Errorf("Add after Close = %v", err)
		}
	})
	if _, err := New(Config{}, nil, &levels{}, newLedger(t), slog.Default()); err == nil {
		t.Error("a recogniser without a detector is taken")
	}
}

func TestDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	if c.EndSilence != 600*time.Millisecond || c.MinSpeech != 96*time.Millisecond || c.PadBefore != 192*time.Millisecond ||
		c.PadAfter != 128*time.Millisecond || c.MaxUtterance != 15*time.Second || c.Partials != 0 ||
		c.LateAfter != 5*time.Second || c.HoldDigits != 6*time.Second || c.Attempts != 8 || c.Workers < 1 {
		t.Errorf("defaults %+v", c)
	}
	if c := (Config{Partials: -1, EndSilence: time.Second}).withDefaults(); c.Partials != -1 || c.EndSilence != time.Second {
		t.Errorf("set fields are replaced: %+v", c)
	}
}
