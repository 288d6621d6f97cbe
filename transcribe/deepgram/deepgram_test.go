package deepgram

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"earshot"
	"earshot/transcribe/deepgram/deepgramtest"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/transcribetest"
	"earshot/transcribe/wer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key  = "a-key-nobody-may-see"
	rate = transcribetest.Rate
)

// start starts a server that hears with the built-in engine, and what asks it.
func start(t *testing.T, cfg Config, s *deepgramtest.Server) *Recogniser {
	t.Helper()
	if s.Engine == nil {
		dir, err := models.Find("")
		if err != nil {
			t.Fatal(err)
		}
		engine, err := moonshine.New(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = engine.Close() })
		s.Engine = engine
	}
	s.T, s.Key, s.Model = t, key, "nova-3"
	srv := httptest.NewServer(s)
	cfg.URL, cfg.APIKey, cfg.Model, cfg.Language = "ws"+strings.TrimPrefix(srv.URL, "http"), key, "nova-3", "en"
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	return r
}

func TestContract(t *testing.T) {
	transcribetest.TestRecogniser(t, start(t, Config{}, &deepgramtest.Server{}), 0.14)
}

// turns are an utterance of the agent and one of the customer.
func turns() (spoken [2][]int16, said [2]string) {
	agent, customer := transcribetest.Agent(), transcribetest.Customer()
	return [2][]int16{agent.PCM[:8*rate], customer.PCM[:6*rate]}, [2]string{agent.Turns[0], customer.Turns[0]}
}

// say follows an utterance in steps and returns what was heard of it in the end,
// and how many of the parts had text.
func say(t *testing.T, r *Recogniser, from earshot.Position, pcm []int16) (final earshot.Recognition, parts int) {
	t.Helper()
	const step = rate
	for n := step; n < len(pcm); n += step {
		part, err := r.Follow(t.Context(), earshot.Hearing{StreamID: "s", From: from}, pcm[:n], rate)
		if err != nil {
			t.Fatal(err)
		}
		if part.Text != "" {
			parts++
		}
	}
	final, err := r.Follow(t.Context(), earshot.Hearing{StreamID: "s", From: from, Final: true}, pcm, rate)
	if err != nil {
		t.Fatal(err)
	}
	return final, parts
}

func sounds(t *testing.T, got earshot.Recognition, want string) {
	t.Helper()
	if rate := wer.Compare(want, got.Text).Rate(); rate > 0.25 {
		t.Errorf("%.0f %% wrong: %q instead of %q", 100*rate, got.Text, want)
	}
}

// TestFollow sends two utterances while they are said, over one connection and
// each sample once.
func TestFollow(t *testing.T) {
	s := &deepgramtest.Server{InterimSeconds: 1}
	r := start(t, Config{}, s)
	spoken, said := turns()
	for i, pcm := range spoken {
		got, parts := say(t, r, earshot.Position(i)*earshot.PositionOf(time.Minute), pcm)
		sounds(t, got, said[i])
		if parts < 3 {
			t.Errorf("only %d parts had text", parts)
		}
		if got.Confidence <= 0 || got.Language != "en" || len(got.Words) < 3 {
			t.Errorf("%+v", got)
		}
		for _, w := range got.Words {
			if w.StartMS < 0 || w.EndMS < w.StartMS || w.EndMS > int64(1000*len(pcm)/rate) {
				t.Errorf("word %+v of %d ms", w, 1000*len(pcm)/rate)
			}
		}
	}
	if n, want := s.Connections.Load(), int32(1); n != want {
		t.Errorf("%d connections", n)
	}
	if got, want := int(s.Samples.Load()), len(spoken[0])+len(spoken[1]); got != want {
		t.Errorf("%d samples were sent of %d", got, want)
	}
}

