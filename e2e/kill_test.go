package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
	"earshot/crm/webhook"
	"earshot/transcribe/wer"
)

// receiver is a webhook receiver that keeps the newest revision per note and
// counts what it was given twice, as Standard Webhooks tells receivers to.
type receiver struct {
	*httptest.Server
	secret string

	mu    sync.Mutex
	seen  map[string]bool // webhook-id
	notes map[earshot.NoteID]earshot.Note
	bad   []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	secret := webhook.NewSecret(bytes.Repeat([]byte{7}, 32))
	r := &receiver{secret: secret, seen: map[string]bool{}, notes: map[earshot.NoteID]earshot.Note{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err == nil {
		err = webhook.Verify(r.secret, req.Header, body, webhook.DefaultTolerance)
	}
	var message struct {
		Data earshot.Note `json:"data"`
	}
	if err == nil {
		err = json.Unmarshal(body, &message)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.bad = append(r.bad, err.Error())
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := req.Header.Get("webhook-id")
	if n := message.Data; !r.seen[id] && n.Revision >= r.notes[n.ID].Revision {
		r.notes[n.ID] = n
	}
	r.seen[id] = true
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) env() []string {
	return []string{"EARSHOT_WEBHOOK_URL=" + r.URL, "EARSHOT_WEBHOOK_SECRETS=" + r.secret}
}

// callNotes returns the notes of a call.
func (r *receiver) callNotes(id earshot.CallID) []earshot.Note {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []earshot.Note
	for _, n := range r.notes {
		if n.CallID == id {
			out = append(out, n)
		}
	}
	return out
}

// excerpt is the first seconds of the support dialogue, both parties.
func excerpt(t *testing.T, seconds int) [2][]byte {
	t.Helper()
	var out [2][]byte
	for i, party := range []string{"agent", "customer"} {
		out[i] = mulaw(t, "testdata/support/"+party+".ulaw")
		out[i] = out[i][:min(len(out[i]), seconds*8000)]
	}
	return out
}

// TestKilledServerGoesOn kills the server with signal 9 at random moments of a
// call and of what comes after it, starts it again, and compares with a run
// that nothing disturbed. E2E_KILLS sets how many moments.
func TestKilledServerGoesOn(t *testing.T) {
	kills := 4
	if n, err := strconv.Atoi(os.Getenv("E2E_KILLS")); err == nil {
		kills = n
	}
	const seconds = 40
	audio := excerpt(t, seconds)
	hook := newReceiver(t)
	s := newServer(t, append(hook.env(), "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_CALLS_SUMMARY_DEADLINE=30s")...)

	reference, _ := disturbed(t, s, hook, audio, -1)
	t.Logf("undisturbed: %d utterances", len(reference))
	for range kills {
		// Up to 6 s after the call: catch-up, rendering, summary, note.
		moment := time.Duration(rand.Int64N(int64((seconds + 6) * time.Second)))
		t.Run(moment.Round(100*time.Millisecond).String(), func(t *testing.T) {
			got, lost := disturbed(t, s, hook, audio, moment)
			compare(t, reference, got, lost)
		})
	}
}

// disturbed places a call, kills the server at a moment after the answer (not
// at all when it is negative) and returns the transcript once all is there, and
// how much audio of each party is missing.
func disturbed(t *testing.T, s *server, hook *receiver, audio [2][]byte, moment time.Duration) ([]earshot.Utterance, [2]time.Duration) {
	t.Helper()
	before := len(s.calls(t))
	c := newSRC(t, s)
	ports := c.invite(t)
	killed := make(chan error, 1)
	go func() {
		if moment < 0 {
			killed <- nil
			return
		}
		<-time.After(moment)
		killed <- s.killAndRestart()
	}()
	speak(t, ports, audio[0], audio[1])
	c.bye(t)
	if err := <-killed; err != nil {
		t.Fatal(err)
	}

	calls := s.calls(t)
	if len(calls) != before+1 {
		t.Fatalf("%d calls, want %d", len(calls), before+1)
	}
	call := s.complete(t, calls[0].ID, 90*time.Second)
	if call.State == earshot.CallInterrupted {
		t.Errorf("the call was up and became %s", call.State)
	}
	wait(t, 30*time.Second, "the note", func() bool { return len(hook.callNotes(call.ID)) > 0 })
	if notes := hook.callNotes(call.ID); len(notes) != 1 || notes[0].Summary.Reason != call.Summary.Reason {
		t.Errorf("%d notes for one call: %+v", len(notes), notes)
	}
	lost := checkLoss(t, s, call, audio, moment)
	return s.transcript(t, call.ID), lost
}

// maxGap is what a kill may cost: a second of audio that was not yet on disk,
// and the time until the ports are bound again.
const maxGap = time.Second

// checkLoss compares the recording with what was sent: it is as long as the
// call, everything outside one gap is there, and the gap is as short as the
// kill allows.
func checkLoss(t *testing.T, s *server, call earshot.Call, sent [2][]byte, moment time.Duration) (all [2]time.Duration) {
	t.Helper()
	channels, down := s.recording(t, call.ID), s.downtime
	for ch := range sent {
		missing := missingFrames(channels[ch], linear(t, sent[ch]))
		lost := time.Duration(missing) * 20 * time.Millisecond
		if moment >= 0 {
			t.Logf("channel %d: %v of audio lost, of which the server was down %v", ch, lost, down.Round(time.Millisecond))
		}
		all[ch] = lost
		limit := time.Duration(0)
		if moment >= 0 {
			limit = maxGap + down
		}
		if lost > limit {
			t.Errorf("channel %d: %v of audio lost, at most %v may be", ch, lost, limit)
		}
	}
	return all
}

// missingFrames counts the 20 ms frames of want that are not in got at the
// place the first of them gives them, within a packet either way.
func missingFrames(got, want []int16) int {
	const frame = 160
	begin, ok := align(got, want)
	if !ok {
		return len(want) / frame
	}
	missing := 0
	for at := 0; at+frame <= len(want); at += frame {
		if quiet(want[at : at+frame]) {
			continue // silence can't be told from a gap
		}
		from := begin + at
		if from < 0 || from+frame > len(got) || !slices.Equal(got[from:from+frame], want[at:at+frame]) {
			missing++
		}
	}
	return missing
}

func quiet(pcm []int16) bool {
	return !slices.ContainsFunc(pcm, func(s int16) bool { return s > 8 || s < -8 })
}

// compare checks that no span was recognised twice and none is missing: the
// words are those of the undisturbed run, but for what was said in the audio
// that is lost and what the engine makes of an utterance cut elsewhere.
func compare(t *testing.T, reference, got []earshot.Utterance, lost [2]time.Duration) {
	t.Helper()
	const wordsPerSecond, recut = 4, 0.10
	for ch, role := range []earshot.Role{earshot.RoleAgent, earshot.RoleCustomer} {
		var last earshot.Utterance
		for _, u := range got {
			if u.Role != role {
				continue
			}
			if u.StartMS < last.EndMS {
				t.Errorf("%s: %d..%d ms and %d..%d ms overlap: %q %q", role, last.StartMS, last.EndMS, u.StartMS, u.EndMS, last.Text, u.Text)
			}
			last = u
		}
		want, have := spoken(reference, role), spoken(got, role)
		r := wer.Compare(want, have)
		allowed := recut + wordsPerSecond*lost[ch].Seconds()/float64(r.Words)
		if lost[ch] > 0 {
			allowed += 2 / float64(r.Words) // the words the gap runs through
		}
		if r.Rate() > allowed {
			t.Errorf("%s: transcript differs by %.0f %% from the undisturbed one, %.0f %% may be:\n%s\n%s", role, 100*r.Rate(), 100*allowed, want, have)
		}
	}
}

// TestCallThatDoesNotComeBack kills the server under a call whose client goes
// away too: the next start closes it as interrupted, as of its last packet,
// with its recording and its words.
func TestCallThatDoesNotComeBack(t *testing.T) {
	t.Parallel()
	const seconds = 14
	s := newServer(t, "EARSHOT_CALLS_RESUME_WINDOW=2s")
	audio := excerpt(t, seconds)
	c := newSRC(t, s)
	speak(t, c.invite(t), audio[0], audio[1])
	id := s.onlyCall(t).ID
	if err := s.killAndRestart(); err != nil {
		t.Fatal(err)
	}
	call := s.complete(t, id, time.Minute)
	if call.State != earshot.CallInterrupted || call.Segments[0].EndReason != "interrupted" {
		t.Errorf("the call is %s, its segment ended by %q", call.State, call.Segments[0].EndReason)
	}
	if length := call.Duration(time.Now()); length < (seconds-1)*time.Second || length > (seconds+1)*time.Second {
		t.Errorf("the call is %v long, want it to end with its last packet after %d s", length, seconds)
	}
	if text := spoken(s.transcript(t, id), earshot.RoleCustomer); !strings.Contains(text, "internet") {
		t.Errorf("the customer's words are %q", text)
	}
	checkLoss(t, s, call, audio, 0)
	if r := c.request(t, "BYE", "", "", 5*time.Second); r.status != 481 {
		t.Errorf("a BYE for the interrupted session is answered %d %s, want 481", r.status, r.text)
	}
}
