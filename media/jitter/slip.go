package jitter

import (
	"time"

	"earshot"
)

// When the positions of a stream slip against its timestamps. Two streams of a
// call may go wrong in opposite directions, so that each has half of the 20 ms
// that their offset may be. docs/adr/0011 has the sums.
const (
	// maxOffset is how far from the arrival clock the stream may be, now or
	// foresight from now, before a slip is due.
	maxOffset = 8 * time.Millisecond
	// maxUnknown is the same before the rate of the sender's clock is known.
	maxUnknown = 6 * time.Millisecond
	// foresight is how long nobody may be silent.
	foresight = 3 * time.Minute
	// maxLead is how far ahead of the offset a slip goes, so that the offset is
	// about 0 in the middle of that time.
	maxLead = 5 * time.Millisecond
	// minSlip is the least slip that is worth it.
	minSlip = 2 * second / 1000
	// maxSlip is the most between two packets: a sixth of what concealment fills,
	// at full level. In a gap of the sender's own it may be maxGapSlip.
	maxSlip    = 10 * second / 1000
	maxGapSlip = 60 * second / 1000
	// quietBefore is how long there must have been silence, since the last slip
	// too.
	quietBefore = second / 10
	// maxDoubt bounds what the limit grows by on a restless network.
	maxDoubt = 10 * time.Millisecond
	// maxBacklog is how much more audio than time a run may begin with and still
	// be put right. What is more had been waiting at the sender, and keeps its
	// place.
	maxBacklog = 100 * time.Millisecond
	// maxTardy is how much later than those after it the first packet may be
	// without being put right: as much as a busy sender may take to begin, and
	// not enough to be worth a slip.
	maxTardy = 6 * time.Millisecond
)

// slips are the slips of a timeline, and the one that is due.
type slips struct {
	count uint64
	net   earshot.Position // later than the timestamps say
	// run is the net slip since the run began.
	run earshot.Position
	// due is by how much the positions should move; 0 if they are well.
	due earshot.Position
	// quiet is how long there has been silence.
	quiet earshot.Position
	// hushed is set when the newest packet was one without audio.
	hushed bool
}

// begin starts anew with a run.
func (s *slips) begin(p Packet) {
	s.run, s.due, s.quiet, s.hushed = 0, 0, 0, false
	if p.Quiet {
		s.quiet = p.Duration
	}
}

// SlipPending reports whether the positions should move in the next silence.
// Only then [Packet.Quiet] is looked at.
func (t *Timeline) SlipPending() bool { return t.slips.due != 0 }

// lag is how much later than its place says a packet arrived.
func (t *Timeline) lag(p Packet, pos earshot.Position) int64 {
	return p.Arrival - t.origin - int64((pos + t.longer(p)).Duration())
}

// longer is how much longer than the first one a packet is: it is sent that
// much later than its audio began.
func (t *Timeline) longer(p Packet) earshot.Position {
	if t.frame == 0 {
		t.frame = p.Duration
	}
	return p.Duration - t.frame
}

// watch takes a packet that was placed into the account of the sender's clock.
func (t *Timeline) watch(p Packet, pos earshot.Position) {
	run := int64(t.slips.run.Duration())
	if t.drift.see(p.Arrival, t.lag(p, pos)+run) {
		t.rebase(p.Arrival)
	}
	if t.drift.ripe {
		t.slips.due = t.due(p.Arrival)
	}
}

// rebase ties a run to where the sender is once it has settled: when a backlog
// is gone, or if its first packet was hardly late.
func (t *Timeline) rebase(now int64) {
	if by := t.drift.at(now, 0); by < -int64(maxBacklog) || by >= -int64(maxTardy) {
		t.origin += by
		t.drift.shift(-by)
	}
}

// due returns by how much the positions should move.
func (t *Timeline) due(now int64) earshot.Position {
	run := int64(t.slips.run.Duration())
	offset := t.drift.at(now, 0) - run
	later := t.drift.at(now, foresight) - run
	limit := int64(maxOffset)
	if !t.drift.known() {
		limit = int64(maxUnknown)
	}
	limit += min(int64(2*t.drift.restless), int64(maxDoubt))
	if max(offset, -offset, later, -later) < limit || offset < -int64(maxAhead.Duration()) {
		return 0
	}
	lead := max(-int64(maxLead), min(int64(maxLead), (later-offset)/2))
	due := earshot.PositionOf(time.Duration(offset + lead))
	if due -= due % grid; max(due, -due) < minSlip {
		return 0
	}
	return due
}

// slip returns by how much the positions move with a packet that follows at
// pos: what is due, as far as there is silence.
func (t *Timeline) slip(p Packet, ext int64, pos earshot.Position) earshot.Position {
	s, contiguous := &t.slips, ext == t.seq.max+1
	gap := pos - t.cur.position - t.cur.duration
	earlier, later := earshot.Position(0), earshot.Position(0)
	switch {
	case contiguous && (gap >= quietBefore || gap > 0 && s.hushed):
		earlier, later = min(gap, maxGapSlip), maxGapSlip
	case contiguous && gap == 0 && p.Quiet && s.quiet >= quietBefore:
		earlier, later = min(p.Duration/2, maxSlip), maxSlip
	}
	s.hear(p, gap < quietBefore)
	by := min(max(s.due, -earlier), later)
	return by - by%grid
}

// slipped reports whether two places of a packet are one slip apart.
func slipped(by earshot.Position) bool {
	return max(by, -by) <= maxGapSlip && by%grid == 0
}

// hear takes a packet into the length of the silence. A few that are missing,
// or yet to come, do not end it if those around them are quiet.
func (s *slips) hear(p Packet, follows bool) {
	s.hushed = false
	if !p.Quiet || !follows {
		s.quiet = 0
	}
	if p.Quiet {
		s.quiet += p.Duration
	}
}

// move begins to place the packets from ext on by so much later. What comes
// late from before keeps its place.
func (t *Timeline) move(ext int64, by earshot.Position) {
	t.prev = t.cur
	t.cur.first = ext
	t.cur.position += by
	t.cur.position0 += by
	t.slips.count++
	t.slips.net += by
	t.slips.run += by
	t.slips.quiet = 0
}
