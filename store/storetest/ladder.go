package storetest

import (
	"fmt"
	"testing"
	"time"

	"earshot"
	"earshot/store"
)

func newSIPMessage(i int, call earshot.CallID, segment earshot.SegmentID) earshot.SIPMessage {
	return earshot.SIPMessage{
		CallID: call, SegmentID: segment, At: epoch.Add(time.Duration(i) * time.Millisecond), Sent: i%2 == 1,
		Transport: "UDP", Peer: "192.0.2.1:5060", Local: "192.0.2.2:5060", FirstLine: fmt.Sprintf("OPTIONS sip:%d SIP/2.0", i),
		CSeq: fmt.Sprintf("%d OPTIONS", i), Size: 400, Text: "OPTIONS …\r\n\r\n",
	}
}

func testLadder(t *testing.T, s Store) {
	a, b, other := newSIPMessage(0, "c1", "s1"), newSIPMessage(1, "c1", "s2"), newSIPMessage(2, "c2", "s3")
	apply(t, s, earshot.Commit{SIPMessages: []earshot.SIPMessage{a, other}})
	apply(t, s, earshot.Commit{SIPMessages: []earshot.SIPMessage{b}})
	got := must(s.SIPMessages(t.Context(), "c1"))(t)
	if len(got) != 2 || got[0].ID >= got[1].ID {
		t.Fatalf("the ladder is %+v", got)
	}
	got[0].ID, got[1].ID = 0, 0
	equal(t, "ladder", got, []earshot.SIPMessage{a, b})
	equal(t, "ladder of an unknown call", must(s.SIPMessages(t.Context(), "nobody"))(t), []earshot.SIPMessage{})
	if _, err := s.Apply(t.Context(), earshot.Commit{SIPMessages: []earshot.SIPMessage{{CallID: "c1"}}}); err == nil {
		t.Error("a message of no recording session is stored")
	}
}

func testLadderIsBounded(t *testing.T, s Store) {
	const n = store.FirstSIPMessages + store.NewestSIPMessages + 60
	for i := range n {
		apply(t, s, earshot.Commit{SIPMessages: []earshot.SIPMessage{newSIPMessage(i, "c1", "s1"), newSIPMessage(i, "c1", "s2")}})
	}
	count := map[earshot.SegmentID]int{}
	for _, m := range must(s.SIPMessages(t.Context(), "c1"))(t) {
		i := count[m.SegmentID]
		count[m.SegmentID]++
		if i >= store.FirstSIPMessages {
			i += 60
		}
		if want := newSIPMessage(i, "c1", m.SegmentID); m.FirstLine != want.FirstLine {
			t.Fatalf("message %q is where %q should be", m.FirstLine, want.FirstLine)
		}
	}
	if want := store.FirstSIPMessages + store.NewestSIPMessages; count["s1"] != want || count["s2"] != want {
		t.Errorf("%v messages are kept, want %d of each", count, want)
	}
}
