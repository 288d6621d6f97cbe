package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/transcribe/wer"
)

// watcher collects the types of events a page sees.
type watcher struct {
	mu   sync.Mutex
	seen map[earshot.EventType]int
}

func (s *server) watch(t testing.TB) *watcher {
	t.Helper()
	w := &watcher{seen: map[earshot.EventType]int{}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.http+"/api/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer resp.Body.Close()
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				w.mu.Lock()
				w.seen[earshot.EventType(name)]++
				w.mu.Unlock()
			}
		}
	}()
	return w
}

func (w *watcher) count(t earshot.EventType) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[t]
}

// TestWholeWayOfACall places the demo's call with the program's own client and
// follows it to the end: events, transcript, masking, suggestions, summary,
// note, search.
func TestWholeWayOfACall(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	s := newServer(t, append(hook.env(), "EARSHOT_ASSIST_PLAYBOOK=demo/playbook.yaml",
		"EARSHOT_ASSIST_KNOWLEDGE=demo/knowledge", "EARSHOT_CALLS_WRAP_UP=1s")...)
	w := s.watch(t)
	out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", "demo/agent.wav", "--audio", "demo/customer.wav",
		"--name", "Nora Winter", "--name", "Paul Becker")
	if err != nil {
		t.Fatalf("earshot call: %v\n%s", err, out)
	}
	id := s.onlyCall(t).ID
	call := s.complete(t, id, time.Minute)
	us := s.transcript(t, id)
	said := readScript(t, "../demo/dialogue.json")
	for role, name := range map[earshot.Role]string{earshot.RoleAgent: "Nora Winter", earshot.RoleCustomer: "Paul Becker"} {
		rate := wer.Compare(said.words(role), spoken(us, role)).Rate()
		t.Logf("%s: word error rate %.1f %%", role, 100*rate)
		if rate > maxWordErrors {
			t.Errorf("%s: word error rate %.1f %%: %s", role, 100*rate, spoken(us, role))
		}
		if !strings.Contains(out, name+": ") {
			t.Errorf("earshot call prints no turn of %s:\n%s", name, out)
		}
	}
	for _, e := range []earshot.EventType{
		earshot.EventCallStarted, earshot.EventUtterancePartial, earshot.EventUtteranceFinal, earshot.EventCallEnded,
		earshot.EventTranscriptCompleted, earshot.EventRecordingReady, earshot.EventSuggestionCreated, earshot.EventSummaryCreated,
	} {
		if w.count(e) == 0 {
			t.Errorf("no event %s was seen", e)
		}
	}
	if !strings.Contains(call.Summary.Reason, "coffee machine") || len(call.Summary.Facts) < 3 || len(call.Summary.Actions) == 0 {
		t.Errorf("summary %+v", call.Summary)
	}
	wait(t, 30*time.Second, "the note", func() bool { return len(hook.callNotes(id)) == 1 })
	wait(t, 30*time.Second, "the call to settle", func() bool { return s.call(t, id).State == earshot.CallSettled })
	checkMasked(t, s, hook, id, out)
	checkCommands(t, s, id)
}

// cardDigits is a piece of the card number that is read out in the call.
var cardDigits = regexp.MustCompile(`(?i)1[ ,.-]*1[ ,.-]*1[ ,.-]*1[ ,.-]*1[ ,.-]*1[ ,.-]*1[ ,.-]*1|(one[ ,.-]+){6}`)

// checkMasked looks for the card number wherever text may have gone.
func checkMasked(t *testing.T, s *server, hook *receiver, id earshot.CallID, printed string) {
	t.Helper()
	if !strings.Contains(printed, "[card number]") {
		t.Errorf("no card number is masked in what was printed:\n%s", printed)
	}
	note, err := json.Marshal(hook.callNotes(id))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string][]byte{"printed": []byte(printed), "note": note, "log": []byte(s.log.String())}
	for _, dir := range []string{s.dir, filepath.Join(s.dir, "bus")} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, ".wav") || strings.HasSuffix(path, ".rtplog") {
				return err
			}
			places[path], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for place, text := range places {
		if found := cardDigits.Find(text); found != nil {
			t.Errorf("%s holds %q", place, found)
		}
	}
}

// checkCommands runs the commands that look into a server's data.
func checkCommands(t *testing.T, s *server, id earshot.CallID) {
	t.Helper()
	for _, tc := range []struct {
		args []string
		want []string
	}{
		{[]string{"search", "refund"}, []string{string(id), "Paul Becker"}},
		{[]string{"show", "last"}, []string{"Nora Winter", "Transcript", "Suggestions", "Summary", "Note to webhook"}},
		{[]string{"export", string(id), "--format", "srt"}, []string{" --> ", "Nora Winter"}},
		{[]string{"jobs"}, []string{"0 dead jobs"}},
	} {
		out, err := s.earshot(t, tc.args...)
		if err != nil {
			t.Errorf("earshot %v: %v\n%s", tc.args, err, out)
		}
		for _, want := range tc.want {
			if !strings.Contains(out, want) {
				t.Errorf("earshot %v prints no %q:\n%s", tc.args, want, out)
			}
		}
	}
	if out, err := s.earshot(t, "search", "xylophone"); err == nil || !strings.Contains(out, "nobody said") {
		t.Errorf("searching for what nobody said: %v\n%s", err, out)
	}
	if out, err := s.earshot(t, "show", "nosuchcall"); err == nil || !strings.Contains(out, "no call nosuchcall") {
		t.Errorf("showing a call that does not exist: %v\n%s", err, out)
	}
}

// TestStreamsComeAndGo adds a stream in mid-call, then takes the first away.
func TestStreamsComeAndGo(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	sdp := func(version int, first int, more string) string {
		return fmt.Sprintf("v=0\r\no=sbc 1 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
			"m=audio %d RTP/AVP 0\r\na=label:one\r\na=sendonly\r\n%s", version, first, more)
	}
	const second = "m=audio 40002 RTP/AVP 8\r\na=label:two\r\na=sendonly\r\n"
	c := newSRC(t, s)
	one := c.establish(t, sdpHeaders, sdp(1, 40000, ""))
	audio := excerpt(t, 30)
	speak(t, one, audio[0][:2*8000])
	two := c.establish(t, sdpHeaders, sdp(2, 40000, second))
	if len(two) != 2 || two[0] != one[0] {
		t.Fatalf("ports %v after %v", two, one)
	}
	if three := c.establish(t, sdpHeaders, sdp(3, 0, second)); three[0] != 0 || three[1] != two[1] {
		t.Fatalf("ports %v after %v", three, two)
	}
	c.bye(t)
	id := s.onlyCall(t).ID
	wait(t, 10*time.Second, "the recording", func() bool { return s.call(t, id).RecordingReady })
	call := s.call(t, id)
	if len(call.Streams) != 2 || call.Streams[0].Label != "one" || call.Streams[1].Label != "two" || call.Streams[0].PacketsReceived != 100 {
		t.Errorf("streams %+v", call.Streams)
	}
	if n := len(s.recording(t, id)); n != 2 {
		t.Errorf("%d channels, want 2", n)
	}
}
