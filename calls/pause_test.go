package calls

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

func kinds(marks []earshot.Mark) []earshot.MarkKind {
	var out []earshot.MarkKind
	for _, m := range marks {
		out = append(out, m.Kind)
	}
	return out
}

func (r *rig) pausedStreams() int {
	n := 0
	for _, recv := range r.media.all {
		if recv.isPaused() {
			n++
		}
	}
	return n
}

func TestPauseAndResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		offer := twoParty("d1")
		answer := r.begin(t, offer)
		id := answer.CallID
		time.Sleep(3 * time.Second) // the bubble's clock
		for range 2 {               // the second changes nothing
			if c, err := r.Pause(t.Context(), id, "Mira Holt", "card number"); err != nil || !c.Paused {
				t.Fatalf("paused %v, error %v", c.Paused, err)
			}
		}
		if n := r.pausedStreams(); n != 2 {
			t.Errorf("%d streams are paused, want both", n)
		}
		time.Sleep(2 * time.Second)
		offer.Media = append(offer.Media, audio("3")) // one more while paused
		if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
			t.Fatal(err)
		}
		if n := r.pausedStreams(); n != 3 {
			t.Errorf("%d streams are paused after one more has come, want 3", n)
		}
		for range 2 {
			if c, err := r.Resume(t.Context(), id, "Mira Holt", ""); err != nil || c.Paused {
				t.Fatalf("paused %v, error %v", c.Paused, err)
			}
		}
		if n := r.pausedStreams(); n != 0 {
			t.Errorf("%d streams are paused after resume", n)
		}
		c := r.store.only(t)
		want := []earshot.Mark{
			{Kind: earshot.MarkPause, AtMS: 3000, EndMS: 3000, By: "Mira Holt", Reason: "card number"},
			{Kind: earshot.MarkResume, AtMS: 5000, EndMS: 5000, By: "Mira Holt"},
		}
		for i := range c.Marks {
			want[i].ID = c.Marks[i].ID
		}
		if !slices.Equal(c.Marks, want) {
			t.Errorf("marks %+v, want %+v", c.Marks, want)
		}
		told := 0
		for _, e := range r.store.eventTypes(id) {
			if e == earshot.EventCallMarked {
				told++
			}
		}
		if told != 2 {
			t.Errorf("%d events of marks, want 2", told)
		}
		if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Pause(t.Context(), id, "", ""); !errors.Is(err, earshot.ErrEnded) {
			t.Errorf("pausing an ended call: %v", err)
		}
		if _, err := r.Pause(t.Context(), "nobody", "", ""); !errors.Is(err, earshot.ErrNotFound) {
			t.Errorf("pausing no call: %v", err)
		}
	})
}

// A pause that the store does not have is none: whoever asked was told so.
func TestPauseThatIsNotStored(t *testing.T) {
	r := newRig(t, Config{})
	id := r.begin(t, twoParty("d1")).CallID
	r.store.fail = errors.New("disk")
	if _, err := r.Pause(t.Context(), id, "", ""); err == nil || r.pausedStreams() != 0 {
		t.Errorf("error %v, %d streams paused", err, r.pausedStreams())
	}
	r.store.fail = nil
	if _, err := r.Pause(t.Context(), id, "", ""); err != nil {
		t.Fatal(err)
	}
	r.store.fail = errors.New("disk")
	if _, err := r.Resume(t.Context(), id, "", ""); err == nil || r.pausedStreams() != 2 {
		t.Errorf("resume: error %v, %d streams paused", err, r.pausedStreams())
	}
	r.store.fail = nil
	if marks := r.store.only(t).Marks; !slices.Equal(kinds(marks), []earshot.MarkKind{earshot.MarkPause}) {
		t.Errorf("marks %+v", marks)
	}
}

func TestPausedCallComesBackPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		answer := r.begin(t, twoParty("d1"))
		if _, err := r.Pause(t.Context(), answer.CallID, "", ""); err != nil {
			t.Fatal(err)
		}
		dialog := earshot.Dialog{ID: "d1", CallID: answer.CallID, SegmentID: answer.SegmentID}
		again, _ := r.restart(t, Config{}, dialog)
		for id, recv := range again.media.open {
			if !recv.isPaused() {
				t.Errorf("stream %s goes on unpaused", id)
			}
		}
		if len(again.media.open) != 2 {
			t.Errorf("%d streams go on", len(again.media.open))
		}
		if c, err := again.Resume(t.Context(), answer.CallID, "", ""); err != nil || c.Paused || again.pausedStreams() != 0 {
			t.Errorf("resume after a restart: %v", err)
		}
		marked := 0
		for _, e := range r.store.eventTypes(answer.CallID) {
			if e == earshot.EventCallMarked {
				marked++
			}
		}
		if marked != 2 {
			t.Errorf("%d events of marks, want one for each of two", marked)
		}
	})
}

// A call that goes on in another recording session, as after a transfer, does
// so paused.
func TestPausedCallStaysPausedInTheNextSegment(t *testing.T) {
	r := newRig(t, Config{})
	answer := r.begin(t, twoParty("d1"))
	if _, err := r.Pause(t.Context(), answer.CallID, "", ""); err != nil {
		t.Fatal(err)
	}
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	if again := r.begin(t, twoParty("d2")); again.CallID != answer.CallID {
		t.Fatalf("call %s, want it to go on in %s", again.CallID, answer.CallID)
	}
	for _, recv := range r.media.open {
		if !recv.isPaused() {
			t.Errorf("stream %s is not paused", recv.id)
		}
	}
	if _, err := r.Resume(t.Context(), answer.CallID, "", ""); err != nil {
		t.Fatal(err)
	}
	for _, recv := range r.media.open {
		if recv.isPaused() {
			t.Errorf("stream %s stays paused", recv.id)
		}
	}
}

func TestPauseLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{PauseLimit: time.Minute})
		id := r.begin(t, twoParty("d1")).CallID
		if _, err := r.Pause(t.Context(), id, "", ""); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second) // the bubble's clock
		r.watch(t.Context(), time.Now())
		if n := r.pausedStreams(); n != 2 {
			t.Fatalf("%d streams paused before the limit", n)
		}
		time.Sleep(time.Second)
		r.watch(t.Context(), time.Now())
		c := r.store.only(t)
		if r.pausedStreams() != 0 || c.Paused || c.Marks[1].By != "earshot" || c.Marks[1].AtMS != 60_000 {
			t.Errorf("after the limit: %d streams paused, marks %+v", r.pausedStreams(), c.Marks)
		}
	})
}

func TestMarksOfStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		answer := r.begin(t, twoParty("d1"))
		c := r.store.only(t)
		id := c.Streams[1].ID
		recv := r.media.open[id]
		time.Sleep(time.Second) // the bubble's clock
		recv.packet(time.Now())
		mark := earshot.StreamMark{ID: "m1", Kind: earshot.MarkDropped, From: earshot.MediaClock, To: 2 * earshot.MediaClock, Packets: 50}
		recv.mark(mark)
		r.watch(t.Context(), time.Now())
		want := earshot.Mark{
			ID: "m1", Kind: earshot.MarkDropped, StreamID: id, ParticipantID: c.Speaker(id).ID,
			AtMS: 2000, EndMS: 3000, Packets: 50,
		}
		if got := r.store.only(t); len(got.Marks) != 1 || got.Marks[0] != want || len(got.Problems) != 1 {
			t.Errorf("marks %+v, want %+v; problems %q", got.Marks, want, got.Problems)
		}
		mark.To, mark.Packets = 4*earshot.MediaClock, 150
		recv.mark(mark)
		recv.mark(earshot.StreamMark{ID: "m2", Kind: earshot.MarkDTMF, From: 0, To: 4800, Masked: true})
		if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
			t.Fatal(err)
		}
		got := r.store.only(t)
		if !slices.Equal(kinds(got.Marks), []earshot.MarkKind{earshot.MarkDTMF, earshot.MarkDropped}) || got.Marks[1].EndMS != 5000 ||
			got.Marks[0].AtMS != 1000 || got.Marks[0].EndMS != 1100 || !got.Marks[0].Masked {
			t.Errorf("marks at the end: %+v", got.Marks)
		}
	})
}

// A server that is told to stop stores what has come since it last looked.
func TestMarksAtTheEndOfTheServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		r.begin(t, twoParty("d1"))
		recv := r.media.open[r.store.only(t).Streams[0].ID]
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error, 1)
		go func() { ran <- r.Run(ctx) }()
		time.Sleep(watchInterval * 3 / 2) // the bubble's clock
		recv.packet(time.Now())
		recv.mark(earshot.StreamMark{ID: "m1", Kind: earshot.MarkDTMF, Masked: true})
		cancel()
		if err := <-ran; err != nil {
			t.Fatal(err)
		}
		if c := r.store.only(t); len(c.Marks) != 1 || !c.Streams[0].Started {
			t.Errorf("marks %+v, stream %+v", c.Marks, c.Streams[0])
		}
	})
}

// A client that sends nothing but events fills neither the record nor the bus.
func TestMarksAreBounded(t *testing.T) {
	r := newRig(t, Config{})
	r.begin(t, twoParty("d1"))
	recv := r.media.open[r.store.only(t).Streams[0].ID]
	recv.packet(time.Now())
	for range maxMarks + 10 {
		recv.mark(earshot.StreamMark{ID: earshot.NewMarkID(), Kind: earshot.MarkDTMF})
	}
	r.watch(t.Context(), time.Now())
	if c := r.store.only(t); len(c.Marks) != maxMarks || len(c.Problems) != 1 {
		t.Errorf("%d marks, problems %q", len(c.Marks), c.Problems)
	}
}

func TestHoldIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		offer := twoParty("d1")
		answer := r.begin(t, offer)
		for i, direction := range []earshot.MediaDirection{earshot.Inactive, earshot.Inactive, earshot.SendOnly} {
			time.Sleep(time.Second) // the bubble's clock
			offer.Media[0].Direction = direction
			if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
				t.Fatalf("update %d: %v", i, err)
			}
		}
		c := r.store.only(t)
		if !slices.Equal(kinds(c.Marks), []earshot.MarkKind{earshot.MarkHold, earshot.MarkUnhold}) {
			t.Fatalf("marks %+v", c.Marks)
		}
		hold, unhold := c.Marks[0], c.Marks[1]
		if hold.StreamID != c.Streams[0].ID || hold.By != "SRC" || hold.AtMS != 1000 || unhold.AtMS != 3000 {
			t.Errorf("marks %+v", c.Marks)
		}
	})
}
