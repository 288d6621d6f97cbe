package failover

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

// engine is a Recogniser as the test wants it.
type engine func(context.Context) (string, error)

func (e engine) Recognise(ctx context.Context, _ []int16, _ int) (earshot.Recognition, error) {
	text, err := e(ctx)
	return earshot.Recognition{Text: text}, err
}

func fixed(text string) engine {
	return func(context.Context) (string, error) { return text, nil }
}

func build(t *testing.T, log *slog.Logger, engines ...Engine) *Failover {
	t.Helper()
	f, err := New(log, engines...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// up is the state of the first engine in the metrics.
func up(t *testing.T, f *Failover) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(f.state)
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%d families, %v", len(families), err)
	}
	return families[0].GetMetric()[0].GetGauge().GetValue()
}

func hear(t *testing.T, f *Failover) string {
	t.Helper()
	heard, err := f.Recognise(t.Context(), nil, 8000)
	if err != nil {
		t.Fatal(err)
	}
	return heard.Text
}

// TestSwitchesOverAndBack has a remote engine go away and come back: each
// utterance has its text at once, and the log has two lines.
func TestSwitchesOverAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, asked := true, 0
		remote := engine(func(context.Context) (string, error) {
			asked++
			if broken {
				return "", errors.New("connection failed")
			}
			return "remote", nil
		})
		var out bytes.Buffer
		f := build(t, slog.New(slog.NewTextHandler(&out, nil)),
			Engine{Name: "far", Recogniser: remote}, Engine{Name: "near", Recogniser: fixed("local")})
		for range 20 {
			if got := hear(t, f); got != "local" {
				t.Fatalf("%q", got)
			}
		}
		if asked != mostFailures {
			t.Errorf("asked %d times", asked)
		}
		if up := up(t, f); up != 0 {
			t.Errorf("up is %g", up)
		}
		time.Sleep(firstPause) // of the bubble's clock
		hear(t, f)             // a probe that fails
		hear(t, f)
		if asked != mostFailures+1 {
			t.Errorf("asked %d times", asked)
		}
		broken = false
		time.Sleep(2 * firstPause)
		if got := hear(t, f); got != "remote" {
			t.Errorf("after the pause: %q", got)
		}
		if n := strings.Count(out.String(), "\n"); n != 2 {
			t.Errorf("%d lines:\n%s", n, out.String())
		}
	})
}

// timeout is what an engine may take in the tests.
const timeout = 5 * time.Second

// TestSlowEngine has one that never answers: the utterance waits for its
// timeout and no longer.
func TestSlowEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := engine(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		})
		f := build(t, slog.New(slog.DiscardHandler),
			Engine{Name: "far", Recogniser: slow, Timeout: timeout},
			Engine{Name: "near", Recogniser: fixed("local")})
		start := time.Now()
		if got := hear(t, f); got != "local" || time.Since(start) != timeout {
			t.Errorf("%q after %v", got, time.Since(start))
		}
	})
}

// TestRetryAfter keeps to what a provider asks for, from the first time on.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		busy := engine(func(context.Context) (string, error) {
			asked++
			return "", &earshot.RetryAfterError{Err: errors.New("too many requests"), After: 40 * time.Second}
		})
		f := build(t, slog.New(slog.DiscardHandler), Engine{Name: "far", Recogniser: busy})
		_, err := f.Recognise(t.Context(), nil, 8000)
		if later, ok := errors.AsType[*earshot.RetryAfterError](err); !ok || later.After != 40*time.Second {
			t.Errorf("error %v", err)
		}
		time.Sleep(39 * time.Second)
		if _, err = f.Recognise(t.Context(), nil, 8000); err == nil || asked != 1 {
			t.Errorf("asked %d times, %v", asked, err)
		}
		time.Sleep(time.Second)
		if _, err = f.Recognise(t.Context(), nil, 8000); err == nil || asked != 2 {
			t.Errorf("asked %d times, %v", asked, err)
		}
	})
}

// TestPermanent is permanent only if every engine is.
func TestPermanent(t *testing.T) {
	refused := engine(func(context.Context) (string, error) { return "", earshot.Permanent(errors.New("refused")) })
	broken := engine(func(context.Context) (string, error) { return "", errors.New("broken") })
	for name, c := range map[string]struct {
		engines []Engine
		want    bool
	}{
		"one":  {[]Engine{{Name: "a", Recogniser: refused}}, true},
		"both": {[]Engine{{Name: "a", Recogniser: refused}, {Name: "b", Recogniser: refused}}, true},
		"half": {[]Engine{{Name: "a", Recogniser: refused}, {Name: "b", Recogniser: broken}}, false},
	} {
		_, err := build(t, slog.New(slog.DiscardHandler), c.engines...).Recognise(t.Context(), nil, 8000)
		if _, got := errors.AsType[*earshot.PermanentError](err); err == nil || got != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPanicAndCancel: one is a failure of the engine, the other is not.
func TestPanicAndCancel(t *testing.T) {
	panics := engine(func(context.Context) (string, error) { panic("no") })
	f := build(t, slog.New(slog.DiscardHandler),
		Engine{Name: "a", Recogniser: panics}, Engine{Name: "b", Recogniser: fixed("text"), Most: 1})
	if got := hear(t, f); got != "text" {
		t.Errorf("%q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Recognise(ctx, nil, 8000); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
