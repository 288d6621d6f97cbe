package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"earshot"
)

func testEvents(t *testing.T, s Store) {
	ctx := t.Context()
	nanos := NewEvent("a", "c1", earshot.EventCallStarted)
	nanos.At = epoch.Add(789 * time.Nanosecond).In(time.FixedZone("", 3600))
	input := []earshot.Event{nanos, NewEvent("b", "c2", earshot.EventCallStarted), NewEvent("a", "c9", earshot.EventCallEnded)}
	got := apply(t, s, earshot.Commit{Events: input})
	equal(t, "new events", pick(got, eventID), []string{"a", "b"})
	equal(t, "the caller's events", input[0].Seq, 0)
	equal(t, "time", got[0].At, epoch)
	apply(t, s, earshot.Commit{Events: []earshot.Event{NewEvent("c", "c1", earshot.EventCallEnded)}})
	all := must(s.EventsAfter(ctx, 0, "", 10))(t)
	equal(t, "events as applied", all[:2], got)
	equal(t, "all", pick(all, eventID), []string{"a", "b", "c"})
	equal(t, "after the first", pick(must(s.EventsAfter(ctx, all[0].Seq, "", 10))(t), eventID), []string{"b", "c"})
	equal(t, "of one call", pick(must(s.EventsAfter(ctx, 0, "c1", 10))(t), eventID), []string{"a", "c"})
	equal(t, "limited", pick(must(s.EventsAfter(ctx, 0, "", 1))(t), eventID), []string{"a"})
	equal(t, "last", must(s.LastSeq(ctx))(t), all[2].Seq)
	equal(t, "data", all[2].Data, json.RawMessage(`{"id":"c"}`))
}

func testOnCommit(t *testing.T, s Store) {
	calls := make(chan []earshot.Event, 8)
	s.OnCommit(func(events []earshot.Event) { calls <- slices.Clone(events) })
	event := NewEvent("a", "c1", earshot.EventCallStarted)
	apply(t, s, earshot.Commit{Events: []earshot.Event{event, NewEvent("b", "c1", earshot.EventCallEnded)}})
	equal(t, "events", pick(<-calls, eventID), []string{"a", "b"})
	// A commit without events, or with known ones, may bring a job.
	apply(t, s, earshot.Commit{Events: []earshot.Event{event}})
	equal(t, "events", pick(<-calls, eventID), []string{})
}

func testOutbox(t *testing.T, s Store) {
	ctx := t.Context()
	var list []earshot.Event
	for i, id := range []string{"a", "b", "c", "d"} {
		e := NewEvent(id, "c1", earshot.EventCallUpdated)
		e.At = epoch.Add(time.Duration(i) * time.Second)
		list = append(list, e)
	}
	list = apply(t, s, earshot.Commit{Events: list})
	equal(t, "limited", pick(must(s.Unpublished(ctx, 0, 2))(t), eventID), []string{"a", "b"})
	equal(t, "after the second", pick(must(s.Unpublished(ctx, list[1].Seq, 9))(t), eventID), []string{"c", "d"})
	if err := s.MarkPublished(ctx, []int64{list[0].Seq, list[2].Seq}); err != nil {
		t.Fatal(err)
	}
	equal(t, "unpublished", pick(must(s.Unpublished(ctx, 0, 9))(t), eventID), []string{"b", "d"})
	if err := s.MarkPublished(ctx, []int64{list[1].Seq, list[3].Seq}); err != nil {
		t.Fatal(err)
	}
	if err := s.MarkPublished(ctx, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "unpublished", pick(must(s.Unpublished(ctx, 0, 9))(t), eventID), []string{})
	if err := s.Republish(ctx, epoch.Add(2*time.Second)); err != nil {
		t.Fatal(err)
	}
	equal(t, "published again", pick(must(s.Unpublished(ctx, 0, 9))(t), eventID), []string{"c", "d"})
}

// job returns a job in a lane that may run some seconds after epoch.
func job(lane, key string, after int) earshot.Job {
	j := earshot.NewJob(earshot.JobAssist, "c1", key, map[string]string{"k": key})
	j.Lane, j.CreatedAt = lane, epoch
	j.RunAt = epoch.Add(time.Duration(after) * time.Second)
	return j
}

func due(t *testing.T, s Store, after, limit int, busy ...string) []earshot.Job {
	t.Helper()
	return must(s.DueJobs(t.Context(), epoch.Add(time.Duration(after)*time.Second), limit, busy))(t)
}

