// Package event understands telephone events in RTP (RFC 4733): keys that
// somebody pressed, sent as what they are and not as tones. [Parse] reads a
// payload, [Tracker] makes whole events of many payloads, whatever was lost,
// reordered or sent again.
package event

import (
	"encoding/binary"
	"errors"
)

// The events that are understood (RFC 4733 3.2): digits, *, #, A to D, and the
// hook flash.
const (
	Star  = 10
	Hash  = 11
	Flash = 16

	maxCode = Flash
)

// blockSize is one event in a payload (RFC 4733 2.3).
const blockSize = 4

// ErrShort says that a payload does not hold a whole event.
var ErrShort = errors.New("telephone event is too short")

// Block is one event in a payload, as far as it has come.
type Block struct {
	Code uint8
	// End says that the event is over.
	End bool
	// Duration is since the start of the event, or of this segment of it, in
	// units of the RTP timestamp.
	Duration uint16
}

// Parse appends the events of a payload to dst. Volume is passed over: it says
// how to play a tone. So are octets behind the last whole event, and padding:
// events of code and length 0 behind the first. All but the last event of a
// payload are over (RFC 4733 2.5.1.5).
func Parse(dst []Block, payload []byte) ([]Block, error) {
	if len(payload) < blockSize {
		return dst, ErrShort
	}
	first := len(dst)
	for ; len(payload) >= blockSize; payload = payload[blockSize:] {
		b := Block{Code: payload[0], End: payload[1]&0x80 != 0, Duration: binary.BigEndian.Uint16(payload[2:])}
		if len(dst) > first {
			if b.Code == 0 && b.Duration == 0 {
				continue
			}
			dst[len(dst)-1].End = true
		}
		dst = append(dst, b)
	}
	return dst, nil
}

// Append appends the payload of one event. volume is the power in -dBm0, 0 to
// 63.
func Append(dst []byte, b Block, volume uint8) []byte {
	second := volume & 0x3f
	if b.End {
		second |= 0x80
	}
	return binary.BigEndian.AppendUint16(append(dst, b.Code, second), b.Duration)
}

const digits = "0123456789*#ABCD"

// Digit returns the key of an event, "" for one that is not understood.
func Digit(code uint8) string {
	switch {
	case int(code) < len(digits):
		return digits[code : code+1]
	case code == Flash:
		return "flash"
	}
	return ""
}

// Code returns the event of a key of a telephone.
func Code(key rune) (code uint8, ok bool) {
	for i, d := range digits {
		if d == key || d|0x20 == key && d >= 'A' {
			return uint8(i), true
		}
	}
	return 0, false
}
