package access

import (
	"sync"
	"time"
)

// How guessing is slowed down: so many wrong passwords in a row are free, then
// each next try must wait, twice as long as the one before.
const (
	freeTries = 5
	firstWait = 2 * time.Second
	maxWait   = 15 * time.Minute
	// forgetAfter is how long after the last wrong password a name is forgotten.
	forgetAfter = time.Hour
	maxNames    = 10_000
)

// limiter counts wrong passwords by name: a login, or an address they came
// from.
type limiter struct {
	now func() time.Time

	mu    sync.Mutex
	names map[string]*tries
}

type tries struct {
	wrong int
	last  time.Time
}

func newLimiter(now func() time.Time) *limiter {
	return &limiter{now: now, names: map[string]*tries{}}
}

// wait returns how long the names must wait before their next try, 0 if they
// need not.
func (l *limiter) wait(names ...string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := time.Duration(0)
	for _, name := range names {
		if t := l.names[name]; t != nil && t.wrong >= freeTries {
			pause := min(firstWait<<min(t.wrong-freeTries, 20), maxWait)
			longest = max(longest, pause-l.now().Sub(t.last))
		}
	}
	return longest
}

// failed counts a wrong password.
func (l *limiter) failed(names ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.names) >= maxNames {
		l.forget()
	}
	for _, name := range names {
		t := l.names[name]
		if t == nil || l.now().Sub(t.last) > forgetAfter {
			t = &tries{}
			l.names[name] = t
		}
		t.wrong++
		t.last = l.now()
	}
}

// forget makes room: names whose time is over, or all if there are none.
func (l *limiter) forget() {
	for name, t := range l.names {
		if l.now().Sub(t.last) > forgetAfter {
			delete(l.names, name)
		}
	}
	if len(l.names) >= maxNames {
		clear(l.names)
	}
}

// succeeded forgets the wrong passwords of a name.
func (l *limiter) succeeded(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.names, name)
}
