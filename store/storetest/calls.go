package storetest

import (
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"earshot"
	"earshot/store"
)

//go:embed testdata/call.json
var goldenCall []byte

func testCallComesBackWhole(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallSettled)
	c.TranscriptComplete, c.RecordingReady, c.Revision = true, true, 2
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	equal(t, "call", must(s.Call(t.Context(), c.ID))(t), c)
}

// testCallInJSON compares a call as the store returns it with the keys the
// outside relies on, lists that were nil included.
func testCallInJSON(t *testing.T, s Store) {
	full, bare := NewCall(1, earshot.CallWrapping), earshot.Call{ID: "bare", State: earshot.CallLive, StartedAt: epoch}
	bare.Streams = []earshot.Stream{{ID: "stream"}}
	apply(t, s, earshot.Commit{
		Calls:     []earshot.Call{full, bare},
		Summaries: []earshot.Summary{{CallID: "bare", Revision: 1, Text: "A call.", By: "extractive", CreatedAt: epoch}},
	})
	calls := []earshot.Call{must(s.Call(t.Context(), full.ID))(t), must(s.Call(t.Context(), "bare"))(t)}
	got, err := json.MarshalIndent(calls, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(goldenCall) {
		t.Errorf("calls in JSON are not those of testdata/call.json:\n%s", got)
	}
}

func testCallIsReplaced(t *testing.T, s Store) {
	c := NewCall(1, earshot.CallLive)
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	c = NewCall(1, earshot.CallWrapping)
	c.Streams = append(c.Streams, newStream(c.ID, 2, "p1"))
	// A summary that comes along is not the call's to store.
	c.Summary = &earshot.Summary{CallID: c.ID, Revision: 9}
	apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	c.Summary = nil
	equal(t, "call", must(s.Call(t.Context(), c.ID))(t), c)
	if live := must(s.LiveCalls(t.Context()))(t); len(live) != 0 {
		t.Errorf("%d calls live after the end", len(live))
	}
}

func testCallsAreNewestFirst(t *testing.T, s Store) {
	var want []earshot.CallID
	for i := range 7 {
		c := NewCall(i, earshot.CallSettled)
		if i == 4 { // two calls that started at the same moment
			c.StartedAt = NewCall(3, earshot.CallSettled).StartedAt
		}
		apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
		want = append(want, c.ID)
	}
	slices.Reverse(want)
	var got []earshot.CallID
	q := store.CallQuery{Limit: 3}
	for page := 1; ; page++ {
		list, next, err := s.Calls(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, pick(list, callID)...)
		if q.Before = next; next == "" {
			equal(t, "pages", page, 3)
			break
		}
	}
	equal(t, "calls", got, want)
}

func testCallsByState(t *testing.T, s Store) {
	states := []earshot.CallState{earshot.CallLive, earshot.CallWrapping, earshot.CallSettled, earshot.CallInterrupted}
	for i, state := range states {
		c := NewCall(i, state)
		c.TranscriptComplete = state == earshot.CallSettled
		apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	}
	for state, want := range map[string][]earshot.CallID{
		"": {"call0003", "call0002", "call0001", "call0000"}, "live": {"call0000"}, "ended": {"call0003", "call0002", "call0001"},
	} {
		list, _, err := s.Calls(t.Context(), store.CallQuery{State: state})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "state "+state, pick(list, callID), want)
	}
	if _, _, err := s.Calls(t.Context(), store.CallQuery{State: "dead"}); err == nil {
		t.Error("an unknown state is no error")
	}
	ctx := t.Context()
	equal(t, "live", pick(must(s.LiveCalls(ctx))(t), callID), []earshot.CallID{"call0000"})
	equal(t, "open transcripts", pick(must(s.OpenTranscripts(ctx))(t), callID), []earshot.CallID{"call0000", "call0001", "call0003"})
	since := epoch.Add(2*time.Minute + 30*time.Second)
	equal(t, "ended since", pick(must(s.EndedSince(ctx, since))(t), callID), []earshot.CallID{"call0002", "call0003"})
}

