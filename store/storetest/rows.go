package storetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"earshot"
)

// epoch is when the calls of the tests begin.
var epoch = time.Date(2026, 3, 4, 9, 0, 0, 123_456_000, time.UTC)

// NewCall returns a call in which every list has something, the i-th of a test.
func NewCall(i int, state earshot.CallState) earshot.Call {
	start := epoch.Add(time.Duration(i) * time.Minute)
	id := earshot.CallID(fmt.Sprintf("call%04d", i))
	c := earshot.Call{
		ID: id, State: state, Direction: earshot.DirectionInbound, StartedAt: start,
		Participants: []earshot.Participant{
			{ID: "p1", Name: "Ada Agent", AOR: "sip:ada@example.com", Role: earshot.RoleAgent, SourceID: "src1", RoleConfidence: 1, RoleSource: earshot.RoleFromExtension},
			{ID: "p2", Name: "Carl O'Customer", AOR: "sip:+15550100@example.com", Role: earshot.RoleCustomer, RoleConfidence: 1, RoleSource: earshot.RoleFromExtension},
		},
		Streams: []earshot.Stream{newStream(id, 0, "p1"), newStream(id, 1, "p2")},
		Segments: []earshot.Segment{{
			ID: earshot.SegmentID(id + "-seg"), GroupID: "g1", SessionIDs: []string{"cs1"}, SIPCallID: "abc@sbc",
			Peer: "192.0.2.1:5060", StartedAt: start,
		}},
		Tags: []string{"billing"}, Problems: []string{"metadata: no recording element"},
		Marks: []earshot.Mark{
			{ID: "m1", Kind: earshot.MarkDTMF, StreamID: earshot.StreamID(id + "-s1"), ParticipantID: "p2", AtMS: 1200, EndMS: 1300, Masked: true},
			{ID: "m2", Kind: earshot.MarkPause, AtMS: 2000, EndMS: 2000, By: "Ada Agent", Reason: "card number"},
		},
	}
	if state.Ended() {
		end := start.Add(30 * time.Second)
		c.EndedAt, c.Segments[0].EndedAt, c.Segments[0].EndReason = &end, &end, "bye"
	}
	return c
}

func newStream(id earshot.CallID, i int, p earshot.ParticipantID) earshot.Stream {
	return earshot.Stream{
		ID: earshot.StreamID(fmt.Sprintf("%s-s%d", id, i)), SegmentID: earshot.SegmentID(id + "-seg"),
		Label: fmt.Sprint(96 + i), ParticipantIDs: []earshot.ParticipantID{p}, Codec: "PCMU/8000", Channel: i,
		OffsetMS: -20, Started: true,
		Media: earshot.StreamMedia{
			MLine: i, Port: 20000 + 2*i, Direction: earshot.RecvOnly,
			Formats: []earshot.Format{{Encoding: "PCMU", ClockRate: 8000, Channels: 1}},
		},
		StreamStats: earshot.StreamStats{PacketsReceived: 1500, PacketsLost: 2, JitterMS: 1.5, Quality: newQuality()},
	}
}

func newQuality() *earshot.Quality {
	mos, rating := 4.39, 92.5
	return &earshot.Quality{
		Path: "src-earshot", Model: "G.107", MOS: &mos, MOSWorst: &mos, RFactor: &rating,
		LossPercent: 0.13, BurstRatio: 1, JitterMeanMS: 1.4, JitterMaxMS: 2.5, DelayMS: 60,
	}
}

// NewUtterance returns the i-th final utterance of a call's stream; those of
// stream 0 are the agent's, those of stream 1 the customer's.
func NewUtterance(c earshot.Call, stream, i int, text string) earshot.Utterance {
	from := earshot.Position(i * earshot.MediaClock)
	s := c.Streams[stream]
	return earshot.Utterance{
		ID: earshot.UtteranceIDFor(s.ID, from), CallID: c.ID, StreamID: s.ID, ParticipantID: s.ParticipantIDs[0],
		Role: c.Speaker(s.ID).Role, StartMS: int64(i) * 1000, EndMS: int64(i)*1000 + 900, Text: text, Confidence: 0.875,
		Final: true, From: from, To: from + 43200, Raw: "um " + text, Language: "en", Engine: "moonshine", Continues: true,
		Words: []earshot.Word{{Text: text, StartMS: int64(i) * 1000, EndMS: int64(i)*1000 + 900}},
	}
}

// NewEvent returns an event with an ID of its own.
func NewEvent(id string, call earshot.CallID, t earshot.EventType) earshot.Event {
	return earshot.Event{ID: id, Type: t, CallID: call, At: epoch, Data: json.RawMessage(`{"id":"` + id + `"}`)}
}

func apply(t *testing.T, s Store, c earshot.Commit) []earshot.Event {
	t.Helper()
	events, err := s.Apply(t.Context(), c)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return events
}

// speak stores the calls and one utterance per text, by the agent and the
// customer in turn.
func speak(t *testing.T, s Store, c earshot.Call, texts ...string) []earshot.Utterance {
	t.Helper()
	commit := earshot.Commit{Calls: []earshot.Call{c}}
	for i, text := range texts {
		commit.Utterances = append(commit.Utterances, NewUtterance(c, i%2, i, text))
	}
	apply(t, s, commit)
	return commit.Utterances
}

// must returns v when there is no error.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %+v\nwant %+v", what, got, want)
	}
}

// pick maps a list to what a test compares.
func pick[T, K any](list []T, key func(T) K) []K {
	out := []K{}
	for _, v := range list {
		out = append(out, key(v))
	}
	return out
}

func callID(c earshot.Call) earshot.CallID { return c.ID }

func eventID(e earshot.Event) string { return e.ID }

func jobKey(j earshot.Job) string { return j.Key }
