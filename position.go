package earshot

import "time"

// MediaClock is the rate of a [Position] in ticks per second. Every sample
// rate of telephony (8, 12, 16, 24, 48 kHz) divides it, so that positions
// stay exact when a stream changes its codec.
const MediaClock = 48000

// Position is a place on a stream's own timeline in ticks of 1/48000 s since
// the stream's first packet. Lengths of audio are written in the same unit.
type Position int64

// At returns the position of sample n of audio with rate samples per second.
func At(n int64, rate int) Position { return Position(n * MediaClock / int64(rate)) }

// Samples returns how many samples of rate per second lie before p, rounded
// down.
func (p Position) Samples(rate int) int64 { return int64(p) * int64(rate) / MediaClock }

// Duration returns the length of audio before p.
func (p Position) Duration() time.Duration {
	return time.Duration(int64(p)/MediaClock)*time.Second +
		time.Duration(int64(p)%MediaClock)*time.Second/MediaClock
}

// PositionOf returns the position d after the start of a stream, rounded down.
func PositionOf(d time.Duration) Position {
	return Position(int64(d/time.Second)*MediaClock + int64(d%time.Second)*MediaClock/int64(time.Second))
}
