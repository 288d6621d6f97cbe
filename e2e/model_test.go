package e2e

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"earshot"
	"earshot/llm/llmtest"
)

// TestModelFails places a call to a server whose language model does everything
// wrong, each time in another way: nothing of it is shown, and call and note are
// whole.
func TestModelFails(t *testing.T) {
	t.Parallel()
	faults := []llmtest.Reply{
		{Text: `{"answerable":true,"passage":"p9","quote":"three to five business days","answer":"You get it tomorrow.","reply":"You get it tomorrow."}`},
		{Status: http.StatusTooManyRequests},
		{Text: `{"answerable":true`},
		{Text: `{"answer":42}`},
		{Text: strings.Repeat("x", 40), Silent: true},
	}
	var n atomic.Int32
	model := llmtest.New(t, func(r llmtest.Request) llmtest.Reply {
		if !r.Stream {
			return llmtest.Reply{Silent: true} // the summary's
		}
		return faults[int(n.Add(1)-1)%len(faults)]
	})
	hook := newReceiver(t)
	s := newServer(t, append(hook.env(), "EARSHOT_ASSIST_KNOWLEDGE=demo/knowledge", "EARSHOT_CALLS_WRAP_UP=1s",
		"EARSHOT_LLM_BASE_URL="+model.URL, "EARSHOT_LLM_MODEL=test-model", "EARSHOT_LLM_TIMEOUT=2s", "EARSHOT_ASSIST_MODEL_SILENCE=1s")...)
	out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", "demo/agent.wav", "--audio", "demo/customer.wav",
		"--name", "Nora Winter", "--name", "Paul Becker")
	if err != nil {
		t.Fatalf("earshot call: %v\n%s", err, out)
	}
	call := s.complete(t, s.onlyCall(t).ID, time.Minute)
	if call.Summary.By != "extractive" || call.Summary.Fallback == "" || !strings.Contains(call.Summary.Reason, "coffee machine") {
		t.Errorf("summary %+v", call.Summary)
	}
	wait(t, 30*time.Second, "the note", func() bool { return len(hook.callNotes(call.ID)) == 1 })
	if n.Load() == 0 {
		t.Error("the model was never asked for a suggestion")
	}
	var shown list[earshot.Suggestion]
	s.get(t, "/api/v1/calls/"+string(call.ID)+"/suggestions", &shown)
	answers := 0
	for _, v := range shown.Items {
		if v.Kind != "answer" {
			continue
		}
		answers++
		if v.By != "rules" || v.Reply != "" || v.Source == nil || !strings.Contains(v.Source.Passage, v.Text) {
			t.Errorf("shown: %+v", v)
		}
	}
	if answers == 0 {
		t.Errorf("nothing was shown: %+v", shown.Items)
	}
	rate(t, s, call.ID, shown.Items[0].ID)
}

// rate says that a suggestion was used, and finds it said.
func rate(t *testing.T, s *server, call earshot.CallID, id earshot.SuggestionID) {
	t.Helper()
	resp, err := http.Post("http://"+s.http+"/api/v1/calls/"+string(call)+"/suggestions/"+string(id)+"/feedback", "application/json",
		strings.NewReader(`{"verdict":"used","by":"Nora"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("feedback: %s", resp.Status)
	}
	if out, err := s.earshot(t, "show", string(call)); err != nil || !strings.Contains(out, "(used, says Nora)") {
		t.Errorf("earshot show: %v\n%s", err, out)
	}
	if out, err := s.earshot(t, "feedback"); err != nil || !strings.Contains(out, "     0          0     1  ") {
		t.Errorf("earshot feedback: %v\n%s", err, out)
	}
}
