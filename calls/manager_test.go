package calls

import (
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"earshot"
)

func TestBeginStoresTheCallBeforeItAnswers(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	video := audio("3")
	video.Kind = "video"
	secure := audio("4")
	secure.Profile = "RTP/SAVP"
	hold := audio("5")
	hold.Direction = earshot.Inactive
	offer.Media = append(offer.Media, video, secure, hold)
	answer := r.begin(t, offer)

	accepted := []bool{}
	for _, m := range answer.Media {
		accepted = append(accepted, m.Accepted)
	}
	if want := []bool{true, true, false, false, true}; !slices.Equal(accepted, want) {
		t.Fatalf("accepted %v, want %v", accepted, want)
	}
	if d := answer.Media[4].Direction; d != earshot.Inactive {
		t.Errorf("inactive is answered %s", d)
	}
	c := r.store.only(t)
	if c.State != earshot.CallLive || len(c.Streams) != 3 || len(c.Participants) != 2 {
		t.Fatalf("stored call: %+v", c)
	}
	for label, want := range map[string]earshot.Participant{
		"1": {Name: "Mira Holt", Role: earshot.RoleAgent}, "2": {Name: "Jon Reyes", Role: earshot.RoleCustomer},
	} {
		i := slices.IndexFunc(c.Streams, func(s earshot.Stream) bool { return s.Label == label })
		p := c.Speaker(c.Streams[i].ID)
		if p == nil || p.Name != want.Name || p.Role != want.Role {
			t.Errorf("speaker of label %s = %+v, want %+v", label, p, want)
		}
	}
	if got := r.store.eventTypes(c.ID); !slices.Equal(got, []earshot.EventType{earshot.EventCallStarted}) {
		t.Errorf("events %v", got)
	}
	if len(r.trans.added) != 3 {
		t.Errorf("%d streams given to recognition, want 3", len(r.trans.added))
	}
}

func TestRefusedSessionsLeaveNothing(t *testing.T) {
	opus := audio("1")
	opus.Formats = []earshot.Format{{PayloadType: 96, Encoding: "GSM-HR", ClockRate: 8000}}
	noCodec := twoParty("d")
	noCodec.Media = []earshot.MediaOffer{opus}
	for _, tc := range []struct {
		name  string
		cfg   Config
		offer earshot.SessionOffer
		prep  func(*rig)
		want  error
	}{
		{"no common codec", Config{}, noCodec, func(*rig) {}, earshot.ErrNoCommonCodec},
		{"no port for the second stream", Config{}, twoParty("d"), func(r *rig) { r.media.limit = 1 }, earshot.ErrNoPorts},
		{"disk", Config{Admit: func() error { return earshot.ErrDiskReserve }}, twoParty("d"), func(*rig) {}, earshot.ErrDiskReserve},
		{"draining", Config{}, twoParty("d"), func(r *rig) { r.Drain() }, earshot.ErrDraining},
		{"store", Config{}, twoParty("d"), func(r *rig) { r.store.fail = errDisk }, errDisk},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := newRig(t, tc.cfg)
			tc.prep(r)
			if _, err := r.Begin(t.Context(), tc.offer); !errors.Is(err, tc.want) {
				t.Errorf("error = %v, want %v", err, tc.want)
			}
			if n := r.media.openCount(); n != 0 {
				t.Errorf("%d ports still open", n)
			}
			if len(r.calls)+len(r.bySegment)+len(r.byStream)+len(r.byName) != 0 {
				t.Errorf("the manager still knows something: %v %v", r.calls, r.byName)
			}
			if len(r.trans.added) != 0 {
				t.Error("a refused stream is transcribed")
			}
		})
	}
}

var errDisk = errors.New("disk full")

func TestUpdateAddsAndRemovesStreams(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	first := r.begin(t, offer)

	offer.Media[0].Port = 0
	offer.Media[1].Direction = earshot.Inactive
	offer.Media = append(offer.Media, audio("3"))
	second, err := r.Update(t.Context(), first.SegmentID, offer)
	if err != nil {
		t.Fatal(err)
	}
	if second.Media[0].Accepted || !second.Media[1].Accepted || !second.Media[2].Accepted {
		t.Fatalf("answers %+v", second.Media)
	}
	if second.Media[1].Port != first.Media[1].Port || second.Media[1].Direction != earshot.Inactive {
		t.Errorf("the stream on hold changed its port: %+v", second.Media[1])
	}
	c := r.store.only(t)
	if len(c.Streams) != 3 || c.Streams[0].EndedAt == nil || c.Streams[1].EndedAt != nil || c.Streams[2].Channel != 2 {
		t.Errorf("streams %+v", c.Streams)
	}
	if !r.trans.ended[c.Streams[0].ID] || r.trans.ended[c.Streams[1].ID] {
		t.Errorf("recognition ended for %v", r.trans.ended)
	}
	if n := r.media.openCount(); n != 2 {
		t.Errorf("%d ports open, want 2", n)
	}
}

