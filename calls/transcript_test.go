package calls

import (
	"errors"
	"slices"
	"testing"
	"time"

	"earshot"
)

func TestFinalGetsSpeakerAndPlace(t *testing.T) {
	r := newRig(t, Config{})
	r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	stream := c.Streams[1].ID
	r.media.open[stream].packet(c.StartedAt.Add(250 * time.Millisecond))
	u := earshot.Utterance{
		ID: earshot.UtteranceIDFor(stream, earshot.MediaClock), StreamID: stream, Text: "hello", Final: true,
		From: earshot.MediaClock, To: 3 * earshot.MediaClock,
	}
	mark := earshot.Watermark{StreamID: stream, Position: u.To, Finals: 1}
	if err := r.Final(t.Context(), []earshot.Utterance{u}, mark); err != nil {
		t.Fatal(err)
	}
	got := r.store.us[u.ID]
	if got.StartMS != 1250 || got.EndMS != 3250 || got.Role != earshot.RoleCustomer || got.CallID != c.ID ||
		c.Participant(got.ParticipantID).Name != "Jon Reyes" {
		t.Errorf("stored utterance %+v", got)
	}
	if r.store.marks[stream] != mark {
		t.Errorf("watermark %+v", r.store.marks[stream])
	}
}

func TestTranscriptCompletesOnceAndLast(t *testing.T) {
	r := newRig(t, Config{})
	answer := r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	a, b := c.Streams[0].ID, c.Streams[1].ID
	done := func(s earshot.StreamID) earshot.Watermark {
		return earshot.Watermark{StreamID: s, Position: earshot.MediaClock, Finals: 2, Completed: true}
	}
	if err := r.Final(t.Context(), nil, done(a)); err != nil {
		t.Fatal(err)
	}
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(r.store.eventTypes(c.ID), earshot.EventTranscriptCompleted) {
		t.Fatal("complete before the second stream is")
	}
	r.store.fail = errDisk
	if err := r.Final(t.Context(), nil, done(b)); !errors.Is(err, errDisk) {
		t.Fatalf("error = %v", err)
	}
	r.store.fail = nil
	if err := r.Final(t.Context(), nil, done(b)); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range r.store.eventTypes(c.ID) {
		if e == earshot.EventTranscriptCompleted {
			n++
		}
	}
	if n != 1 || !r.store.only(t).TranscriptComplete {
		t.Errorf("completed %d times, call %+v", n, r.store.only(t))
	}
}

func TestLateFinalAfterSettlingMakesARevision(t *testing.T) {
	r := newRig(t, Config{WrapUp: time.Millisecond, MaxWrapUp: time.Millisecond})
	answer := r.begin(t, twoParty("d1"))
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	settle := r.store.jobs[1]
	r.calls[answer.CallID].rec.EndedAt = new(time.Now().Add(-time.Hour))
	if _, err := r.Settle(t.Context(), settle); err != nil {
		t.Fatal(err)
	}
	if c := r.store.only(t); c.State != earshot.CallSettled || c.Revision != 0 {
		t.Fatalf("call %+v", c)
	}
	r.finish(t, r.store.only(t))
	if c := r.store.only(t); c.State != earshot.CallSettled || c.Revision != 1 || !c.TranscriptComplete {
		t.Errorf("call %+v", c)
	}
}

func TestPartialIsBroadcastAndNotStored(t *testing.T) {
	var events []earshot.Event
	r := newRig(t, Config{Broadcast: func(e earshot.Event) { events = append(events, e) }})
	r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	stream := c.Streams[0].ID
	r.media.open[stream].packet(c.StartedAt)
	r.Partial(earshot.Utterance{ID: "u", StreamID: stream, Text: "hel", To: earshot.MediaClock})
	if len(events) != 1 || events[0].Type != earshot.EventUtterancePartial || events[0].CallID != c.ID || events[0].Seq != 0 {
		t.Errorf("broadcast %+v", events)
	}
	if len(r.store.us) != 0 || len(r.store.events) != 1 {
		t.Error("a partial was stored")
	}
}

func TestWordsCountFromTheStartOfTheCall(t *testing.T) {
	r := newRig(t, Config{})
	r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	stream := c.Streams[1].ID
	r.media.open[stream].packet(c.StartedAt.Add(250 * time.Millisecond))
	us := []earshot.Utterance{{
		ID: earshot.UtteranceIDFor(stream, earshot.MediaClock), StreamID: stream, Text: "hello", Final: true,
		From: earshot.MediaClock, To: 3 * earshot.MediaClock, Words: []earshot.Word{{Text: "hello", StartMS: 100, EndMS: 500}},
	}}
	mark := earshot.Watermark{StreamID: stream, Position: 3 * earshot.MediaClock, Finals: 1}
	r.store.fail = errDisk
	if err := r.Final(t.Context(), us, mark); !errors.Is(err, errDisk) {
		t.Fatalf("error = %v", err)
	}
	r.store.fail = nil
	if err := r.Final(t.Context(), us, mark); err != nil { // as it is tried again
		t.Fatal(err)
	}
	want := []earshot.Word{{Text: "hello", StartMS: 1350, EndMS: 1750}}
	if got := r.store.us[us[0].ID].Words; !slices.Equal(got, want) {
		t.Errorf("words %+v, want %+v", got, want)
	}
	if names := r.Names(stream); !slices.Contains(names, "Jon Reyes") || len(names) != 2 {
		t.Errorf("names %q", names)
	}
	if names := r.Names("nobody"); names != nil {
		t.Errorf("names %q of no stream", names)
	}
}
