package jitter

import (
	"time"

	"earshot"
)

// anchor is the newest audio packet of a run of consistent timestamps.
type anchor struct {
	ssrc      uint32
	clockRate int
	timestamp uint32
	first     int64 // extended sequence number the run began with
	seq       int64
	position  earshot.Position
	duration  earshot.Position
	arrival   int64
	// arrival0 and position0 tie the run to the arrival clock; minLag is the
	// least lag of a packet behind that tie in this window and the one before, so
	// that a sender whose clock is slow is not taken to have stopped.
	arrival0  int64
	position0 earshot.Position
	minLag    earshot.Position
	// windowLag is the least lag since windowStart.
	windowLag   earshot.Position
	windowStart int64
}

func newAnchor(p Packet, ext int64, pos earshot.Position) anchor {
	return anchor{
		ssrc: p.SSRC, clockRate: p.ClockRate, timestamp: p.Timestamp,
		first: ext, seq: ext, position: pos, duration: p.Duration,
		arrival: p.Arrival, arrival0: p.Arrival, position0: pos, windowStart: p.Arrival,
	}
}

// at returns the position of a timestamp of the run.
func (a *anchor) at(timestamp uint32) earshot.Position {
	return a.position + earshot.At(int64(int32(timestamp-a.timestamp)), a.clockRate)
}

// lag is how much later than the run's tie a packet at pos arrived.
func (a *anchor) lag(arrival int64, pos earshot.Position) earshot.Position {
	return earshot.PositionOf(time.Duration(arrival-a.arrival0)) - (pos - a.position0)
}

// see takes a packet's lag into the least lag.
func (a *anchor) see(lag earshot.Position, arrival int64) {
	if arrival-a.windowStart > int64(lagWindow) {
		a.windowStart, a.minLag, a.windowLag = arrival, min(a.windowLag, lag), lag
		return
	}
	a.minLag, a.windowLag = min(a.minLag, lag), min(a.windowLag, lag)
}

// forward returns the position of a packet that follows, and whether it can
// be trusted.
func (a *anchor) forward(p Packet, numbered bool) (earshot.Position, bool) {
	pos := a.at(p.Timestamp)
	if p.ClockRate != a.clockRate || pos <= a.position {
		return 0, false
	}
	if lag := a.lag(p.Arrival, pos) - a.minLag; lag < -maxAhead && !numbered {
		return 0, false
	}
	return pos, true
}

// behind reports whether a packet that follows at pos came so late, after a
// pause, that the sender must have stopped its timestamps or was held up.
func (a *anchor) behind(p Packet, pos earshot.Position) bool {
	lag := a.lag(p.Arrival, pos) - a.minLag
	pause := earshot.PositionOf(time.Duration(p.Arrival-a.arrival)) - (pos - a.position)
	return pause > minPause && (lag > maxBehind || p.Marker && lag > minPause)
}
