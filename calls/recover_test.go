package calls

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"earshot"
)

// restart makes a new manager over the same store, as a new process would.
func (r *rig) restart(t *testing.T, cfg Config, dialogs ...earshot.Dialog) (*rig, []earshot.Dialog) {
	t.Helper()
	r.store.dialogs = dialogs
	media := newMemMedia()
	for id, recv := range r.media.all {
		media.all[id] = &memReceiver{
			media: media, id: id, port: recv.port, formats: recv.formats,
			first: recv.first, last: recv.last, stats: recv.stats,
		}
	}
	again := rigOver(r.store, media, cfg)
	goOn, err := again.Recover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return again, goOn
}

func TestRestartGoesOnWithKnownDialogs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		answer := r.begin(t, twoParty("d1"))
		c := r.store.only(t)
		mark := earshot.Watermark{StreamID: c.Streams[0].ID, Position: 5 * earshot.MediaClock, Finals: 2}
		if err := r.Final(t.Context(), nil, mark); err != nil {
			t.Fatal(err)
		}
		again, goOn := r.restart(t, Config{}, earshot.Dialog{ID: "d1", CallID: c.ID, SegmentID: answer.SegmentID})
		if len(goOn) != 1 || goOn[0].ID != "d1" {
			t.Fatalf("dialogs that go on: %+v", goOn)
		}
		for i, s := range c.Streams {
			recv := again.media.open[s.ID]
			if recv == nil || !recv.resumed || recv.port != answer.Media[i].Port {
				t.Fatalf("stream %d resumed as %+v, want port %d", i, recv, answer.Media[i].Port)
			}
		}
		if got := again.trans.added[mark.StreamID]; got != mark {
			t.Errorf("recognition goes on from %+v, want %+v", got, mark)
		}
		again.media.open[c.Streams[0].ID].packet(time.Now().Add(time.Second))
		time.Sleep(time.Minute) // the bubble's clock
		again.watch(t.Context(), time.Now())
		if s := r.store.only(t).State; s != earshot.CallLive {
			t.Errorf("a call with media became %s", s)
		}
		if err := again.End(t.Context(), answer.SegmentID, "bye"); err != nil {
			t.Error(err)
		}
	})
}

func TestRestartClosesWhatDoesNotComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{})
		answer := r.begin(t, twoParty("d1"))
		c := r.store.only(t)
		last := time.Now().Add(3 * time.Second)
		r.media.open[c.Streams[0].ID].packet(last)
		time.Sleep(5 * time.Second) // the bubble's clock
		again, _ := r.restart(t, Config{}, earshot.Dialog{ID: "d1", CallID: c.ID, SegmentID: answer.SegmentID})
		time.Sleep(DefaultResumeWindow + time.Second)
		again.watch(t.Context(), time.Now())
		after := r.store.only(t)
		if after.State != earshot.CallInterrupted || after.Segments[0].EndReason != "interrupted" {
			t.Fatalf("call %+v", after)
		}
		if !slices.Equal(again.byes, []string{"d1"}) {
			t.Errorf("BYE sent for %v", again.byes)
		}
		if n := again.media.openCount(); n != 0 {
			t.Errorf("%d ports still open", n)
		}
	})
}

func TestRestartClosesCallsWithoutDialog(t *testing.T) {
	r := newRig(t, Config{})
	r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	last := wallClock().Add(3 * time.Second)
	r.media.open[c.Streams[1].ID].packet(last)
	again, goOn := r.restart(t, Config{})
	after := r.store.only(t)
	if len(goOn) != 0 || after.State != earshot.CallInterrupted || !after.EndedAt.Equal(last) {
		t.Fatalf("call %+v, dialogs %v, want it to end %v", after, goOn, last)
	}
	for _, s := range c.Streams {
		if !again.trans.ended[s.ID] {
			t.Errorf("stream %s is not transcribed to its end", s.ID)
		}
	}
	again.finish(t, after)
	if !r.store.only(t).TranscriptComplete {
		t.Error("transcript of the interrupted call not complete")
	}
	second := again.begin(t, twoParty("d2"))
	if second.CallID != c.ID {
		t.Error("a new session of the group is not a segment of the interrupted call")
	}
}

func TestMediaTimeoutSparesHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{MediaTimeout: time.Minute})
		held := twoParty("held")
		held.Metadata.Groups[0].ID, held.Metadata.Sessions[0].GroupID = "other", "other"
		for i := range held.Media {
			held.Media[i].Direction = earshot.Inactive
		}
		onHold := r.begin(t, held)
		dead := r.begin(t, twoParty("dead"))
		time.Sleep(2 * time.Minute) // the bubble's clock
		r.watch(t.Context(), time.Now())
		if s := r.store.calls[onHold.CallID].State; s != earshot.CallLive {
			t.Errorf("the call on hold became %s", s)
		}
		if c := r.store.calls[dead.CallID]; c.State != earshot.CallWrapping || c.Segments[0].EndReason != "media timeout" {
			t.Errorf("the dead call is %+v", c)
		}
		if !slices.Equal(r.byes, []string{"dead"}) {
			t.Errorf("BYE sent for %v", r.byes)
		}
	})
}

