package e2e

import (
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"earshot"
	"earshot/media/dtmf"
	"earshot/media/wav"
)

// keyIn presses 4 and 7 by tones in a side's audio, at 3 s and at 3.2 s.
func keyIn(pcm []int16) {
	for i, low := range []float64{770, 852} {
		for j := range 640 {
			turn := 2 * math.Pi * float64(j) / 8000
			pcm[24_000+i*1600+j] = int16(6000 * (math.Sin(turn*low) + math.Sin(turn*1209)))
		}
	}
}

// TestTonesAreMasked has a caller key digits by tones: the recording has silence
// in their place and the call a mark, unless the settings keep them.
func TestTonesAreMasked(t *testing.T) {
	for _, c := range []struct{ setting, want, marks string }{{"mask", "", "?"}, {"keep", "47", "47"}} {
		t.Run(c.setting, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s", "EARSHOT_MEDIA_DTMF="+c.setting)
			args := []string{"call", "--to", "sip:" + s.sip}
			for i, audio := range excerpt(t, 6) {
				pcm := linear(t, audio)
				if i == 1 {
					keyIn(pcm)
				}
				path := filepath.Join(t.TempDir(), strconv.Itoa(i)+".wav")
				if err := wav.WriteFile(path, 8000, pcm); err != nil {
					t.Fatal(err)
				}
				args = append(args, "--audio", path)
			}
			if out, err := s.earshot(t, args...); err != nil {
				t.Fatalf("earshot call: %v\n%s", err, out)
			}
			call := s.complete(t, s.onlyCall(t).ID, time.Minute)
			digits := ""
			for _, m := range call.Marks {
				digits += m.Digit
				if m.Masked {
					digits += "?"
				}
				if at := 3000 + call.Streams[1].OffsetMS; m.Kind != earshot.MarkTone || m.StreamID != call.Streams[1].ID || m.AtMS < at-100 || m.EndMS > at+420 {
					t.Errorf("mark %+v, want it from %d ms on", m, at)
				}
			}
			if digits != c.marks {
				t.Errorf("marks %q, want %q", digits, c.marks)
			}
			if got := keysIn(t, s, call.ID); got != c.want {
				t.Errorf("keys %q in the recording, want %q", got, c.want)
			}
		})
	}
}

// keysIn returns the keys in all channels of a call's recording.
func keysIn(t *testing.T, s *server, id earshot.CallID) (keys string) {
	t.Helper()
	for _, pcm := range s.recording(t, id) {
		d := dtmf.New(8000, 0)
		for _, tone := range d.End(d.Append(nil, pcm)) {
			keys += string(tone.Digit)
		}
	}
	return keys
}
