package jitter

import (
	"time"

	"earshot"
)

// Tolerances of the timeline, in ticks of [earshot.MediaClock].
const (
	second = earshot.Position(earshot.MediaClock)
	// maxAhead is how far timestamps may run ahead of the arrival clock before
	// a jump is assumed; packets numbered without a gap may always.
	maxAhead = 2 * second
	// maxBehind is how far they may fall behind before the sender is taken to
	// have stopped its timestamps (hold).
	maxBehind = 3 * second / 2
	// minPause is the pause that must come with it. A marker bit, which begins
	// a talkspurt (RFC 3551 4.1), makes it enough.
	minPause = second / 5
	// maxBack is how far back a reordered packet may belong.
	maxBack = 30 * second
	// snap is how near to the end of the audio a packet placed by the arrival
	// clock is taken to follow it directly.
	snap = 60 * second / 1000
	// lateAfter is the reorder window: what belongs further back than this from
	// the newest packet is late.
	lateAfter = second / 2
	// grid keeps positions placed by the clock on whole milliseconds, which are
	// whole samples at every rate of telephony.
	grid = second / 1000
)

// lagWindow is how long the least lag of a sender counts, twice that at the
// most: long against a stall, short against the drift of a clock.
const lagWindow = 30 * time.Second

// Packet is what the timeline needs to know of a packet.
type Packet struct {
	SSRC      uint32
	Seq       uint16
	Timestamp uint32
	ClockRate int
	// Duration is the length of its audio; 0 for a packet without audio.
	Duration earshot.Position
	// Arrival is in nanoseconds of a clock that never jumps.
	Arrival int64
	Marker  bool
	// Quiet says that nobody speaks in it. It need not be found out before
	// [Timeline.SlipPending].
	Quiet bool
}

// Place is where a packet belongs.
type Place struct {
	Position earshot.Position
	// Duplicate packets have no position.
	Duplicate bool
	// Late packets came after the reorder window of 500 ms.
	Late bool
	// Jump says that the timestamp did not continue what came before and the
	// arrival clock decided.
	Jump bool
}

// Timeline places the packets of one stream. The first packet is position 0;
// one that overtook it on the way has a negative position. It is not safe for
// concurrent use.
type Timeline struct {
	started bool
	seq     Sequence // of the current SSRC
	cur     anchor
	prev    anchor
	prevSeq Sequence
	end     earshot.Position
	jitter  interarrival
	reach   reach
	// origin is when the packet at position 0 arrived by the arrival clock, and
	// frame the length of the first audio.
	origin int64
	frame  earshot.Position
	drift  drift
	slips  slips
	// verdict is about the next packet.
	verdict verdict
}

// SSRC returns the source being followed; false before the first packet.
func (t *Timeline) SSRC() (uint32, bool) { return t.cur.ssrc, t.started }

// End returns where the audio received so far ends.
func (t *Timeline) End() earshot.Position { return t.end }

// Straggler reports whether the packet is one that the source before the
// current one still owes: reordered around the change of SSRC.
func (t *Timeline) Straggler(ssrc uint32, seq uint16) bool {
	if !t.started || ssrc != t.prev.ssrc || ssrc == t.cur.ssrc || !t.prevSeq.started {
		return false
	}
	ext := t.prevSeq.extend(seq)
	return ext <= t.prevSeq.max && ext > t.prevSeq.max-maxMisorder
}

// clock returns the position that the arrival clock gives to a packet.
func (t *Timeline) clock(p Packet) earshot.Position {
	return earshot.PositionOf(time.Duration(p.Arrival-t.origin)) - t.longer(p)
}

// Expected returns where a packet that arrives at that time would begin if it
// took as long as the newest one did. It is 0 before the first packet.
func (t *Timeline) Expected(at int64) earshot.Position {
	if !t.started {
		return 0
	}
	return t.cur.position + earshot.PositionOf(time.Duration(at-t.cur.arrival))
}