func TestWatchStoresWhereStreamsBegin(t *testing.T) {
	r := newRig(t, Config{})
	r.begin(t, twoParty("d1"))
	c := r.store.only(t)
	r.media.open[c.Streams[0].ID].packet(c.StartedAt.Add(-40 * time.Millisecond))
	r.watch(t.Context(), time.Now())
	s := r.store.only(t).Streams[0]
	if !s.Started || s.OffsetMS != -40 || s.PacketsReceived != 1 {
		t.Errorf("stream %+v", s)
	}
}

// A session that comes back from a long hold is not missed for the time it was
// on hold, but for the time after it.
func TestMediaTimeoutAfterHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{MediaTimeout: time.Minute})
		offer := twoParty("d1")
		answer := r.begin(t, offer)
		change := func(direction earshot.MediaDirection) {
			t.Helper()
			again := offer
			again.Media = slices.Clone(offer.Media)
			for i := range again.Media {
				again.Media[i].Direction = direction
			}
			if _, err := r.Update(t.Context(), answer.SegmentID, again); err != nil {
				t.Fatal(err)
			}
		}
		pass := func(d time.Duration, want earshot.CallState) {
			t.Helper()
			time.Sleep(d) // the bubble's clock
			r.watch(t.Context(), time.Now())
			if s := r.store.calls[answer.CallID].State; s != want {
				t.Fatalf("the call is %s, want %s", s, want)
			}
		}
		pass(50*time.Second, earshot.CallLive)
		change(earshot.Inactive)
		pass(8*time.Hour, earshot.CallLive)
		change(earshot.RecvOnly) // as good as inactive: nobody sends
		pass(8*time.Hour, earshot.CallLive)
		change(earshot.SendOnly)
		pass(50*time.Second, earshot.CallLive)
		change(earshot.SendOnly) // says nothing new
		pass(20*time.Second, earshot.CallWrapping)
	})
}

// One stream on hold does not spare the other, and a stream added late has its
// own time.
func TestMediaTimeoutOfOneStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Config{MediaTimeout: time.Minute})
		offer := twoParty("d1")
		for i := range offer.Media {
			offer.Media[i].Direction = earshot.Inactive
		}
		answer := r.begin(t, offer)
		time.Sleep(time.Hour) // the bubble's clock
		offer.Media = append(slices.Clone(offer.Media), offer.Media[1])
		offer.Media[2].Direction, offer.Media[2].Label = earshot.SendOnly, "3"
		if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
			t.Fatal(err)
		}
		for _, want := range []earshot.CallState{earshot.CallLive, earshot.CallWrapping} {
			time.Sleep(50 * time.Second)
			r.watch(t.Context(), time.Now())
			if s := r.store.calls[answer.CallID].State; s != want {
				t.Fatalf("the call is %s, want %s", s, want)
			}
		}
	})
}

// Where reports go and what is in them is answered, follows a re-INVITE and is
// there again after a restart.
func TestReportsAreAgreed(t *testing.T) {
	r := newRig(t, Config{})
	offer := twoParty("d1")
	offer.Media[0].XR = earshot.XR{RoundTrip: "all", VoIPMetrics: true}
	offer.Media[0].RemoteRTCP = netip.MustParseAddrPort("192.0.2.1:5001")
	answer := r.begin(t, offer)
	id := answer.Media[0].StreamID
	if answer.Media[0].XR != offer.Media[0].XR || answer.Media[1].XR != (earshot.XR{}) {
		t.Errorf("answers %+v", answer.Media)
	}
	check := func(r *rig) {
		t.Helper()
		got := r.media.open[id].agreed
		if got.XR != offer.Media[0].XR || got.RemoteRTCP != offer.Media[0].RemoteRTCP || got.RTCPMux != offer.Media[0].RTCPMux {
			t.Errorf("agreed %+v, want %+v", got, offer.Media[0])
		}
	}
	check(r)
	offer.Media = slices.Clone(offer.Media)
	offer.Media[0].XR, offer.Media[0].RTCPMux = earshot.XR{Jitter: true}, true
	offer.Media[0].RemoteRTCP = netip.MustParseAddrPort("192.0.2.2:6000")
	if _, err := r.Update(t.Context(), answer.SegmentID, offer); err != nil {
		t.Fatal(err)
	}
	check(r)
	held := offer
	held.Media = slices.Clone(offer.Media)
	held.Media[0].RemoteRTCP, held.Media[0].Direction = netip.MustParseAddrPort("0.0.0.0:6000"), earshot.Inactive
	if _, err := r.Update(t.Context(), answer.SegmentID, held); err != nil {
		t.Fatal(err)
	}
	check(r) // where it was before the hold
	again, _ := r.restart(t, Config{}, earshot.Dialog{ID: "d1", CallID: answer.CallID, SegmentID: answer.SegmentID})
	check(again)
}
