package transcribe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
)

// tape is a Source: a recording, or a live stream if started is set, whose
// audio settles 100 ms after it is heard.
type tape struct {
	rate    int
	pcm     []int16
	started time.Time
	open    bool // never says that it is over
	mu      sync.Mutex
	err     error
	failed  int
}

func (s *tape) Rate() int { return s.rate }

func (s *tape) ReadAt(pcm []int16, pos earshot.Position) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		s.failed++
		return 0, s.err
	}
	there := len(s.pcm)
	if !s.started.IsZero() {
		settled := int(time.Since(s.started.Add(100*time.Millisecond)).Seconds() * float64(s.rate))
		there = max(0, min(there, settled))
	}
	from := int(pos.Samples(s.rate))
	n := 0
	if from < there {
		n = copy(pcm, s.pcm[from:there])
	}
	if n == 0 && len(pcm) > 0 && there == len(s.pcm) && !s.open {
		return n, io.EOF
	}
	return n, nil
}

func (s *tape) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// level is the amplitude by which a test knows burst k again.
func level(k int) int16 { return int16(1000 + 100*k) }

// bursts makes audio of 8000 samples per second: for each pair a burst of
// speech of its own level and a pause, both in milliseconds.
func bursts(first int, pairs ...[2]int) []int16 {
	var pcm []int16
	for k, p := range pairs {
		pcm = append(pcm, slices.Repeat([]int16{level(first + k)}, p[0]*8)...)
		pcm = append(pcm, make([]int16, p[1]*8)...)
	}
	return pcm
}

// loudVAD takes what is loud for speech.
type loudVAD struct{ err error }

func (loudVAD) StateLen() int { return 4 }

func (v loudVAD) Detect(_ int, states [][]float32, windows [][]int16, probs []float32) error {
	if v.err != nil {
		return v.err
	}
	for i, w := range windows {
		loud := 0
		for _, s := range w {
			if s >= 900 {
				loud++
			}
		}
		probs[i] = float32(loud) / float32(len(w))
		states[i][0]++
	}
	return nil
}

// levels is a Recogniser that names the bursts it hears.
type levels struct {
	// slow is how long a second of audio takes.
	slow time.Duration
	// text replaces the names.
	text func(string) string
	err  func(attempt int) error
	mu   sync.Mutex
	runs int
	lens []time.Duration
}

func (r *levels) Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error) {
	r.mu.Lock()
	r.runs++
	run := r.runs
	r.lens = append(r.lens, time.Duration(len(pcm))*time.Second/time.Duration(rate))
	r.mu.Unlock()
	if r.err != nil {
		if err := r.err(run); err != nil {
			return earshot.Recognition{}, err
		}
	}
	if r.slow > 0 {
		select {
		case <-ctx.Done():
			return earshot.Recognition{}, ctx.Err()
		case <-time.After(time.Duration(float64(r.slow) * float64(len(pcm)) / float64(rate))):
		}
	}
	var names []string
	last := int16(0)
	for _, s := range pcm {
		if s != last && s >= 1000 {
			names = append(names, fmt.Sprintf("b%d", (s-1000)/100))
		}
		last = s
	}
	text := strings.Join(names, " ")
	if r.text != nil {
		text = r.text(text)
	}
	return earshot.Recognition{Text: text, Confidence: 0.9}, nil
}

// ledger is a Sink that keeps what it gets and checks the order.
type ledger struct {
	t        *testing.T
	mu       sync.Mutex
	finals   []earshot.Utterance
	partials []earshot.Utterance
	at       []time.Time
	marks    map[earshot.StreamID]earshot.Watermark
	history  []earshot.Watermark
	refuse   int
	missed   map[earshot.StreamID][]earshot.StreamMark
}

func newLedger(t *testing.T) *ledger {
	return &ledger{
		t: t, marks: map[earshot.StreamID]earshot.Watermark{}, missed: map[earshot.StreamID][]earshot.StreamMark{},
	}
}

func (l *ledger) Partial(u earshot.Utterance) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partials = append(l.partials, u)
}

func (l *ledger) Missed(id earshot.StreamID, m earshot.StreamMark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.marks[id].Completed {
		l.t.Errorf("stream %s misses %+v after it is completed", id, m)
	}
	l.missed[id] = append(l.missed[id], m)
}

func (l *ledger) Final(_ context.Context, us []earshot.Utterance, w earshot.Watermark) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse > 0 {
		l.refuse--
		return errors.New("no room")
	}
	before := l.marks[w.StreamID]
	if before.Completed || w.Position < before.Position || w.Finals != before.Finals+len(us) {
		l.t.Errorf("watermark %+v with %d utterances follows %+v", w, len(us), before)
	}
	for _, u := range us {
		if !u.Final || u.StreamID != w.StreamID || u.From < before.Position || u.To > w.Position || u.From >= u.To {
			l.t.Errorf("utterance %s from %d to %d between %d and %d", u.ID, u.From, u.To, before.Position, w.Position)
		}
		before.Position = u.To
		l.finals = append(l.finals, u)
		l.at = append(l.at, time.Now())
	}
	l.marks[w.StreamID] = w
	l.history = append(l.history, w)
	return nil
}

// texts returns the texts of a stream's finals in the order of commits.
func (l *ledger) texts(id earshot.StreamID) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, u := range l.finals {
		if u.StreamID == id {
			out = append(out, u.Text)
		}
	}
	return out
}

func (l *ledger) completed(ids ...earshot.StreamID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if !l.marks[id].Completed {
			return false
		}
	}
	return true
}

func (l *ledger) mark(id earshot.StreamID) earshot.Watermark {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.marks[id]
}

// start makes and starts a Transcriber that is closed with the test.
func start(t *testing.T, cfg Config, rec Recogniser, sink Sink) *Transcriber {
	t.Helper()
	tr, err := New(cfg, loudVAD{}, rec, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	tr.Start()
	return tr
}

func add(t *testing.T, tr *Transcriber, id earshot.StreamID, src Source, from earshot.Watermark) {
	t.Helper()
	err := tr.Add(Track{CallID: "call", StreamID: id, Source: src, From: from.Position, Finals: from.Finals})
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition by the bubble's clock.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
		<-time.After(10 * time.Millisecond)
	}
}
