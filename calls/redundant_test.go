package calls

import (
	"testing"
	"time"

	"earshot"
)

// forkedTwice begins the same recording session twice, under two Call-IDs.
func forkedTwice(t *testing.T, r *rig) (first, second earshot.SessionAnswer) {
	t.Helper()
	first, second = r.begin(t, twoParty("d1")), r.begin(t, twoParty("d2"))
	if first.CallID != second.CallID {
		t.Fatalf("two calls, %s and %s", first.CallID, second.CallID)
	}
	return first, second
}

func TestSessionForkedTwiceIsOneCall(t *testing.T) {
	r := newRig(t, Config{})
	first, second := forkedTwice(t, r)
	c := r.store.only(t)
	if c.Segments[0].RedundantOf != "" || c.Segments[1].RedundantOf != first.SegmentID || len(c.Participants) != 2 {
		t.Fatalf("segments %+v", c.Segments)
	}
	for i, want := range []int{0, 1, -1, -1} {
		s := c.Streams[i]
		if _, heard := r.trans.added[s.ID]; s.Channel != want || heard != (want >= 0) {
			t.Errorf("stream %d has channel %d, is recognised: %v", i, s.Channel, heard)
		}
	}
	for _, a := range []earshot.SessionAnswer{first, second} {
		if err := r.End(t.Context(), a.SegmentID, "bye"); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range c.Streams[:2] {
		if err := r.Final(t.Context(), nil, earshot.Watermark{StreamID: s.ID, Completed: true}); err != nil {
			t.Fatal(err)
		}
	}
	if c = r.store.only(t); !c.TranscriptComplete || !c.State.Ended() {
		t.Errorf("call %+v", c)
	}
}

func TestSecondRecordingStandsIn(t *testing.T) {
	for _, tc := range []struct {
		name string
		lose func(*testing.T, *rig, earshot.SessionAnswer)
	}{
		{"after the end of the first", func(t *testing.T, r *rig, first earshot.SessionAnswer) {
			if err := r.End(t.Context(), first.SegmentID, "bye"); err != nil {
				t.Fatal(err)
			}
		}},
		{"while the first is silent", func(*testing.T, *rig, earshot.SessionAnswer) {}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, Config{})
			first, _ := forkedTwice(t, r)
			c := r.store.only(t)
			began := time.Now()
			for _, s := range c.Streams {
				r.media.open[s.ID].packet(began)
			}
			tc.lose(t, r, first)
			r.watch(t.Context(), began.Add(2*time.Second)) // too early
			if c = r.store.only(t); c.Segments[1].RedundantOf == "" {
				t.Fatal("stands in at once")
			}
			for _, s := range c.Streams[2:] {
				r.media.open[s.ID].packet(began.Add(4 * time.Second))
			}
			r.watch(t.Context(), began.Add(5*time.Second))
			c = r.store.only(t)
			if c.Segments[1].RedundantOf != "" || c.Streams[2].Channel != 2 || c.Streams[3].Channel != 3 || len(c.Problems) != 1 {
				t.Errorf("segments %+v, streams %+v", c.Segments, c.Streams)
			}
			for _, s := range c.Streams[2:] {
				from, heard := r.trans.added[s.ID]
				if !heard || from.Completed || from.Position > earshot.PositionOf(time.Second) {
					t.Errorf("stream %s is recognised: %v, from %v", s.ID, heard, from.Position.Duration())
				}
			}
		})
	}
}
