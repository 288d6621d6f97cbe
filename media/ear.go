package media

import (
	"math"
	"slices"
	"time"

	"earshot/media/codec"
)

// Levels as the mean square of samples of 16 bits.
const (
	// silent is -50 dBFS.
	silent = 1 << 30 * 1e-5
	// loudestNoise is -35 dBFS: louder than that no line is noisy.
	loudestNoise = 1 << 30 * 3.162e-4
	// fromNoise is 3 dB: noise varies by less from packet to packet, and what
	// varies by more is none.
	fromNoise = 2
)

// noiseWindow is how long the least level counts as that of the line, twice
// that at the most.
const noiseWindow = 5 * time.Second

// ear tells whether somebody speaks in the packets of a stream. It listens
// while a slip of the timeline is pending, and has a decoder of its own.
type ear struct {
	format  *payloadType
	decoder codec.Decoder
	pcm     []int16
	recent  [5]float64 // levels of the newest packets
	heard   int        // how many there were
	// least is the least mean of recent since windowStart, and before that of the window
	// before; both begin with since.
	least, before      float64
	since, windowStart int64
}

// rest forgets what was heard.
func (e *ear) rest() {
	if e.decoder != nil {
		*e = ear{pcm: e.pcm}
	}
}

// quiet reports whether nobody speaks in the payload: it is below -50 dBFS, or
// as loud as the noise of the line.
func (e *ear) quiet(pt *payloadType, payload []byte, at int64) bool {
	power, ok := e.power(pt, payload)
	if !ok {
		return false
	}
	e.learn(power, at)
	noise := min(e.least, e.before)
	known := at-e.since >= int64(noiseWindow)/2 && noise < loudestNoise
	return power < silent || known && power < fromNoise*noise && power > noise/fromNoise
}

// power decodes the payload and returns its mean square.
func (e *ear) power(pt *payloadType, payload []byte) (float64, bool) {
	if e.format != pt {
		e.rest()
		d, err := codec.New(pt.format)
		if err != nil {
			return 0, false
		}
		e.format, e.decoder = pt, d
	}
	n := e.decoder.Samples(payload)
	e.pcm = slices.Grow(e.pcm[:0], n)[:n]
	n, err := e.decoder.Decode(e.pcm, payload)
	if err != nil || n == 0 {
		return 0, false
	}
	sum := 0.0
	for _, s := range e.pcm[:n] {
		sum += float64(s) * float64(s)
	}
	return sum / float64(n), true
}

// learn takes the level of a packet into that of the line.
func (e *ear) learn(power float64, at int64) {
	if e.heard == 0 {
		e.least, e.before = math.MaxFloat64, math.MaxFloat64
		e.since, e.windowStart = at, at
	}
	e.recent[e.heard%len(e.recent)] = power
	if e.heard++; e.heard < len(e.recent) {
		return
	}
	level := 0.0
	for _, p := range e.recent {
		level += p / float64(len(e.recent))
	}
	if at-e.windowStart > int64(noiseWindow) {
		e.before, e.least, e.windowStart = e.least, level, at
	}
	e.least = min(e.least, level)
}

// quiet reports whether a slip may take place in the packet just parsed. It
// listens only as long as one is pending.
func (s *Stream) quiet(pt *payloadType, at int64) bool {
	if !s.timeline.SlipPending() {
		s.ear.rest()
		return false
	}
	return pt.layout != nil && s.ear.quiet(pt, s.packet.Payload, at)
}