func TestRefusedUpdateLeavesTheSessionAsItWas(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	answer := r.begin(t, offer)
	before := r.store.only(t)

	bad := twoParty("d1")
	bad.Media[1].Formats = []earshot.Format{{PayloadType: 96, Encoding: "GSM-HR", ClockRate: 8000}}
	bad.Media = append(bad.Media, audio("3"))
	if _, err := r.Update(t.Context(), answer.SegmentID, bad); !errors.Is(err, earshot.ErrNoCommonCodec) {
		t.Fatalf("error = %v", err)
	}
	r.store.fail = errDisk
	more := twoParty("d1")
	more.Media[0].Port = 0
	more.Media = append(more.Media, audio("3"))
	if _, err := r.Update(t.Context(), answer.SegmentID, more); !errors.Is(err, errDisk) {
		t.Fatalf("error = %v", err)
	}
	r.store.fail = nil
	if n := r.media.openCount(); n != 2 {
		t.Errorf("%d ports open, want 2", n)
	}
	if after := r.Snapshot(before); !reflect.DeepEqual(after.Streams, before.Streams) {
		t.Errorf("streams changed:\n%+v\n%+v", before.Streams, after.Streams)
	}
	if _, err := r.Update(t.Context(), answer.SegmentID, twoParty("d1")); err != nil {
		t.Errorf("a good update afterwards: %v", err)
	}
}

func TestMetadataOnlyUpdateNamesTheParty(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	answer := r.begin(t, offer)
	was := r.store.only(t).Participants[1].ID
	offer.Media = nil
	offer.Metadata.Participants[1].Names = []string{"Jon A. Reyes"}
	if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
		t.Fatal(err)
	}
	p := r.store.only(t).Participants[1]
	if p.ID != was || p.Name != "Jon A. Reyes" || p.Role != earshot.RoleCustomer {
		t.Errorf("participant %+v", p)
	}
}

