package crm

import (
	"cmp"
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"

	"earshot"
)

// maxWait is how long a look-up or a delivery waits for its turn; one that would
// wait longer comes again later and leaves the worker to others.
const maxWait = 5 * time.Second

// limits keeps what goes to each connector within what it takes.
type limits map[string]*rate.Limiter

func newLimits(connectors []Connector, m *Mapping) limits {
	out := limits{}
	for _, c := range connectors {
		perMinute := m.PerMinute(c.Name())
		if l, ok := c.(Limited); ok {
			perMinute = cmp.Or(perMinute, l.PerMinute())
		}
		if perMinute > 0 {
			out[c.Name()] = rate.NewLimiter(rate.Limit(perMinute)/60, max(1, perMinute/6))
		}
	}
	return out
}

// wait returns when it is the connector's turn, or the error that says when it
// will be.
func (l limits) wait(ctx context.Context, connector string) error {
	limiter := l[connector]
	if limiter == nil {
		return nil
	}
	turn := limiter.Reserve()
	delay := turn.Delay()
	if delay > maxWait {
		turn.Cancel()
		return &earshot.RetryAfterError{Err: errors.New("as much was sent this minute as the receiver takes"), After: delay}
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		turn.Cancel()
		return ctx.Err()
	}
}
