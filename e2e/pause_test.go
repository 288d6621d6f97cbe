package e2e

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"earshot"
)

// TestPausedCall pauses a call, kills the server with signal 9, and goes on
// with the call: the recording is silent from the second of the one mark to
// that of the other, to the packet, and whole before and after; of what was
// said meanwhile nothing is in the transcript or in any file.
func TestPausedCall(t *testing.T) {
	t.Parallel()
	const seconds = 30
	s := newServer(t, "EARSHOT_CALLS_WRAP_UP=1s")
	audio := excerpt(t, seconds)
	c := newSRC(t, s)
	ports := c.invite(t)
	spoken := make(chan struct{})
	go func() {
		defer close(spoken)
		speak(t, ports, audio[0], audio[1])
	}()
	id := s.onlyCall(t).ID
	s.lasts(t, id, 10*time.Second)
	if status, body := s.post(t, "/api/v1/calls/"+string(id)+"/pause", `{"by": "supervisor", "reason": "card number"}`); status != http.StatusOK {
		t.Fatalf("pause: %d %s", status, body)
	}
	s.lasts(t, id, 13*time.Second)
	if err := s.killAndRestart(); err != nil {
		t.Fatal(err)
	}
	if call := s.call(t, id); !call.Paused || call.State != earshot.CallLive {
		t.Fatalf("after a restart the call is %s, paused %v", call.State, call.Paused)
	}
	s.lasts(t, id, 19*time.Second)
	if out, err := s.earshot(t, "resume", "last", "--by", "agent"); err != nil {
		t.Fatalf("earshot resume: %v\n%s", err, out)
	}
	<-spoken
	c.bye(t)
	call := s.complete(t, id, time.Minute)
	if status, body := s.post(t, "/api/v1/calls/"+string(id)+"/pause", ""); status != http.StatusConflict || !strings.Contains(body, "has ended") {
		t.Errorf("pausing an ended call: %d %s", status, body)
	}

	if len(call.Marks) != 2 || call.Marks[0].Kind != earshot.MarkPause || call.Marks[0].By != "supervisor" || call.Marks[0].Reason != "card number" ||
		call.Marks[1].Kind != earshot.MarkResume || call.Marks[1].By != "agent" {
		t.Fatalf("marks %+v", call.Marks)
	}
	from, to := call.Marks[0].AtMS, call.Marks[1].AtMS
	if to-from < 5000 {
		t.Fatalf("paused from %d to %d ms", from, to)
	}
	for ch, got := range s.recording(t, id) {
		checkSilence(t, ch, got, linear(t, audio[ch]), int(from)*8, int(to)*8)
	}
	checkNothingSaid(t, s.transcript(t, id), from, to)
	looked, found := 0, 0
	for ch, stream := range call.Streams {
		lo, hi := int(from-stream.OffsetMS)*8, int(to-stream.OffsetMS)*8
		inside, outside := checkNothingKept(t, s, id, audio[ch], lo, hi)
		looked, found = looked+inside, found+outside
	}
	if looked == 0 || found == 0 {
		t.Errorf("%d packets of the pause looked for, %d around it found", looked, found)
	}
}

// lasts waits until a call is so long.
func (s *server) lasts(t testing.TB, id earshot.CallID, length time.Duration) {
	t.Helper()
	began := s.call(t, id).StartedAt
	wait(t, time.Minute, "the call to go on", func() bool { return time.Since(began) >= length })
}

func (s *server) post(t testing.TB, path, body string) (status int, answer string) {
	t.Helper()
	resp, err := http.Post("http://"+s.http+path, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// checkSilence compares a channel packet by packet with what was sent: each one
// is there or is nothing, and nothing are those of one span, which is the one
// expected within a few packets.
func checkSilence(t *testing.T, ch int, got, want []int16, from, to int) {
	t.Helper()
	const frame, tolerance = 160, 5 * 160
	begin, ok := align(got, want)
	if !ok {
		t.Fatalf("channel %d is not what was sent", ch)
	}
	zero := make([]int16, frame)
	first, last := -1, -1
	for at := 0; at+frame <= len(want); at += frame {
		place := begin + at
		if quiet(want[at:at+frame]) || place < 0 || place+frame > len(got) {
			continue // silence can't be told from a pause
		}
		switch have := got[place : place+frame]; {
		case slices.Equal(have, want[at:at+frame]):
			if place > from+tolerance && place+frame < to-tolerance {
				t.Errorf("channel %d: the packet at %d ms is in the recording, though it was paused from %d to %d", ch, place/8, from/8, to/8)
			}
		case slices.Equal(have, zero):
			if first < 0 {
				first = place
			}
			last = place + frame
		default:
			t.Fatalf("channel %d: the packet at %d ms is neither there nor silent", ch, place/8)
		}
	}
	if first < from-tolerance || last > to+tolerance || first < 0 {
		t.Errorf("channel %d is silent from %d to %d ms, it was paused from %d to %d", ch, first/8, last/8, from/8, to/8)
	}
}

// checkNothingSaid asserts that no turn is from within a pause, and that there
// are some before and after it.
func checkNothingSaid(t *testing.T, us []earshot.Utterance, from, to int64) {
	t.Helper()
	const edge = 500 // ms, that an utterance may reach beyond its words
	before, after := 0, 0
	for _, u := range us {
		switch {
		case u.EndMS <= from+edge:
			before++
		case u.StartMS >= to-edge:
			after++
		default:
			t.Errorf("from %d to %d ms, paused from %d to %d, somebody said %q", u.StartMS, u.EndMS, from, to, u.Text)
		}
	}
	if before == 0 || after == 0 {
		t.Errorf("%d turns before the pause, %d after it", before, after)
	}
}

// checkNothingKept looks for the packets of a pause in everything that is
// stored and in the capture. It returns how many, and how many of those around
// the pause it found.
func checkNothingKept(t *testing.T, s *server, id earshot.CallID, sent []byte, from, to int) (looked, found int) {
	t.Helper()
	const frame, edge, around = 160, 2000, 3 * 8000 // 250 ms, 3 s
	resp, err := http.Get("http://" + s.http + "/api/v1/calls/" + string(id) + "/capture")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	pcap, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	places := map[string][]byte{"capture": pcap}
	err = filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			places[path], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for at := max(0, from-around) / frame * frame; at+frame <= min(len(sent), to+around); at += frame {
		packet := sent[at : at+frame]
		inside, outside := at > from+edge && at < to-edge, at < from-edge || at > to+edge
		if quiet(linear(t, packet)) || !inside && !outside {
			continue
		}
		if inside {
			looked++
		}
		for name, raw := range places {
			switch here := bytes.Contains(raw, packet); {
			case here && inside:
				t.Fatalf("%s has the packet at %d ms, which was said in the pause", name, at/8)
			case here:
				found++
			}
		}
	}
	return looked, found
}