func testJobsAreUnique(t *testing.T, s Store) {
	j := job("lane", "k", 0)
	apply(t, s, earshot.Commit{Jobs: []earshot.Job{j}})
	first := due(t, s, 0, 10)
	if len(first) != 1 || first[0].ID == 0 {
		t.Fatalf("due jobs %+v", first)
	}
	j.ID = first[0].ID
	equal(t, "job", first[0], j)
	other := job("lane", "k", 0)
	other.Kind = earshot.JobNote
	apply(t, s, earshot.Commit{Done: []int64{j.ID}})
	apply(t, s, earshot.Commit{Jobs: []earshot.Job{job("elsewhere", "k", 9), other}})
	list := must(s.Jobs(t.Context(), "", 10))(t)
	equal(t, "kinds, newest first", pick(list, func(j earshot.Job) earshot.JobKind { return j.Kind }),
		[]earshot.JobKind{earshot.JobNote, earshot.JobAssist})
	equal(t, "done", pick(must(s.Jobs(t.Context(), earshot.JobDone, 10))(t), jobKey), []string{"k"})
	equal(t, "attempts of the done one", list[1].Attempts, 1)
}

func testJobLanes(t *testing.T, s Store) {
	apply(t, s, earshot.Commit{Jobs: []earshot.Job{
		job("a", "a-later", 60), job("a", "a1", 0), job("a", "a2", 0), job("b", "b1", 10), job("c", "c1", 0),
	}})
	equal(t, "first of each lane", pick(due(t, s, 0, 10), jobKey), []string{"a1", "c1"})
	equal(t, "limited", pick(due(t, s, 0, 1), jobKey), []string{"a1"})
	equal(t, "lane a busy", pick(due(t, s, 0, 10, "a", "unknown"), jobKey), []string{"c1"})
	equal(t, "after 10 s", pick(due(t, s, 10, 10), jobKey), []string{"a1", "b1", "c1"})
	equal(t, "after 60 s", pick(due(t, s, 60, 10), jobKey), []string{"a-later", "b1", "c1"})
	apply(t, s, earshot.Commit{Done: []int64{due(t, s, 0, 1)[0].ID}})
	equal(t, "a1 done", pick(due(t, s, 0, 10), jobKey), []string{"a2", "c1"})
}

func testJobAttempts(t *testing.T, s Store) {
	ctx := t.Context()
	apply(t, s, earshot.Commit{Jobs: []earshot.Job{job("a", "k", 0), job("a", "next", 0)}})
	id := due(t, s, 0, 1)[0].ID
	if err := s.RetryJob(ctx, id, epoch.Add(time.Minute), "no answer"); err != nil {
		t.Fatal(err)
	}
	equal(t, "one that waits for a retry lets others by", pick(due(t, s, 0, 10), jobKey), []string{"next"})
	j := due(t, s, 60, 1)[0]
	if j.Key != "k" || j.Attempts != 1 || j.LastError != "no answer" {
		t.Errorf("retried job %+v", j)
	}
	if err := s.KillJob(ctx, id, "gone"); err != nil {
		t.Fatal(err)
	}
	equal(t, "due", pick(due(t, s, 60, 10), jobKey), []string{"next"})
	j = must(s.Jobs(ctx, earshot.JobDead, 10))(t)[0]
	if j.Key != "k" || j.Attempts != 2 || j.LastError != "gone" {
		t.Errorf("dead job %+v", j)
	}
	if err := s.RetryJob(ctx, id, epoch, "x"); !errors.Is(err, earshot.ErrNotFound) {
		t.Errorf("retry of a dead job: %v", err)
	}
}

func testJobReplay(t *testing.T, s Store) {
	ctx := t.Context()
	poison := job("p", "poison", 0)
	poison.Kind, poison.State, poison.LastError = earshot.JobPoison, earshot.JobDead, "unreadable"
	apply(t, s, earshot.Commit{Jobs: []earshot.Job{job("a", "a", 0), job("b", "b", 0), job("c", "c", 0), poison}})
	for _, j := range due(t, s, 0, 10) {
		if err := s.KillJob(ctx, j.ID, "gone"); err != nil {
			t.Fatal(err)
		}
	}
	dead := must(s.Jobs(ctx, earshot.JobDead, 10))(t)
	equal(t, "dead, newest first", pick(dead, jobKey), []string{"poison", "c", "b", "a"})
	if err := s.ReplayJob(ctx, dead[2].ID); err != nil {
		t.Fatal(err)
	}
	now := int(time.Since(epoch).Seconds()) + 60 // a replayed job is due at the clock of the store
	again := due(t, s, now, 10)
	if len(again) != 1 || again[0].Key != "b" || again[0].Attempts != 0 {
		t.Errorf("replayed %+v", again)
	}
	equal(t, "replayed", must(s.ReplayDead(ctx))(t), 2)
	equal(t, "due", pick(due(t, s, now, 10), jobKey), []string{"a", "b", "c"})
	equal(t, "still dead", pick(must(s.Jobs(ctx, earshot.JobDead, 10))(t), jobKey), []string{"poison"})
}
