package media

import "time"

// pace is how long things may wait. To do many packets at a time is what makes
// them cheap (docs/performance.md). What a killed process loses is less than
// tick and flush together, which is less than 500 ms.
type pace struct {
	// tick is how long packets may gather in the sockets before they are read.
	// Their time of arrival is the kernel's.
	tick time.Duration
	// flush is how often what was received goes to the system.
	flush time.Duration
	// ring is how many packets of a stream are kept in memory: for live reading,
	// and to know what redundancy repeats (RFC 2198).
	ring int
}

// heard is the pace of streams that somebody hears: two packets of 20 ms at a
// time, which are heard 15 ms later than with one each 10 ms. 20 packets of PCMU
// to a flush are a page of the disk. The ring holds 1.5 s.
var heard = pace{tick: 40 * time.Millisecond, flush: 400 * time.Millisecond, ring: 75}

// unheard is the pace of streams that are only recorded.
var unheard = pace{tick: 120 * time.Millisecond, flush: 360 * time.Millisecond, ring: 8}
