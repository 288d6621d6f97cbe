package e2e

import (
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"earshot/media/wav"
)

// TestCodecs plays a call in each codec with the program's own client: the
// recording has the codec's rate and all of its bandwidth, each party is on
// its channel, no packet is missing.
func TestCodecs(t *testing.T) {
	t.Parallel()
	s := newServer(t, "EARSHOT_TRANSCRIBE_ENGINE=none", "EARSHOT_CALLS_WRAP_UP=1s")
	files := chords(t, 3*time.Second)
	for _, tc := range []struct {
		codec, name string
		ptime, rate int
		wide        bool
		level       float64 // of the level sent
	}{
		{"PCMA", "PCMA/8000", 10, 8000, false, 0.95},
		{"G722", "G722/8000", 20, 16000, true, 0.95},
		{"G722", "G722/8000", 40, 16000, true, 0.95},
		{"L16", "L16/16000", 10, 16000, true, 0.95},
		{"opus", "opus/48000/2", 20, 48000, true, 0.4},
		{"opus", "opus/48000/2", 60, 48000, true, 0.4},
		{"G729", "G729/8000", 20, 8000, false, 0.2}, // a coder of speech, not of tones
	} {
		t.Run(tc.codec+" "+strconv.Itoa(tc.ptime)+" ms", func(t *testing.T) {
			t.Parallel()
			out, err := s.earshot(t, "call", "--to", "sip:"+s.sip, "--audio", files[0], "--audio", files[1],
				"--codec", tc.codec, "--ptime", strconv.Itoa(tc.ptime))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			call := s.complete(t, s.callOf(t, out).ID, time.Minute)
			for _, st := range call.Streams {
				if st.Codec != tc.name || st.PacketsLost != 0 || st.PacketsInvalid != 0 || int(st.PacketsReceived) < 2900/tc.ptime {
					t.Errorf("%s: %+v", st.Codec, st.StreamStats)
				}
			}
			rate, channels := s.recordingOfRate(t, call.ID)
			if rate != tc.rate || len(channels) != 2 {
				t.Fatalf("%d channels at %d Hz, want %d", len(channels), rate, tc.rate)
			}
			for ch, low := range tones {
				level := func(hz float64) float64 {
					return heardAt(float64(rate), channels[ch], hz, time.Second/2, 5*time.Second/2) / chordLevel
				}
				if got := level(low); got < tc.level {
					t.Errorf("channel %d has %.2f of its tone", ch, got)
				}
				if got := level(tones[1-ch]); got > 0.05 {
					t.Errorf("channel %d has %.2f of the other's tone", ch, got)
				}
				if got := level(low + 5000); (got > tc.level/2) != tc.wide {
					t.Errorf("channel %d has %.2f of its high tone", ch, got)
				}
			}
		})
	}
}

const chordLevel = 6000

// chords writes a WAV file of 16 kHz for each party: its tone, and one 5 kHz
// above.
func chords(t *testing.T, length time.Duration) []string {
	t.Helper()
	var files []string
	for i, hz := range tones {
		pcm := make([]int16, int(length.Seconds()*16000))
		for n := range pcm {
			at := 2 * math.Pi * float64(n) / 16000
			pcm[n] = int16(chordLevel * (math.Sin(hz*at) + math.Sin((hz+5000)*at)))
		}
		files = append(files, filepath.Join(t.TempDir(), "party"+strconv.Itoa(i+1)+".wav"))
		if err := wav.WriteFile(files[i], 16000, pcm); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
