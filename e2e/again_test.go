package e2e

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
	"earshot/transcribe/wer"
)

// textOf is what is said in a transcript, in order.
func textOf(us []earshot.Utterance) string {
	var out []string
	for _, u := range us {
		out = append(out, u.Heard())
	}
	return strings.Join(out, " ")
}

// transcriptOf returns a transcript by its revision.
func (s *server) transcriptOf(t *testing.T, id earshot.CallID, revision string) []earshot.Utterance {
	t.Helper()
	var page struct{ Items []earshot.Utterance }
	s.get(t, "/api/v1/calls/"+string(id)+"/transcript?revision="+revision, &page)
	return page.Items
}

// TestCallIsTranscribedAgain has a call recognised again while it can't be and
// when it can; both transcripts are there then.
func TestCallIsTranscribedAgain(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_CALLS_WRAP_UP=1s")
	said := make(chan error, 1)
	go func() {
		_, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", "demo/agent.wav", "--audio", "demo/customer.wav",
			"--name", "Nora Winter", "--name", "Paul Becker")
		said <- err
	}()
	wait(t, 20*time.Second, "the call to begin", func() bool { return len(s.calls(t)) == 1 })
	id := s.onlyCall(t).ID
	api := "http://" + s.http
	refused := func(want string, args ...string) {
		t.Helper()
		out, err := s.earshot(t, append([]string{"transcribe", "--api", api}, args...)...)
		if err == nil || !strings.Contains(out, want) {
			t.Errorf("transcribe %v: %v, %s", args, err, out)
		}
	}
	refused("the call goes on", string(id))
	refused("there is no such call", "nobody")
	refused(`"openai" is not moonshine`, string(id), "--engine", "openai")
	if err := <-said; err != nil {
		t.Fatal(err)
	}
	s.complete(t, id, time.Minute)
	wait(t, 30*time.Second, "the recording", func() bool { return s.call(t, id).RecordingReady })
	before := s.transcript(t, id)

	out, err := s.earshot(t, "transcribe", "--api", api, string(id), "--engine", "moonshine")
	if err != nil || !strings.Contains(out, "transcript revision 1") {
		t.Fatalf("transcribe: %v\n%s", err, out)
	}
	after := s.transcript(t, id)
	if rate := wer.Compare(textOf(before), textOf(after)).Rate(); rate > 0.05 {
		t.Errorf("the same engine hears other words, %.0f %%:\n%s\n%s", 100*rate, textOf(before), textOf(after))
	}
	for _, u := range after {
		if u.Revision != 1 || u.ParticipantID == "" || u.Role == earshot.RoleUnknown {
			t.Errorf("utterance %+v", u)
		}
	}
	first := s.transcriptOf(t, id, "0")
	if textOf(first) != textOf(before) || len(first) != len(before) {
		t.Errorf("the first transcript has changed:\n%s\n%s", textOf(before), textOf(first))
	}
	if c := s.call(t, id); c.TranscriptRevision != 1 || !c.TranscriptComplete || c.Summary == nil {
		t.Errorf("call %+v", c)
	}
	for args, want := range map[string]string{"": "Transcript, revision 1", "--revision=0": "Transcript\n"} {
		out, err := s.earshot(t, strings.Fields("show "+string(id)+" "+args)...)
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("show %s: %v\n%s", args, err, out)
		}
	}
	checkAgainWithout(t, s)
}

// checkAgainWithout has calls recognised again of which there is only a file.
func checkAgainWithout(t *testing.T, s *server) {
	t.Helper()
	out, err := s.earshot(t, "transcribe", "demo/agent.wav", "--name", "Nora Winter", "--role", "agent", "--at", "2024-05-01T14:30:00Z")
	if err != nil {
		t.Fatalf("transcribe a file: %v\n%s", err, out)
	}
	id := earshot.CallID(strings.TrimSuffix(strings.Fields(out[strings.Index(out, "call "):])[1], ":"))
	before := s.transcript(t, id)
	out, err = s.earshot(t, "transcribe", "--api", "http://"+s.http, "--all", "--since", "2024-05-01")
	if err != nil || strings.Count(out, ": transcript revision ") != 2 {
		t.Fatalf("transcribe all: %v\n%s", err, out)
	}
	after := s.transcript(t, id)
	if rate := wer.Compare(textOf(before), textOf(after)).Rate(); rate > 0.05 || len(before) == 0 {
		t.Errorf("%.0f %% other words:\n%s\n%s", 100*rate, textOf(before), textOf(after))
	}
}

// dialogueFile is the support call as one file, a channel for each party.
func dialogueFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "support.wav")
	agent, customer := linear(t, mulaw(t, "testdata/support/agent.ulaw")), linear(t, mulaw(t, "testdata/support/customer.ulaw"))
	n := min(len(agent), len(customer))
	if err := wav.WriteFile(file, 8000, agent[:n], customer[:n]); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestTranscribingAgainSurvives kills the server while it recognises a call
// again: the old transcript is there until the new one is, whole.
func TestTranscribingAgainSurvives(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if out, err := s.earshot(t, "transcribe", dialogueFile(t)); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	id := s.onlyCall(t).ID
	before := s.transcript(t, id)
	path := "/api/v1/calls/" + string(id) + "/transcribe"
	if status, answer := s.post(t, path, ""); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := s.post(t, path, ""); status != http.StatusConflict || !strings.Contains(answer, "already") {
		t.Errorf("a second time: %d %s", status, answer)
	}
	var at earshot.Retranscription
	wait(t, 30*time.Second, "some of it to be recognised", func() bool {
		s.get(t, path, &at)
		return at.Done > 0.1
	})
	if at.State != earshot.RetranscriptionRunning {
		t.Fatalf("%+v: nothing to interrupt", at)
	}
	if got := s.transcript(t, id); textOf(got) != textOf(before) || s.call(t, id).TranscriptRevision != 0 {
		t.Error("a part of the new transcript shows")
	}
	if err := s.killAndRestart(); err != nil {
		t.Fatal(err)
	}
	if got := s.transcript(t, id); textOf(got) != textOf(before) {
		t.Error("the old transcript is gone before the new one is there")
	}
	wait(t, 2*time.Minute, "the new transcript", func() bool {
		s.get(t, path, &at)
		return at.State == earshot.RetranscriptionDone
	})
	after := s.transcript(t, id)
	if textOf(after) != textOf(before) || len(after) != len(before) || after[0].Revision != 1 {
		raw, _ := json.Marshal(at)
		t.Errorf("%s: %d utterances, before %d:\n%s\n%s", raw, len(after), len(before), textOf(after), textOf(before))
	}
}
