package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"earshot"
)

// memStore is the store in memory, as far as the pipeline sees it.
type memStore struct {
	mu        sync.Mutex
	events    []earshot.Event
	published map[int64]bool
	jobs      map[int64]earshot.Job
	keys      map[string]bool
	commits   []earshot.Commit
	applyErr  func(earshot.Commit) error
	retryErr  func() error
	dueCalls  int
}

var (
	_ JobStore = (*memStore)(nil)
	_ JobSink  = (*memStore)(nil)
	_ Outbox   = (*memStore)(nil)
)

func newMemStore() *memStore {
	return &memStore{published: map[int64]bool{}, jobs: map[int64]earshot.Job{}, keys: map[string]bool{}}
}

func (s *memStore) Apply(_ context.Context, c earshot.Commit) ([]earshot.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.applyErr != nil {
		if err := s.applyErr(c); err != nil {
			return nil, err
		}
	}
	s.commits = append(s.commits, c)
	for _, j := range c.Jobs {
		if key := string(j.Kind) + "\x00" + j.Key; !s.keys[key] {
			s.keys[key] = true
			j.ID = int64(len(s.jobs) + 1)
			s.jobs[j.ID] = j
		}
	}
	for _, id := range c.Done {
		j := s.jobs[id]
		j.State = earshot.JobDone
		s.jobs[id] = j
	}
	var stored []earshot.Event
	for _, e := range c.Events {
		e.Seq = int64(len(s.events) + 1)
		s.events = append(s.events, e)
		stored = append(stored, e)
	}
	return stored, nil
}

func (s *memStore) DueJobs(_ context.Context, now time.Time, limit int, busy []string) ([]earshot.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dueCalls++
	var due []earshot.Job
	for _, j := range s.sorted() {
		if j.State == earshot.JobPending && !j.RunAt.After(now) && !slices.Contains(busy, j.Lane) {
			due = append(due, j)
		}
	}
	return due[:min(limit, len(due))], nil
}

func (s *memStore) RetryJob(_ context.Context, id int64, runAt time.Time, msg string) error {
	return s.update(id, func(j *earshot.Job) { j.Attempts++; j.RunAt = runAt; j.LastError = msg })
}

func (s *memStore) KillJob(_ context.Context, id int64, msg string) error {
	return s.update(id, func(j *earshot.Job) { j.Attempts++; j.State = earshot.JobDead; j.LastError = msg })
}

func (s *memStore) update(id int64, f func(*earshot.Job)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.retryErr != nil {
		if err := s.retryErr(); err != nil {
			return err
		}
	}
	j, ok := s.jobs[id]
	if !ok {
		return earshot.ErrNotFound
	}
	f(&j)
	s.jobs[id] = j
	return nil
}

func (s *memStore) Unpublished(_ context.Context, after int64, limit int) ([]earshot.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []earshot.Event
	for _, e := range s.events {
		if e.Seq > after && !s.published[e.Seq] && len(out) < limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *memStore) MarkPublished(_ context.Context, seqs []int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range seqs {
		s.published[q] = true
	}
	return nil
}

func (s *memStore) Republish(_ context.Context, since time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if !e.At.Before(since) {
			delete(s.published, e.Seq)
		}
	}
	return nil
}

// sorted returns the jobs by ID; mu is held.
func (s *memStore) sorted() []earshot.Job {
	return slices.SortedFunc(maps.Values(s.jobs), func(a, b earshot.Job) int { return cmp.Compare(a.ID, b.ID) })
}

func (s *memStore) all() []earshot.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sorted()
}

func (s *memStore) job(id int64) earshot.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.jobs[id]
}

func (s *memStore) keysOf(kind earshot.JobKind) []string {
	var keys []string
	for _, j := range s.all() {
		if j.Kind == kind {
			keys = append(keys, j.Key)
		}
	}
	return keys
}

func (s *memStore) publishedCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.published)
}

func (s *memStore) setApplyErr(f func(earshot.Commit) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applyErr = f
}

// addEvents commits n events of a type and returns the keys of the jobs that
// assistJob makes of them.
func (s *memStore) addEvents(t earshot.EventType, from, n int) []string {
	var c earshot.Commit
	var keys []string
	for i := range n {
		key := fmt.Sprintf("u%04d", from+i)
		c.Events = append(c.Events, earshot.NewEvent(t, "call1", key))
		keys = append(keys, key)
	}
	if _, err := s.Apply(context.Background(), c); err != nil {
		panic(err)
	}
	return keys
}
