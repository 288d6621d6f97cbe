package codec

import (
	"fmt"

	"earshot"
)

// G.711 has 8000 samples a second, one octet each.
const g711Rate = 8000

var g711 = family{
	layout: func(f earshot.Format) Layout {
		if law := lawOf(f); law != nil {
			return law
		}
		return nil
	},
	decoder: func(f earshot.Format) (Decoder, error) { return lawOf(f), nil },
	encoder: func(f earshot.Format) (Encoder, error) { return lawOf(f), nil },
}

func lawOf(f earshot.Format) *law {
	if f.ClockRate != g711Rate || f.Channels > 1 {
		return nil
	}
	switch {
	case f.Is("PCMU"):
		return muLaw
	case f.Is("PCMA"):
		return aLaw
	}
	return nil
}

// law is one of the two companding laws of ITU-T G.711. It has no state, so
// that all streams share it.
type law struct {
	linear [256]int16
	encode func(int16) byte
}

var (
	muLaw = newLaw(muLawLinear, muLawCode)
	aLaw  = newLaw(aLawLinear, aLawCode)
)

var (
	_ Decoder = (*law)(nil)
	_ Encoder = (*law)(nil)
)

func newLaw(linear func(byte) int16, encode func(int16) byte) *law {
	l := &law{encode: encode}
	for code := range 256 {
		l.linear[code] = linear(byte(code))
	}
	return l
}

// Rate returns 8000.
func (*law) Rate() int { return g711Rate }

// Samples returns the number of octets.
func (*law) Samples(payload []byte) int { return len(payload) }

// Decode expands each octet by the table.
func (l *law) Decode(pcm []int16, payload []byte) (int, error) {
	if len(pcm) < len(payload) {
		return 0, fmt.Errorf("decode G.711: room for %d of %d samples", len(pcm), len(payload))
	}
	pcm = pcm[:len(payload)]
	for i, code := range payload {
		pcm[i] = l.linear[code]
	}
	return len(payload), nil
}

// Encode appends one octet a sample.
func (l *law) Encode(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = append(dst, l.encode(s))
	}
	return dst
}

// The mu-law adds a bias before it takes the logarithm, so that segment
// borders are powers of two; what is louder than the clip is clipped.
const (
	muBias = 0x84
	muClip = 32635
)

// muLawLinear expands a mu-law code (G.711 table 2a/2b) to 16 bits.
func muLawLinear(code byte) int16 {
	code = ^code
	magnitude := (int(code&0x0f)<<3+muBias)<<(code>>4&7) - muBias
	if code&0x80 != 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}

func muLawCode(s int16) byte {
	sign, magnitude := byte(0), int(s)
	if magnitude < 0 {
		sign, magnitude = 0x80, -magnitude
	}
	magnitude = min(magnitude, muClip) + muBias
	segment := 7
	for m := 0x4000; magnitude&m == 0 && segment > 0; m >>= 1 {
		segment--
	}
	return ^(sign | byte(segment)<<4 | byte(magnitude>>(segment+3))&0x0f)
}

// aLawLinear expands an A-law code (G.711 table 1a/1b) to 16 bits. Even bits
// are inverted on the line.
func aLawLinear(code byte) int16 {
	code ^= 0x55
	magnitude := int(code&0x0f)<<4 + 8
	if segment := code >> 4 & 7; segment > 0 {
		magnitude = (magnitude + 0x100) << (segment - 1)
	}
	if code&0x80 == 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}

func aLawCode(s int16) byte {
	sign, magnitude := byte(0x80), int(s)
	if magnitude < 0 {
		// One's complement: the border between two codes belongs to the one
		// nearer zero on both sides.
		sign, magnitude = 0, -magnitude-1
	}
	segment := 0
	for m := magnitude >> 8; m > 0; m >>= 1 {
		segment++
	}
	mantissa := magnitude >> 4
	if segment > 1 {
		mantissa = magnitude >> (segment + 3)
	}
	return (sign | byte(segment)<<4 | byte(mantissa)&0x0f) ^ 0x55
}
