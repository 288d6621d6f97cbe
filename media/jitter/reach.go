package jitter

import (
	"time"

	"earshot"
)

// reachWindow is how long a late packet counts, twice that at the most.
const reachWindow = 10 * time.Second

// reach is how far back packets have lately been reordered. It grows at once,
// unlike the jitter of RFC 3550, which a packet moves by a sixteenth.
type reach struct {
	now, before earshot.Position // the most in this window and the last one
	start       int64
}

// see takes a packet that begins so much before the end of the newest one, 0 if
// it is the newest.
func (r *reach) see(back earshot.Position, arrival int64) {
	if since := arrival - r.start; since > int64(reachWindow) {
		r.before, r.now, r.start = r.now, 0, arrival
		if since > 2*int64(reachWindow) {
			r.before = 0
		}
	}
	r.now = max(r.now, back)
}

func (r *reach) duration() time.Duration { return max(r.now, r.before).Duration() }