func testUnknownIsNotFound(t *testing.T, s Store) {
	ctx := t.Context()
	_, call := s.Call(ctx, "nobody")
	_, delivery := s.Delivery(ctx, "nothing", 1)
	for name, err := range map[string]error{
		"call": call, "delivery": delivery, "retry": s.RetryJob(ctx, 7, epoch, "x"), "kill": s.KillJob(ctx, 7, "x"),
		"replay": s.ReplayJob(ctx, 7),
	} {
		if !errors.Is(err, earshot.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if sum := must(s.Summary(ctx, "nobody"))(t); sum != nil {
		t.Errorf("summary %+v of an unknown call", sum)
	}
	if list := must(s.Utterances(ctx, "nobody"))(t); list == nil || len(list) != 0 {
		t.Errorf("utterances of an unknown call are %v, want an empty list", list)
	}
}

func testBadCursor(t *testing.T, s Store) {
	speak(t, s, NewCall(1, earshot.CallLive), "hello")
	for _, bad := range []string{"x", "!!", "e30x", "bnVsbA", "e30", "eyJuIjoieCJ9"} {
		if _, _, err := s.Calls(t.Context(), store.CallQuery{Before: bad}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("calls before %q: %v, want ErrCursor", bad, err)
		}
		if _, _, err := s.Search(t.Context(), store.SearchQuery{Text: "hello", Before: bad}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("search before %q: %v, want ErrCursor", bad, err)
		}
	}
}

func testDialogs(t *testing.T, s Store) {
	a := earshot.Dialog{ID: "a", CallID: "c1", SegmentID: "s1", State: []byte{0, 1, 255}}
	b := earshot.Dialog{ID: "b", CallID: "c2", SegmentID: "s2", State: []byte("x")}
	apply(t, s, earshot.Commit{Dialogs: []earshot.Dialog{b, a}})
	a.State = []byte("later")
	apply(t, s, earshot.Commit{Dialogs: []earshot.Dialog{a}, EndedDialogs: []string{"b", "unknown"}})
	equal(t, "dialogs", must(s.Dialogs(t.Context()))(t), []earshot.Dialog{a})
}

func testCallsByTag(t *testing.T, s Store) {
	for i, tags := range [][]string{{"caller:+15550100", "queue:billing"}, {"queue:billing"}, nil} {
		c := NewCall(i, earshot.CallSettled)
		c.Tags = tags
		apply(t, s, earshot.Commit{Calls: []earshot.Call{c}})
	}
	again := NewCall(2, earshot.CallSettled)
	again.Tags = []string{"queue:billing"}
	apply(t, s, earshot.Commit{Calls: []earshot.Call{again}})
	for tag, want := range map[string][]earshot.CallID{
		"queue:billing": {"call0002", "call0001", "call0000"}, "caller:+15550100": {"call0000"}, "queue": {},
	} {
		list, _, err := s.Calls(t.Context(), store.CallQuery{Tag: tag, State: "ended"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "tag "+tag, pick(list, callID), want)
	}
}

func testMetadata(t *testing.T, s Store) {
	of := func(segment earshot.SegmentID, raw string) earshot.SegmentMetadata {
		return earshot.SegmentMetadata{CallID: "c1", SegmentID: segment, Metadata: earshot.Metadata{
			Sessions: []earshot.MetaSession{{ID: "cs", Start: epoch, Extensions: []earshot.Extension{{Space: "urn:x", Name: "a/b", Value: "c"}}}},
			Raw:      []string{raw},
		}}
	}
	apply(t, s, earshot.Commit{Metadata: []earshot.SegmentMetadata{of("s2", "<two/>"), of("s1", "<one/>")}})
	apply(t, s, earshot.Commit{Metadata: []earshot.SegmentMetadata{of("s2", "<three/>")}})
	equal(t, "metadata", must(s.Metadata(t.Context(), "c1"))(t), []earshot.SegmentMetadata{of("s1", "<one/>"), of("s2", "<three/>")})
	equal(t, "of an unknown call", must(s.Metadata(t.Context(), "nobody"))(t), []earshot.SegmentMetadata{})
}
