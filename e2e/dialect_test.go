package e2e

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
)

// tones are what the two parties of a dialect's call say, in Hz.
var tones = [2]float64{400, 700}

// sung writes a WAV file for each party and returns the flags that play them.
func sung(t *testing.T, length time.Duration) []string {
	t.Helper()
	var flags []string
	for i, hz := range tones {
		pcm := make([]int16, int(length.Seconds()*8000))
		for n := range pcm {
			pcm[n] = int16(8000 * math.Sin(2*math.Pi*hz*float64(n)/8000))
		}
		path := filepath.Join(t.TempDir(), fmt.Sprintf("party%d.wav", i+1))
		if err := wav.WriteFile(path, 8000, pcm); err != nil {
			t.Fatal(err)
		}
		flags = append(flags, "--audio", path)
	}
	return flags
}

// heard is the mean amplitude of a tone in a part of a channel.
func heard(pcm []int16, hz float64, from, until time.Duration) float64 {
	return heardAt(8000, pcm, hz, from, until)
}

func heardAt(rate float64, pcm []int16, hz float64, from, until time.Duration) float64 {
	first, last := int(from.Seconds()*rate), int(until.Seconds()*rate)
	if last > len(pcm) {
		return 0
	}
	var sin, cos float64
	for n := first; n < last; n++ {
		sin += float64(pcm[n]) * math.Sin(2*math.Pi*hz*float64(n)/rate)
		cos += float64(pcm[n]) * math.Cos(2*math.Pi*hz*float64(n)/rate)
	}
	return 2 * math.Hypot(sin, cos) / float64(last-first)
}

// passage is when a channel has its tone, or has not.
type passage struct {
	channel     int
	hz          float64
	from, until time.Duration
	sounds      bool
}

// TestDialectsPlayCalls plays calls of several vendors with the program's own
// client: hold, a stream that comes later, and the three kinds of transfer.
func TestDialectsPlayCalls(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	const sec = time.Second
	for _, tc := range []struct {
		dialect  string
		flags    []string
		segments int
		speakers string // users of the stream's last senders, by channel
		passages []passage
	}{
		{
			"oracle",
			[]string{"--transport", "tcp", "--hold", "1s:1s", "--transfer", "2500ms"},
			1, "620 +4930555",
			[]passage{
				{0, tones[0], sec / 5, sec - sec/5, true},
				{0, tones[0], sec + sec*3/10, 2*sec - sec/5, false},
				{0, tones[0], 2*sec + sec/5, 3*sec - sec/5, true},
				{1, tones[1], 2*sec + sec/5, 3*sec - sec/5, true},
				{1, tones[0], sec / 5, sec - sec/5, false},
			},
		},
		{
			"cube",
			[]string{"--add-stream", "1s", "--transfer", "2s", "--transfer-by", "snapshot"},
			1, "620 +4930555",
			[]passage{
				{1, tones[1], 0, sec - sec/5, false},
				{1, tones[1], sec + sec/5, 3*sec - sec/5, true},
				{0, tones[0], sec / 5, 3*sec - sec/5, true},
			},
		},
		{
			"sonus",
			[]string{"--transfer", "1500ms", "--transfer-by", "group"},
			2, "610 +4930555 620 +4930555",
			[]passage{
				{0, tones[0], sec / 5, sec, true},
				{0, tones[0], 2 * sec, 3*sec - sec/5, false},
				{2, tones[0], 0, sec, false},
				{2, tones[0], 2 * sec, 3*sec - sec/5, true},
				{3, tones[1], 2 * sec, 3*sec - sec/5, true},
			},
		},
		{
			"cucm",
			[]string{"--hold", "1s:500ms"},
			2, "610 +4930555",
			[]passage{{0, tones[0], sec / 5, sec - sec/5, true}, {1, tones[1], 2 * sec, 3*sec - sec/5, true}},
		},
		{
			"cube-nbr",
			[]string{"--transfer", "1s", "--codec", "PCMA"},
			1, "620 +4930555",
			[]passage{{0, tones[0], sec / 5, 3*sec - sec/5, true}, {1, tones[1], sec / 5, 3*sec - sec/5, true}},
		},
		{
			"metaswitch",
			[]string{"--hold", "1s:1s"},
			1, "610++4930555",
			[]passage{
				{0, tones[0], sec / 5, sec - sec/5, true},
				{0, tones[1], sec / 5, sec - sec/5, true},
				{0, tones[1], sec + sec*3/10, 2*sec - sec/5, false},
			},
		},
	} {
		t.Run(tc.dialect, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"call", "--to", "sip:" + s.sip, "--dialect", tc.dialect}, sung(t, 3*sec)...)
			for _, who := range []string{"sip:610@pbx.example", "sip:+4930555@trunk.example", "sip:620@pbx.example"} {
				args = append(args, "--aor", who)
			}
			out, err := s.earshot(t, append(args, tc.flags...)...)
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			call := s.callOf(t, out)
			if len(call.Segments) != tc.segments {
				t.Errorf("%d segments, want %d", len(call.Segments), tc.segments)
			}
			if got := speakers(call); got != tc.speakers {
				t.Errorf("speakers %q, want %q", got, tc.speakers)
			}
			checkHolds(t, call, strings.Contains(strings.Join(tc.flags, " "), "--hold"))
			channels := s.recording(t, call.ID)
			if want := len(strings.Fields(tc.speakers)); len(channels) != want {
				t.Fatalf("%d channels, want %d", len(channels), want)
			}
			for _, p := range tc.passages {
				// The signal is at 8000; a codec and the edges of a window take little of it.
				if got := heard(channels[p.channel], p.hz, p.from, p.until); (got > 6000) != p.sounds || (got < 500) == p.sounds {
					t.Errorf("channel %d, %v to %v: %.0f Hz at %.0f, to be heard: %t", p.channel, p.from, p.until, p.hz, got, p.sounds)
				}
			}
		})
	}
}

