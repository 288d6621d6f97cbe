package transcribe_test

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/transcribetest"
	"earshot/transcribe/vad"
	"earshot/transcribe/wer"
)

// recording is a stream that is over.
type recording []int16

func (r recording) Rate() int { return transcribetest.Rate }

func (r recording) End() earshot.Position { return earshot.At(int64(len(r)), transcribetest.Rate) }

func (r recording) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	n := copy(pcm, r[min(len(r), int(pos.Samples(transcribetest.Rate))):])
	if n < len(pcm) {
		return n, io.EOF
	}
	return n, nil
}

// minutes is a Sink that tells when a stream is completed.
type minutes struct {
	mu    sync.Mutex
	texts map[earshot.StreamID][]string
	spans map[earshot.StreamID][]earshot.Utterance
	done  chan earshot.StreamID
}

func newMinutes() *minutes {
	return &minutes{
		texts: map[earshot.StreamID][]string{}, spans: map[earshot.StreamID][]earshot.Utterance{},
		done: make(chan earshot.StreamID, 16),
	}
}

func (*minutes) Partial(earshot.Utterance) {}

func (m *minutes) Missed(earshot.StreamID, earshot.StreamMark) {}

func (m *minutes) Final(_ context.Context, us []earshot.Utterance, w earshot.Watermark) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, u := range us {
		m.texts[w.StreamID] = append(m.texts[w.StreamID], u.Text)
		m.spans[w.StreamID] = append(m.spans[w.StreamID], u)
	}
	if w.Completed {
		m.done <- w.StreamID
	}
	return nil
}

// engine makes a Transcriber of the real models.
func engine(t testing.TB, sink transcribe.Sink) *transcribe.Transcriber {
	t.Helper()
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	detector, err := vad.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	recogniser, err := moonshine.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := transcribe.New(transcribe.Config{}, detector, recogniser, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tr.Start()
	t.Cleanup(func() {
		tr.Close()
		detector.Close()
		recogniser.Close()
	})
	return tr
}

func TestDialogueWithTheRealEngine(t *testing.T) {
	sink := newMinutes()
	tr := engine(t, sink)
	sides := map[earshot.StreamID]transcribetest.Speech{"agent": transcribetest.Agent(), "customer": transcribetest.Customer()}
	for id, side := range sides {
		if err := tr.Add(transcribe.Track{CallID: "call", StreamID: id, Source: recording(side.PCM)}); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.After(2 * time.Minute)
	for range sides {
		select {
		case <-sink.done:
		case <-deadline:
			t.Fatal("not completed within two minutes")
		}
	}
	var all wer.Result
	for id, side := range sides {
		got := wer.Compare(side.Text(), strings.Join(sink.texts[id], " "))
		t.Logf("%s: word error rate %.1f %% of %d words in %d utterances: %q", id, 100*got.Rate(), got.Words, len(sink.texts[id]), sink.texts[id])
		all = all.Add(got)
		for _, u := range sink.spans[id] {
			if u.Confidence < 0.4 || u.Confidence > 1 || (u.To-u.From).Duration() > 15*time.Second {
				t.Errorf("utterance %+v", u)
			}
		}
		if n := len(sink.texts[id]); n < len(side.Turns) || n > 2*len(side.Turns) {
			t.Errorf("%s: %d utterances of %d turns", id, n, len(side.Turns))
		}
	}
	if all.Rate() > 0.14 {
		t.Errorf("word error rate %.1f %%", 100*all.Rate())
	}
	s := tr.Stats()
	t.Logf("real-time factor %.3f", s.RealTimeFactor())
}

// spansOnly is a recogniser that says something about anything.
type spansOnly struct{}

func (spansOnly) Recognise(context.Context, []int16, int) (earshot.Recognition, error) {
	return earshot.Recognition{Text: "speech", Confidence: 1}, nil
}

// With the real detector, too, cutting goes on after a restart as if there had
// been none.
func TestRealDetectorCutsTheSameAfterARestart(t *testing.T) {
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	detector, err := vad.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer detector.Close()
	run := func(from earshot.Position, finals int) []earshot.Utterance {
		sink := newMinutes()
		tr, err := transcribe.New(transcribe.Config{}, detector, spansOnly{}, sink, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		tr.Start()
		defer tr.Close()
		track := transcribe.Track{StreamID: "s", Source: recording(transcribetest.Agent().PCM), From: from, Finals: finals}
		if err := tr.Add(track); err != nil {
			t.Fatal(err)
		}
		select {
		case <-sink.done:
		case <-time.After(time.Minute):
			t.Fatal("not completed within a minute")
		}
		return sink.spans["s"]
	}
	want := run(0, 0)
	if len(want) < 7 {
		t.Fatalf("only %d utterances", len(want))
	}
	for i, u := range want {
		got := run(u.To, i+1)
		if len(got) != len(want)-i-1 {
			t.Fatalf("after %v: %d utterances, want %d", u.To.Duration(), len(got), len(want)-i-1)
		}
		for k, g := range got {
			if w := want[i+1+k]; g.From != w.From || g.To != w.To || g.ID != w.ID {
				t.Errorf("after %v: %v to %v instead of %v to %v", u.To.Duration(), g.From.Duration(), g.To.Duration(), w.From.Duration(), w.To.Duration())
			}
		}
	}
}
