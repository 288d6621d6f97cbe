package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"earshot"
)

const key = "sk-very-secret-key-1234567890"

func testSchema() json.RawMessage {
	return json.RawMessage(`{"type":"object","additionalProperties":false,"required":["answer","list"],"properties":{
		"answer":{"type":"string","maxLength":40},
		"list":{"type":"array","maxItems":2,"items":{"type":"object","required":["kind","n"],"additionalProperties":false,
			"properties":{"kind":{"type":"string","enum":["a","b"]},"n":{"type":["integer","null"]}}}}}}`)
}

type reply struct {
	Answer string `json:"answer"`
	List   []struct {
		Kind string `json:"kind"`
		N    *int   `json:"n"`
	} `json:"list"`
}

const good = `{"answer":"yes","list":[{"kind":"a","n":3},{"kind":"b","n":null}]}`

// request is what the endpoint got.
type request struct {
	Model    string `json:"model"`
	Messages []struct{ Role, Content string }
	Format   struct {
		Type   string `json:"type"`
		Schema struct {
			Name   string          `json:"name"`
			Strict bool            `json:"strict"`
			Schema json.RawMessage `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// endpoint is a server that speaks the OpenAI protocol; answer gets the number
// of the request, from 1.
func endpoint(t *testing.T, cfg Config, answer func(n int, req request, w http.ResponseWriter, r *http.Request)) (*Client, *atomic.Int32) {
	t.Helper()
	var count atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var req request
		if err := json.Unmarshal(body, &req); err != nil || r.URL.Path != "/v1/chat/completions" {
			t.Errorf("request %s %q: %v", r.URL.Path, body, err)
		}
		if got := r.Header.Get("Authorization"); got != "Bearer "+key {
			t.Errorf("Authorization = %q", got)
		}
		answer(int(count.Add(1)), req, w, r)
	}))
	t.Cleanup(srv.Close)
	cfg.BaseURL, cfg.APIKey, cfg.Model = srv.URL+"/v1", key, "test-model"
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c, &count
}

func say(w http.ResponseWriter, content string) {
	finish(w, content, "stop")
}

func finish(w http.ResponseWriter, content, reason string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"id":"1","object":"chat.completion","choices":[{"index":0,"finish_reason":%q,"message":{"role":"assistant","content":%q}}],
		"usage":{"prompt_tokens":60,"completion_tokens":40,"total_tokens":100}}`, reason, content)
}

func fail(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":"bad key %s in prompt","type":"some_error","code":"x"}}`, key)
}

func ask(t *testing.T, ctx context.Context, c *Client) (reply, error) {
	t.Helper()
	var out reply
	err := c.Complete(ctx, "be good", "a question", "reply", testSchema(), &out)
	if err != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), key) {
		t.Errorf("the error holds the key: %v", err)
	}
	return out, err
}

func wantKind(t *testing.T, err error, kind Kind) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != kind {
		t.Fatalf("error = %v, want kind %q", err, kind)
	}
	return e
}

func TestComplete(t *testing.T) {
	c, _ := endpoint(t, Config{}, func(_ int, req request, w http.ResponseWriter, _ *http.Request) {
		if req.Model != "test-model" || len(req.Messages) != 2 || req.Messages[0].Role != "system" || req.Messages[1].Content != "a question" {
			t.Errorf("request = %+v", req)
		}
		if f := req.Format; f.Type != "json_schema" || f.Schema.Name != "reply" || !f.Schema.Strict || !json.Valid(f.Schema.Schema) {
			t.Errorf("response_format = %+v", f)
		}
		say(w, good)
	})
	out, err := ask(t, t.Context(), c)
	if err != nil || out.Answer != "yes" || len(out.List) != 2 || *out.List[0].N != 3 || out.List[1].N != nil {
		t.Fatalf("Complete = %+v, %v", out, err)
	}
	if n := counter(t, c.requests.WithLabelValues("ok")); n != 1 {
		t.Errorf("requests{ok} = %v", n)
	}
	if n := counter(t, c.tokens); n != 100 {
		t.Errorf("tokens = %v", n)
	}
}

