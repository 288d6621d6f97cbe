package calls

import (
	"errors"
	"slices"
	"testing"
	"time"

	"earshot"
)

// settled is a call that is over, said nothing and is forgotten.
func (r *rig) settledCall(t *testing.T) earshot.Call {
	t.Helper()
	answer := r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	r.media.open[c.Streams[1].ID].packet(c.StartedAt.Add(250 * time.Millisecond))
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	for _, s := range c.Streams {
		mark := earshot.Watermark{StreamID: s.ID, Position: earshot.MediaClock, Completed: true}
		if err := r.Final(t.Context(), nil, mark); err != nil {
			t.Fatal(err)
		}
	}
	ended := r.store.only(t)
	job := earshot.NewJob(earshot.JobSettle, c.ID, "k", nil)
	job.RunAt = ended.EndedAt.Add(time.Hour)
	if _, err := r.Settle(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return r.store.only(t)
}

func TestRetranscribe(t *testing.T) {
	r := newRig(t, Config{})
	c := r.settledCall(t)
	stream := c.Streams[1].ID
	u := earshot.Utterance{
		ID: earshot.UtteranceIDFor(stream, earshot.MediaClock), StreamID: stream, Text: "hello", Final: true, Late: true,
		From: earshot.MediaClock, To: 2 * earshot.MediaClock,
	}
	r.store.fail = errDisk
	if err := r.Retranscribe(t.Context(), c.ID, 1, []earshot.Utterance{u}); !errors.Is(err, errDisk) {
		t.Fatalf("error = %v", err)
	}
	r.store.fail = nil
	for range 2 { // the second time as after a crash
		if err := r.Retranscribe(t.Context(), c.ID, 1, []earshot.Utterance{u}); err != nil {
			t.Fatal(err)
		}
	}
	got := r.store.us[u.ID]
	if got.StartMS != 1250 || got.EndMS != 2250 || got.Role != earshot.RoleCustomer || got.Revision != 1 || got.Late || got.CallID != c.ID {
		t.Errorf("stored utterance %+v", got)
	}
	now := r.store.only(t)
	if now.TranscriptRevision != 1 || now.Revision != c.Revision+1 || now.State != earshot.CallSettled {
		t.Errorf("call %+v", now)
	}
	types := r.store.eventTypes(c.ID)
	if last := types[len(types)-2:]; !slices.Equal(last, []earshot.EventType{earshot.EventTranscriptCompleted, earshot.EventCallUpdated}) {
		t.Errorf("events %v", types)
	}
}

func TestRetranscribeThatCannotBe(t *testing.T) {
	r := newRig(t, Config{})
	c := r.settledCall(t)
	if err := r.Retranscribe(t.Context(), c.ID, 1, []earshot.Utterance{{ID: "u", StreamID: "elsewhere"}}); err == nil {
		t.Error("a stream of another call is taken")
	}
	if err := r.Retranscribe(t.Context(), "nobody", 1, nil); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("unknown call: %v", err)
	}
	live := newRig(t, Config{})
	live.begin(t, twoParty("d1"))
	if err := live.Retranscribe(t.Context(), live.store.only(t).ID, 1, nil); !errors.Is(err, earshot.ErrNotEnded) {
		t.Errorf("live call: %v", err)
	}
}
