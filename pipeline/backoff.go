package pipeline

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// Backoff is exponential with full jitter: attempt n is followed by a wait
// spread evenly between 0 and Base * 2^(n-1), and never over Max.
type Backoff struct {
	Base time.Duration // default 1 s
	Max  time.Duration // default 10 min
}

func (b Backoff) withDefaults(d Backoff) Backoff {
	b.Base = cmp.Or(b.Base, d.Base)
	b.Max = max(cmp.Or(b.Max, d.Max), b.Base)
	return b
}

// Delay returns the wait after attempt n, counted from 1.
func (b Backoff) Delay(n int) time.Duration {
	return rand.N(b.ceiling(n)) + 1
}

func (b Backoff) ceiling(n int) time.Duration {
	d := b.Base
	for range n - 1 {
		if d >= b.Max/2 {
			return b.Max
		}
		d *= 2
	}
	return min(d, b.Max)
}