func counter(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("gather: %d families, %v", len(families), err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

func TestBadAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		content, finish string
		want            Kind
	}{
		"prose":            {"Sure! The answer is yes.", "stop", KindMalformed},
		"half":             {good[:20], "stop", KindMalformed},
		"two values":       {good + good, "stop", KindMalformed},
		"empty":            {"", "stop", KindMalformed},
		"missing":          {`{"answer":"yes"}`, "stop", KindSchema},
		"wrong type":       {`{"answer":7,"list":[]}`, "stop", KindSchema},
		"extra":            {`{"answer":"yes","list":[],"more":1}`, "stop", KindSchema},
		"enum":             {`{"answer":"yes","list":[{"kind":"z","n":1}]}`, "stop", KindSchema},
		"not whole":        {`{"answer":"yes","list":[{"kind":"a","n":1.5}]}`, "stop", KindSchema},
		"too many":         {`{"answer":"yes","list":[{"kind":"a","n":1},{"kind":"a","n":1},{"kind":"a","n":1}]}`, "stop", KindSchema},
		"too long":         {`{"answer":"` + strings.Repeat("y", 41) + `","list":[]}`, "stop", KindSchema},
		"array":            {`[]`, "stop", KindSchema},
		"null":             {`null`, "stop", KindSchema},
		"cut off":          {good[:20], "length", KindTruncated},
		"content filtered": {"x", "content_filter", KindRefused},
	} {
		t.Run(name, func(t *testing.T) {
			client, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
				finish(w, c.content, c.finish)
			})
			out, err := ask(t, t.Context(), client)
			wantKind(t, err, c.want)
			if count.Load() != 1 || out.Answer != "" {
				t.Errorf("%d requests, out = %+v", count.Load(), out)
			}
		})
	}
}

func TestFencedAnswer(t *testing.T) {
	c, _ := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		say(w, "```json\n"+good+"\n```")
	})
	if out, err := ask(t, t.Context(), c); err != nil || out.Answer != "yes" {
		t.Fatalf("Complete = %+v, %v", out, err)
	}
}

func TestRetryAfter(t *testing.T) {
	c, count := endpoint(t, Config{}, func(n int, _ request, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.Header().Set("Retry-After", "1")
			fail(w, http.StatusTooManyRequests)
			return
		}
		say(w, good)
	})
	began := time.Now()
	if _, err := ask(t, t.Context(), c); err != nil || count.Load() != 2 {
		t.Fatalf("error %v after %d requests", err, count.Load())
	}
	if took := time.Since(began); took < time.Second {
		t.Errorf("asked again after %v, Retry-After was 1 s", took)
	}
}

func TestRetryAfterTooLong(t *testing.T) {
	c, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		fail(w, http.StatusTooManyRequests)
	})
	_, err := ask(t, t.Context(), c)
	e := wantKind(t, err, KindRateLimited)
	if count.Load() != 1 || e.RetryAfter != time.Hour || !e.Transient() || e.Status != 429 {
		t.Errorf("%d requests, %+v", count.Load(), e)
	}
}

func TestServerErrors(t *testing.T) {
	c, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusInternalServerError)
	})
	_, err := ask(t, t.Context(), c)
	if e := wantKind(t, err, KindServer); e.Attempts != 3 || count.Load() != 3 {
		t.Errorf("%d requests, %+v", count.Load(), e)
	}
}

func TestKeyRefused(t *testing.T) {
	c, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusUnauthorized)
	})
	_, err := ask(t, t.Context(), c)
	if e := wantKind(t, err, KindAuth); e.Transient() || count.Load() != 1 {
		t.Errorf("%d requests, %+v", count.Load(), e)
	}
}

func TestJSONSchemaRefused(t *testing.T) {
	var schemas atomic.Int32
	c, count := endpoint(t, Config{}, func(_ int, req request, w http.ResponseWriter, _ *http.Request) {
		if req.Format.Type == "json_schema" {
			schemas.Add(1)
			fail(w, http.StatusBadRequest)
			return
		}
		if req.Format.Type != "json_object" || !strings.Contains(req.Messages[0].Content, `"maxItems":2`) {
			t.Errorf("second request = %+v", req)
		}
		say(w, good)
	})
	for range 2 {
		if _, err := ask(t, t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if count.Load() != 3 || schemas.Load() != 1 {
		t.Errorf("%d requests, %d with json_schema; want 3 and 1", count.Load(), schemas.Load())
	}
}

func TestBothFormatsRefused(t *testing.T) {
	c, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		fail(w, http.StatusBadRequest)
	})
	_, err := ask(t, t.Context(), c)
	wantKind(t, err, KindRequest)
	if count.Load() != 2 || c.plainJSON.Load() {
		t.Errorf("%d requests, remembered: %v", count.Load(), c.plainJSON.Load())
	}
}

