package e2e

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe/deepgram/deepgramtest"
	"earshot/transcribe/models"
	"earshot/transcribe/moonshine"
	"earshot/transcribe/wer"
)

// shouting is the built-in engine in capitals, to be told from it.
type shouting struct{ *moonshine.Recogniser }

func (s shouting) Recognise(ctx context.Context, pcm []int16, rate int) (earshot.Recognition, error) {
	heard, err := s.Recogniser.Recognise(ctx, pcm, rate)
	heard.Text = strings.ToUpper(heard.Text)
	for i := range heard.Words {
		heard.Words[i].Text = strings.ToUpper(heard.Words[i].Text)
	}
	return heard, err
}

// TestStreamingEngineDiesInMidCall has a call recognised by a streaming endpoint
// that cuts its connections while they speak, refuses further ones, and comes
// back: the transcript is whole, what the endpoint could not do is the built-in
// engine's.
func TestStreamingEngineDiesInMidCall(t *testing.T) {
	t.Parallel()
	dir, err := models.Find("")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := moonshine.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	const key = "dg-seen-in-no-log"
	var refusals atomic.Int32
	far := &deepgramtest.Server{
		T: t, Key: key, Model: "nova-3", Engine: shouting{engine}, InterimSeconds: 2,
		Fault: func(connection, n int32) string {
			if connection <= 2 && n >= 60 {
				refusals.CompareAndSwap(0, 6)
				return "cut"
			}
			return ""
		},
		Refuse: func(w http.ResponseWriter, _ *http.Request) bool {
			if n := refusals.Load(); n > 1 {
				refusals.Store(n - 1)
				http.Error(w, "no", http.StatusServiceUnavailable)
				return true
			}
			return false
		},
	}
	srv := httptest.NewServer(far)
	t.Cleanup(srv.Close)
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=deepgram", "EARSHOT_TRANSCRIBE_DEEPGRAM_URL=ws"+strings.TrimPrefix(srv.URL, "http"),
		"EARSHOT_TRANSCRIBE_DEEPGRAM_API_KEY="+key, "EARSHOT_TRANSCRIBE_LANGUAGE=en", "EARSHOT_CALLS_WRAP_UP=1s")
	w := s.watch(t)
	out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", "demo/agent.wav", "--audio", "demo/customer.wav")
	if err != nil {
		t.Fatalf("earshot call: %v\n%s", err, out)
	}
	id := s.onlyCall(t).ID
	s.complete(t, id, time.Minute)
	us := s.transcript(t, id)
	remote, local := 0, 0
	for _, u := range us {
		engine := "moonshine"
		if heard := u.Heard(); heard == strings.ToUpper(heard) {
			engine = "deepgram"
			remote++
		} else {
			local++
		}
		if u.Engine != engine {
			t.Errorf("%q was heard by %q", u.Text, u.Engine)
		}
	}
	t.Logf("%d utterances by the endpoint over %d connections, %d by the built-in engine; %d partials",
		remote, far.Connections.Load(), local, w.count(earshot.EventUtterancePartial))
	if remote < 5 || local == 0 || w.count(earshot.EventUtterancePartial) == 0 {
		t.Error("the one or the other was not used")
	}
	said := readScript(t, "../demo/dialogue.json")
	for _, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		if rate := wer.Compare(said.words(role), spoken(us, role)).Rate(); rate > maxWordErrors {
			t.Errorf("%s: word error rate %.1f %%: %s", role, 100*rate, spoken(us, role))
		}
	}
	log := s.log.String()
	if strings.Contains(log, key) || strings.Contains(strings.ToLower(log), "coffee") {
		t.Error("the log has the key or what was said")
	}
	if !strings.Contains(log, "speech engine fails and is left alone") || !strings.Contains(log, "speech engine is used again") {
		t.Error("the log does not say that the engine was left alone, and used again")
	}
}

// TestEngineOfAQueue has calls of two queues recognised by two engines, and
// those of a third by none.
func TestEngineOfAQueue(t *testing.T) {
	t.Parallel()
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"text":"` + endpointText + `"}`)) // a test cares, not we
	}))
	t.Cleanup(far.Close)
	dir := t.TempDir()
	people, settings := filepath.Join(dir, "people.csv"), filepath.Join(dir, "earshot.yaml")
	for file, text := range map[string]string{
		people: "kind,id,name,team,extensions,numbers\nqueue,billing,Billing,,,+15550188\nqueue,sales,Sales,,,+15550177\n",
		settings: "transcribe:\n  openai: {base_url: '" + far.URL + "/v1', model: whisper-1, format: json}\n  rules:\n" +
			"  - {queue: billing, engine: openai, fallback: []}\n  - {queue: sales, peers: [127.0.0.0/8], engine: none}\n" +
			"  - {peers: [192.0.2.0/24], engine: none}\n",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := prepare(t, "EARSHOT_DIRECTORY_FILE="+people, "EARSHOT_CALLS_WRAP_UP=1s")
	s.args = []string{"--config", settings}
	s.start(t)
	files := excerptFiles(t, 15)
	for number, want := range map[string]string{"+15550188": endpointText, "+15550177": "", "+15550166": "support"} {
		before := len(s.calls(t))
		out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", files[0], "--audio", files[1],
			"--dialect", "cube", "--aor", "sip:"+number+"@gw.example", "--aor", "sip:+15550142@gw.example")
		if err != nil {
			t.Fatalf("earshot call: %v\n%s", err, out)
		}
		list := s.calls(t)
		if len(list) != before+1 {
			t.Fatalf("%d calls after %d", len(list), before)
		}
		s.complete(t, list[0].ID, time.Minute)
		got := textOf(s.transcript(t, list[0].ID))
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("call to %s, queue %q: %q", number, list[0].Queue, got)
		}
	}
}
