package transcribe

import (
	"bytes"
	"testing"
	"time"
)

// segments cuts a stream of windows, each given by the likelihood of speech
// from 0 to 255, as the listener does.
func segments(probs []byte, from int64) []bounds {
	s := newSegmenter(Config{}.withDefaults(), 8000, from)
	var out []bounds
	end := int64(len(probs)) * s.window
	rewound := func() int64 { return s.cut - min(warmUp, s.cut/s.window)*s.window }
	for at := rewound(); ; {
		var b bounds
		cut := false
		if at < end {
			p := float64(probs[min(int64(len(probs)-1), at/s.window)]) / 255
			b, cut = s.push(at, p, p*1e6)
			at += s.window
		} else if b, cut = s.flush(end); !cut {
			return out
		}
		if cut {
			out = append(out, b)
			at = rewound()
		}
	}
}

func FuzzSegmenter(f *testing.F) {
	f.Add([]byte{0, 255, 255, 255, 0})
	f.Add(bytes.Repeat([]byte{255}, 2000))
	f.Add(bytes.Repeat([]byte{255, 0, 200, 90}, 300))
	f.Add(append(bytes.Repeat([]byte{0}, 100), bytes.Repeat([]byte{128, 127, 90}, 30)...))
	f.Fuzz(func(t *testing.T, probs []byte) {
		if len(probs) > 5000 {
			return
		}
		all := segments(probs, 0)
		end := int64(0)
		for i, b := range all {
			if b.from < end || b.to <= b.from || b.to-b.from > 15*8000 {
				t.Fatalf("span %d is %+v after %d", i, b, end)
			}
			end = b.to
			again := segments(probs, b.to)
			if len(again) != len(all)-i-1 {
				t.Fatalf("taken up at %d: %v, want %v", b.to, again, all[i+1:])
			}
			for k := range again {
				if again[k] != all[i+1+k] {
					t.Fatalf("taken up at %d: %v, want %v", b.to, again, all[i+1:])
				}
			}
			if i > 20 {
				return
			}
		}
	})
}

func TestShortestSpeech(t *testing.T) {
	pause := bytes.Repeat([]byte{0}, 40)
	for windows, want := range map[int]int{2: 0, 3: 1, 10: 1} {
		probs := append(append(bytes.Clone(pause), bytes.Repeat([]byte{255}, windows)...), pause...)
		got := segments(probs, 0)
		if len(got) != want {
			t.Errorf("%d ms of speech make %d utterances", windows*32, len(got))
		}
		for _, b := range got {
			length := time.Duration(b.to-b.from) * time.Second / 8000
			if want := DefaultPadBefore + time.Duration(windows)*windowLength + DefaultPadAfter; length != want {
				t.Errorf("utterance of %v, want %v", length, want)
			}
		}
	}
}