// Resume takes over a packet that was placed before the process was started,
// in the order of arrival.
func (t *Timeline) Resume(p Packet, pos earshot.Position) {
	ahead := int64(0)
	if t.started {
		ahead = t.seq.extend(p.Seq) - t.seq.max
	}
	if !t.started {
		t.origin = p.Arrival - int64(pos.Duration())
	}
	if !t.started || p.SSRC != t.cur.ssrc || ahead > maxDropout || ahead <= -maxMisorder {
		t.prev, t.prevSeq = t.cur, t.seq
		t.seq.start(p.Seq)
		t.run(p, t.seq.max, pos)
		t.jitter.first(p)
		t.started = true
	}
	ext := t.seq.extend(p.Seq)
	t.seq.add(ext)
	switch {
	case p.Duration == 0 || pos < t.cur.position:
	case t.cur.at(p.Timestamp) == pos:
		t.advance(p, ext, pos)
	case slipped(pos - t.cur.at(p.Timestamp)):
		t.move(ext, pos-t.cur.at(p.Timestamp))
		t.advance(p, ext, pos)
	default:
		t.prev = t.cur
		t.run(p, ext, pos)
	}
	t.end = max(t.end, pos+p.Duration)
}

// Place decides where the packet belongs, once and for all.
func (t *Timeline) Place(p Packet) Place {
	place := t.place(p)
	t.verdict.decided, t.verdict.stalled = false, false
	return place
}

func (t *Timeline) place(p Packet) Place {
	switch {
	case !t.started:
		return t.begin(p)
	case t.Straggler(p.SSRC, p.Seq):
		return t.straggle(p)
	case p.SSRC != t.cur.ssrc:
		t.keepSource()
		t.seq.start(p.Seq)
		return t.jump(p, t.seq.max)
	}
	ext := t.seq.extend(p.Seq)
	switch ahead := ext - t.seq.max; {
	case ahead <= 0 && ahead > -maxMisorder:
		return t.reordered(p, ext)
	case ahead > 0 && ahead <= maxDropout:
		return t.forward(p, ext)
	case ahead > 0 && t.steady(p):
		return t.forward(p, ext)
	}
	return t.restart(p)
}

func (t *Timeline) begin(p Packet) Place {
	t.started = true
	t.seq.start(p.Seq)
	t.seq.add(t.seq.max)
	t.origin = p.Arrival
	t.run(p, t.seq.max, 0)
	t.end = p.Duration
	t.jitter.first(p)
	return Place{}
}

// run begins a run of consistent timestamps.
func (t *Timeline) run(p Packet, ext int64, pos earshot.Position) {
	t.cur = newAnchor(p, ext, pos)
	t.drift.begin(p.Arrival, t.lag(p, pos))
	t.slips.begin(p)
}

// forward places a packet with a new highest sequence number.
func (t *Timeline) forward(p Packet, ext int64) Place {
	numbered := t.numbered(p, ext)
	pos, ok := t.follows(p, numbered)
	if p.Duration == 0 {
		t.seq.add(ext)
		t.slips.hushed = true
		return Place{Position: t.silent(p)}
	}
	if !ok {
		return t.jump(p, ext)
	}
	if by := t.slip(p, ext, pos); by != 0 {
		t.move(ext, by)
		pos += by
	}
	t.seq.add(ext)
	t.advance(p, ext, pos)
	return Place{Position: pos}
}

// follows returns the position of a packet that goes on with the run, and
// whether it does.
func (t *Timeline) follows(p Packet, numbered bool) (earshot.Position, bool) {
	pos, ok := t.cur.forward(p, numbered)
	return pos, ok && (t.verdict.stalled || !t.cur.behind(p, pos))
}

// advance makes the packet the newest of the run.
func (t *Timeline) advance(p Packet, ext int64, pos earshot.Position) {
	a := &t.cur
	a.timestamp, a.seq, a.position, a.duration, a.arrival = p.Timestamp, ext, pos, p.Duration, p.Arrival
	a.see(a.lag(p.Arrival, pos), p.Arrival)
	t.watch(p, pos)
	t.reach.see(0, p.Arrival)
	t.end = max(t.end, pos+p.Duration)
	t.jitter.add(p)
}

