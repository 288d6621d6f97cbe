package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// endpoint is an OpenAI-compatible endpoint that always hears the same. It
// cuts the connection of some requests.
type endpoint struct {
	*httptest.Server
	asked, answered atomic.Int32
}

const (
	endpointKey  = "sk-seen-in-no-log"
	endpointText = "Somewhere else."
	// endpointDies is the first request that is cut off, endpointLives the next
	// that is not.
	endpointDies, endpointLives = 3, 5
)

func newEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/audio/transcriptions" || r.Header.Get("Authorization") != "Bearer "+endpointKey {
			t.Errorf("%s %s with %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		}
		if n := e.asked.Add(1); n >= endpointDies && n < endpointLives {
			panic(http.ErrAbortHandler)
		}
		e.answered.Add(1)
		fmt.Fprintf(w, `{"text":%q}`, endpointText)
	}))
	t.Cleanup(e.Close)
	return e
}

// TestEngineDiesInMidCall has a call recognised by an endpoint that dies while
// they speak, and comes back: the built-in engine has the utterances it failed
// at and those in between, the endpoint all others.
func TestEngineDiesInMidCall(t *testing.T) {
	t.Parallel()
	far := newEndpoint(t)
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=openai", "EARSHOT_TRANSCRIBE_OPENAI_BASE_URL="+far.URL+"/v1",
		"EARSHOT_TRANSCRIBE_OPENAI_MODEL=whisper-1", "EARSHOT_TRANSCRIBE_OPENAI_FORMAT=json",
		"EARSHOT_TRANSCRIBE_OPENAI_API_KEY="+endpointKey, "EARSHOT_CALLS_WRAP_UP=1s")
	out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", "demo/agent.wav", "--audio", "demo/customer.wav")
	if err != nil {
		t.Fatalf("earshot call: %v\n%s", err, out)
	}
	id := s.onlyCall(t).ID
	s.complete(t, id, time.Minute)
	remote, local := 0, 0
	for _, u := range s.transcript(t, id) {
		engine := "moonshine"
		if u.Text == endpointText {
			engine = "openai"
			remote++
		} else {
			local++
		}
		if u.Engine != engine {
			t.Errorf("%q was heard by %q", u.Text, u.Engine)
		}
	}
	asked, answered := int(far.asked.Load()), int(far.answered.Load())
	t.Logf("%d utterances by the endpoint, %d by the built-in engine", remote, local)
	if cut := endpointLives - endpointDies; remote != answered || asked != answered+cut || local < cut {
		t.Errorf("the endpoint was asked %d times, answered %d; %d utterances are its, %d the built-in engine's",
			asked, answered, remote, local)
	}
	if answered < endpointDies {
		t.Errorf("the endpoint was not used again: it answered %d times", answered)
	}
	log := s.log.String()
	for _, line := range []string{"speech engine fails and is left alone", "speech engine is used again"} {
		if n := strings.Count(log, line); n != 1 {
			t.Errorf("%d lines say %q", n, line)
		}
	}
	if strings.Contains(log, endpointKey) || strings.Contains(log, endpointText) {
		t.Error("the log has the key or what was said")
	}
	if metrics := s.read(t, "/metrics"); !strings.Contains(metrics, "\nearshot_transcribe_engine_up{engine=\"openai\"} 1\n") {
		t.Error("the metrics do not say that the endpoint is used")
	}
}
