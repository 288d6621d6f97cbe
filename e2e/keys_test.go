package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"earshot"
	"earshot/media/wav"
)

// TestKeysOnTheTimeline has a caller press keys: they are marks of the call at
// their times, without their digits unless the settings keep them, and the leg
// goes on.
func TestKeysOnTheTimeline(t *testing.T) {
	for _, c := range []struct{ setting, codec, want string }{
		{"", "PCMU", "????????"}, {"EARSHOT_MEDIA_DTMF=keep", "PCMA", "4711*0D#"}, {"EARSHOT_MEDIA_DTMF=keep", "opus", "4711*0D#"},
	} {
		t.Run(c.setting+" "+c.codec, func(t *testing.T) {
			t.Parallel()
			env := []string{"EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_LOG_LEVEL=debug"}
			if c.setting != "" {
				env = append(env, c.setting)
			}
			s := newServer(t, env...)
			watch := s.watch(t)
			args := []string{"call", "--to", "sip:" + s.sip, "--codec", c.codec, "--dtmf", "4711@3", "--dtmf", "*0D#@6.5s"}
			for i, audio := range excerpt(t, 9) {
				path := filepath.Join(t.TempDir(), strconv.Itoa(i)+".wav")
				if err := wav.WriteFile(path, 8000, linear(t, audio)); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--audio", path)
			}
			out, err := s.earshot(t, args...)
			if err != nil {
				t.Fatalf("earshot call: %v\n%s", err, out)
			}
			call := s.complete(t, s.onlyCall(t).ID, time.Minute)
			var digits strings.Builder
			customer := call.Streams[len(call.Streams)-1]
			for i, m := range call.Marks {
				digits.WriteString(m.Digit)
				if m.Masked {
					digits.WriteString("?")
				}
				at := 3000 + int64(i)*200
				if i >= 4 {
					at = 6500 + int64(i-4)*200
				}
				at += customer.OffsetMS
				if m.Kind != earshot.MarkDTMF || m.StreamID != customer.ID || m.ParticipantID != customer.ParticipantIDs[0] ||
					m.AtMS < at-40 || m.AtMS > at+40 || m.EndMS-m.AtMS < 80 || m.EndMS-m.AtMS > 120 {
					t.Errorf("mark %d is %+v, want it at %d ms for 100", i, m, at)
				}
			}
			if digits.String() != c.want {
				t.Errorf("the keys are %s, want %s", digits.String(), c.want)
			}
			if n := watch.count(earshot.EventCallMarked); n != 8 {
				t.Errorf("%d events of marks were seen", n)
			}
			if customer.PacketsLost > 0 || customer.PacketsInvalid > 0 || len(call.Problems) > 0 {
				t.Errorf("stream %+v, problems %q", customer.StreamStats, call.Problems)
			}
			if shown, err := s.earshot(t, "show", "last"); err != nil || strings.Count(shown, "dtmf on stream 2") != 8 {
				t.Errorf("earshot show: %v\n%s", err, shown)
			}
			if c.setting == "" {
				checkNoDigit(t, s)
			}
		})
	}
}

// checkNoDigit looks for a digit in whatever could tell it: the field of a
// mark, and the payload of an event.
func checkNoDigit(t *testing.T, s *server) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(s.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		files++
		if bytes.Contains(raw, []byte(`"digit"`)) {
			t.Errorf("%s has a digit", path)
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
	if strings.Contains(s.log.String(), "digit") {
		t.Error("the log speaks of digits")
	}
}
