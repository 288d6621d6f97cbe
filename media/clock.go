package media

import "time"

// clock tells nanoseconds since 1970 that never jump: the wall clock as it was
// at the start and the monotonic clock from then on.
type clock struct{ base time.Time }

func newClock() clock { return clock{base: time.Now()} }

func (c clock) at(t time.Time) int64 { return c.base.UnixNano() + int64(t.Sub(c.base)) }

func (c clock) now() int64 { return c.at(time.Now()) }