// TestConnectionBreaksInMidUtterance: nothing of the utterance is lost.
func TestConnectionBreaksInMidUtterance(t *testing.T) {
	for _, fault := range []string{"cut", "malformed", "error"} {
		t.Run(fault, func(t *testing.T) {
			s := &deepgramtest.Server{Fault: func(connection, n int32) string {
				if connection == 1 && n == 18 {
					return fault
				}
				return ""
			}}
			r := start(t, Config{}, s)
			spoken, said := turns()
			got, _ := say(t, r, 0, spoken[0])
			sounds(t, got, said[0])
			if n := s.Connections.Load(); n != 2 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// TestPartsOutOfOrder: a part of an utterance that is over is not heard any
// more, and one that is recognised late is by itself.
func TestPartsOutOfOrder(t *testing.T) {
	s := &deepgramtest.Server{}
	r := start(t, Config{}, s)
	spoken, said := turns()
	hear := func(from earshot.Position, final bool, pcm []int16) earshot.Recognition {
		t.Helper()
		got, err := r.Follow(t.Context(), earshot.Hearing{StreamID: "s", From: from, Final: final}, pcm, rate)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	const later = earshot.MediaClock
	sounds(t, hear(later, true, spoken[0]), said[0])
	for _, from := range []earshot.Position{0, later} {
		if got := hear(from, false, spoken[0][:4*rate]); got.Text != "" {
			t.Errorf("a part of an utterance that is over: %q", got.Text)
		}
	}
	sounds(t, hear(0, true, spoken[1]), said[1])
	sounds(t, hear(2*later, true, spoken[1]), said[1])
	if n := s.Connections.Load(); n != 2 {
		t.Errorf("%d connections", n)
	}
}

// TestSilenceKeepsTheConnection for a while.
func TestSilenceKeepsTheConnection(t *testing.T) {
	s := &deepgramtest.Server{}
	r := start(t, Config{KeepAlive: 20 * time.Millisecond, Idle: 400 * time.Millisecond}, s)
	spoken, _ := turns()
	say(t, r, 0, spoken[1])
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		r.mu.Lock()
		left := len(r.follows)
		r.mu.Unlock()
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the connection is not given up")
		}
	}
	if s.KeepAlives.Load() == 0 {
		t.Error("the endpoint was not told that we are still there")
	}
}

// TestFaults: which errors are permanent, which say when to come back, and that
// none has the key, the address or the provider's words.
func TestFaults(t *testing.T) {
	status := func(code int, after string) *deepgramtest.Server {
		return &deepgramtest.Server{Refuse: func(w http.ResponseWriter, _ *http.Request) bool {
			if after != "" {
				w.Header().Set("Retry-After", after)
			}
			http.Error(w, `{"err_msg":"key `+key+` is no good"}`, code)
			return true
		}}
	}
	fault := func(what string) *deepgramtest.Server {
		return &deepgramtest.Server{Fault: func(_, n int32) string {
			if n == 2 {
				return what
			}
			return ""
		}}
	}
	for name, c := range map[string]struct {
		server    *deepgramtest.Server
		permanent bool
		after     time.Duration
		timeout   bool
	}{
		"401":         {server: status(http.StatusUnauthorized, ""), permanent: true},
		"400":         {server: status(http.StatusBadRequest, ""), permanent: true},
		"redirection": {server: status(http.StatusFound, ""), permanent: true},
		"429":         {server: status(http.StatusTooManyRequests, "7"), after: 7 * time.Second},
		"503":         {server: status(http.StatusServiceUnavailable, "")},
		"cut":         {server: fault("cut")},
		"malformed":   {server: fault("malformed")},
		"error":       {server: fault("error")},
		"silent":      {server: fault("silent"), timeout: true},
	} {
		t.Run(name, func(t *testing.T) {
			c.server.Engine = nothing{}
			r := start(t, Config{}, c.server)
			for way, ask := range map[string]func(context.Context) error{
				"at once": func(ctx context.Context) error {
					_, err := r.Recognise(ctx, make([]int16, rate), rate)
					return err
				},
				"following": func(ctx context.Context) error {
					_, err := r.Follow(ctx, earshot.Hearing{StreamID: "s", Final: true}, make([]int16, rate), rate)
					return err
				},
			} {
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				if c.timeout {
					ctx, cancel = context.WithTimeout(t.Context(), 300*time.Millisecond)
				}
				err := ask(ctx)
				cancel()
				if err == nil {
					t.Fatalf("%s: no error", way)
				}
				if _, permanent := errors.AsType[*earshot.PermanentError](err); permanent != c.permanent {
					t.Errorf("%s: permanent %v: %v", way, permanent, err)
				}
				later, _ := errors.AsType[*earshot.RetryAfterError](err)
				if later == nil && c.after != 0 || later != nil && later.After != c.after {
					t.Errorf("%s: retry after: %+v", way, later)
				}
				if c.timeout && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%s: %v", way, err)
				}
				for _, secret := range []string{key, "ws:", "127.0.0.1", "what was said"} {
					if strings.Contains(err.Error(), secret) {
						t.Errorf("%s: error has %q: %v", way, secret, err)
					}
				}
			}
		})
	}
}

// nothing hears nothing.
type nothing struct{}

func (nothing) Recognise(context.Context, []int16, int) (earshot.Recognition, error) {
	return earshot.Recognition{}, nil
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{
		{},
		{URL: "https://api.deepgram.com", Model: "m"},
		{URL: "wss://u:p@api.deepgram.com", Model: "m"},
		{URL: "wss://api.deepgram.com?key=k", Model: "m"},
		{URL: "wss://api.deepgram.com"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

func TestClosed(t *testing.T) {
	r := start(t, Config{}, &deepgramtest.Server{Engine: nothing{}})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Recognise(t.Context(), make([]int16, rate), rate); err == nil {
		t.Error("a closed recogniser answers")
	}
}