// checkHolds asserts that a hold of 500 ms or more is marked on each stream,
// from a second on, and nothing without one.
func checkHolds(t *testing.T, call earshot.Call, held bool) {
	t.Helper()
	if !held {
		if len(call.Marks) > 0 {
			t.Errorf("marks %+v", call.Marks)
		}
		return
	}
	for _, stream := range call.Streams {
		var marks []earshot.Mark
		for _, m := range call.Marks {
			if m.StreamID == stream.ID {
				marks = append(marks, m)
			}
		}
		if len(marks) != 2 || marks[0].Kind != earshot.MarkHold || marks[1].Kind != earshot.MarkUnhold || marks[0].By != "SRC" ||
			marks[0].AtMS < 900 || marks[1].AtMS-marks[0].AtMS < 400 {
			t.Errorf("stream %s was on hold: marks %+v", stream.Label, marks)
		}
	}
}

// TestLateMetadata places a call whose metadata comes with an UPDATE, and the
// names with another.
func TestLateMetadata(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	out, err := s.earshot(t, append([]string{
		"call", "--to", "sip:" + s.sip, "--late-metadata", "--update-metadata", "1s", "--session-expires", "1800:uac",
		"--name", "Nora Winter", "--name", "Paul Becker",
	}, sung(t, 2*time.Second)...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, step := range []string{"-> INVITE (2 m-lines): 200 OK in ", "-> UPDATE (metadata): 200 OK in ", "-> UPDATE (partial metadata): 200 OK in ", "-> BYE: 200 OK in "} {
		if !strings.Contains(out, step) {
			t.Errorf("no step %q:\n%s", step, out)
		}
	}
	call := s.callOf(t, out)
	for i, name := range []string{"Nora Winter", "Paul Becker"} {
		if p := call.Speaker(call.Streams[i].ID); p == nil || p.Name != name {
			t.Errorf("stream %d is of %+v, want %s", i, p, name)
		}
	}
}

// TestCallOverIPv6 forks a call to a server that listens there.
func TestCallOverIPv6(t *testing.T) {
	t.Parallel()
	sip := fmt.Sprintf("[::1]:%d", freePort(t))
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_SIP_LISTEN="+sip)
	for _, transport := range []string{"udp", "tcp"} {
		out, err := s.earshot(t, append([]string{"call", "--to", "sip:" + sip, "--ipv6", "--transport", transport}, sung(t, time.Second)...)...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		call := s.callOf(t, out)
		channels := s.recording(t, call.ID)
		for i, hz := range tones {
			if got := heard(channels[i], hz, 200*time.Millisecond, 800*time.Millisecond); got < 6000 {
				t.Errorf("%s, channel %d: %.0f Hz at %.0f", transport, i, hz, got)
			}
		}
	}
}

// callOf waits for the recording of the call that a command placed.
func (s *server) callOf(t testing.TB, printed string) earshot.Call {
	t.Helper()
	_, after, _ := strings.Cut(printed, "SIP Call-ID ")
	id, _, _ := strings.Cut(after, ": answered")
	var call earshot.Call
	wait(t, 15*time.Second, "the recording of "+id, func() bool {
		for _, c := range s.calls(t) {
			for _, seg := range c.Segments {
				if seg.SIPCallID == id && c.RecordingReady {
					call = c
				}
			}
		}
		return call.ID != ""
	})
	return call
}

// speakers are the user parts of those who send the streams.
func speakers(call earshot.Call) string {
	var out []string
	for _, stream := range call.Streams {
		var who []string
		for _, id := range stream.ParticipantIDs {
			if p := call.Participant(id); p != nil {
				user, _, _ := strings.Cut(strings.TrimPrefix(p.AOR, "sip:"), "@")
				who = append(who, user)
			}
		}
		out = append(out, strings.Join(who, "+"))
	}
	return strings.Join(out, " ")
}