func TestEndOfCall(t *testing.T) {
	r := newRig(t, Config{WrapUp: time.Minute})
	answer := r.begin(t, twoParty("d1"))
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatalf("a second BYE: %v", err)
	}
	c := r.store.only(t)
	if c.State != earshot.CallWrapping || c.EndedAt == nil || c.Segments[0].EndReason != "bye" {
		t.Fatalf("call %+v", c)
	}
	if n := r.media.openCount(); n != 0 {
		t.Errorf("%d ports still open", n)
	}
	var kinds []earshot.JobKind
	for _, j := range r.store.jobs {
		kinds = append(kinds, j.Kind)
	}
	if !slices.Equal(kinds, []earshot.JobKind{earshot.JobRender, earshot.JobSettle}) {
		t.Errorf("jobs %v", kinds)
	}
	r.finish(t, c)
	want := []earshot.EventType{earshot.EventCallStarted, earshot.EventCallEnded, earshot.EventTranscriptCompleted}
	if got := r.store.eventTypes(c.ID); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	if _, err := r.Render(t.Context(), r.store.jobs[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Settle(t.Context(), r.store.jobs[1]); err != nil {
		t.Fatal(err)
	}
	c = r.store.only(t)
	if c.Recording == nil || c.Recording.SHA256 != "of "+string(c.ID) || c.Recording.Channels != len(c.Streams) {
		t.Errorf("recording %+v", c.Recording)
	}
	if c.State != earshot.CallSettled || !c.RecordingReady || !c.TranscriptComplete {
		t.Errorf("settled call %+v", c)
	}
	if len(r.calls)+len(r.bySegment)+len(r.byStream)+len(r.byName) != 0 {
		t.Error("the manager still keeps the settled call")
	}
}

func TestSettleWaitsForTheTranscript(t *testing.T) {
	r := newRig(t, Config{WrapUp: time.Minute, MaxWrapUp: time.Hour})
	answer := r.begin(t, twoParty("d1"))
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	again, err := r.Settle(t.Context(), r.store.jobs[1])
	if err != nil {
		t.Fatal(err)
	}
	if len(again.Jobs) != 1 || r.store.only(t).State != earshot.CallWrapping {
		t.Fatalf("settled without a transcript: %+v", again)
	}
	r.finish(t, r.store.only(t))
	if _, err := r.Settle(t.Context(), again.Jobs[0]); err != nil {
		t.Fatal(err)
	}
	if s := r.store.only(t).State; s != earshot.CallSettled {
		t.Errorf("state %s", s)
	}
}

func TestSameGroupIsStitched(t *testing.T) {
	r := newRig(t, Config{WrapUp: time.Minute})
	first := r.begin(t, twoParty("d1"))
	if err := r.End(t.Context(), first.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	second := r.begin(t, twoParty("d2"))
	if second.CallID != first.CallID || second.SegmentID == first.SegmentID {
		t.Fatalf("stitched to %s, want %s", second.CallID, first.CallID)
	}
	c := r.store.only(t)
	if c.State != earshot.CallLive || c.EndedAt != nil || len(c.Segments) != 2 || len(c.Streams) != 4 || len(c.Participants) != 2 {
		t.Fatalf("call %+v", c)
	}
	if _, err := r.Settle(t.Context(), r.store.jobs[1]); err != nil {
		t.Fatal(err)
	}
	if s := r.store.only(t).State; s != earshot.CallLive {
		t.Errorf("the first segment's wrap-up made the live call %s", s)
	}
	if err := r.End(t.Context(), second.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	r.finish(t, c)
	if _, err := r.Settle(t.Context(), r.store.jobs[3]); err != nil {
		t.Fatal(err)
	}
	third := r.begin(t, twoParty("d3"))
	if third.CallID == first.CallID {
		t.Error("a settled call took a further segment")
	}
}

func TestSessionsOfOneGroupAtOnceMeetInOneCall(t *testing.T) {
	r := newRig(t, Config{})
	var wg sync.WaitGroup
	ids := make([]earshot.CallID, 8)
	for i := range ids {
		wg.Go(func() {
			answer, err := r.Begin(t.Context(), twoParty(string(rune('a'+i))))
			if err != nil {
				t.Error(err)
			}
			ids[i] = answer.CallID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("calls %v", ids)
		}
	}
	if c := r.store.only(t); len(c.Segments) != len(ids) {
		t.Errorf("%d segments, want %d", len(c.Segments), len(ids))
	}
}

func TestTagsAreKeptOnce(t *testing.T) {
	r := newRig(t, Config{})
	answer := r.begin(t, twoParty("d1"))
	for range 2 {
		if err := r.Tag(t.Context(), answer.CallID, "refund", "late"); err != nil {
			t.Fatal(err)
		}
	}
	if c := r.store.only(t); !slices.Equal(c.Tags, []string{"refund", "late"}) {
		t.Errorf("tags %v", c.Tags)
	}
	if got := r.store.eventTypes(answer.CallID); len(got) != 2 {
		t.Errorf("events %v: a tag that is there already changes nothing", got)
	}
	r.store.fail = errDisk
	if err := r.Tag(t.Context(), answer.CallID, "new"); !errors.Is(err, errDisk) {
		t.Errorf("error %v", err)
	}
	if c := r.Snapshot(r.store.only(t)); slices.Contains(c.Tags, "new") {
		t.Error("a tag that is not stored is shown")
	}
}

func TestOpusIsMadeAfterTheRecording(t *testing.T) {
	r := newRig(t, Config{WrapUp: time.Minute, Opus: true})
	answer := r.begin(t, twoParty("d1"))
	if err := r.End(t.Context(), answer.SegmentID, "bye"); err != nil {
		t.Fatal(err)
	}
	render := r.store.jobs[0]
	if _, err := r.Render(t.Context(), render); err != nil {
		t.Fatal(err)
	}
	made := r.store.jobs[len(r.store.jobs)-1]
	if made.Kind != earshot.JobOpus {
		t.Fatalf("jobs %+v", r.store.jobs)
	}
	if _, err := r.Opus(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	c := r.store.only(t)
	if f := c.Recording.Opus; f == nil || f.SHA256 != "opus of "+string(c.ID) {
		t.Errorf("recording %+v", c.Recording)
	}
	if _, err := r.Render(t.Context(), render); err != nil {
		t.Fatal(err)
	}
	if r.store.only(t).Recording.Opus == nil {
		t.Error("the file of the same recording is forgotten")
	}
}
