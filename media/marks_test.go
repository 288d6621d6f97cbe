package media

import (
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/media/event"
)

// press sends the packets of a key, in place of audio or beside it, and lets
// their time pass.
func (r *rig) press(key rune, packets int) {
	code, _ := event.Code(key)
	start := r.src.Timestamp
	for i := range packets + 2 {
		b := event.Block{Code: code, End: i >= packets-1, Duration: uint16(min(i+1, packets) * 160)}
		r.src.Marker = i == 0
		r.src.Timestamp = start
		r.take(r.src.Packet(101, event.Append(nil, b, 10)))
		r.at += frame
	}
	r.src.Marker = false
	r.src.Timestamp = start + uint32(packets+2)*160
}

// keys are the digits of marks, "?" for those that are masked.
func keys(t *testing.T, marks []earshot.StreamMark) (out string) {
	t.Helper()
	for _, m := range marks {
		if m.Kind != earshot.MarkDTMF || m.Masked != (m.Digit == "") {
			t.Errorf("mark %+v", m)
		}
		if m.Masked {
			out += "?"
		}
		out += m.Digit
	}
	return out
}

func TestKeysAreMarked(t *testing.T) {
	for keep, want := range map[bool]string{true: "1#1", false: "???"} {
		r := newRig(t, Config{KeepDigits: keep})
		r.send(50)
		r.press('1', 5)
		r.send(10)
		r.press('#', 10)
		r.wait(40 * time.Second) // silence; then timestamps that went on meanwhile
		r.src.Timestamp += 40 * 8000
		r.press('1', 5)
		var spans []earshot.Position
		marks := r.s.Marks()
		for _, m := range marks {
			spans = append(spans, m.From/(earshot.MediaClock/1000), m.To/(earshot.MediaClock/1000))
		}
		if got := keys(t, marks); got != want {
			t.Errorf("digits kept %v: the keys are %s, want %s", keep, got, want)
		}
		if want := []earshot.Position{1000, 1100, 1340, 1540, 41580, 41680}; !slices.Equal(spans, want) {
			t.Errorf("the keys were pressed at %v ms, want %v", spans, want)
		}
		if more := r.s.Marks(); len(more) != 0 {
			t.Errorf("told again: %+v", more)
		}
		pcm := r.close()
		if err := r.s.Close(); err != nil {
			t.Fatal(err)
		}
		r.check(pcm[:67*160], 67, func(frame int) int { // the leg keeps running
			switch {
			case frame < 50:
				return frame
			case frame < 57:
				return -1
			}
			return frame - 7
		})
		if st := r.s.Stats(); st.PacketsLost != 0 || st.PacketsInvalid != 0 {
			t.Errorf("stats %+v", st)
		}
	}
}

// The clock of an event need not be that of the audio.
func TestKeysOfAnotherClock(t *testing.T) {
	r := newRig(t, Config{KeepDigits: true})
	wide := dtmf
	wide.PayloadType, wide.ClockRate = 102, 48000
	other := spec()
	other.Formats = append(other.Formats, wide)
	r.open(other)
	r.send(100)
	audio := r.src.Timestamp
	r.src.Timestamp = 1_000_000
	for i := range 5 {
		r.take(r.src.Packet(102, event.Append(nil, event.Block{Code: 5, End: i == 4, Duration: uint16(i+1) * 960}, 10)))
		r.at += frame
	}
	r.src.Timestamp = audio
	marks := r.s.Marks()
	if got := keys(t, marks); got != "5" || marks[0].From != 2*earshot.MediaClock || marks[0].To-marks[0].From != earshot.MediaClock/10 {
		t.Errorf("marks %+v", marks)
	}
}

// A key that is pressed while recording is paused is never told, whatever the
// settings say.
func TestKeysInAPause(t *testing.T) {
	r := newRig(t, Config{KeepDigits: true})
	r.send(10)
	r.press('1', 5)
	r.s.SetPaused(true)
	r.press('2', 5) // in place of audio: where it ends does not move
	r.send(10)
	r.press('3', 5)
	r.s.SetPaused(false)
	r.press('4', 5)
	r.send(10)
	if got := keys(t, r.s.Marks()); got != "1??4" {
		t.Errorf("the keys are %s", got)
	}
}

// An event is over at the end of its stream, though its own was lost.
func TestKeyAtTheEnd(t *testing.T) {
	r := newRig(t, Config{KeepDigits: true})
	r.send(1)
	r.take(r.src.Packet(101, []byte{7, 10, 0, 160}))
	r.take(r.src.Packet(101, []byte{7, 10}))
	if marks := r.s.Marks(); len(marks) != 0 {
		t.Errorf("marks %+v before the end", marks)
	}
	if err := r.s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, r.s.Marks()); got != "7" {
		t.Errorf("the keys are %q", got)
	}
	if c := r.s.counters(); c.events != 2 || c.badEvents != 1 {
		t.Errorf("%d events, %d bad ones", c.events, c.badEvents)
	}
}

func TestReceivingKeysAllocatesNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.send(3 * heard.ring)
	r.press('1', 5)
	if got := r.allocs(func() []byte { return r.src.Packet(101, []byte{7, 10, 0, 160}) }); got != 0 {
		t.Errorf("%v allocations a packet", got)
	}
}