// silent places a packet without audio, which moves nothing.
func (t *Timeline) silent(p Packet) earshot.Position {
	pos := t.cur.at(p.Timestamp)
	if p.ClockRate != t.cur.clockRate || pos > t.end+maxBack || pos < t.end-maxBack {
		return t.end
	}
	return pos
}

// reordered places a packet whose number is not above the highest.
func (t *Timeline) reordered(p Packet, ext int64) Place {
	a := &t.cur
	if ext < a.first && t.prev.ssrc == p.SSRC {
		a = &t.prev
	}
	pos, known := a.at(p.Timestamp), a.clockRate == p.ClockRate
	known = known && pos > a.position-maxBack && pos <= a.position+a.duration
	if !known && p.Duration > 0 {
		return t.restart(p)
	}
	if t.seq.add(ext) {
		return Place{Duplicate: true}
	}
	if p.Duration == 0 {
		return Place{Position: t.silent(p)}
	}
	if !p.Quiet {
		t.slips.quiet = 0
	}
	t.jitter.add(p)
	t.reach.see(t.cur.position+t.cur.duration-pos, p.Arrival)
	t.end = max(t.end, pos+p.Duration)
	return Place{Position: pos, Late: t.cur.position-pos > lateAfter}
}

// straggle places a packet of the source before.
func (t *Timeline) straggle(p Packet) Place {
	ext := t.prevSeq.extend(p.Seq)
	if t.prevSeq.has(ext) {
		t.seq.received++
		t.seq.duplicates++
		return Place{Duplicate: true}
	}
	t.prevSeq.add(ext)
	t.seq.received++
	pos := t.prev.at(p.Timestamp)
	if p.Duration == 0 || pos > t.prev.position || pos < t.prev.position-maxBack {
		return Place{Position: t.end}
	}
	return Place{Position: pos, Late: t.cur.position-pos > lateAfter}
}

// restart follows a sender that began to count anew under the same SSRC, or
// was away for longer than the sequence numbers can tell.
func (t *Timeline) restart(p Packet) Place {
	pos, ok := t.follows(p, false)
	t.seq.start(p.Seq)
	t.seq.add(t.seq.max)
	if p.Duration == 0 {
		return Place{Position: t.silent(p)}
	}
	if !ok {
		return t.jumpCounted(p, t.seq.max)
	}
	t.cur.first = t.seq.max
	t.advance(p, t.seq.max, pos)
	return Place{Position: pos}
}

func (t *Timeline) jump(p Packet, ext int64) Place {
	t.seq.add(ext)
	return t.jumpCounted(p, ext)
}

// jumpCounted begins a new run at the place the arrival clock gives.
func (t *Timeline) jumpCounted(p Packet, ext int64) Place {
	pos := t.clock(p)
	if t.verdict.decided {
		pos = t.verdict.position
	}
	pos -= pos % grid
	if pos < t.end+snap {
		pos = t.end
	}
	t.prev = t.cur
	t.run(p, ext, pos)
	t.end = max(t.end, pos+p.Duration)
	t.jitter.first(p)
	return Place{Position: pos, Jump: true}
}

// keepSource remembers the sequence numbers of the source that ends here.
func (t *Timeline) keepSource() { t.prevSeq = t.seq }

// numbered reports whether the timestamp fits the sequence number: as much
// further as the packets between are long.
func (t *Timeline) numbered(p Packet, ext int64) bool {
	a := &t.cur
	want := a.position + a.duration*earshot.Position(ext-a.seq)
	off := a.at(p.Timestamp) - want
	return a.duration > 0 && max(off, -off) <= a.duration
}

// steady reports whether the timestamp agrees with the arrival clock.
func (t *Timeline) steady(p Packet) bool {
	_, ok := t.follows(p, false)
	return ok
}