func hang(_ int, _ request, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func TestHang(t *testing.T) {
	c, count := endpoint(t, Config{Timeout: 50 * time.Millisecond}, hang)
	_, err := ask(t, t.Context(), c)
	wantKind(t, err, KindTimeout)
	if count.Load() != 1 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%d requests, error %v", count.Load(), err)
	}
}

func TestHangCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, _ := endpoint(t, Config{}, func(_ int, _ request, _ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := ask(t, ctx, c)
	if wantKind(t, err, KindTimeout); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	c, err := New(Config{BaseURL: srv.URL, APIKey: key, Model: "m", MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ask(t, t.Context(), c)
	wantKind(t, err, KindUnreachable)
}

func TestSizeLimits(t *testing.T) {
	c, count := endpoint(t, Config{MaxPrompt: 100, MaxAnswer: 2000}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) {
		say(w, strings.Repeat("x", 4000))
	})
	_, err := ask(t, t.Context(), c)
	wantKind(t, err, KindTooLarge)
	if err := c.Complete(t.Context(), strings.Repeat("x", 101), "", "reply", testSchema(), new(reply)); count.Load() != 1 {
		t.Errorf("%d requests, error %v", count.Load(), err)
	} else {
		wantKind(t, err, KindTooLarge)
	}
}

func TestNotOpenAI(t *testing.T) {
	for name, body := range map[string]string{"html": "<html>hello</html>", "no choices": `{"choices":[]}`, "wrong": `{"choices":7}`} {
		c, _ := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		_, err := ask(t, t.Context(), c)
		t.Run(name, func(t *testing.T) { wantKind(t, err, KindMalformed) })
	}
}

func TestRedirectIsRefused(t *testing.T) {
	c, count := endpoint(t, Config{}, func(_ int, _ request, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	_, err := ask(t, t.Context(), c)
	wantKind(t, err, KindRequest)
	if count.Load() != 1 {
		t.Errorf("%d requests", count.Load())
	}
}

func TestCallBudget(t *testing.T) {
	c, count := endpoint(t, Config{CallTokens: 150}, func(_ int, _ request, w http.ResponseWriter, _ *http.Request) { say(w, good) })
	one, other := WithCall(t.Context(), "one"), WithCall(t.Context(), "other")
	for range 2 {
		if _, err := ask(t, one, c); err != nil {
			t.Fatal(err)
		}
	}
	_, err := ask(t, one, c)
	wantKind(t, err, KindBudget)
	if _, err := ask(t, other, c); err != nil {
		t.Error(err)
	}
	if count.Load() != 3 {
		t.Errorf("%d requests", count.Load())
	}
}

func TestBudgetForgetsOldest(t *testing.T) {
	b := budget{tokens: 1}
	for i := range mostCalls + 1 {
		b.spend(WithCall(t.Context(), earshot.CallID(fmt.Sprint(i))), usage{tokens: 1})
	}
	if len(b.used) != mostCalls || b.exhausted(WithCall(t.Context(), "0")) || !b.exhausted(WithCall(t.Context(), "1")) {
		t.Errorf("%d calls remembered", len(b.used))
	}
}

func TestNewChecksConfig(t *testing.T) {
	for _, base := range []string{"", "localhost:1", "ftp://x/v1", "http://u:" + key + "@host/v1", ":"} {
		_, err := New(Config{BaseURL: base, Model: "m"})
		if err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("New(%q): %v", base, err)
		}
	}
	if _, err := New(Config{BaseURL: "http://host/v1"}); err == nil {
		t.Error("no model is no error")
	}
}

func TestDefaults(t *testing.T) {
	c := Config{}.withDefaults()
	if c.Timeout != 20*time.Second || c.MaxAttempts != 3 || c.MaxWait != 10*time.Second ||
		c.MaxPrompt != 256<<10 || c.MaxAnswer != 1<<20 || c.MaxTokens != 2048 || c.CallTokens != 0 {
		t.Errorf("defaults = %+v", c)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "Sun, 01 Mar 2026 12:00:30 GMT": 30 * time.Second,
		"Sun, 01 Mar 2026 11:00:00 GMT": 0, "999999999": 24 * time.Hour,
	} {
		if got := retryAfter(http.Header{"Retry-After": {v}}, now); got != want {
			t.Errorf("Retry-After %q = %v, want %v", v, got, want)
		}
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	for _, s := range []string{good, "```json\n{}\n```", "[1,2", `{"answer":null,"list":{}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var out reply
		if err := decodeAnswer(s, testSchema(), &out); err == nil && len(out.List) > 2 {
			t.Fatalf("%q passed", s)
		}
	})
}
