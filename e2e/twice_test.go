package e2e

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"earshot"
)

// TestCallForkedTwice: a client forks a call to the server twice, to be safe.
// It is one call of two channels, unless the first recording is lost: then the
// second one stands in.
func TestCallForkedTwice(t *testing.T) {
	audio := excerpt(t, 10)
	body := strings.ReplaceAll(twoStreams("127.0.0.1"), `session_id="s1"`, `session_id="fork-0417"`)
	for _, tc := range []struct {
		name     string
		first    time.Duration // of the first recording
		channels int
	}{{"both to the end", 10 * time.Second, 2}, {"the first one is lost", 3 * time.Second, 4}} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
			forks := [2]*src{newSRC(t, s), newSRC(t, s)}
			var wg sync.WaitGroup
			for i, f := range forks {
				ports := f.establish(t, inviteHeaders, body)
				length := len(audio[0])
				if i == 0 {
					length = int(tc.first.Seconds() * 8000)
				}
				wg.Go(func() {
					speak(t, ports, audio[0][:length], audio[1][:length])
					f.bye(t)
				})
			}
			wg.Wait()
			id := s.onlyCall(t).ID
			call := s.complete(t, id, 30*time.Second)
			if len(call.Segments) != 2 || len(call.Streams) != 4 || len(call.Participants) != 2 {
				t.Fatalf("segments %+v, streams %+v", call.Segments, call.Streams)
			}
			for _, stream := range call.Streams {
				if stream.PacketsLost != 0 {
					t.Errorf("stream %s lost %d packets", stream.Label, stream.PacketsLost)
				}
			}
			stood := slices.ContainsFunc(call.Segments, func(seg earshot.Segment) bool { return seg.RedundantOf != "" })
			channels := s.recording(t, id)
			if len(channels) != tc.channels || stood != (tc.channels == 2) {
				t.Fatalf("the recording has %d channels, want %d; segments %+v", len(channels), tc.channels, call.Segments)
			}
			for ch, got := range channels[tc.channels-2:] {
				if want := linear(t, audio[ch]); missingFrames(got, want) != 0 {
					t.Errorf("channel %d is not what was said", ch)
				}
			}
		})
	}
}

// TestTwoServersKnowTheConversation: a client forks a call to two servers, to
// be safe. Each has a call of its own; both have the same names and the same
// key, in the call and in its notes.
func TestTwoServersKnowTheConversation(t *testing.T) {
	audio := excerpt(t, 3)
	body := strings.ReplaceAll(twoStreams("127.0.0.1"), `session_id="s1"`, `session_id="fork-0417"`)
	hook := newReceiver(t)
	var found [2]earshot.Call
	var wg sync.WaitGroup
	for i := range found {
		s := newServer(t, append(hook.env(), "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")...)
		c := newSRC(t, s)
		ports := c.establish(t, inviteHeaders, body)
		wg.Go(func() {
			speak(t, ports, audio[0], audio[1])
			c.bye(t)
		})
		found[i] = s.onlyCall(t)
	}
	wg.Wait()
	a, b := found[0], found[1]
	if a.ID == b.ID || len(a.Conversation) != 32 || a.Conversation != b.Conversation || !slices.Equal(a.CorrelationIDs, b.CorrelationIDs) {
		t.Errorf("%s has %s %v, %s has %s %v", a.ID, a.Conversation, a.CorrelationIDs, b.ID, b.Conversation, b.CorrelationIDs)
	}
	for _, call := range found {
		wait(t, 30*time.Second, "the note of each", func() bool { return len(hook.callNotes(call.ID)) == 1 })
		if n := hook.callNotes(call.ID)[0]; n.Conversation != a.Conversation || !slices.Equal(n.CorrelationIDs, a.CorrelationIDs) {
			t.Errorf("note of %s: %s %v", n.CallID, n.Conversation, n.CorrelationIDs)
		}
	}
}
