package llm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"
)

// stream says a text token by token.
func stream(w http.ResponseWriter, content, finish string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for len(content) > 0 {
		n := min(7, len(content))
		part(w, content[:n], "")
		content = content[n:]
	}
	if finish != "" {
		part(w, "", finish)
		fmt.Fprint(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":60,\"completion_tokens\":40,\"total_tokens\":100}}\n\ndata: [DONE]\n\n")
	}
}

func part(w http.ResponseWriter, content, finish string) {
	reason := "null"
	if finish != "" {
		reason = fmt.Sprintf("%q", finish)
	}
	fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":%s}]}\n\n", content, reason)
	_ = http.NewResponseController(w).Flush()
}

func askStream(t *testing.T, ctx context.Context, c *Client, silence time.Duration) (reply, error) {
	t.Helper()
	var out reply
	err := c.Streaming(silence, time.Minute).Complete(ctx, "be good", "a question", "reply", testSchema(), &out)
	return out, err
}

func TestStreaming(t *testing.T) {
	c, _ := endpoint(t, Config{}, func(_ int, req request, w http.ResponseWriter, _ *http.Request) {
		if f := req.Format; f.Type != "json_schema" || !f.Schema.Strict {
			t.Errorf("response_format = %+v", f)
		}
		stream(w, good, "stop")
	})
	out, err := askStream(t, t.Context(), c, time.Minute)
	if err != nil || out.Answer != "yes" || len(out.List) != 2 {
		t.Fatalf("Complete = %+v, %v", out, err)
	}
	if n := counter(t, c.tokens); n != 100 {
		t.Errorf("tokens = %v", n)
	}
}

func TestStreamFaults(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter)
		kind   Kind
	}{
		"429":          {func(w http.ResponseWriter) { fail(w, http.StatusTooManyRequests) }, KindRateLimited},
		"500":          {func(w http.ResponseWriter) { fail(w, http.StatusInternalServerError) }, KindServer},
		"cut off":      {func(w http.ResponseWriter) { stream(w, good[:20], "length") }, KindTruncated},
		"refused":      {func(w http.ResponseWriter) { stream(w, "I", "content_filter") }, KindRefused},
		"broken off":   {func(w http.ResponseWriter) { stream(w, good[:20], "") }, KindUnreachable},
		"empty":        {func(w http.ResponseWriter) { stream(w, "", "stop") }, KindMalformed},
		"no stream":    {func(w http.ResponseWriter) { say(w, good) }, KindMalformed},
		"bad part":     {func(w http.ResponseWriter) { fmt.Fprint(w, "data: {\"choices\":[{]}\n\n") }, KindMalformed},
		"not JSON":     {func(w http.ResponseWriter) { stream(w, `{"answer":"yes"`, "stop") }, KindMalformed},
		"wrong schema": {func(w http.ResponseWriter) { stream(w, `{"answer":"yes"}`, "stop") }, KindSchema},
		"error halfway": {func(w http.ResponseWriter) {
			part(w, good[:20], "")
			fmt.Fprintf(w, "data: {\"error\":{\"message\":%q}}\n\n", key)
		}, KindServer},
	} {
		t.Run(name, func(t *testing.T) {
			client, _ := endpoint(t, Config{MaxAttempts: 1}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) { c.answer(w) })
			out, err := askStream(t, t.Context(), client, time.Minute)
			wantKind(t, err, c.kind)
			if out.Answer != "" {
				t.Errorf("half an answer: %+v", out)
			}
		})
	}
}

// TestStreamStalls ends a stream that says nothing any more, long before the
// client's own patience.
func TestStreamStalls(t *testing.T) {
	gone := make(chan struct{})
	c, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, r *http.Request) {
		part(w, `{"answer":`, "")
		<-r.Context().Done()
		close(gone)
	})
	_, err := askStream(t, t.Context(), c, 200*time.Millisecond)
	wantKind(t, err, KindTimeout)
	<-gone
	if !errors.Is(err, context.DeadlineExceeded) || count.Load() != 1 {
		t.Errorf("%v after %d requests", err, count.Load())
	}
}

func TestStreamIsCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan struct{})
	c, _ := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, r *http.Request) {
		part(w, `{"answer":`, "")
		cancel()
		<-r.Context().Done()
		close(gone)
	})
	_, err := askStream(t, ctx, c, time.Minute)
	<-gone
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestBudgetOfCost(t *testing.T) {
	c, count := endpoint(t, Config{CallCost: 0.001, PriceIn: 10, PriceOut: 20}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		stream(w, good, "stop") // costs 60*10+40*20 millionths: 0.0014
	})
	ctx := WithCall(t.Context(), "one")
	if _, err := askStream(t, ctx, c, time.Minute); err != nil {
		t.Fatal(err)
	}
	_, err := askStream(t, ctx, c, time.Minute)
	wantKind(t, err, KindBudget)
	if _, err := askStream(t, WithCall(t.Context(), "two"), c, time.Minute); err != nil || count.Load() != 2 {
		t.Errorf("another call: %v, %d requests", err, count.Load())
	}
	if n := counter(t, c.cost); n < 0.0027 || n > 0.0029 {
		t.Errorf("cost = %v", n)
	}
}

// TestUncountedTokens goes by the length where the endpoint does not count.
func TestUncountedTokens(t *testing.T) {
	c, _ := endpoint(t, Config{CallTokens: 5, MaxAttempts: 1}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		stream(w, good, "")
	})
	ctx := WithCall(t.Context(), "one")
	_, err := askStream(t, ctx, c, time.Minute)
	wantKind(t, err, KindUnreachable)
	_, err = askStream(t, ctx, c, time.Minute)
	wantKind(t, err, KindBudget)
}
