package jitter

import (
	"time"

	"earshot"
)

// What is behind the arrival clock after a pause either was sent late (hold:
// the sender had stopped its timestamps) or came late (stall: sender or network
// deliver at once what had waited). Only the packets that follow tell: after a
// hold they come at the pace of real time, after a stall faster.
const (
	// Patience is how long packets are worth being held back to tell, and MaxHeld
	// how many.
	Patience = 100 * time.Millisecond
	MaxHeld  = 64
	// surplus is how much more audio than time makes a stall certain, unless
	// half of what is missing is less. A sender that was on hold may begin with
	// the packets of a jitter buffer.
	surplus = second / 5
	// hurried is the least surplus that counts when nothing more will come.
	hurried = 2 * second / 50
)

// verdict is what was decided about the next packet.
type verdict struct {
	decided bool
	stalled bool
	// position is that of the packet after a hold.
	position earshot.Position
}

// Doubtful reports whether only the packets after this one can tell where it
// belongs. It may be placed all the same, and is taken to come after a hold.
func (t *Timeline) Doubtful(p Packet) bool {
	a := &t.cur
	if p.Arrival-a.arrival < int64(minPause.Duration()) || !t.started || p.SSRC != a.ssrc || p.Duration == 0 {
		return false
	}
	ahead := t.seq.extend(p.Seq) - t.seq.max
	if ahead <= 0 || ahead > maxDropout || p.ClockRate != a.clockRate {
		return false
	}
	pos := a.at(p.Timestamp)
	return pos > a.position && a.behind(p, pos)
}

// Stalled reports whether a doubtful packet and those that followed it, in the
// order of arrival, tell for certain that they were stalled.
func (t *Timeline) Stalled(held []Packet) bool {
	a := &t.cur
	missing := a.lag(held[0].Arrival, a.at(held[0].Timestamp)) - a.minLag
	more, _ := gain(held)
	return more >= min(surplus, missing/2)
}

// Decide settles where a doubtful packet belongs, by those that followed it in
// the order of arrival. They must be placed next, in this order.
func (t *Timeline) Decide(held []Packet) {
	more, elapsed := gain(held)
	t.verdict = verdict{decided: true, stalled: t.Stalled(held) || more >= hurried && more > 2*elapsed}
	if t.verdict.stalled {
		return
	}
	first := held[0]
	pos := t.clock(first)
	for _, p := range held[1:] { // the one that was least delayed
		if back, ok := apart(first, p); ok {
			pos = min(pos, t.clock(p)-back)
		}
	}
	t.verdict.position = pos
}

// gain is how much more audio than time came after the first packet, and the
// time.
func gain(held []Packet) (more, elapsed earshot.Position) {
	audio, first, last := earshot.Position(0), held[0], held[len(held)-1]
	for _, p := range held[1:] {
		if length, ok := apart(first, p); ok {
			audio = max(audio, length)
		}
	}
	elapsed = earshot.PositionOf(time.Duration(last.Arrival - first.Arrival))
	return audio - elapsed, elapsed
}

// apart returns how much later than the first packet's the audio of another
// one begins; false if they are not of one run.
func apart(first, p Packet) (earshot.Position, bool) {
	if p.SSRC != first.SSRC || p.ClockRate != first.ClockRate {
		return 0, false
	}
	length := earshot.At(int64(int32(p.Timestamp-first.Timestamp)), p.ClockRate)
	return length, max(length, -length) < maxBack
}
